"""What tests of routes have at hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.index import Index


@pytest.fixture
def canonical(served: Path) -> Iterator[Index]:
    with Index(served) as index:
        yield index


@pytest.fixture
def mirror(served: Path) -> Iterator[Index]:
    with Index(served) as index:
        yield index
