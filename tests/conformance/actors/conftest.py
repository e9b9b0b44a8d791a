"""Every rule of the runtime is tried on every kernel: add a factory here."""

import pytest

from tests.conformance.actors.cast import MakeStage, make_simulation

KERNELS = {"simulation": make_simulation}


@pytest.fixture(params=KERNELS, name="make_stage")
def stage_factory(request: pytest.FixtureRequest) -> MakeStage:
    """Return what makes a stage on one of the kernels."""
    return KERNELS[request.param]
