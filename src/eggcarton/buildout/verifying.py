"""What a build is held against when it is verified, and which promise it then keeps."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from eggcarton.buildout import asking, installed, moving, pythons
from eggcarton.core.errors import Unavailable
from eggcarton.packages import closed, selection

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

RUNGS = ("pinned", "locked", "verified", "air-gapped", "reproducible")
"""The promises that a build may keep, each with all those before it."""

_NAMED = 3
"""How many directories one sentence names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and for each promise that is not kept the sentence that says why."""

    findings: tuple[tuple[str, str, str], ...]
    reasons: dict[str, str]
    digest: str
    unchecked: int
    edited: tuple[str, ...]
    is_locked_but_for_the_machine: bool
    """Whether all that is not locked comes from the machine's own Python, because a part's options say so."""
    others: tuple[str, ...]

    @property
    def reached(self) -> str | None:
        """The last promise that is kept together with all before it."""
        kept = None
        for rung in RUNGS:
            if rung in self.reasons:
                break
            kept = rung
        return kept

    @property
    def next(self) -> str | None:
        """The first promise that is not kept."""
        return next((rung for rung in RUNGS if rung in self.reasons), None)


def verdict(session: Session, *, against: str | None = None) -> Verdict:
    """Verify a build.

    Args:
        against: the tree digest of another build.

    Raises:
        Unavailable: what locks are read with would have to be fetched first.
        Drift: what a develop package needs is not known, or the directory was moved and not built since.
    """
    moving.check(session.state, session.settings.root)
    if not (session.store / ".eggcarton" / closed.directory_name()).is_dir():
        raise Unavailable("the libraries that locks are read with are not in the store; run bin/buildout")
    built = {group: selection.load(session.state / f"selection-{group}.json") for group in session.groups()}
    by_lock = {str(session.lock_of(group)): found for group, found in built.items()}
    beside = pythons.beside(session)
    locked = [
        {
            **question,
            "built": dict(found.distributions) if (found := by_lock[question["lock"]]) else None,
            "beside": [dict(chosen.distributions) for chosen in pythons.chosen(beside, question["group"])],
        }
        for question in asking.questions(session)
    ]
    parts = sorted(unquote(path.stem) for path in session.records.glob("*.json"))
    cache = session.settings.cache_directory()[0]
    told = session.child.ask(
        "verify",
        locked=locked,
        sources=session.settings.sources(cache),
        records=str(session.records),
        parts=parts,
        places={str(session.settings.root): "{buildout}", str(session.store): "{store}", str(cache): "{cache}"},
        python=[str(session.python.executable), session.python.version],
        pythons=[[str(each.python.executable), each.python.version] for each in beside.values()],
        caches=pythons.right_caches(session, beside),
    )
    findings = tuple((path, what, why) for path, what, why in told["findings"])
    noted = installed.of(session.buildout).parts
    is_built = all(question["built"] is not None for question in locked)
    to_come = [f"part {part} is not built yet" for part in session.sections.parts() if part not in noted]
    return Verdict(
        findings=findings,
        reasons=_reasons(told, session.settings.root, is_built=is_built, to_come=to_come, against=against),
        digest=told["digest"],
        unchecked=told["unchecked"],
        edited=tuple(told["edited"]),
        is_locked_but_for_the_machine=not told["unlocked"],
        others=tuple(name for name in noted if name not in parts),
    )


def short(path: str, root: Path) -> str:
    """Return a path as it is told: below the buildout directory from there."""
    return os.path.relpath(path, root) if Path(path).is_relative_to(root) else path


def _remedy(told: dict[str, Any], root: Path) -> str:
    """Return what makes right what was found: an egg and an environment are made anew only as a whole."""
    whole = [Path(place) for place in told["remove"]]
    others = any(
        what != "missing" and not any(Path(path).is_relative_to(place) for place in whole)
        for path, what, _ in told["findings"]
    )
    names = [short(str(place), root) for place in whole]
    directories = [f"the {'directory' if len(whole) == 1 else 'directories'} {_few(names)}"] if whole else []
    rest = [f"what {'else ' if whole else ''}is named above"] if others else []
    remove = " and ".join([*directories, *rest])
    return f"remove {remove}, and run bin/buildout" if remove else "run bin/buildout"


def _few(names: list[str]) -> str:
    """Return all directories, or the first one of many and how the others are found."""
    if len(names) <= _NAMED:
        return ", ".join(names)
    both = os.path.commonpath(names) if len({os.path.isabs(name) for name in names}) == 1 else ""
    where = f" in {both}" if both not in ("", os.sep) else ""
    return f"{names[0]} and {len(names) - 1} more such{where} with files named above"


def _reasons(
    told: dict[str, Any], root: Path, *, is_built: bool, to_come: list[str], against: str | None
) -> dict[str, str]:
    reasons = {}
    if told["unpinned"]:
        reasons["pinned"] = _first(told["unpinned"])
    if told["unlocked"]:
        reasons["locked"] = _first(told["unlocked"])
    elif told["from_machine"]:
        reasons["locked"] = _first(told["from_machine"])
    if not is_built:
        reasons["verified"] = "nothing is built here yet; run bin/buildout"
    elif told["findings"]:
        number = len(told["findings"])
        what = "1 file is not as it was" if number == 1 else f"{number} files are not as they were"
        reasons["verified"] = f"{what} built from the lock; {_remedy(told, root)}"
    elif to_come:
        reasons["verified"] = f"{_first(to_come)}; run bin/buildout"
    if told["absent"]:
        reasons["air-gapped"] = f"{_first(told['absent'])} is neither in wheels nor in the cache"
    if against is None:
        reasons["reproducible"] = "it was not compared; verify --against DIGEST does, with the digest of another build"
    elif against != told["digest"]:
        reasons["reproducible"] = f"its tree digest is {told['digest']}, not {against}"
    return reasons


def _first(sentences: list[str]) -> str:
    return sentences[0] + (f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else "")
