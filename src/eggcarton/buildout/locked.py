"""What a build is locked to, for the parts that ask for it; kept, so that a run with nothing to do starts no child."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from eggcarton.buildout import asking, toolchain
from eggcarton.buildout.sections import Sections
from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import Locked
from eggcarton.core.names import canonical_name
from eggcarton.core.plan import digest_of
from eggcarton.core.standing import digest_of_bytes
from eggcarton.packages import closed

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

logger = logging.getLogger("eggcarton")


def of_session(session: Session, part: str, kinds: Sequence[str], lock: Path | None) -> Locked:
    """Return what a locked build is locked to.

    Args:
        part: whose options ask for it.
        kinds: what of `bin/eggcarton export` is asked for.
        lock: the lock to tell of; None means that of the build.

    Raises:
        OptionProblems: there is no such lock.
        Unavailable: it would have to be fetched what reads it, in a run that only looks.
    """
    own = session.lock_of(session.group_of(part))
    path = _there(session.settings.root, part, lock) or own
    beside = [path, *map(session.lock_of, session.groups())]
    kept = session.state / f"exported-{quote(part, safe=' ')}.json"
    key = _key(beside, path, kinds)
    found = _read(kept, key)
    if found is None:
        if session.reading:
            asking.needs_no_network(session)
        found = {"key": key, "texts": _texts(session.child, path, kinds), "names": sorted(session.locked_names())}
        if path != own:
            found["names"] = session.child.ask("locked-names", paths=[str(path)])
        if not session.reading:
            _write(kept, found)
    others = {*session.developed, *asking.of_machine(session), *toolchain.versions(toolchain.running())}
    pins = {name: pin for group in session.groups() for name, pin in asking.pins_of(session, group).items()}
    return _locked(session.buildout, pins, path, found, others)


def unlocked(buildout: Any, part: str, kinds: Sequence[str], lock: Path | None) -> Locked | None:
    """Return what a lock says in a build that does not obey it; None where no lock is named."""
    section = buildout["buildout"]
    path = _there(Path(section["directory"]), part, lock)
    if path is None:
        return None
    store, index = Path(section["eggs-directory"]), section.get("index", "").strip() or None
    with closed.Child(lambda: closed.ensure(store, index=index, say=logger.info)) as child:
        names = child.ask("locked-names", paths=[str(path)])
        found = {"texts": _texts(child, path, kinds), "names": names}
    return _locked(buildout, buildout.versions, path, found, toolchain.versions(toolchain.running()))


def _there(root: Path, part: str, lock: Path | None) -> Path | None:
    if lock is None:
        return None
    path = root / lock
    if not path.is_file():
        raise OptionProblems(part, [f"option 'lock': there is no {path}; name a lock that is there, or leave it out"])
    return path


def _texts(child: closed.Child, path: Path, kinds: Sequence[str]) -> dict[str, str]:
    return {kind: child.ask("export", kind=kind, lock=str(path), urls=False, sources={}) for kind in kinds}


def _key(locks: Iterable[Path], path: Path, kinds: Sequence[str]) -> str:
    """Return a digest of all that the texts hang on, what writes them included."""
    known = sorted({str(lock): digest_of_bytes(lock.read_bytes()) for lock in locks if lock.is_file()}.items())
    writer = resources.files("eggcarton.packages").joinpath("export.py").read_bytes()
    return digest_of([known, str(path), list(kinds), sys.version, sys.platform, os.name, writer])


def _locked(buildout: Any, pins: Mapping[str, str], path: Path, found: dict[str, Any], others: Iterable[str]) -> Locked:
    sections, versions = Sections(buildout), buildout["buildout"].get("versions", "versions")
    # zc.buildout adds pins of its own, which stand in no file.
    added = {name for name in buildout.versions if sections.origin(versions, name) is None}
    told = {canonical_name(name): pin for name, pin in pins.items() if name not in added}
    own = {canonical_name(name) for name in others}
    return Locked(lock=path, texts=found["texts"], names=tuple(found["names"]), others=tuple(sorted(own)), pins=told)


def _read(kept: Path, key: str) -> dict[str, Any] | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        if found["key"] == key:
            return found
    return None


def _write(kept: Path, found: dict[str, Any]) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_name(f"{kept.name}.{os.getpid()}")
    temporary.write_text(json.dumps(found), "utf-8")
    os.replace(temporary, kept)
