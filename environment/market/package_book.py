"""Packages as rows: found, told of, waiting by price and time, and taken out."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.emit import draw_latency, out_row, tape_row
from environment.market.ladder import account_row
from environment.market.matching import next_priority
from environment.market.strategy import (
    strategy_row,
)

FREE, IN_FLIGHT, WAITING = range(3)  # PK_STATE


@inner
def package_row(arena, package):
    """Return the first word of a package."""
    return arena[at.H_OFFSET + at.S_PACKAGE] + package * 16


@inner
def identity_of(arena, package):
    """Return a package's public id: generation above, row below."""
    return (arena[package_row(arena, package) + at.PK_GENERATION] << 32) | package


@inner
def find_package(arena, account, identity):
    """Return an account's package of a public id that is not over, or NONE."""
    package = identity & 0xFFFFFFFF
    if identity <= 0 or package >= arena[at.H_PACKAGE_BUMP]:
        return at.NONE
    p = package_row(arena, package)
    if arena[p + at.PK_GENERATION] != identity >> 32 or arena[p + at.PK_STATE] == FREE:
        return at.NONE
    return package if arena[p + at.PK_ACCOUNT] == account else at.NONE


@inner
def package_tape(arena, package, what, quantity, counterparty, reason):
    """Append a tape row about a package; `what` is one of the PR_ codes."""
    p = package_row(arena, package)
    tape_row(arena, at.K_PACKAGE, at.NONE, identity_of(arena, package), arena[p + at.PK_ACCOUNT],
             arena[p + at.PK_SIDE], what | (arena[p + at.PK_TIF] << 32), arena[p + at.PK_PRICE],
             quantity, arena[p + at.PK_LEAVES], counterparty, reason, 0,
             arena[p + at.PK_STRATEGY])  # fmt: skip


@inner
def tell_package(arena, package, kind, price, quantity, extra):
    """Tell a package's owner what happened to it, where it has one."""
    p = package_row(arena, package)
    a = account_row(arena, arena[p + at.PK_ACCOUNT])
    if arena[a + at.A_OWNER] == at.NO_OWNER:
        return
    latency = arena[a + (at.A_FILL_CLASS if kind == at.M_PACKAGE_FILLED else at.A_ACK_CLASS)]
    counter = arena[a + at.A_ACK_COUNTER]
    arena[a + at.A_ACK_COUNTER] = counter + 1
    delay = draw_latency(arena, latency, arena[a + at.A_KEY], counter)
    delivery = max(arena[at.H_NOW] + delay, arena[a + at.A_ACK_LAST])
    arena[a + at.A_ACK_LAST] = delivery
    row = out_row(arena, delivery, arena[a + at.A_OWNER], kind, 0)
    turned = arena[p + at.PK_FLIPPED]
    arena[row + at.X_ORDER] = identity_of(arena, package)
    arena[row + at.X_TAG] = arena[p + at.PK_TAG]
    arena[row + at.X_SIDE] = arena[p + at.PK_SIDE] ^ turned
    arena[row + at.X_PRICE] = -price if turned else price
    arena[row + at.X_QUANTITY] = quantity
    arena[row + at.X_LEAVES] = arena[p + at.PK_LEAVES]
    arena[row + at.X_EXTRA] = extra


@inner
def free_package(arena, package):
    """Give a package's row back; its generation rises, so that the old id finds nothing."""
    p = package_row(arena, package)
    arena[p + at.PK_STATE] = FREE
    arena[p + at.PK_GENERATION] += 1
    arena[p + at.PK_NEXT] = arena[at.H_PACKAGE_FREE]
    arena[at.H_PACKAGE_FREE] = package + 1


@inner
def end_package(arena, package, reason):
    """End a package that stands in no list."""
    p = package_row(arena, package)
    left = arena[p + at.PK_LEAVES]
    package_tape(arena, package, at.PR_CANCEL, left, at.NONE, reason)
    tell_package(arena, package, at.M_PACKAGE_CANCELLED, arena[p + at.PK_PRICE], left, reason)
    free_package(arena, package)


@inner
def _list_of(arena, p):
    st = strategy_row(arena, arena[p + at.PK_STRATEGY])
    return st + (at.ST_BUYS if arena[p + at.PK_SIDE] == 0 else at.ST_SELLS)


@inner
def wait_in_book(arena, package):
    """Let a package wait behind those of its price, in front of worse ones."""
    p = package_row(arena, package)
    arena[p + at.PK_STATE] = WAITING
    arena[p + at.PK_SEQUENCE] = next_priority(arena)
    head = _list_of(arena, p)
    sign = 1 if arena[p + at.PK_SIDE] == 0 else -1
    before, after = at.NONE, arena[head] - 1
    while after != at.NONE:
        row = package_row(arena, after)
        if sign * arena[row + at.PK_PRICE] < sign * arena[p + at.PK_PRICE]:
            break
        before, after = after, arena[row + at.PK_NEXT] - 1
    arena[p + at.PK_PREVIOUS], arena[p + at.PK_NEXT] = before + 1, after + 1
    if before == at.NONE:
        arena[head] = package + 1
    else:
        arena[package_row(arena, before) + at.PK_NEXT] = package + 1
    if after != at.NONE:
        arena[package_row(arena, after) + at.PK_PREVIOUS] = package + 1
    arena[at.H_PACKAGES] += 1
    package_tape(arena, package, at.PR_REST, arena[p + at.PK_LEAVES], at.NONE, at.LIQ_NONE)


@inner
def leave_book(arena, package):
    """Take a waiting package out of its list."""
    p = package_row(arena, package)
    before, after = arena[p + at.PK_PREVIOUS] - 1, arena[p + at.PK_NEXT] - 1
    if before == at.NONE:
        arena[_list_of(arena, p)] = after + 1
    else:
        arena[package_row(arena, before) + at.PK_NEXT] = after + 1
    if after != at.NONE:
        arena[package_row(arena, after) + at.PK_PREVIOUS] = before + 1
    arena[at.H_PACKAGES] -= 1
    arena[p + at.PK_STATE] = IN_FLIGHT


@inner
def cancel_package(arena, package, reason):
    """Take a waiting package out."""
    leave_book(arena, package)
    end_package(arena, package, reason)
