"""What the last run developed and this one does not: known until a run has reached its end without asking for it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from eggcarton.buildout import develop

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

_NAME = "developed-before.json"


def note(session: Session, records: develop.Records, sources: Sequence[Path], *, is_due: bool) -> None:
    """Keep what the last run developed, before this one writes other records.

    Args:
        records: those of the last run.
        sources: the directories that are developed now.
        is_due: whether one of them is to be built.
    """
    before = _before(session, list(records.known().values()))
    if before and (is_due or not set(before.values()) <= set(map(str, sources))):
        place = session.state / _NAME
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(before, indent=1, sort_keys=True), "utf-8")


def sentences(session: Session) -> dict[str, str]:
    """Return what is said of each name that the last run developed and this one does not, by canonical name."""
    known = develop.known(session.state / "develop").values()
    before = _before(session, list(known))
    now = {name: package.source for name, package in session.developed.items()}
    if not now:
        # Nothing is built yet, nor has an extension checked out what it will.
        here = [*session.develop_directories(), *(place for at in before.values() if (place := Path(at)).is_dir())]
        now = {name: str(place) for place in here for name in develop.names_in(place)}
    places = {source: name for name, source in now.items()}
    return {
        name: f"{name} was developed in {_told(source, session.settings.root)} by the last run and "
        + (f"{places[source]} is now" if source in places else "is not any more")
        for name, source in before.items()
        if name not in now
    }


def settle(*sessions: Session) -> None:
    """Forget it: this run has reached its end, and is the last one from now on."""
    for session in sessions:
        (session.state / _NAME).unlink(missing_ok=True)


def _before(session: Session, known: Sequence[develop.Developed]) -> dict[str, str]:
    before = {package.name: package.source for package in known}
    with suppress(OSError, ValueError):
        before |= json.loads((session.state / _NAME).read_text("utf-8"))
    return before


def _told(source: str, root: Path) -> str:
    path = Path(source)
    return os.path.relpath(path, root) if path.is_relative_to(root) else source
