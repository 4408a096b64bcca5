"""Counts tests, and tells the numbers to another program."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import NamedTuple

from .watch import ERROR, FAILED, SKIPPED, Outcome

VARIABLE = "EGGCARTON_TEST_TOTALS"
"""Names the file that numbers are written to, as JSON."""

DIED = "the process ended while this test ran"
"""What is told of a test that a process did not survive."""


class Count(NamedTuple):
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
        kind = outcome.kind
        return Count(
            self.tests + 1,
            self.failures + (kind == FAILED),
            self.errors + (kind == ERROR),
            self.skipped + (kind == SKIPPED),
            self.seconds + outcome.seconds,
        )

    def numbers(self) -> dict[str, int]:
        """Return the numbers by the names that JUnit has for them."""
        return {"tests": self.tests, "failures": self.failures, "errors": self.errors, "skipped": self.skipped}


def write(path: str, outcomes: Sequence[Outcome], seconds: float) -> None:
    """Write the numbers, and how long the whole run took."""
    staging = f"{path}.{os.getpid()}"
    with open(staging, "w", encoding="utf-8") as stream:
        json.dump({**Count.of(outcomes).numbers(), "seconds": round(seconds, 3)}, stream)
    os.replace(staging, path)
