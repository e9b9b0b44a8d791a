"""The desk's half of the swarm file: limits, breakers and approval."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from scenarios.config.market import Endpoint, Lots, Share, Symbol, Text
from scenarios.config.secret import Secret
from scenarios.config.types import Duration, Money, Period

Tier = Literal["auto", "notify", "one", "two", "refuse"]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
MailAddress = Annotated[
    str, Meta(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$", max_length=254, description="NAME@HOST")
]
Above0OrNone = Annotated[float, Meta(gt=0.0, le=1e6)] | None


class MoneyLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount: soft asks a person, hard refuses."""

    soft: Money | None = None
    hard: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing."""
        _check_limit(self.soft, self.hard)


class CountLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number of shares, contracts or orders: soft asks a person, hard refuses."""

    soft: Count | None = None
    hard: Count | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing."""
        _check_limit(self.soft, self.hard)


class ShareLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fraction: soft asks a person, hard refuses."""

    soft: Above0OrNone = None
    hard: Above0OrNone = None

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing."""
        _check_limit(self.soft, self.hard)


class CollarLimit(ShareLimit, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fraction of a price: soft asks a person, hard refuses."""

    def __post_init__(self) -> None:
        """Refuse a per cent taken for a fraction: a price cannot fall by more than all of it."""
        super().__post_init__()
        for name, figure in (("soft", self.soft), ("hard", self.hard)):
            if figure is not None and figure > 1:
                raise ValueError(f"expected {name} of 1 or less; five per cent is 0.05")


