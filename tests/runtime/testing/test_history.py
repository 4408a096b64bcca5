"""Facts about the history of what runs have covered, and the picture of it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eggcarton.runtime.testing import history, trend

SVG = "{http://www.w3.org/2000/svg}"


def run(day: int, total: float, **more: object) -> dict[str, object]:
    date = f"2026-{1 + day // 28:02}-{1 + day % 28:02}T03:00:00Z"
    return {"date": date, "revision": "1a2b3c", "total": total, "whole": True, "tests": 7, **more}


def test_a_run_is_a_line(tmp_path: Path) -> None:
    """Each run adds one line of JSON, with its date in UTC."""
    file = tmp_path / "history.jsonl"
    history.append(file, {"total": 97.5, "whole": True, "tests": 3})
    history.append(file, {"total": 98.0, "whole": True, "tests": 4})
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert (97.5, 98.0) == (first["total"], second["total"])
    assert {"date", "revision", "total", "whole", "tests"} == set(first)
    assert [first, second] == history.read(file)


def test_half_a_line(tmp_path: Path) -> None:
    """What a killed run left half written, and what is no run, is passed over; the next run has a line of its own."""
    file = tmp_path / "history.jsonl"
    file.write_bytes(json.dumps(run(1, 90.0)).encode() + b'\n[1]\n\xff\n{"date": 1}\n{"total": 200}\n{"date": "2026-01')
    history.append(file, {"total": 98.0, "whole": True})
    assert [90.0, 98.0] == [found["total"] for found in history.read(file)]


def test_only_whole_runs(tmp_path: Path) -> None:
    """A run of a choice of tests is noted, and not part of the trend."""
    file = tmp_path / "history.jsonl"
    history.append(file, {"total": 10.0, "whole": False})
    assert ([], 1) == (history.read(file), len(file.read_text().splitlines()))


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Of very many runs the oldest tenth goes."""
    file = tmp_path / "history.jsonl"
    file.write_text("".join(f"{json.dumps(run(0, number / 100))}\n" for number in range(history.LONGEST)))
    history.append(file, {"total": 99.0, "whole": True})
    found = history.read(file)
    assert (history.LONGEST * 9 // 10 + 1, 5.0, 99.0) == (len(found), found[0]["total"], found[-1]["total"])


def test_the_table() -> None:
    """A line a run tells what was covered, by numbers and by a bar; nearly all is not told as all."""
    runs = [run(1, 90.0, lines=[9, 10]), run(2, 99.999, lines=[10, 10], branches=[3, 4], revision=None)]
    assert [
        "date (UTC)        revision  covered  lines  branches  tests  from 85 to 100 %",
        "2026-01-02 03:00  1a2b3c    90.00 %   9/10         -      7  ########",
        "2026-01-03 03:00  -         99.99 %  10/10       3/4      7  ########################",
    ] == history.table(runs).splitlines()


@pytest.mark.parametrize("number", [1, 2, 1000])
def test_the_picture(number: int) -> None:
    """One run or a thousand are a picture that is valid XML, inside its frame, for dark and for light pages."""
    runs = [run(day % 300, 50 + day % 50, revision="<&>\x1b\0\ud800") for day in range(number)]
    text = trend.drawn(runs)
    root = ElementTree.fromstring(text.encode())
    [line] = root.iter(f"{SVG}polyline")
    points = [tuple(map(float, word.split(","))) for word in line.get("points", "").split()]
    assert number == len(points)
    assert all(0 <= x <= 800 and 0 <= y <= 240 for x, y in points)
    assert (number if number <= 100 else 0) == len(list(root.iter(f"{SVG}circle")))
    assert "prefers-color-scheme: dark" in text


def test_always_the_same() -> None:
    """Runs that cover nothing or everything are drawn too."""
    for total in (0.0, 100.0):
        ElementTree.fromstring(trend.drawn([run(1, total), run(1, total)]).encode())
        assert history.table([run(1, total)])


def test_show_very_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of very many runs the last ones are printed, and all are drawn."""
    file = tmp_path / "history.jsonl"
    file.write_text("".join(f"{json.dumps(run(number // 20, 90.0))}\n" for number in range(history.LONGEST)))
    assert 0 == history.show(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert (53, "These are the last 50 of 5000 runs; the picture shows all of them.") == (len(lines), lines[51])
    assert "2026-09" in lines[1]
    [line] = ElementTree.parse(tmp_path / "history.svg").iter(f"{SVG}polyline")
    assert history.LONGEST == len(line.get("points", "").split())


def test_damaged_lines() -> None:
    """A line that something has damaged, and that still tells a run, harms neither a terminal nor a picture."""
    runs = [
        run(1, 90.0, revision="\x1b[2J1a", tests="\n7", branches=["\n", 2]),
        {**run(1, 91.0), "date": "0001-01-01T00:00:00Z"},
    ]
    assert "[2J1a     90.00 %      -        /2      7" in history.table(runs)
    assert 3 == len(history.table(runs).splitlines())
    ElementTree.fromstring(trend.drawn(runs).encode())


def test_show_nothing_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A history that cannot be read, and a picture that cannot be written, are a sentence each."""
    (tmp_path / "history.jsonl").mkdir()
    assert 1 == history.show(tmp_path)
    assert f"{tmp_path}/history.jsonl cannot be read: Is a directory\n" == capsys.readouterr().err
    (tmp_path / "history.jsonl").rmdir()
    history.append(tmp_path / "history.jsonl", run(1, 90.0))
    (tmp_path / ".history.svg.new").mkdir()
    assert 1 == history.show(tmp_path)
    assert f"{tmp_path}/history.svg cannot be written: Is a directory\n" == capsys.readouterr().err


def test_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The history is printed and drawn beside its file; without one a sentence says so."""
    assert 1 == history.show(tmp_path)
    assert f"{tmp_path}/history.jsonl knows of no run of all tests yet" in capsys.readouterr().err
    history.append(tmp_path / "history.jsonl", run(1, 90.0))
    assert 0 == history.show(tmp_path)
    assert f"coverage trend: {tmp_path}/history.svg" in capsys.readouterr().out
    ElementTree.parse(tmp_path / "history.svg")
