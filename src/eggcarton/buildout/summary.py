"""The one line that a run ends with: what it did, and how long that took."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Done:
    """What a run did so far.

    ``size`` is in bytes; ``installed`` and ``unchanged`` count parts, whatever their recipe.
    """

    selected: int = 0
    fetched: int = 0
    size: int = 0
    unpacked: int = 0
    installed: int = 0
    unchanged: int = 0
    begun: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        size = f" ({self.size / 1e6:.1f} MB)" if self.size else ""
        parts = [f"{_counted(self.unchanged, 'part')} unchanged"] if self.unchanged else []
        parts += [f"{self.installed} installed"] if self.installed else []
        distributions = (
            f"{_counted(self.selected, 'distribution')}: {self.selected - self.unpacked} in the store, "
            f"{self.fetched} fetched{size}"
        )
        return "; ".join([distributions, ", ".join(parts) or "no parts", f"{time.monotonic() - self.begun:.1f} s"])


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
