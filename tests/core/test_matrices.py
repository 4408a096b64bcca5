"""The rows of a matrix as they are written."""

from __future__ import annotations

import pytest

from eggcarton.core.matrices import RequirementSet, python_versions, sets


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("old: name==1.*", ("name==1.*",)),
        ("old: name >= 1, < 2", ("name >= 1, < 2",)),
        ("old: name==1.*, other>=2,<3", ("name==1.*", "other>=2,<3")),
        ("old: name==1.* other", ("name==1.*", "other")),
        ("old: name[a, b] ~= 1.0 other[c]", ("name[a, b] ~= 1.0", "other[c]")),
        ("old: name == v1.0", ("name == v1.0",)),
        ("old: name (>=1, <2) other", ("name (>=1, <2)", "other")),
        ('old: name==1.* ; python_version < "3.12"', ('name==1.* ; python_version < "3.12"',)),
        ("old: name @ https://index.example/name-1.0-py3-none-any.whl", None),
        ("old: name==1.*\n     other==2.*\n\n     # a comment\n     third", ("name==1.*", "other==2.*", "third")),
        ("old:\n    name==1.*  # why", ("name==1.*",)),
        ("old:", ()),
    ],
)
def test_requirements(text: str, requirements: tuple[str, ...] | None) -> None:
    """Requirements stand on lines of their own, or with commas or blanks between them, each of which one may hold."""
    expected = (text.partition(": ")[2],) if requirements is None else requirements
    assert (RequirementSet("old", expected),) == sets(text)


def test_sets() -> None:
    """A line with a name begins a set."""
    assert ["old", "new-2", "Third_3"] == [one.name for one in sets("old: a==1\nnew-2: a==2\n b\nThird_3: c")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name==1.*", "which is no row"),
        ("default: name==1.*", "the part itself"),
        ("old: a==1\nOLD: a==2", "two rows 'OLD'"),
        ("py3.12: name", "not of letters"),
        ("old: ==1.*", "not a requirement"),
    ],
)
def test_problems(text: str, problem: str) -> None:
    """What is no row is told with its line."""
    with pytest.raises(ValueError, match=problem):
        sets(text)


@pytest.mark.parametrize("text", ["3.9", "3", "pypy3.10", "3.12.1"])
def test_pythons(text: str) -> None:
    """Pythons are minor versions of CPython, 3.10 and later."""
    assert ("3.10", "3.13") == python_versions("3.10 3.13\n3.10")
    with pytest.raises(ValueError, match=f"holds '{text}'"):
        python_versions(f"3.12 {text}")
