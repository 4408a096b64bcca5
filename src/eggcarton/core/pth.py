"""The directories that ``.pth`` files add to a path, as Python reads them at its start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def named_in(directory: Path) -> Iterator[Path]:
    """Give what the ``.pth`` files of a directory name, in the order of the files' names, whether it exists or not.

    Lines that are code are not run: what they would add cannot be known without that.

    Source: site.addpackage; hidden files do not count.
    """
    for file in sorted(directory.glob("*.pth")):
        if not file.name.startswith("."):
            yield from named_by(file)


def named_by(file: Path) -> Iterator[Path]:
    """Give what one ``.pth`` file names."""
    for line in file.read_text("utf-8-sig", "surrogateescape").splitlines():
        if is_path(line):
            yield Path(os.path.normpath(file.parent / line.strip()))


def is_path(line: str) -> bool:
    """Tell whether a line names something that is added to the path, and is neither code nor a remark."""
    return bool(line.strip()) and not line.startswith(("#", "import ", "import\t"))
