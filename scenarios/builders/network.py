"""The configuration's delays as the kernel's link."""

from environment.actors import Connection
from environment.actors.latency import Constant, LatencyModel
from environment.market import exchange
from scenarios.builders.delays import model_of
from scenarios.config.scenario import Scenario


class Network:
    """The configuration's delays as the kernel's link; the crowd's are drawn by the core."""

    def __init__(self, scenario: Scenario) -> None:
        latency = scenario.latency
        order = Connection(latency=model_of(latency.order or latency.network))
        self._pairs = {pair: Connection(latency=model_of(d)) for pair, d in latency.pairs.items()}
        self._order, self._core = order, Connection(latency=None)
        self._inside = Connection(latency=Constant(nanoseconds=1))

    def connection(self, sender: str, recipient: str) -> Connection:
        """Return how `sender` reaches `recipient`."""
        told = self._pairs.get(f"{sender}>{recipient}")
        if told is not None:
            return told
        if recipient == exchange.ADDRESS:
            return self._core if sender.startswith("crowd/") else self._order
        return self._inside

    def subscription(self, topic: str, subscriber: str) -> LatencyModel | None:
        """Return a subscriber's own delay of a topic, where the configuration names one."""
        told = self._pairs.get(f"{topic.lower()}>{subscriber}")
        return None if told is None else told.latency
