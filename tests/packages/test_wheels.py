"""Of several wheels the one is taken that an installer would take."""

from __future__ import annotations

import pytest
from packaging.tags import sys_tags

from eggcarton.packages.wheels import best_wheel

NATIVE = f"six-1.0-{next(iter(sys_tags()))}.whl"
PURE, OLDER = "six-1.0-py3-none-any.whl", "six-1.0-py2.py3-none-any.whl"
FOREIGN = "six-1.0-cp27-cp27mu-amiga.whl"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([PURE, NATIVE, FOREIGN], NATIVE),
        ([FOREIGN, PURE], PURE),
        ([OLDER], OLDER),
        ([FOREIGN], None),
        ([], None),
        (["six.whl", "six-1.0.tar.gz", PURE], PURE),
        (["six-1.0-2-py3-none-any.whl", "six-1.0-10-py3-none-any.whl", PURE], "six-1.0-10-py3-none-any.whl"),
        (["six-1.0-9-py3-none-any.whl", NATIVE], NATIVE),
    ],
)
def test_best_wheel(names: list[str], expected: str | None) -> None:
    """The tags of this Python decide, then the build number; what suits not at all, or is no wheel, is not taken."""
    position = best_wheel(names)
    assert expected == (None if position is None else names[position])
