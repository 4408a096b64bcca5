"""The one line that a run ends with: what it did, and how long that took."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from eggcarton.buildout.traffic import Traffic


@dataclass(slots=True)
class Done:
    """What a run did so far.

    ``size`` is in bytes; ``fetched`` and ``cached`` count what was unpacked, by where its file came from, and
    ``built`` what was made of source here; ``installed`` and ``restored`` are parts, the latter with files that were
    not as they had been written; ``updated`` counts all that were looked at again, whatever their recipe; ``traffic``
    knows where files came from.
    """

    selected: int = 0
    fetched: int = 0
    cached: int = 0
    built: int = 0
    size: int = 0
    installed: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    updated: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    begun: float = field(default_factory=time.monotonic)

    def add(self, answer: Mapping[str, Any]) -> None:
        """Count what the child process has provided."""
        self.fetched += answer["fetched"]
        self.cached += answer["cached"]
        self.built += answer["built"]
        self.size += answer["bytes"]

    def tells(self, record: logging.LogRecord, parts: Collection[str]) -> bool:
        """Count a part that zc.buildout tells of, and return whether that is worth telling.

        Args:
            record: what zc.buildout tells, of a part or of anything else.
            parts: the parts that the configuration names.
        """
        names = [str(part) for part in record.args or ()]
        if record.msg == "Installing %s.":
            self.installed += names
        elif record.msg == "Updating %s.":
            # It has only been looked at again.
            self.updated += 1
            return False
        elif record.msg == "Uninstalling %s.":
            # A part that is installed anew keeps what it has until that has succeeded.
            return not set(names) & set(parts)
        return True

    def __str__(self) -> str:
        size = f" ({self.size / 1e6:.1f} MB{self.traffic.origins()})" if self.size else ""
        restored = len(set(self.restored) - set(self.installed))
        unchanged = self.updated - restored
        parts = [f"{_counted(unchanged, 'part')} unchanged"] if unchanged else []
        parts += [f"{restored} restored"] if restored else []
        parts += [f"{len(self.installed)} installed"] if self.installed else []
        there = self.selected - self.fetched - self.cached - self.built
        distributions = [f"{there} in the store", f"{self.fetched} fetched{size}"]
        distributions += [f"{self.cached} from the cache"] if self.cached else []
        distributions += [f"{self.built} built"] if self.built else []
        seconds = time.monotonic() - self.begun
        told = f"{_counted(self.selected, 'distribution')}: {', '.join(distributions)}"
        return "; ".join([told, *self.traffic.remarks(), ", ".join(parts) or "no parts", f"{seconds:.1f} s"])


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
