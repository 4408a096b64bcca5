"""The other Pythons that rows of a matrix run by: each has its develop packages, selections and eggs beside ours.

What is locked is for all of them. Their packages are built and unpacked by a child process that such a Python itself
runs; nothing else of zc.buildout's runs there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from eggcarton.buildout import developing
from eggcarton.buildout.machine import Machine
from eggcarton.core.errors import Drift, EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.packages import closed, selection
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.selection import Selection

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

_KINDS = {kind.exit_code: kind for kind in (UsageProblem, Drift, Unavailable, IntegrityProblem)}


def beside(session: Session) -> dict[str, Session]:
    """Return a session for each other Python that rows run by, by its minor version; nothing is asked of any yet."""
    return {minor: _of(session, python) for minor, python in session.rows.pythons().items()}


def prepared(session: Session) -> dict[str, Session]:
    """Return them once each has developed, fetched and unpacked what its rows import.

    Raises:
        EggcartonError: one cannot, with the name of the Python.
    """
    found = beside(session)
    for minor, other in found.items():
        groups = dict.fromkeys(row.group for row in session.rows.known.values() if row.is_by(minor))
        try:
            other.developed = developing.develop_all(other)
            for group in groups:
                other.select_group(group)
        except Drift as drift:
            if session.reading:
                raise
            told = f"Python {minor}, which an option 'pythons' names, needs what is not locked for the others: {drift}"
            raise Drift(told) from drift
        except EggcartonError as error:
            kind = _KINDS.get(error.exit_code, EggcartonError)
            raise kind(f"Python {minor}, which an option 'pythons' names: {error}") from error
    return found


def chosen(beside: Mapping[str, Session], group: str) -> list[Selection]:
    """Return what other Pythons have selected from the lock of a group."""
    found = (selection.load(other.state / f"selection-{group}.json") for other in beside.values())
    return [one for one in found if one is not None]


def right_caches(session: Session, beside: Mapping[str, Session]) -> list[str]:
    """Return the files that other Pythons have compiled, and would compile the same again."""
    parts = session.records.parent
    shared = [str(path) for path in (*parts.glob("*/eggcarton_runtime"), session.records / "environments")]
    found = list[str]()
    for other in beside.values():
        selected = [one for group in session.groups() for one in chosen({"": other}, group)]
        eggs = sorted({egg for one in selected for egg in one.eggs()})
        with other.child:
            found += other.child.ask("right-caches", places=[*eggs, *shared])
    return found


def _of(session: Session, python: Interpreter) -> Session:
    """Return the session of another Python: it changes no lock, and shares what is not given here."""
    place = session.records / "pythons" / python.minor
    closed_set = partial(closed.ensure, session.store, **session.settings.of_closed_set())
    return replace(
        session,
        settings=replace(session.settings, frozen=True),
        state=place,
        develop_eggs=place / "develop-eggs",
        python=python,
        tag=session.tag.replace(f"py{session.python.minor}-", f"py{python.minor}-", 1),
        machine=Machine(python),
        child=closed.Child(closed_set, session.done.traffic.heed, session.settings.remedy, python.executable),
        developed={},
        selected={},
        beside={},
    )
