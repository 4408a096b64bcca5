"""What tests of faults have at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.scene import Make, Scene


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has, loopback is asked directly."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a scene, which is cleared away after the test."""
    with ExitStack() as stack:

        def made(*projects: str, **options: Any) -> Scene:
            number = len(list(tmp_path.iterdir()))
            return stack.enter_context(Scene(tmp_path / f"scene{number}", projects or ("web",), **options))

        yield made


@pytest.fixture
def scene(make: Make) -> Scene:
    """One file, a mirror, and the canonical route."""
    made = make()
    made.route("mirror")
    made.route("canonical")
    return made
