"""Whether another distribution's package stands in the way of one of ours."""

import importlib.util
from pathlib import Path
from typing import Final

from environment.errors import ConfigError
from scenarios.places import PROJECT_ROOT

PACKAGES: Final = ("environment", "agents", "brokers", "llm", "scenarios")


def shadowed_packages() -> dict[str, Path]:
    """Return each of our package names that Python finds elsewhere, and where."""
    found: dict[str, Path] = {}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve().parent if spec and spec.origin else Path("nowhere")
        if origin != PROJECT_ROOT / name:
            found[name] = origin
    return found


def refuse_shadowed() -> None:
    """Raise ConfigError where a run would import somebody else's package."""
    for name, place in shadowed_packages().items():
        raise ConfigError(
            f"the package {name} is found at {place}, not at {PROJECT_ROOT / name}; "
            "install outcry into a virtual environment of its own"
        )
