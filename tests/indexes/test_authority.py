"""Which hashes may enter a lock is decided by who tells them, and contradictions are shown."""

from __future__ import annotations

import pytest

from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.authority import agreed, check_same, quorum, refusal, silence, too_few
from eggcarton.indexes.pages import Listed, Page
from eggcarton.indexes.routing import Index, Route

ONE = Route("main", "https://me:secret@one.index.example/simple/")
TWO = Route("main", "https://two.index.example/simple/")
MAIN = Index("main", ONE.url, authority="quorum:2")


def page(route: Route, **files: str | None) -> Page:
    listed = tuple(Listed(name, f"{route.url}{name}", sha256) for name, sha256 in files.items())
    return Page(listed, {"name": "six", "files": [{"filename": file.name} for file in listed]}, route=route)


@pytest.mark.parametrize(
    ("authority", "number"),
    [("canonical", None), ("any", None), ("quorum:2", 2), ("quorum:12", 12), ("quorum:0", None), ("quorum:", None)],
)
def test_quorums(authority: str, number: int | None) -> None:
    """A quorum is a number of routes from one on."""
    assert number == quorum(Index("main", "", authority=authority))


def test_what_routes_agree_on() -> None:
    """What all routes tell with the same sha256 is kept, in the order of the first, and nothing else."""
    first = page(ONE, b="2", a="1", c="3", d=None, e="5")
    found = agreed(MAIN, [first, page(TWO, a="1", b="2", d=None, e=None, f="6")])
    assert ["b", "a"] == [file.name for file in found.listed]
    assert {"name": "six", "files": [{"filename": "b"}, {"filename": "a"}]} == found.document
    assert (ONE, None) == (found.route, found.doubt)


def test_routes_that_agree_on_nothing() -> None:
    """Where routes have no file in common, or tell no sha256, all files of the first are in doubt."""
    first = page(ONE, a=None, b="2")
    found = agreed(MAIN, [first, page(TWO, a=None, c="3")])
    assert first.listed == found.listed
    assert (
        "https://one.index.example/simple/ and https://two.index.example/simple/ have no file of the project with the "
        "same one"
    ) == found.doubt
    assert agreed(MAIN, [page(ONE), page(TWO)]).doubt is None


def test_a_contradiction_is_shown() -> None:
    """Where two routes tell different bytes of one file both are shown, with both digests and no credentials."""
    pages = [page(ONE, a="1", b=64 * "a"), page(TWO, a="1", b=64 * "b")]
    for check in (check_same, agreed):
        with pytest.raises(IntegrityProblem) as caught:
            check(MAIN, pages)
        told = str(caught.value)
        assert told.startswith("index main: two of its routes tell different bytes of b: ")
        assert f"https://one.index.example/simple/ the sha256 {64 * 'a'}" in told
        assert f"https://two.index.example/simple/ the sha256 {64 * 'b'}" in told
        assert ("secret" in told, caught.value.expected, caught.value.found) == (False, 64 * "a", 64 * "b")


def test_what_does_not_contradict() -> None:
    """A file that only one route has, or of which one tells no sha256, is no contradiction."""
    check_same(MAIN, [page(ONE, a="1", b=None), page(TWO, b="2", c="3")])


@pytest.mark.parametrize(
    ("files", "told"),
    [(["a"], "a may"), (["b", "a"], "a and of b may"), (["c", "b", "a"], "a and of 2 more files may")],
)
def test_the_refusal_of_hashes(files: list[str], told: str) -> None:
    """A refusal names files, the canonical route with its fault, and both ways to let a mirror speak."""
    canonical = Index("corp", ONE.url)
    assert (
        f"index corp: the sha256 of {told} enter the lock only from the canonical route, and "
        "https://one.index.example/simple/ did not tell it: HTTP 503; run again when that has passed; where only a "
        "mirror can be reached, let its address be the url of [corp], or authority = any, by which every route is "
        "believed"
    ) == str(refusal(canonical, files, silence(canonical.canonical, "HTTP 503")))


def test_the_refusal_of_a_quorum() -> None:
    """A refusal for want of a quorum tells who has answered, and how the others failed."""
    told = str(refusal(MAIN, ["a"], too_few([page(ONE)], ["https://two.index.example/simple/: HTTP 404"])))
    assert (
        "index main: the sha256 of a may enter the lock only where 2 routes agree on it, and only "
        "https://one.index.example/simple/ told of it (https://two.index.example/simple/: HTTP 404); run again"
    ) in told
