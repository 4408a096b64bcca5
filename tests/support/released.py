"""What an application of ours is built from, on loopback: the example's distributions, Django, and the toolchain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildouts import CHECKOUT, Shared, downloaded
from support.example import fill_index
from support.index import Index

DJANGO = CHECKOUT / "tests" / "support" / "django.txt"


@pytest.fixture(scope="session")
def example_index(shared: Shared) -> Iterator[Index]:
    """An index with everything that the example may need, and with Django."""

    def make(place: Path) -> None:
        (place / "scratch").mkdir()
        fill_index(place / "files", place / "scratch")
        known = {path.name.partition("-")[0] for path in (place / "files").iterdir()}
        for wheel in downloaded(DJANGO).iterdir():
            if wheel.name.partition("-")[0] not in known:
                (place / "files" / wheel.name).symlink_to(wheel)

    with Index(shared.once("example", make) / "files") as index:
        yield index


@pytest.fixture(scope="session")
def cache(shared: Shared, wheels: Path) -> Path:
    """A cache that all documents share, with the toolchain already fetched."""

    def make(place: Path) -> None:
        (place / "bootstrap").mkdir()
        (place / "bootstrap" / wheels.name).symlink_to(wheels)

    return shared.once("documents-cache", make)
