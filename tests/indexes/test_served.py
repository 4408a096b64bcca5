"""What came from where is kept from run to run, as documented, and garbage there harms nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eggcarton.indexes import served
from eggcarton.indexes.journal import Tally
from eggcarton.indexes.served import Served

CORP = "https://mirror.corp.example/simple/"


def test_two_runs(tmp_path: Path) -> None:
    """The last run stands on its own, and the total is the sum of both."""
    path = tmp_path / "mirrors.json"
    fault = Tally("pypi", CORP, "mirror", 1, faults=1, last_fault="reset", last_fault_at=86400.0, state="resting")
    served.write(path, served.read(path).after([fault], 86401.0))
    served.write(path, served.read(path).after([Tally("pypi", CORP, "mirror", 1, files=2, bytes=30)], 86460.0))
    told = json.loads(path.read_text("utf-8"))
    assert (1, "1970-01-02T00:01:00Z") == (told["format"], told["last-run"]["ended"])
    assert [(2, 0, "ready")] == [(r["files"], r["faults"], r["state"]) for r in told["last-run"]["routes"]]
    assert ("1970-01-02T00:00:01Z", 2) == (told["total"]["since"], told["total"]["runs"])
    [total] = told["total"]["routes"]
    assert {
        "index": "pypi",
        "route": CORP,
        "kind": "mirror",
        "tier": 1,
        "pages": 0,
        "files": 2,
        "metadata": 0,
        "other": 0,
        "bytes": 30,
        "resumed": 0,
        "hedged": 0,
        "absent": 0,
        "faults": 1,
        "last-fault": "reset",
        "last-fault-at": "1970-01-02T00:00:00Z",
        "state": "ready",
    } == total


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"format": 2}', '{"format": 1, "last-run": 3}', "[" * 100_000, '{"format": 1}']
)
def test_garbage(tmp_path: Path, text: str) -> None:
    """What is no such file counts for nothing, and the next run begins it anew."""
    path = tmp_path / "mirrors.json"
    path.write_text(text, "utf-8")
    assert Served() == served.read(path)
    served.write(path, served.read(path).after([Tally("pypi", CORP, files=1)], 5.0))
    assert 1 == served.read(path).runs


@pytest.mark.parametrize(("name", "value"), [("files", "many"), ("last-fault-at", "noon"), ("route", None)])
def test_garbage_in_a_route(tmp_path: Path, name: str, value: object) -> None:
    """A route that was not told by us makes the file count for nothing."""
    path = tmp_path / "mirrors.json"
    served.write(path, Served().after([Tally("pypi", CORP)], 5.0))
    told = json.loads(path.read_text("utf-8"))
    told["total"]["routes"][0][name] = value
    path.write_text(json.dumps(told), "utf-8")
    assert Served() == served.read(path)
