"""A package's replace: one event, refused whole or done whole.

As of single orders: `quantity` is the new total, at or below what has traded the package is
cancelled; a smaller or equal one at the present net price keeps its place, all else loses it and
may trade at once. The id stays.
"""

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.entry import new_order
from environment.market.heap import push
from environment.market.package import enter_market, package_fault
from environment.market.package_book import (
    WAITING,
    cancel_package,
    find_package,
    leave_book,
    package_row,
    package_tape,
    tell_package,
)
from environment.market.strategy import strategy_row


@inner
def replace_package(arena, account, identity, quantity, price):
    """A package's replace reaches the exchange. Returns the reason it was refused, or -1.

    `price` is net, as the package's sender writes its legs; PRESENT_PRICE keeps the one it has.
    """
    package = find_package(arena, account, identity)
    if package == at.NONE:
        return at.R_UNKNOWN
    p = package_row(arena, package)
    if arena[p + at.PK_STATE] != WAITING:
        return at.R_UNKNOWN
    leaves = quantity - arena[p + at.PK_FILLED]
    if leaves <= 0:
        cancel_package(arena, package, at.R_BELOW_FILLED)
        return -1
    net = arena[p + at.PK_PRICE]
    if price != at.PRESENT_PRICE:
        net = -price if arena[p + at.PK_FLIPPED] else price
    if net == arena[p + at.PK_PRICE] and leaves <= arena[p + at.PK_LEAVES]:
        arena[p + at.PK_LEAVES] = leaves
        package_tape(arena, package, at.PR_REDUCE, leaves, at.NONE, at.LIQ_NONE)
        tell_package(arena, package, at.M_PACKAGE_REPLACED, net, quantity, 0)
        return -1
    st = strategy_row(arena, arena[p + at.PK_STRATEGY])
    fault = package_fault(arena, p, st, leaves, net)
    if fault >= 0:
        return fault
    leave_book(arena, package)
    arena[p + at.PK_PRICE], arena[p + at.PK_LEAVES] = net, leaves
    package_tape(arena, package, at.PR_MOVE, leaves, at.NONE, at.LIQ_NONE)
    tell_package(arena, package, at.M_PACKAGE_REPLACED, net, quantity, 0)
    enter_market(arena, package)
    return -1


@inner
def refuse_package_request(arena, account, identity, reason):
    """Tell a package that is not over that a request about it was refused; return if there is one.

    Its owner hears under the package's own name; of one that is over nobody knows the name.
    """
    package = find_package(arena, account, identity)
    if package == at.NONE:
        return False
    p = package_row(arena, package)
    arena[at.H_REFUSED] += 1
    tell_package(arena, package, at.M_PACKAGE_REQUEST_REFUSED, arena[p + at.PK_PRICE], 0, reason)
    return True


@njit
def post_package_replace(arena, arrival, account, identity, quantity, price):
    """Send a package's replace to the exchange. PRESENT_PRICE keeps its net price."""
    form = new_order(arena, 0, account, 0, 0, 0, 0, 0, price, quantity, 0, 0, 0, 0, 0)
    push(arena, arrival, at.E_PACKAGE_REPLACE, form, identity)
