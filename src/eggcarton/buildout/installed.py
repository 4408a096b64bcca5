"""What zc.buildout has noted of the last run: its parts, the paths that each of them made, and develop packages."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zc.buildout import configparser

_SECTION = re.compile(r"^\[(.+)\]\n((?:[^\[\n].*\n)*)", re.MULTILINE)


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
    return parsed(file.read_text("utf-8"), file, root) if file.is_file() else Installed()


def with_new_parts(before: str, file: Path, root: Path) -> str:
    """Return an earlier record, and what a run that failed has noted since of new parts that it finished.

    A part that has any path of the earlier ones, or one above or below, is left out: what stands there is theirs again.
    """
    now = file.read_text("utf-8") if file.is_file() else ""
    try:
        old, new = parsed(before, file, root), parsed(now, file, root)
    except configparser.Error:
        # A kill may leave half a record.
        return before
    there, sections = old.owned, dict(_SECTION.findall(now))
    further = [part for part in new.parts if part not in old.parts and part in sections]
    added = [part for part in further if not _touch(new.parts[part], there)]
    if not added or not now.endswith("\n"):
        return before
    noted = "".join(f"\n[{part}]\n{sections[part]}" for part in added)
    return f"{before}{noted}\n[buildout]\nparts = {' '.join([*old.parts, *added])}\n"


def _touch(paths: Collection[Path], others: Collection[Path]) -> bool:
    return any(one == other or one in other.parents or other in one.parents for one in paths for other in others)


def parsed(text: str, file: Path, root: Path) -> Installed:
    """Read the text of such a record, which is that of a file."""
    sections = configparser.parse(io.StringIO(text), str(file))
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
