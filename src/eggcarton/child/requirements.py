"""Read requirements files that are a live input of a lock: what they ask for, and what they hold others to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import UsageProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import foreign, requirements_file
from eggcarton.packages.requirements_file import Entry


def read(*, path: str, root: str, develop: Sequence[str]) -> dict[str, Any]:
    """Read one file and those that it names.

    Args:
        path: the file.
        root: the directory of the buildout, which the names of files are told relative to.
        develop: the directories of develop packages, which an entry may name.

    Returns:
        ``files``, the sha256 of each by its path; ``needs`` and ``constraints``, pairs of a line and the place where
        it stands; ``hashes``, the trusted sha256 by name; and ``remarks``.

    Raises:
        UsageProblem: a file cannot be read or understood, or names what is neither locked nor developed here.
        IntegrityProblem: an entry has hashes, and no sha256 among them.
    """
    found = requirements_file.read(Path(path))
    beside = os.path.relpath(Path(path).parent, root).replace(os.sep, "/")
    where = "" if beside == "." else f"{beside}/"
    here = set(map(os.path.realpath, develop))
    needs: list[list[str]] = []
    constraints: list[list[str]] = []
    hashes: dict[str, set[str]] = {}
    for entry in found.entries:
        place, requirement = f"{where}{entry.place}", entry.requirement
        directory = _directory(entry, Path(path).parent)
        if directory is not None and os.path.realpath(directory) in here:
            continue
        if directory is not None or entry.editable or requirement is None:
            raise UsageProblem(f"{place}: {_remedy(entry)}")
        (constraints if entry.constraint else needs).append([_line(entry), place])
        if entry.hashes:
            name = str(canonicalize_name(requirement.name))
            hashes.setdefault(name, set()).update(foreign.sha256_in(entry.hashes, f"{place}: {requirement.name}"))
    return {
        "files": {str(file): file_digest(file) for file in found.files},
        "needs": needs,
        "constraints": constraints,
        "hashes": {name: sorted(told) for name, told in hashes.items()},
        "remarks": [f"{where}{remark}" for remark in found.ignored],
    }


def _directory(entry: Entry, beside: Path) -> Path | None:
    """Return the directory that an entry names, None where it names a project or an archive."""
    url = entry.url
    if url is None or ("://" in url and not url.startswith("file://")):
        return None
    path = beside / url.removeprefix("file://").partition("#")[0].partition("[")[0]
    return path if path.is_dir() or entry.editable else None


def _remedy(entry: Entry) -> str:
    told = without_credentials(entry.url or "")
    if "://" in told and not told.startswith("file://"):
        named = entry.requirement.name if entry.requirement else "NAME"
        return f"{told} is no requirement that can be locked; write '{named} @ {told.partition('#')[0]}'"
    return f"{told} is a directory here that is not developed; name it in 'develop' of [buildout]"


def _line(entry: Entry) -> str:
    """Return an entry as one requirement; of a bare address, with the name that it tells."""
    requirement = entry.requirement
    assert requirement is not None
    if entry.url is None or requirement.url:
        return str(requirement)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras} @ {entry.url}{f' ; {requirement.marker}' if requirement.marker else ''}"
