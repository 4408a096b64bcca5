"""The environments that the last run has left to the parts of a buildout; they are only looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from eggcarton.buildout import installed
from eggcarton.buildout.part import records_of
from eggcarton.buildout.recipes import RECIPES, ours
from eggcarton.buildout.sections import Sections
from eggcarton.core.errors import Drift, UsageProblem
from eggcarton.core.options import declared
from eggcarton.packages import by_part, inventory
from eggcarton.packages.inventory import Inventory


class Built:
    """What stands of one buildout.

    Args:
        buildout: zc.buildout's own, that nothing has run in.
    """

    def __init__(self, buildout: Any) -> None:
        self.buildout = buildout
        self.root = Path(os.path.normpath(buildout["buildout"]["directory"]))
        self.records = Path(os.path.normpath(records_of(buildout)))
        self._sections = Sections(buildout)
        self._configured = list(self._sections.parts())

    def parts(self) -> list[str]:
        """Return the parts that have an environment, in the order of the configuration.

        Raises:
            Drift: there is none.
        """
        known = by_part.parts(self.records)
        if not known:
            raise Drift("no part has an environment yet; run bin/buildout, which makes those that are needed")
        ordered = [part for part in self._configured if part in known]
        return [*ordered, *(part for part in known if part not in ordered)]

    def to_come(self) -> list[str]:
        """Return the parts that are not built yet and may have an environment then."""
        known = {*by_part.parts(self.records), *installed.of(self.buildout).parts}
        return [part for part in self._configured if part not in known and self._may_import(part)]

    def _may_import(self, part: str) -> bool:
        """Tell whether a part's recipe is one of ours that gives it an environment where it asks for eggs."""
        module = RECIPES.get(ours(self._sections.section(part)) or "")
        return hasattr(getattr(module, "Options", None), "requirements")

    def inventory(self, part: str) -> Inventory:
        """Return what the environment of a part is.

        Raises:
            UsageProblem: there is no such part, or none that has an environment.
            Drift: it has not been built, or its environment is gone.
        """
        return inventory.read(self._prefix(part), self.root)

    def lasting(self, part: str) -> Path:
        """Return the path by which the environment of a part may always be named."""
        return by_part.path(self.records, part)

    def isolation(self, part: str) -> str:
        """Return what the configuration says of how far the scripts of a part are kept apart; empty without a say."""
        section = self._sections.section(part)
        module = RECIPES.get(ours(section) or "")
        known = declared(module.Options) if module else ()
        default = next((str(option.default) for option in known if option.name == "isolation"), "")
        return (section.get("isolation", "").strip() or default) if default else ""

    def elsewhere(self, part: str, directory: Path) -> Inventory:
        """Return what a part's environment is in another build.

        Args:
            directory: that of another buildout, or an environment itself.

        Raises:
            UsageProblem: it is neither.
            Drift: the environment there is gone.
        """
        place = Path(os.path.realpath(directory))
        if inventory.is_environment(place):
            is_usual = place.parent.name == "environments" and len(place.parents) > 3
            return inventory.read(place, place.parents[3] if is_usual else place.parent)
        inside = os.path.relpath(self.records, self.root)
        prefix = by_part.find(place / inside, part)
        if prefix is None:
            what = f"has no part {part!r} with an environment" if place.is_dir() else "is not there"
            raise UsageProblem(
                f"--against {directory}: that directory {what}; name that of another buildout in which bin/buildout "
                "has run, or an environment"
            )
        return inventory.read(prefix, place)

    def _prefix(self, part: str) -> Path:
        prefix = by_part.find(self.records, part)
        if prefix is not None:
            return prefix
        if part not in self._configured:
            raise UsageProblem(f"there is no part {part!r}; the parts are {', '.join(self._configured)}")
        section = self._sections.section(part)
        if ours(section) is None:
            recipe = section["recipe"]
            raise UsageProblem(f"[{part}] is built by {recipe}, which gives a part no environment of its own")
        if part not in installed.of(self.buildout).parts:
            raise Drift(f"[{part}] is not built yet; run bin/buildout")
        raise UsageProblem(f"[{part}] imports nothing, so that it has no environment")
