"""Metrics and health on loopback: counts and durations, no price, position or P&L."""

import ipaddress
from collections.abc import Iterator
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from environment.errors import ConfigError
from environment.record.steps import StepStatistics
from environment.telemetry.stages import BOUNDS_S
from scenarios.live.swarm import LiveSwarm

_TYPE: Final = "text/plain"


class SwarmCollector(Collector):
    """What the swarm counts, as Prometheus reads it."""

    def __init__(self, swarm: LiveSwarm) -> None:
        self._swarm = swarm

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it stands now."""
        swarm, kernel = self._swarm, self._swarm.kernel
        told, status = kernel.statistics(), swarm.status()
        waiting = GaugeMetricFamily("outcry_inbox_waiting", "Messages waiting.", labels=["actor"])
        restarts = CounterMetricFamily("outcry_restarts", "Incarnations begun.", labels=["actor"])
        handled = CounterMetricFamily("outcry_handled", "Messages handled.", labels=["actor"])
        for actor in told.actors:
            waiting.add_metric([actor.address], actor.waiting)
            restarts.add_metric([actor.address], actor.incarnation - 1)
            handled.add_metric([actor.address], actor.handled)
        yield from (waiting, restarts, handled)
        stages = swarm.stages.figures()
        histogram = HistogramMetricFamily(
            "outcry_tick_to_order_seconds", "From a tick to the order at the venue's socket."
        )
        buckets = [(str(b), float(n)) for b, n in zip(BOUNDS_S, stages.at_most, strict=True)]
        histogram.add_metric([], [*buckets, ("+Inf", stages.measured)], stages.total_s)
        yield histogram
        yield from _journal_metrics(swarm.journal_statistics())
        yield CounterMetricFamily("outcry_dead_letters", "Handlers that raised.", told.failures)
        yield CounterMetricFamily("outcry_stalls", "Event loop late by 50 ms.", told.stalls)
        yield CounterMetricFamily("outcry_clock_steps", "Steps of the clock.", told.clock_steps)
        yield GaugeMetricFamily("outcry_unknown_outcomes", "Commands in doubt.", status.unknown)
        yield GaugeMetricFamily("outcry_breaks", "Differences to the venue.", status.breaks)
        yield GaugeMetricFamily("outcry_open_orders", "Orders at work.", len(status.orders))
        yield GaugeMetricFamily("outcry_ready", "1 when it can trade.", int(status.is_ready))
        for level in ("active", "reducing", "halted"):
            state = GaugeMetricFamily("outcry_desk_state", "1 for the state.", labels=["state"])
            state.add_metric([level], int(status.desk == level))
            yield state


def _journal_metrics(told: StepStatistics) -> Iterator[Metric]:
    """Yield how far the disk is behind what was written, and what that took."""
    yield GaugeMetricFamily(
        "outcry_journal_lag_bytes", "Written to the journal and not synced yet.", told.lag_bytes
    )
    yield CounterMetricFamily("outcry_journal_steps", "Steps recorded.", told.steps)
    yield CounterMetricFamily("outcry_journal_bytes", "Bytes written.", told.written_bytes)
    durable = told.to_durable
    quantiles = GaugeMetricFamily(
        "outcry_journal_to_durable_seconds", "From written to synced.", labels=["quantile"]
    )
    for label, value_ns in (("0.5", durable.p50_ns), ("0.99", durable.p99_ns)):
        quantiles.add_metric([label], value_ns / 1e9)
    yield quantiles


class MetricsServer:
    """`/metrics`, `/health` (the loop turns) and `/ready` (a session stands, accounts compared)."""

    def __init__(self, swarm: LiveSwarm) -> None:
        self._swarm = swarm
        self._registry = CollectorRegistry()
        self._registry.register(SwarmCollector(swarm))
        self._runner: web.AppRunner | None = None

    async def start(self, address: str) -> None:
        """Serve on `HOST:PORT`.

        Raises
        ------
        ConfigError
            If the port is in use, or the host is not loopback.
        """
        host, _, port = address.rpartition(":")
        if not _is_loopback(host):
            raise ConfigError(
                f"daemon.metrics: {address} is not loopback; use 127.0.0.1:{port}, and a proxy "
                "where others must read it"
            )
        app = web.Application()
        app.add_routes([
            web.get("/metrics", self._metrics), web.get("/health", self._health),
            web.get("/ready", self._ready),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, int(port)).start()
        except OSError as error:
            raise ConfigError(
                f"daemon.metrics: port {port} of {host} is in use; choose another"
            ) from error

    async def close(self) -> None:
        """Serve no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002  the route's shape
        return web.Response(body=generate_latest(self._registry), content_type=_TYPE)

    async def _health(self, request: web.Request) -> web.Response:  # noqa: ARG002  the route's shape
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:  # noqa: ARG002  the route's shape
        status = self._swarm.status()
        if status.is_ready and status.desk == "active":
            return web.Response(text="ready\n")
        return web.Response(text=f"{status.desk}, venue {status.venue}\n", status=503)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
