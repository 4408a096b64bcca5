"""The runner of the documents of recipes tells what differs, and what a list of kept differences has wrong."""

from __future__ import annotations

import pytest

from support import recipe_documents

DOCUMENT = """\
A document.

    >>> print(1 + 1)
    2

    >>> print("one")
    two
"""
KEPT = """\
a.rst, line 6
-------------

It says what it says.

    >>> print("one")
    one
"""


def wrong(kept: str, document: str = DOCUMENT) -> list[str]:
    found = recipe_documents.failures("a.rst", document, recipe_documents.differences(kept), {}, str)
    return [text.partition("expected")[0] for text in found]


def test_what_is_not_listed() -> None:
    """An example that prints something else than its document says is told, if no difference is kept of it."""
    assert ['a.rst, line 6: print("one")\n'] == wrong("")


def test_a_kept_difference() -> None:
    """What is listed holds as it is listed."""
    assert [] == wrong(KEPT)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (KEPT.replace("    one\n", "    three\n"), ['the difference kept of a.rst, line 6: print("one")\n']),
        (KEPT.replace("line 6", "line 3"), ["a.rst, line 3: print(1 + 1)\ndoes not differ any more: take it off"]),
        (KEPT.replace("line 6", "lines 6, 7"), ["a.rst, line 7: there is no such example\n"]),
    ],
    ids=["differs otherwise", "does not differ", "is of no example"],
)
def test_a_list_that_is_wrong(kept: str, told: list[str]) -> None:
    """A difference fails that differs otherwise, does not differ, or has no example."""
    found = wrong(kept)
    assert [True] * len(told) == [any(text.startswith(line) for text in found) for line in told]


def test_other_examples_in_the_place_of_one() -> None:
    """What is run in the place of an example is checked, after the example itself was run and differed."""
    assert [] == wrong(KEPT.replace('print("one")\n    one', "print(2 * 2)\n    4"))
    assert [] != wrong(KEPT.replace('print("one")\n    one', "print(2 * 2)\n    5"))


def test_under_one_condition() -> None:
    """A heading may say under which condition a difference is kept, and which documents are left out."""
    both, one, out = recipe_documents.differences(
        f"{KEPT}\n{KEPT.replace('line 6', 'line 6, with the extension')}\nb.rst, left out\n---------------\n\nNo.\n"
    )
    assert (True, True) == (both.holds("a.rst", extension=True), both.holds("a.rst", extension=False))
    assert (True, False) == (one.holds("a.rst", extension=True), one.holds("a.rst", extension=False))
    assert ("b.rst", (), "No.") == (out.document, out.lines, out.reason)
