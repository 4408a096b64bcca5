"""Hears of each test, whatever runner it runs under."""

from __future__ import annotations

from dataclasses import dataclass, field

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"


@dataclass(frozen=True)
class Outcome:
    """What came of one test.

    Args:
        group: the class, or the module, that it belongs to, as a dotted name.
        name: its name within the group, parameters included.
        kind: `passed`, `failed`, `error` for what broke outside the test itself, or `skipped`.
        seconds: how long it took.
        message: one line on why it did not pass.
        details: the traceback.
    """

    group: str
    name: str
    kind: str
    seconds: float
    message: str = ""
    details: str = ""


@dataclass
class Watch:
    """Collects outcomes.

    Args:
        timeout: how many seconds one test may take; None for any time.
    """

    timeout: float | None = None
    outcomes: list[Outcome] = field(default_factory=list)

    def ended(self, outcome: Outcome) -> None:
        """Note what came of a test."""
        self.outcomes.append(outcome)
