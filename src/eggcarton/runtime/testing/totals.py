"""Tells another program how many tests there were, and what came of them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence

from .watch import ERROR, FAILED, SKIPPED, Outcome

VARIABLE = "EGGCARTON_TEST_TOTALS"
"""Names the file that numbers are written to, as JSON."""


def counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return how many tests there were, and how many of each kind but `passed`."""
    kinds = Counter(outcome.kind for outcome in outcomes)
    numbers = {"failures": kinds[FAILED], "errors": kinds[ERROR], "skipped": kinds[SKIPPED]}
    return {"tests": len(outcomes), **numbers}


def write(path: str, outcomes: Sequence[Outcome], seconds: float) -> None:
    """Write the numbers, and how long the whole run took."""
    staging = f"{path}.{os.getpid()}"
    with open(staging, "w", encoding="utf-8") as stream:
        json.dump({**counted(outcomes), "seconds": round(seconds, 3)}, stream)
    os.replace(staging, path)
