"""The bundle that ``bootstrap.py --from`` has noted for a buildout; its files come before any index is asked."""

from __future__ import annotations

import os
from pathlib import Path

NOTE = Path(".eggcarton", "bundle")
"""Where the note lies in the buildout's directory; a bundle in there is noted by its relative path."""


def directories(root: Path) -> list[Path]:
    """Return the directories of the bundle that hold files of locks; none where no bundle was noted, or it is gone."""
    bundle = _noted(root)
    wheels = bundle and bundle / "wheels"
    if not wheels or not wheels.is_dir():
        return []
    # Below, files lie that have the name of another one.
    return [wheels, *sorted(path for path in wheels.iterdir() if path.is_dir())]


def remedy(root: Path) -> str | None:
    """Return what mends a file that is missing since the noted bundle is gone, None where that is there."""
    bundle = _noted(root)
    if bundle is None or bundle.is_dir():
        return None
    return (
        f"the bundle {bundle}, from which this was bootstrapped, is gone; where it was moved, run bootstrap.py --from "
        "with its new place"
    )


def _noted(root: Path) -> Path | None:
    try:
        noted = (root / NOTE).read_bytes()
    except OSError:
        return None
    return root / os.fsdecode(noted.rstrip(b"\n"))
