"""What zc.buildout has noted of the last run: its parts, the paths that each of them made, and develop packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zc.buildout import configparser


@dataclass(frozen=True, slots=True)
class Installed:
    """One ``.installed.cfg``: the absolute paths of each part, and those of develop packages."""

    parts: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    develop_eggs: tuple[Path, ...] = ()

    @property
    def owned(self) -> set[Path]:
        """Every path that a part or a develop package has."""
        return {path for paths in self.parts.values() for path in paths} | set(self.develop_eggs)


def read(file: Path, root: Path) -> Installed:
    """Read zc.buildout's record; relative paths in it start from the buildout directory."""
    if not file.is_file():
        return Installed()
    with file.open(encoding="utf-8") as stream:
        sections = configparser.parse(stream, str(file))
    buildout = sections.get("buildout", {})
    # The sections of parts that were removed stay in the file until some part is installed.
    names = buildout.get("parts", "").split()
    return Installed(
        {name: _paths(root, sections.get(name, {}).get("__buildout_installed__", "")) for name in names},
        _paths(root, buildout.get("installed_develop_eggs", "")),
    )


def of(buildout: Any) -> Installed:
    """Return what the last run of a buildout has left."""
    section = buildout["buildout"]
    return read(Path(section.get("installed") or ""), Path(section["directory"]))


def _paths(root: Path, text: str) -> tuple[Path, ...]:
    return tuple(root / line for line in text.split("\n") if line)
