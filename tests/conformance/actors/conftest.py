"""Every rule of the runtime is tried on every kernel: add a factory here."""

import pytest

from tests.conformance.actors.cast import MakeStage, make_simulation
from tests.conformance.actors.live_stage import make_live

KERNELS = {"simulation": make_simulation, "live": make_live}


@pytest.fixture(params=KERNELS, name="make_stage")
def stage_factory(request: pytest.FixtureRequest) -> MakeStage:
    """Return what makes a stage on one of the kernels."""
    return KERNELS[request.param]


@pytest.fixture(name="make_simulated")
def simulated_stage_factory() -> MakeStage:
    """Return what makes a stage for rules of virtual time: thinking, latency, repeatability."""
    return make_simulation
