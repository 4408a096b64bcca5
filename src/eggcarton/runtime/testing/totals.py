"""Counts tests, and tells the numbers to another program."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .watch import ERROR, FAILED, SKIPPED, Outcome

VARIABLE = "EGGCARTON_TEST_TOTALS"
"""Names the file that numbers are written to, as JSON."""

DIED = "the process ended while this test ran"
"""What is told of a test that a process did not survive."""

_FIELDS = {FAILED: "failures", ERROR: "errors", SKIPPED: "skipped"}


@dataclass(frozen=True)
class Count:
    """How many tests there were, how many of each kind but `passed`, and how long all took."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Count:
        """Return the count of some."""
        count = cls()
        for outcome in outcomes:
            count = count.with_one(outcome)
        return count

    def with_one(self, outcome: Outcome) -> Count:
        """Return the count with one more."""
        changed: dict[str, int] = {"tests": self.tests + 1}
        if field := _FIELDS.get(outcome.kind):
            changed[field] = getattr(self, field) + 1
        return replace(self, seconds=self.seconds + outcome.seconds, **changed)

    def numbers(self) -> dict[str, int]:
        """Return the numbers by the names that JUnit has for them."""
        return {"tests": self.tests, "failures": self.failures, "errors": self.errors, "skipped": self.skipped}


def write(path: str, outcomes: Sequence[Outcome], seconds: float) -> None:
    """Write the numbers, and how long the whole run took."""
    staging = f"{path}.{os.getpid()}"
    with open(staging, "w", encoding="utf-8") as stream:
        json.dump({**Count.of(outcomes).numbers(), "seconds": round(seconds, 3)}, stream)
    os.replace(staging, path)
