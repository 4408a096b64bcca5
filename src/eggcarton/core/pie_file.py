"""A file that lists what a part imports, for a Python that is none of ours: the Python Isolated Environment."""

from __future__ import annotations

import os
from pathlib import Path

from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.plan import EditableFile, File, Item, Link, runtime_source


def items(name: str, layout: Layout, environment: Environment) -> tuple[Item, ...]:
    """Return what makes a PIE file, and beside it in the part's directory the module that reads it.

    The file leads to the environment by a link of the part's, so that one that was edited, and is kept, leads to the
    environment of today too.

    Raises:
        OptionProblems: when line 1 cannot say where the environment is.
    """
    path, link = layout.etc / name, layout.location / "site-packages"
    pins = "".join(f"{distribution} == {version}\n" for distribution, version in sorted(environment.distributions))
    content = f"{_directory(link, path, layout)}\n# What part [{layout.part}] imports.\n{pins}"
    target = os.path.relpath(environment.site_packages, link.parent) if layout.relative else environment.site_packages
    return (
        File(layout.location / "pie.py", runtime_source("pie")),
        Link(link, target),
        EditableFile(path, content),
    )


def _directory(link: Path, path: Path, layout: Layout) -> str:
    directory = os.path.relpath(link, path.parent) if layout.relative else str(link)
    if any(sign in os.path.splitdrive(directory)[1] for sign in ":\n\r") or directory != directory.strip():
        problem = f"option 'pie': {directory!r} cannot stand in line 1 of the file, whose directories ':' separates"
        raise OptionProblems(layout.part, [f"{problem}; build in a directory without such signs in its path"])
    return directory
