"""The exchange's whole state as bytes, and back."""

import msgspec
import numpy as np

from environment.market.arena import copy_of
from environment.market.exchange_state import ExchangeState
from environment.market.market import Market


def encoded(market: Market, state: ExchangeState) -> bytes:
    """Return the arena, the floats beside it, and the façade's own state, as one snapshot."""
    floats = market.floats
    return msgspec.msgpack.encode([
        market.arena.tobytes(), b"" if floats is None else floats.tobytes(),
        msgspec.msgpack.encode(state),
    ])  # fmt: skip


def restored(market: Market, data: bytes) -> ExchangeState:
    """Give a market its snapshot back, and return the façade's."""
    arena, floats, state = msgspec.msgpack.decode(data, type=tuple[bytes, bytes, bytes])
    market.arena = copy_of(np.frombuffer(arena, np.int64))
    if market.floats is not None:
        market.floats[:] = np.frombuffer(floats, np.float64)
    return msgspec.msgpack.decode(state, type=ExchangeState)
