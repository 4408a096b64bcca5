"""Whether a page is older than one that was seen before: serials and upload times, kept between runs."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

from eggcarton.core.credentials import without_credentials
from eggcarton.indexes.pages import Page

_END = re.compile(r"(\.[0-9]+)?[zZ]$")


@dataclass(frozen=True, slots=True)
class Age:
    """How new a page is, by what its index says of it; no clock of ours is asked.

    Attributes:
        serial: the number of the change that it shows, None where it does not tell.
        newest: the latest upload time of its files, None where it tells none.
    """

    serial: int | None = None
    newest: datetime | None = None

    @classmethod
    def of(cls, page: Page) -> Age:
        """Return how new a page is."""
        times = [time for file in page.listed if (time := _time(file.uploaded)) is not None]
        return cls(page.serial, max(times, default=None))

    def is_older(self, than: Age) -> bool:
        """Tell whether this is older for certain; what a page does not tell is unknown, not old.

        Where both tell a serial that alone decides: when a file is deleted the newest upload time goes back.
        """
        if self.serial is not None and than.serial is not None:
            return self.serial < than.serial
        return self.newest is not None and than.newest is not None and self.newest < than.newest

    def later(self, other: Age) -> Age:
        """Return the higher of both in each respect; of two upload times that of the higher serial counts."""
        if self.serial is not None and other.serial is not None and self.serial != other.serial:
            return max(self, other, key=lambda age: age.serial or 0)
        serial = max((age.serial for age in (self, other) if age.serial is not None), default=None)
        return Age(serial, max((age.newest for age in (self, other) if age.newest is not None), default=None))

    def behind(self, best: Age) -> str:
        """Return by what this is older."""
        if self.serial is not None and best.serial is not None:
            return f"serial {self.serial} after {best.serial}"
        return f"newest file of {_told(self.newest)} after {_told(best.newest)}"


def freshest(pages: Iterable[Page]) -> Page:
    """Return the newest of some pages, of equal ones the first."""
    left = iter(pages)
    best = next(left)
    for page in left:
        if Age.of(best).is_older(Age.of(page)):
            best = page
    return best


class Seen:
    """How new the pages of each index were at best, in one small file a project, which may be deleted at any time.

    Any number of processes may write at once: each file is replaced whole. Where two of them see a project change at
    the same moment one of both is kept, and what is lost is seen again.

    Args:
        directory: where the files are; None keeps all of it for this run alone.
        keeps: whether what is seen is kept for the next run, too.
    """

    def __init__(self, directory: Path | None = None, *, keeps: bool = True) -> None:
        self._directory, self._keeps = directory, keeps
        self._known: dict[Path, Age] = {}
        self._guard = threading.Lock()

    def of(self, index: str, project: str) -> Age:
        """Return how new a project's page was at best.

        Args:
            index: the address of the index; no credentials of it are kept.
            project: the canonical name.
        """
        place = self._place(index, project)
        with self._guard:
            if place not in self._known:
                self._known[place] = self._read(place)
            return self._known[place]

    def saw(self, index: str, project: str, age: Age) -> None:
        """Take note of a page that came from where what is said counts."""
        before, place = self.of(index, project), self._place(index, project)
        best = before.later(age)
        if best == before:
            return
        with self._guard:
            # Another process may have seen more meanwhile.
            best = best.later(self._read(place))
            self._known[place] = best
            if self._directory is not None and self._keeps:
                self._write(self._directory / place, best)

    @staticmethod
    def _place(index: str, project: str) -> Path:
        key = sha256(without_credentials(index).rstrip("/").encode()).hexdigest()[:16]
        return Path(key, f"{project}.json")

    def _read(self, place: Path) -> Age:
        if self._directory is None:
            return Age()
        try:
            told = json.loads((self._directory / place).read_text("utf-8"))
            serial = told.get("serial")
            return Age(serial if type(serial) is int and serial >= 0 else None, _time(told.get("newest")))
        except (OSError, ValueError, AttributeError):
            # Lost or spoilt: then nothing is known, as in the first run.
            return Age()

    @staticmethod
    def _write(path: Path, age: Age) -> None:
        told = {"serial": age.serial, "newest": age.newest.isoformat() if age.newest else None}
        # Where the cache cannot be written a run goes on without this; what a power cut spoils reads as unknown.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(told, stream)
                os.replace(name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise


def _told(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "no known time"


def _time(text: object) -> datetime | None:
    """Read an upload time of PEP 700, or None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        # Parts of a second do not count, and Python 3.10 reads no Z.
        found = datetime.fromisoformat(_END.sub("+00:00", text.strip()))
        return found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return None
