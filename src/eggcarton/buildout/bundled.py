"""The bundle that ``bootstrap.py --from`` has noted for a buildout; its files come before any index is asked."""

from __future__ import annotations

import os
from pathlib import Path

NOTE = Path(".eggcarton", "bundle")
"""Where the note lies in the buildout's directory; a bundle in there is noted by its relative path."""


def directories(root: Path) -> list[Path]:
    """Return the directories of the bundle that hold files of locks; none where no bundle was noted, or it is gone."""
    try:
        noted = (root / NOTE).read_bytes()
    except OSError:
        return []
    wheels = root / os.fsdecode(noted.rstrip(b"\n")) / "wheels"
    if not wheels.is_dir():
        return []
    # Below, files lie that have the name of another one.
    return [wheels, *sorted(path for path in wheels.iterdir() if path.is_dir())]
