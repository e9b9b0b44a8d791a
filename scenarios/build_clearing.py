"""The clearing house of a world: its desk, where options can be exercised."""

from environment.market.clearing_house import ClearingHouse, HouseDay, HouseSettings
from scenarios.build_floor import floor_accounts
from scenarios.builder import World

HOUSE = "clearing"


def spawn_house(world: World) -> None:
    """Put the clearing house's desk at its address; it knows who owns which account."""
    config, floor = world.config, world.floor
    settings = HouseSettings(
        days=tuple(
            HouseDay(session=day.date, start_ns=day.start_ns, cut_off_ns=day.end_ns)
            for day in world.sessions
        ),
        owners={
            name: account.owner for name, account in floor_accounts(config, floor.agents).items()
        },
    )  # fmt: skip

    def make() -> ClearingHouse:
        house = ClearingHouse(settings)
        world.house.append(house)
        return house

    world.kernel.spawn(HOUSE, make)
