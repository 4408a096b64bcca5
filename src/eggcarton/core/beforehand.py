"""What comes before a script does what it is for: all that it requires is looked for, then its services are started.

A recipe has these in a few lines: two options, and what `beforehand` returns of them joined to its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from eggcarton.core import prerequisites, services
from eggcarton.core.layout import Layout
from eggcarton.core.plan import RUNTIME, KeptDirectory
from eggcarton.core.prerequisites import Prerequisite


class Needing(Protocol):
    """The options of each part that may need something beforehand."""

    @property
    def services(self) -> tuple[str, ...]:
        """The sections of services."""

    @property
    def requires(self) -> tuple[Prerequisite, ...]:
        """What has to be there."""


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What a part has beside its own for what comes first.

    Args:
        copied: what is copied of `eggcarton.runtime`.
        settings: what the script's `main` is told: `requires` for `requires.met`, `services` for `services.during`.
        directories: where logs are.
    """

    copied: tuple[str, ...]
    settings: Mapping[str, Mapping[str, object]]
    directories: tuple[KeptDirectory, ...]


def beforehand(options: Needing, layout: Layout) -> Beforehand:
    """Return what a part has for what comes first; where nothing does, that is nothing.

    What its services require, it requires too.
    """
    wanted = {each.line: each for each in options.requires}
    wanted |= {each.line: each for service in layout.services for each in service.options.requires}
    common, copied = {"part": layout.part, "root": layout.root}, list[str]()
    settings = dict[str, Mapping[str, object]]()
    if wanted:
        copied += prerequisites.COPIED
        settings["requires"] = {**common, "requires": [each.setting() for each in wanted.values()]}
    if layout.services:
        reads_files = any(service.options.environment_file for service in layout.services)
        copied += [*services.COPIED, *(["environment_file"] if reads_files else [])]
        reader = layout.location / RUNTIME / "environment_file.py" if reads_files else None
        started = [service.setting(layout) for service in layout.services]
        settings["services"] = {**common, "reader": reader, "services": started}
    usual = any(service.options.log is None for service in layout.services)
    directories = (KeptDirectory(layout.log / layout.part),) if usual else ()
    return Beforehand(tuple(dict.fromkeys(copied)), settings, directories)
