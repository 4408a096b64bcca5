"""What leads from a distribution to others is read from its metadata."""

from __future__ import annotations

from pathlib import Path

from eggcarton.packages.metadata import Edges, of_text, of_wheel
from support.distributions import wheel


def test_of_text() -> None:
    """Requirements come sorted and once, extras by their canonical names; what is no requirement is left out."""
    text = "Name: web\nRequires-Dist: six>=1\nRequires-Dist: >>>\nRequires-Dist: colour; extra == 'x'\n"
    found = of_text(
        text + "Requires-Dist: six >= 1\nProvides-Extra: Tests_Too\nProvides-Extra: x\n\nRequires-Dist: no\n"
    )
    assert Edges(('colour; extra == "x"', "six>=1"), frozenset({"tests-too", "x"})) == found


def test_of_wheel(tmp_path: Path) -> None:
    """A wheel's own metadata counts, and none of a distribution inside it."""
    made = wheel(
        tmp_path,
        "web",
        modules={
            "web.py": "",
            "vendored.dist-info/METADATA/x": "",
            "deep/other-1.dist-info/METADATA": "Requires-Dist: no",
        },
        requires=["six"],
        extras={"tests": []},
    )
    assert Edges(("six",), frozenset({"tests"})) == of_wheel(made)
