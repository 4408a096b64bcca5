"""What recipes ask for while they run: no section says it, so the lock holds it, by part, with what it leads to."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from eggcarton.packages import while_running


class Asked:
    """The requirements of each part that only its running recipe knows.

    The locks tell what was asked for when they were made. What was asked for since then, and is in no lock because
    the run ended there, is kept beside them: the next run, and ``bin/eggcarton lock``, begin with it. It holds for as
    long as its part's section and lock are what they were then.

    Args:
        place: the file that is kept.
        sections: the section of each part that there is now; what others asked for does not count.
        lock_of: the path of the lock that answers a part; the part ``""`` is a recipe that runs for none.
    """

    def __init__(self, place: Path, sections: Mapping[str, Mapping[str, str]], lock_of: Callable[[str], Path]) -> None:
        self._place, self._sections, self._lock_of = place, sections, lock_of
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
        if part not in self._sections:
            # Of a section that only a recipe's code leads to nobody knows in the next run; so it asks for no part.
            part = ""
        for table in (self._known, self._now):
            asked = table.setdefault(part, [])
            asked += [spec for spec in specs if spec not in asked]
        locked = self._locked()
        waiting = {one: [spec for spec in specs if spec not in locked[one]] for one, specs in self._known.items()}
        self._keep({one: specs for one, specs in waiting.items() if specs})

    def forget(self, installed: Collection[str]) -> list[str]:
        """Forget what parts that were installed anew did not ask for again, and return what parts these are."""
        changed = []
        for part in installed:
            now = self._now.get(part, [])
            if sorted(self._known.get(part, [])) != sorted(now):
                self._known[part] = now
                changed.append(part)
        return changed

    def settle(self) -> None:
        """Keep nothing beside the locks: after a run that succeeded they have all of it."""
        if self._place.exists():
            self._keep({})

    @property
    def part_at_work(self) -> str | None:
        """The part whose recipe runs now."""
        return self._at_work[-1] if self._at_work else None

    def pairs(self, parts: Container[str]) -> list[list[str]]:
        """Return each requirement of some parts and who asks for it; ``""`` is a recipe that runs for no part."""
        return [[spec, _asker(part)] for part, specs in self.by_part(parts).items() for spec in specs]

    def by_part(self, parts: Container[str]) -> dict[str, list[str]]:
        """Return the requirements of some parts, in order; of one for which a lock has some, that it has none."""
        known = {part: sorted(specs) for part, specs in sorted(self._known.items()) if part in parts}
        return {part: specs for part, specs in known.items() if specs or part in self._in_locks}

    @cached_property
    def _in_locks(self) -> set[str]:
        return {part for part, specs in self._locked().items() if specs}

    @cached_property
    def _known(self) -> dict[str, list[str]]:
        known = self._locked()
        for part, kept in _read(self._place).items():
            if part in known and kept.get("when") == self._stamp(part):
                known[part] += [spec for spec in kept["asked"] if spec not in known[part]]
        return known

    def _locked(self) -> dict[str, list[str]]:
        """Return what the locks tell of each part that there is."""
        parts = {part: self._lock_of(part) for part in ("", *self._sections)}
        tables = {lock: while_running.read(lock) for lock in set(parts.values())}
        return {part: list(tables[lock].get(part, ())) for part, lock in parts.items()}

    def _stamp(self, part: str) -> str:
        data = b""
        with suppress(OSError):
            data = self._lock_of(part).read_bytes()
        section = json.dumps(dict(self._sections.get(part, {})), sort_keys=True).encode()
        return hashlib.sha256(hashlib.sha256(data).digest() + section).hexdigest()

    def _keep(self, asked: Mapping[str, Sequence[str]]) -> None:
        kept = {part: {"when": self._stamp(part), "asked": list(specs)} for part, specs in asked.items()}
        if kept == _read(self._place):
            return
        self._place.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._place.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(kept, indent=1), "utf-8")
        os.replace(temporary, self._place)


def _asker(part: str) -> str:
    return f"part {part}, while it runs," if part else "a recipe, while it runs,"


def _read(place: Path) -> dict[str, dict[str, Any]]:
    """Return what is kept; an earlier release kept lists, of which the lock has what matters."""
    with suppress(FileNotFoundError, ValueError, AttributeError):
        raw = json.loads(place.read_text("utf-8"))
        return {str(part): kept for part, kept in raw.items() if isinstance(kept, dict)}
    return {}
