"""Where a resolution fails for the first Pythons of a range, it tells which would do."""

from __future__ import annotations

import platform

from eggcarton.packages import pythons


def test_the_first_that_would_do() -> None:
    """It is the latest that any distribution asks for, however the explanation is wrapped, and none after this one."""
    here = platform.python_version()
    explanation = f"(>=3.0) does not satisfy Python>=3.0.5 and b\n     does not\n   satisfy Python>={here} and c."
    assert here == pythons.first_that_would_do(explanation, ">=3.0")
    assert pythons.first_that_would_do("does not satisfy Python>=3.99.1", ">=3.0") is None
    assert pythons.first_that_would_do("does not satisfy Python>=3.0.5", f">={here}") is None
    assert pythons.first_that_would_do("something else", ">=3.0") is None