class WindowLimit(ShareLimit, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fraction, and how long a time it looks back."""

    within: Period = Period(60_000_000_000)


class AgeLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An age of data: soft asks a person, hard refuses."""

    soft: Period | None = None
    hard: Period | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing."""
        _check_limit(self.soft, self.hard)


def _check_limit(
    soft: float | None, hard: float | None, names: tuple[str, str] = ("soft", "hard")
) -> None:
    """Raise ValueError for a limit without a figure, below 0, or softer than it is hard."""
    first, last = names
    if soft is None and hard is None:
        raise ValueError(f"expected {first}, {last} or both")
    for name, figure in zip(names, (soft, hard), strict=True):
        if figure is not None and figure < 0:
            raise ValueError(f"expected {name} of 0 or more; take the sign away")
    if soft is not None and hard is not None and hard < soft:
        raise ValueError(f"expected {last} at or above {first}; the {first} one acts first")


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every name is one control of the risk desk; what is left out is not limited."""

    order_notional: MoneyLimit | None = None
    order_quantity: CountLimit | None = None
    position: CountLimit | None = None
    restricted: tuple[Symbol, ...] = ()
    order_share_of_depth: ShareLimit | None = None
    price_collar: CollarLimit | None = None
    underlying_delta: MoneyLimit | None = None
    underlying_vega: MoneyLimit | None = None
    worst_case_loss: MoneyLimit | None = None
    uncovered_short_options: CountLimit | None = None
    orders_per_second: CountLimit | None = None
    data_age: AgeLimit | None = None
    model_dispersion: ShareLimit | None = None
    resting_collar: CollarLimit | None = None
    duplicate_orders: CountLimit | None = None
    strategy_orders_per_second: CountLimit | None = None
    desk_orders_per_second: CountLimit | None = None
    order_share_of_daily_volume: ShareLimit | None = None
    window_collar: WindowLimit | None = None
    option_window_collar: WindowLimit | None = None
    gross_exposure: MoneyLimit | None = None
    net_exposure: MoneyLimit | None = None
    concentration: ShareLimit | None = None
    underlying_gamma: MoneyLimit | None = None
    underlying_theta: MoneyLimit | None = None
    expiry_delta: MoneyLimit | None = None
    expiry_gamma: MoneyLimit | None = None
    expiry_vega: MoneyLimit | None = None
    expiry_theta: MoneyLimit | None = None
    structure_loss: MoneyLimit | None = None
    margin_used: ShareLimit | None = None
    value_at_risk: MoneyLimit | None = None
    expected_shortfall: MoneyLimit | None = None


class Portfolio(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How views become positions.

    `quantity` is the most of one instrument, in lots, and `notional` in money. `kelly` is the share
    of the growth-optimal position, `caution` the standard errors taken off an edge first.
    `volatility_target` is what one position may add to the account's, per year. An expected return
    below `cost_multiple` half-spreads opens nothing. `style` is how more than the touch is worked.
    """

    quantity: Lots = 100
    notional: Money | None = None
    kelly: Share = 0.25
    caution: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.1
    volatility_target: Annotated[float, Meta(gt=0.0, le=10.0)] = 0.10
    cost_multiple: Annotated[float, Meta(ge=0.0, le=100.0)] = 1.0
    depth_share: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    style: Literal["direct", "market", "passive", "twap", "vwap"] = "direct"


class LossBreaker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Losses of the day at which the desk only reduces, and at which it stops."""

    reducing: Money | None = None
    halted: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a breaker without a figure, or that stops before it reduces."""
        _check_limit(self.reducing, self.halted, ("reducing", "halted"))


class ExecutionBreaker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fills within a time at which a person must look before it goes on."""

    reducing: Count | None = None
    halted: Count | None = None
    within: Period = Period(60_000_000_000)

    def __post_init__(self) -> None:
        """Refuse a breaker without a figure, or that stops before it reduces."""
        _check_limit(self.reducing, self.halted, ("reducing", "halted"))


class Breakers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What moves the desk, or a part of it, down without asking."""

    daily_loss: LossBreaker | None = None
    drawdown: LossBreaker | None = None
    agent_daily_loss: LossBreaker | None = None
    agent_drawdown: LossBreaker | None = None
    strategy_daily_loss: LossBreaker | None = None
    strategy_drawdown: LossBreaker | None = None
    underlying_daily_loss: LossBreaker | None = None
    underlying_drawdown: LossBreaker | None = None
    repeated_execution: ExecutionBreaker | None = None
    agent_repeated_execution: ExecutionBreaker | None = None
    strategy_repeated_execution: ExecutionBreaker | None = None
    underlying_repeated_execution: ExecutionBreaker | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the approval table; all its conditions must hold."""

    name: Text
    tier: Tier
    opens: tuple[Literal["stock", "option"], ...] = ()
    notional_under: Money | None = None
    notional_over: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that no order could ever meet."""
        under, over = self.notional_under, self.notional_over
        if (under is not None and under <= 0) or (over is not None and over < 0):
            raise ValueError("expected bounds above 0: no order is worth less than nothing")
        if under is not None and over is not None and under <= over:
            raise ValueError("expected notional_under above notional_over, or no order fits both")


class Escalate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to call when no page is open, and when nobody answers."""

    after: Duration
    webhook: Secret | None = None
    hmac: Secret | None = None
    mail: MailAddress | None = None
    mail_server: Endpoint = "127.0.0.1:25"
    mail_login: Secret | None = None

    def __post_init__(self) -> None:
        """Refuse an escalation that reaches nobody, or that nobody can trust."""
        if self.webhook is None and self.mail is None:
            raise ValueError("expected webhook or mail")
        if self.webhook is not None and self.hmac is None:
            raise ValueError("expected hmac, the key that signs the webhook")


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which orders a person must answer for, how long they may take, and what then."""

    default: Tier = "one"
    rules: tuple[Rule, ...] = ()
    answer_within: Period = Period(60_000_000_000)
    send_within: Period = Period(120_000_000_000)
    drift: Share = 0.005
    ask_again: Annotated[int, Meta(ge=0, le=2)] = 2
    remind: tuple[Period, ...] = ()
    escalate: Escalate | None = None

    def __post_init__(self) -> None:
        """Refuse a reminder that comes after the answer, and two rules of one name."""
        late = [wait for wait in self.remind if wait >= self.answer_within]
        if late:
            raise ValueError("expected remind before answer_within; the question has ended by then")
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f'expected rules of different names, found "{name}" twice; an answer names one'
                )
