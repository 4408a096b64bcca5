"""The pins of the toolchain and of the closed set: what is locked beside ``bootstrap.py`` and shipped with us."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from eggcarton.buildout.session import Session
from eggcarton.core.errors import UsageProblem
from eggcarton.core.names import canonical_name
from eggcarton.packages import closed

REQUIRES_PYTHON = ">=3.10"
TOOLCHAIN = (
    "zc.buildout>=6.0.1,<7",
    "zc.recipe.egg>=6,<7",
    "setuptools",
    "pip",
    "wheel",
    "packaging",
    "platformdirs",
)
CLOSED_SET = (
    "packaging>=26.1",
    "uv",
    "urllib3>=2",
    "truststore",
    # Only 3.10 imports it, which may be another Python than the one that the closed set was unpacked by.
    "tomli",
    "Jinja2",
)
PINS = "toolchain.txt"
_VERSION = re.compile(r"[^\w.-]")


def lock_toolchain(session: Session, upgrade: Sequence[str] | None) -> list[str]:
    """Write the pins files that are missing, or anew what is to be upgraded, and return a line for each that changed.

    The toolchain's pins lie beside a vendored ``bootstrap.py``; the closed set's are part of our own source and are
    written only where that is developed.

    Args:
        session: the buildout's.
        upgrade: names to take anew, all of them when empty, none when None.
    """
    names = [canonical_name(name) for name in upgrade or ()]
    files = {
        str(path): list(requirements)
        for path, requirements in _files(session).items()
        if not path.exists() or (upgrade is not None and (not names or pinned_names(path).intersection(names)))
    }
    if not files:
        return []
    headers = {
        name: [f"What {_WHAT[Path(name).name]} is made of; written by bin/eggcarton lock --upgrade."] for name in files
    }
    changed: list[str] = session.child.ask(
        "lock-toolchain",
        files=files,
        headers=headers,
        requires_python=REQUIRES_PYTHON,
        upgrade=names,
        sources=session.sources,
    )
    return [f"{name} written" for name in changed]


def check_names(session: Session, upgrade: Sequence[str]) -> None:
    """Refuse to upgrade what nothing is locked of.

    Raises:
        UsageProblem: a name stands in no lock and in no pins file.
    """
    known = session.locked_names().union(*(pinned_names(path) for path in _files(session)))
    unknown = [name for name in upgrade if canonical_name(name) not in known]
    if unknown:
        # A requirement begins with the name that is meant.
        names = [_VERSION.split(name, maxsplit=1)[0] for name in unknown]
        near = [found[0] for name in names if (found := get_close_matches(canonical_name(name), known, n=1))]
        asked = f"did you mean {', '.join(near)}?" if near else "add it to the eggs of a part to have it locked"
        if names != unknown:
            wanted = "names are wanted, and versions go into [versions]"
            asked = f"{wanted}; {asked}" if near else wanted
        raise UsageProblem(f"--upgrade: nothing is locked of {', '.join(unknown)}; {asked}")


def missing(session: Session) -> list[str]:
    """Return the names of the pins files that `lock_toolchain` would write because they are not there."""
    return [path.name for path in _files(session) if not path.exists()]


def told(session: Session, name: str) -> list[str]:
    """Return what pins files say of a name that is in no lock, a sentence each."""
    return [
        f"{canonical_name(name)} is pinned in {path.name}: it is part of {_ROLE[path.name]}, and no part leads to it"
        for path in _files(session)
        if canonical_name(name) in pinned_names(path)
    ]


def pinned_names(path: Path) -> set[str]:
    """Return the canonical names in a pins file; none where there is no file."""
    if not path.exists():
        return set()
    return {canonical_name(name) for name in _PINNED.findall(path.read_text("utf-8"))}


def _files(session: Session) -> dict[Path, tuple[str, ...]]:
    root = session.settings.root
    files: dict[Path, tuple[str, ...]] = {root / PINS: TOOLCHAIN} if (root / "bootstrap.py").is_file() else {}
    if root in closed.PINS.parents and (root / "setup.py").is_file():
        files[closed.PINS] = CLOSED_SET
    return files


_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_ROLE = {PINS: "the toolchain that bin/buildout runs on", closed.PINS.name: "what eggcarton itself works with"}
_WHAT = {PINS: "bin/buildout", closed.PINS.name: "the process that locks, fetches and unpacks"}
