"""Each of the thirty faults has a test that has its number."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_fault_has_a_test() -> None:
    """The numbers in the names of the tests are those from 1 to 30, and each module says which it holds."""
    found = set[int]()
    for path in sorted(Path(__file__).parent.glob("test_*_to_*.py")):
        first, last = map(int, re.findall(r"\d+", path.name))
        own = {int(number) for number in re.findall(r"^def test_fault_(\d\d)_", path.read_text("utf-8"), re.MULTILINE)}
        assert {*range(first, last + 1)} == own
        found |= own
    assert {*range(1, 31)} == found
