"""What tests of the child's operations have at hand: they run in this process, with the closed set's uv."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.closed import uv_program
from support.index import Index


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closed set is on the path, as it is in the child, and loopback is asked directly."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(uv_program().parent.parent)])
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index of a directory that is empty yet."""
    (tmp_path / "served").mkdir()
    with Index(tmp_path / "served") as serving:
        yield serving
