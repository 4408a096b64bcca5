"""Look at every route, and at what the lock needs of this machine, and say what is the matter with it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from eggcarton.child import mirrors
from eggcarton.child.door import Door, Sources, uv_program
from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.indexes import probe
from eggcarton.indexes.probe import Seen, Verdict
from eggcarton.indexes.reach import reach
from eggcarton.indexes.routing import Index
from eggcarton.packages import diagnosis
from eggcarton.packages.diagnosis import RouteFacts
from eggcarton.packages.lock import LockedPackage
from eggcarton.packages.sdists import COMPILERS
from eggcarton.packages.wheels import best_wheel

_UV_WITHIN = 30.0


def examine(*, paths: Sequence[str], sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is the matter with the routes, and what of this machine the locks need and do not find.

    Args:
        paths: of the locks; those that are not there yet are passed over.
        sources: the fields of `Sources`; offline no route is asked.

    Returns:
        ``routes``, how many were asked; ``findings``, a sentence each; ``uv``, why it does not run; ``from_git`` and
        ``to_compile``, the names of what cannot be had without git and a compiler, which are not there.
    """
    door, packages = Sources.of(sources).open(), mirrors.locked(paths)
    findings, number = list[str](), 0
    try:
        answers = [] if door.sources.offline else mirrors.looked(door, packages)
    except UsageProblem as problem:
        answers = []
        findings.append(str(problem))
    for index, sample, looks in answers:
        for seen, verdict in zip(looks, probe.judged(index, looks, sample), strict=True):
            number += 1
            findings += diagnosis.of_route(_facts(door, index, seen, verdict))
    sources_alone = [package.name for package in packages if _is_built(package)]
    git = [package.name for package in packages if package.origin is not None and package.origin.kind == "git"]
    return {
        "routes": number,
        "findings": list(dict.fromkeys(findings)),
        "uv": _fault_of_uv(),
        "from_git": sorted(set(git)) if shutil.which("git") is None else [],
        "to_compile": sorted(set(sources_alone)) if not any(map(shutil.which, COMPILERS)) else [],
    }


def _facts(door: Door, index: Index, seen: Seen, verdict: Verdict) -> RouteFacts:
    outcome = (seen.fault or seen.file) if verdict.needs_care else None
    words = (probe.STALE, probe.EQUIVOCATING)
    return RouteFacts(
        index=index.name,
        route=without_credentials(seen.route.url),
        host=urlsplit(seen.route.url).netloc.rpartition("@")[2],
        reach=reach(seen.route.url),
        # What other bytes it serves is among what was found.
        outcome=None if any(word in words for word, _ in verdict.findings) else outcome,
        ahead=seen.ahead,
        credentials=index.credentials,
        now=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        found=tuple(sentence for word, sentence in verdict.findings if word in words),
    )


def _is_built(package: LockedPackage) -> bool:
    """Tell whether a distribution has no wheel for this Python and platform."""
    is_wheel = package.origin is not None and package.origin.is_wheel
    return package.sdist is not None and not is_wheel and best_wheel([wheel.name for wheel in package.wheels]) is None


def _fault_of_uv() -> str | None:
    try:
        done = subprocess.run(
            [str(uv_program()), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_UV_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, EggcartonError) as error:
        return str(getattr(error, "strerror", None) or error).lower()
    return None if done.returncode == 0 else f"it ends with status {done.returncode}"
