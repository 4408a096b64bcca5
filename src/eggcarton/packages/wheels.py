"""Which of a distribution's wheels this Python and platform would install."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packaging.tags import Tag, sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from eggcarton.packages.lock import LockedFile, LockedPackage

_RANKS: Mapping[Tag, int] = {tag: rank for rank, tag in enumerate(sys_tags())}


def best_wheel(names: Sequence[str], ranks: Mapping[Tag, int] = _RANKS) -> int | None:
    """Return the position of the wheel that suits this Python and platform best, None when none does.

    Of wheels that suit equally well the one with the highest build number is taken.

    Args:
        names: the names of files.
        ranks: the tags of another Python and platform, each with its place among them.
    """
    best: tuple[int, tuple[int, str], int] | None = None
    for position, name in enumerate(names):
        try:
            _, _, build, tags = parse_wheel_filename(name)
        except InvalidWheelFilename:
            continue
        places = [ranks[tag] for tag in tags if tag in ranks]
        if places:
            found = (-min(places), build or (0, ""), position)
            if best is None or found[:2] > best[:2]:
                best = found
    return best[2] if best else None


def file_for_here(package: LockedPackage) -> LockedFile | None:
    """Return the file that this Python and platform install, a source distribution where there is no wheel."""
    position = best_wheel([wheel.name for wheel in package.wheels])
    return package.sdist if position is None else package.wheels[position]
