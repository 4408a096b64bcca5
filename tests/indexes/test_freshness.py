"""A page that is older than one seen before is told from one of which nobody knows, from run to run."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from eggcarton.indexes.freshness import Age, Seen, freshest
from eggcarton.indexes.pages import Listed, Page

INDEX = "https://index.example/simple/"


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=timezone.utc)


def page(serial: int | None, *uploaded: str | None) -> Page:
    return Page(tuple(Listed(f"six-{n}.tar.gz", "", uploaded=time) for n, time in enumerate(uploaded)), serial=serial)


@pytest.mark.parametrize(
    ("serial", "uploaded", "age"),
    [
        (7, (), Age(7)),
        (None, (None, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00.123456789Z"), Age(None, day(2))),
        (None, ("2026-03-02T01:00:00+01:00", "2026-03-01"), Age(None, day(2))),
        (None, ("yesterday", "", "9999-12-31T23:00:00-05:00"), Age()),
    ],
)
def test_the_age_of_a_page(serial: int | None, uploaded: tuple[str | None, ...], age: Age) -> None:
    """A page is as old as its serial and its newest upload say; a time that is none tells nothing."""
    assert age == Age.of(page(serial, *uploaded))


@pytest.mark.parametrize(
    ("now", "before", "is_older"),
    [
        (Age(6), Age(7), True),
        (Age(7), Age(7), False),
        (Age(8), Age(7), False),
        (Age(8, day(1)), Age(7, day(2)), False),
        (Age(None, day(1)), Age(7, day(2)), True),
        (Age(None, day(2)), Age(7, day(2)), False),
        (Age(6), Age(None, day(2)), False),
        (Age(), Age(7, day(2)), False),
        (Age(0, day(1)), Age(), False),
    ],
)
def test_what_is_older(now: Age, before: Age, is_older: bool) -> None:
    """The serial decides where both have one, else the newest upload; no serial is unknown, not old."""
    assert is_older == now.is_older(before)


@pytest.mark.parametrize(
    ("one", "other", "best"),
    [
        (Age(7, day(3)), Age(8, day(2)), Age(8, day(2))),
        (Age(7, day(3)), Age(None, day(4)), Age(7, day(4))),
        (Age(), Age(3), Age(3)),
        (Age(3, day(1)), Age(3, day(2)), Age(3, day(2))),
    ],
)
def test_the_best_that_was_seen(one: Age, other: Age, best: Age) -> None:
    """Of two ages what is higher is kept; a file that was deleted with a later change is no longer the newest."""
    assert (best, best) == (one.later(other), other.later(one))


def test_the_freshest_page() -> None:
    """Of several pages the one that no other is newer than is taken, the first where they cannot be told apart."""
    assert [9, None] == [freshest([page(7), page(9), page(8)]).serial, freshest([page(None), page(9)]).serial]


def test_what_was_seen_is_kept(tmp_path: Path) -> None:
    """Another run knows what one has seen, by index and project, whatever credentials the address has."""
    Seen(tmp_path).saw("https://me:secret@index.example/simple", "six", Age(7, day(2)))
    Seen(tmp_path).saw(INDEX, "six", Age(6, day(3)))
    again = Seen(tmp_path)
    assert Age(7, day(2)) == again.of(INDEX, "six")
    assert [Age(), Age()] == [again.of(INDEX, "seven"), again.of("https://other.example/", "six")]
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert "secret" not in f"{file}{file.read_text('utf-8')}"


def test_without_a_directory() -> None:
    """Without a directory what was seen is known in this run alone."""
    seen = Seen()
    seen.saw(INDEX, "six", Age(7))
    assert Age(7) == seen.of(INDEX, "six")


@pytest.mark.parametrize(
    "content", ["", "[]", '{"serial": true}', '{"serial": -5, "newest": 3}', "\0", '{"newest": "x"}']
)
def test_a_spoilt_file(tmp_path: Path, content: str) -> None:
    """A file that does not say what was seen is as good as none, and is written anew."""
    Seen(tmp_path).saw(INDEX, "six", Age(7))
    (file,) = tmp_path.rglob("*.json")
    file.write_text(content, "utf-8")
    seen = Seen(tmp_path)
    assert Age() == seen.of(INDEX, "six")
    seen.saw(INDEX, "six", Age(3))
    assert {"serial": 3, "newest": None} == json.loads(file.read_text("utf-8"))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Where nothing can be kept, what was seen is known in this run."""
    (tmp_path / "file").write_bytes(b"")
    seen = Seen(tmp_path / "file" / "seen")
    seen.saw(INDEX, "six", Age(7))
    assert Age(7) == seen.of(INDEX, "six")


CLIMB = """\
import sys
from pathlib import Path
from eggcarton.indexes.freshness import Age, Seen
for serial in range(int(sys.argv[2]), 200, 2):
    Seen(Path(sys.argv[1])).saw("https://index.example/simple/", "six", Age(serial))
"""


def test_several_processes(tmp_path: Path) -> None:
    """Processes that write at once leave one whole file that says what one of them has seen, and nothing beside it."""
    started = [subprocess.Popen([sys.executable, "-c", CLIMB, str(tmp_path), start]) for start in "12"]
    assert [0, 0] == [process.wait() for process in started]
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert json.loads(file.read_text("utf-8"))["serial"] in (198, 199)
