"""The last line of a run says where files came from, and why from there only when something happened."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from eggcarton.buildout.summary import Done
from eggcarton.buildout.traffic import Traffic
from eggcarton.indexes import served
from eggcarton.indexes.journal import Tally


def told(*tallies: Tally, **more: Any) -> dict[str, Any]:
    """Return what the child process tells of some routes."""
    return {"routes": [tally.fields() for tally in tallies], **more}


PYPI = Tally("pypi", "https://index.example/simple/", pages=1, files=2, bytes=1_000)
CORP = Tally("corp", "https://pkgs.corp.example/simple/", files=1, bytes=2_000)
PAGES = Tally("quiet", "https://quiet.example/simple/", pages=7, bytes=9_000)


@pytest.mark.parametrize(
    ("tallies", "expected"),
    [
        ([], ""),
        ([PAGES], ""),
        ([PYPI], " from pypi"),
        ([PYPI, CORP, PAGES], " from corp and pypi"),
        ([Tally("default", "https://index.example/simple/", files=1)], " from index.example"),
        ([Tally("https://files.example/a.whl", "https://files.example/a.whl", files=1)], " from files.example"),
        ([Tally("pypi", "https://index.example/simple/", files=3, resumed=2)], " from pypi, 2 resumed"),
        (
            [Tally("default", "http://h.example:81/"), Tally("default", "http://h.example/", files=1)],
            " from h.example:80",
        ),
    ],
)
def test_origins(tallies: list[Tally], expected: str) -> None:
    """The indexes that served files are named, the one that served most first."""
    traffic = Traffic()
    traffic.heed(told(*tallies))
    assert expected == traffic.origins()


def test_the_last_line() -> None:
    """It names the index, and the route that took over from one that failed."""
    traffic = Traffic()
    instead = {"index": "pypi", "by": "mirror.corp.example", "after": "pypi", "files": 2}
    traffic.heed(told(PYPI, instead=[instead]))
    traffic.heed(told(instead=[{**instead, "files": 1}]))
    done = Done(selected=242, fetched=2, size=1_234_567, updated=5, traffic=traffic)
    assert str(done).startswith(
        "242 distributions: 240 in the store, 2 fetched (1.2 MB from pypi); "
        "3 files from mirror.corp.example after pypi failed; 5 parts unchanged; "
    )


def test_a_warning_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A route that needs care is named once a run, however many operations meet it."""
    traffic = Traffic()
    with caplog.at_level(logging.WARNING, "eggcarton"):
        traffic.heed({"warnings": ["the route needs care"]})
        traffic.heed({"warnings": ["the route needs care"]})
    assert ["the route needs care"] == caplog.messages


def test_what_is_kept(tmp_path: Path) -> None:
    """A run that asked is kept once; one that asked nobody, or may not write, leaves no file."""
    Traffic(tmp_path).keep()
    looking = Traffic()
    looking.heed(told(PYPI))
    looking.keep()
    assert [] == list(tmp_path.iterdir())
    traffic = Traffic(tmp_path)
    traffic.heed(told(PYPI))
    traffic.keep()
    traffic.keep()
    found = served.read(tmp_path / "mirrors.json")
    assert (1, 2) == (found.runs, found.last[0].files)
    (tmp_path / "file").touch()
    lost = Traffic(tmp_path / "file")
    lost.heed(told(PYPI))
    lost.keep()
