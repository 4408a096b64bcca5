"""What recipes ask for while they run, remembered from run to run: no section says it, and the lock must hold it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class Asked:
    """The requirements of each part that only its running recipe knows.

    Args:
        place: the file they are kept in.
        parts: the parts that there are now; what others asked for is forgotten.
    """

    def __init__(self, place: Path, parts: Collection[str]) -> None:
        self._place = place
        self._kept = _read(place)
        self._known = {part: list(specs) for part, specs in self._kept.items() if part in parts}
        self._now: dict[str, list[str]] = {}
        self._at_work: list[str] = []

    @contextmanager
    def at_work(self, part: str) -> Iterator[None]:
        """Tell which part asks while the block runs."""
        self._at_work.append(part)
        try:
            yield
        finally:
            self._at_work.pop()

    def add(self, specs: Sequence[str]) -> None:
        """Remember what the part at work asks for, at once: a run that fails for it must leave it known."""
        part = self.part_at_work or ""
        for table in (self._known, self._now):
            asked = table.setdefault(part, [])
            asked += [spec for spec in specs if spec not in asked]
        self._keep()

    def forget(self, installed: Collection[str]) -> None:
        """Forget what parts that were installed anew in this run did not ask for again."""
        for part in installed:
            if part in self._known:
                self._known[part] = self._now.get(part, [])
        self._known = {part: specs for part, specs in self._known.items() if specs}
        self._keep()

    @property
    def part_at_work(self) -> str | None:
        """The part whose recipe runs now."""
        return self._at_work[-1] if self._at_work else None

    def pairs(self, parts: Container[str]) -> list[list[str]]:
        """Return each requirement of some parts and who asks for it; ``""`` is a recipe that runs for no part."""
        known = sorted(self._known.items())
        return [[spec, _asker(part)] for part, specs in known if part in parts for spec in specs]

    def _keep(self) -> None:
        if self._known == self._kept:
            return
        self._place.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._place.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(self._known, indent=1), "utf-8")
        os.replace(temporary, self._place)
        self._kept = {part: list(specs) for part, specs in self._known.items()}


def _asker(part: str) -> str:
    return f"part {part}, while it runs," if part else "a recipe, while it runs,"


def _read(place: Path) -> dict[str, list[str]]:
    with suppress(FileNotFoundError, ValueError, AttributeError, TypeError):
        raw = json.loads(place.read_text("utf-8"))
        return {str(part): [str(spec) for spec in specs] for part, specs in raw.items()}
    return {}
