"""Installs distributions and makes nothing of them: for parts that refer to this one, as ``${NAME:location}``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eggcarton.core import imports
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import PART_NAME, option
from eggcarton.core.plan import Plan
from eggcarton.core.readers import requirements

__all__ = ["Options", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which distributions to install."""

    eggs: tuple[str, ...] = option(
        requirements, "The distributions to install, one requirement a line.", default=PART_NAME
    )
    extra_paths: tuple[Path, ...] = imports.extra_paths()

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return self.eggs


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return a plan without files, which tells where the environment is."""
    if environment is None:
        return Plan(())
    outputs = {
        "bin-directory": str(layout.bin),
        "location": str(environment.prefix),
        "python": str(environment.python),
        "site-packages": str(environment.site_packages),
    }
    return Plan((), outputs)
