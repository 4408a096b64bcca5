"""Whose hashes may enter a lock, and that routes which contradict each other are told; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes.pages import Page
from eggcarton.indexes.routing import Index, Route

ANY = "any"
_QUORUM = re.compile(r"quorum:([1-9][0-9]*)")


def quorum(index: Index) -> int | None:
    """Return how many routes of an index must agree, None where one alone may speak."""
    found = _QUORUM.fullmatch(index.authority)
    return int(found[1]) if found else None


def check_same(index: Index, pages: Sequence[Page]) -> None:
    """Make sure that no two routes tell different bytes of one file.

    Raises:
        IntegrityProblem: two do; both are shown.
    """
    told: dict[str, tuple[str, Route | None]] = {}
    for page in pages:
        for file in page.listed:
            if file.sha256 is None:
                continue
            sha256, route = told.setdefault(file.name, (file.sha256, page.route))
            if sha256 != file.sha256:
                raise IntegrityProblem(
                    f"index {index.name}: two of its routes tell different bytes of {file.name}: {_shown(route)} the "
                    f"sha256 {sha256}, {_shown(page.route)} the sha256 {file.sha256}; nothing was locked: find out "
                    f"which one is wrong, and take it out of [{index.name}]",
                    expected=sha256,
                    found=file.sha256,
                )


def agreed(index: Index, pages: Sequence[Page]) -> Page:
    """Return the first page, with those of its files that all pages tell with the same sha256.

    Where there is no such file all stay, and are in doubt.

    Raises:
        IntegrityProblem: two pages tell different ones.
    """
    check_same(index, pages)
    everywhere = set.intersection(*({(file.name, file.sha256) for file in page.listed} for page in pages))
    first = pages[0]
    kept = [(file.name, file.sha256) in everywhere and file.sha256 is not None for file in first.listed]
    if first.listed and not any(kept):
        told = " and ".join(_shown(page.route) for page in pages)
        return replace(first, doubt=f"{told} have no file of the project with the same one")
    files = [item for item, is_kept in zip(first.document["files"], kept, strict=True) if is_kept]
    return replace(
        first,
        listed=tuple(file for file, is_kept in zip(first.listed, kept, strict=True) if is_kept),
        document={**first.document, "files": files},
    )


def refusal(index: Index, files: Sequence[str], doubt: str) -> Unavailable:
    """Return the error about files whose hashes nobody vouches for.

    Args:
        index: the one that they belong to.
        files: their names.
        doubt: as in `Page`.
    """
    number = quorum(index)
    rule = f"where {number} routes agree on it" if number else "from the canonical route"
    name, *others = sorted(set(files))
    more = f" and of {len(others)} more files" if len(others) > 1 else f" and of {others[0]}" if others else ""
    return Unavailable(
        f"index {index.name}: the sha256 of {name}{more} may enter the lock only {rule}, and {doubt}; run again when "
        f"that has passed; where only a mirror can be reached, let its address be the url of [{index.name}], or "
        "authority = any, by which every route is believed"
    )


def silence(route: Route, fault: object) -> str:
    """Return the doubt that is left where the canonical route could not be asked, or told what is out of date."""
    return f"{_shown(route)} did not tell it: {fault}"


def too_few(answers: Sequence[Page], faults: Sequence[str]) -> str:
    """Return the doubt that is left where fewer routes than a quorum have told of a project."""
    told = " and ".join(_shown(page.route) for page in answers)
    return f"only {told} told of it" + (f" ({'; '.join(faults)})" if faults else "")


def _shown(route: Route | None) -> str:
    return without_credentials(route.url) if route is not None else "an unknown route"
