"""Develop packages that parts of other recipes make while they run: what they require is locked before, and nobody
is asked for their names.

zc.recipe.egg:develop makes one with options for its extension modules, which may lead to what other parts have made.
So it is not built before its part runs; its metadata is all that the lock needs.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eggcarton.buildout import building, needs, toolchain
from eggcarton.buildout.sections import NOT_YET
from eggcarton.core.errors import Drift, UsageProblem

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session
    from eggcarton.packages.member import Member

logger = logging.getLogger("eggcarton")
# The recipes that do so, and the option that names the project.
_RECIPES = {("zc-recipe-egg", "develop"): "setup"}


@dataclass(frozen=True, slots=True)
class DevelopedByPart:
    """A develop package that a part makes: its metadata, before it is made."""

    part: str
    source: str
    name: str
    version: str
    requires: tuple[str, ...]
    extras: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Its entries in ``develop-eggs``: what lies there is its part's."""
        return ()

    def stub(self) -> dict[str, Any]:
        """Return it as a resolution knows it: requirements, and no files."""
        return {key: getattr(self, key) for key in ("name", "version")} | {
            key: list(getattr(self, key)) for key in ("requires", "extras")
        }

    def member(self, directory: Path) -> Member:
        """Refuse to be part of an environment.

        Raises:
            UsageProblem: always; environments are made before the part runs.
        """
        raise UsageProblem(
            f"{self.name} is asked for by a part of eggcarton's, but [{self.part}] develops it only while it runs; "
            f"name {self.source} in develop of [buildout] instead, or have a part of zc.recipe.egg ask for it"
        )


def found(session: Session, *, frozen: bool) -> dict[str, DevelopedByPart]:
    """Return what parts will develop, by canonical name.

    Args:
        frozen: whether nothing may be locked for their builds.

    Raises:
        Drift: one has changed, and nothing may be written.
        EggcartonError: a build backend failed.
    """
    sources = dict(_sources(session))
    place = session.state / "developed-by-parts.json"
    known = _read(place) if sources else {}
    keys = {source: _key(session, source) for source in sources}
    kept = {source: known.get(f"{source} {key}") for source, key in keys.items()}
    missing = [source for source, told in kept.items() if told is None]
    if missing and session.reading:
        raise Drift("what parts develop has changed, so plans are not known; run bin/buildout, which finds it out")
    if missing:
        projects = [str(source) for source in missing]
        answer = session.child.ask("metadata", projects=projects, **building.order(session, frozen=frozen))
        for line in building.told(answer["changed"]):
            logger.info("%s", line)
        kept |= dict(zip(missing, answer["told"], strict=True))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({f"{source} {keys[source]}": told for source, told in kept.items()}), "utf-8")
    packages = [
        DevelopedByPart(
            sources[source], str(source), told["name"], told["version"], tuple(told["requires"]), tuple(told["extras"])
        )
        for source, told in kept.items()
        if told is not None
    ]
    return {package.name: package for package in packages}


def _sources(session: Session) -> Iterator[tuple[Path, str]]:
    """Give the directories of the projects that parts develop, and the parts."""
    for part in session.sections.parts():
        values = session.sections.section(part)
        option = _RECIPES.get(needs.entry_of(part, values))
        path = values.get(option or "", "").strip()
        if path and path != NOT_YET:
            # Source: zc.buildout.easy_install.develop takes a file for its directory.
            setup = Path(os.path.join(session.settings.root, os.path.expanduser(path)))
            yield (setup if setup.is_dir() else setup.parent).resolve(), part


def _key(session: Session, source: Path) -> str:
    """Return a digest of what decides a project's metadata: no file of it, nor any tool, has changed since."""
    digest = hashlib.sha256(repr([sys.version, sorted(toolchain.versions(toolchain.running()).items())]).encode())
    for directory, names, files in os.walk(source):
        inside = Path(directory).relative_to(source)
        names[:] = sorted(name for name in names if not _is_left_by_builds(name))
        for file in sorted(files):
            if not _is_left_by_builds(file):
                with suppress(OSError):
                    state = os.stat(os.path.join(directory, file))
                    digest.update(f"{inside / file} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _is_left_by_builds(name: str) -> bool:
    return name in ("__pycache__", "build", "dist") or name.startswith(".") or name.endswith((".egg-info", ".so", ".o"))


def _read(place: Path) -> dict[str, dict[str, Any]]:
    with suppress(FileNotFoundError, ValueError):
        known: dict[str, dict[str, Any]] = json.loads(place.read_text("utf-8"))
        return known
    return {}
