"""What a request asks of its lock, alone or together with what other configurations ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eggcarton.packages import origin as origins
from eggcarton.packages import union
from eggcarton.packages import while_running as running
from eggcarton.packages.lock import LockedPackage
from eggcarton.packages.needs import Need, Needs, Terms, WorkingSet, check_range

NONE: Mapping[str, Sequence[str]] = {}
ASKED = (
    *("needs", "pins", "develop", "requires_python", "terms", "constraints", "hashes", "working_sets"),
    "while_running",
)
"""What a request asks of its lock; the arguments of `needs_of`."""


def needs_of(
    needs: Sequence[Sequence[str]],
    pins: Mapping[str, str],
    develop: Sequence[Mapping[str, Any]],
    requires_python: str,
    terms: Mapping[str, Any],
    constraints: Sequence[Sequence[str]] = (),
    hashes: Mapping[str, Sequence[str]] = NONE,
    working_sets: Sequence[tuple[Sequence[str], Sequence[str]]] = (),
    while_running: Mapping[str, Sequence[str]] = NONE,
    gone: Mapping[str, str] | None = None,
) -> Needs:
    """Return what a request asks for.

    Args:
        needs: pairs of a requirement and who asks for it.
        pins: ``[versions]``, name to version or range.
        develop: name, version and requires of each package that is built from source here, and, with ``machine`` set,
            of each that the machine's own Python has.
        requires_python: the range that a new lock is made for.
        terms: the fields of `Terms`.
        constraints: pairs of a line that holds versions, and the place where it stands.
        hashes: the sha256 by name that alone are trusted, where any are told.
        working_sets: the lines of each part, and the names that it may take from the machine.
        while_running: what of the needs recipes asked for while they ran, by part.
        gone: a sentence on each name that was developed here by the last run, and is not any more.

    Raises:
        UsageProblem: it is for Pythons that cannot be, or not for this one.
    """
    if terms.get("asked_python") is not None:
        check_range(terms["asked_python"])
    return Needs(
        # With credentials an address is used, but never told or locked.
        needs=tuple(Need(origins.cleaned(requirement), asked_by) for requirement, asked_by in needs),
        pins=pins,
        develop=tuple(map(_stub, develop)),
        requires_python=requires_python,
        terms=Terms(**terms),
        constraints=tuple(Need(origins.cleaned(line), place) for line, place in constraints),
        hashes={name: frozenset(told) for name, told in hashes.items()},
        machine=tuple(_stub(given) for given in develop if given.get("machine")),
        working_sets=tuple(
            WorkingSet(tuple(map(origins.cleaned, lines)), frozenset(names)) for lines, names in working_sets
        ),
        while_running=running.table_of(
            {part: [origins.cleaned(line) for line in lines] for part, lines in while_running.items()}
        ),
        gone=gone or {},
    )


def _stub(told: Mapping[str, Any]) -> LockedPackage:
    return LockedPackage(
        told["name"],
        told["version"],
        requires=tuple(map(origins.cleaned, told["requires"])),
        empty_extras=tuple(told.get("extras", ())),
    )


def asked_together(question: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Needs:
    """Return what a question asks for, with what other configurations ask of the same lock."""
    return together(needs_of(**{key: question[key] for key in ASKED}), others)


def together(needs: Needs, others: Sequence[Mapping[str, Any]]) -> Needs:
    """Return needs with those of other configurations, each a question with its ``config``."""
    return union.of(needs, {other["config"]: needs_of(**{key: other[key] for key in ASKED}) for other in others})
