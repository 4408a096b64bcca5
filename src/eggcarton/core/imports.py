"""The options that say what a part imports beside its eggs, in the same words in every recipe that has them."""

from __future__ import annotations

from pathlib import Path

from eggcarton.core.options import option
from eggcarton.core.readers import boolean, name_patterns, paths


def extra_paths() -> tuple[Path, ...]:
    """Declare the directories that are imported from behind all distributions."""
    return option(
        paths, "Further directories that the part imports from, relative to the buildout directory.", default=""
    )


def allowed_eggs_from_site_packages() -> tuple[str, ...]:
    """Declare the distributions that are taken from the machine's own Python."""
    return option(
        name_patterns,
        "Distributions that are taken from the machine's own Python where that has them, in versions that what"
        " requires them allows; they are not locked.",
        default="",
    )


def relative_paths() -> bool | None:
    """Declare whether the part may be moved."""
    return option(
        boolean,
        "Whether the part works wherever the buildout directory is moved to; left out: as relative-paths in"
        " [buildout] says.",
        default=None,
    )
