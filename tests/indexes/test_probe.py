"""What one look at a route says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.probe import Sample, Seen, Verdict, exit_code, judged
from eggcarton.indexes.routing import Index, Mirror

INDEX = Index(
    "pypi",
    "https://index.example/simple/",
    mirrors=(Mirror("https://mirror.example/"), Mirror("https://files.example/", 2, only="files")),
)
MIRROR, FILES, CANONICAL = INDEX.all_routes()
HASHED = Index("pypi", "https://index.example/", mirrors=(Mirror("https://h.example/", hashed=True),)).all_routes()[0]
OLD = Listed("six-1.0.whl", "https://index.example/six-1.0.whl", "a" * 64, uploaded="2026-01-01T00:00:00Z")
NEW = Listed("six-2.0.whl", "https://index.example/six-2.0.whl", "b" * 64, uploaded="2026-02-01T00:00:00Z")
SAMPLE = Sample("six", "six-1.0.whl", {"six-1.0.whl": "a" * 64}, 100)
WHOLE = Seen(CANONICAL, (OLD, NEW), serial=7)
SAME = Seen(MIRROR, (OLD, NEW), serial=7)


def fault(kind: Kind, text: str = "a reason", status: int | None = None) -> Outcome:
    """Return an outcome that did not serve."""
    return Outcome(kind, status, None if status else text)


@pytest.mark.parametrize(
    ("seen", "word", "sentence"),
    [
        (SAME, "well", ""),
        (replace(SAME, serial=9), "well", ""),
        (replace(SAME, serial=None), "well", ""),
        (replace(SAME, serial=6), "stale", "its page of six shows change 6, that of the index 7"),
        (
            replace(SAME, serial=None, page=(OLD,)),
            "stale",
            "the newest file of six there is of 2026-01-01T00:00:00Z, on the index of 2026-02-01T00:00:00Z",
        ),
        (
            replace(SAME, serial=None, page=(replace(OLD, uploaded=None),)),
            "lacking",
            "it has 1 of 1 files asked for of six, and 1 of 2 that the index lists",
        ),
        (
            replace(SAME, page=(NEW,)),
            "lacking",
            "it has 0 of 1 files asked for of six, and 1 of 2 that the index lists",
        ),
        (Seen(FILES, (OLD,)), "well", ""),
        (Seen(FILES, (NEW,)), "lacking", "it does not list six-1.0.whl, which is locked"),
        (
            replace(SAME, page=(replace(OLD, sha256="c" * 64), NEW)),
            "equivocating",
            f"it lists six-1.0.whl with the sha256 {'c' * 64}, the lock has {'a' * 64}",
        ),
        (
            replace(SAME, page=(OLD, replace(NEW, sha256="c" * 64))),
            "equivocating",
            f"it lists six-2.0.whl with the sha256 {'c' * 64}, the index itself has {'b' * 64}",
        ),
        (replace(SAME, page=(replace(OLD, sha256=None), NEW)), "well", ""),
        (
            replace(SAME, file=fault(Kind.SPOILT, "3 bytes")),
            "equivocating",
            "it serves other bytes for six-1.0.whl than those locked: 3 bytes",
        ),
        (
            replace(SAME, file=fault(Kind.ABSENT, status=404)),
            "misconfigured",
            "it lists six-1.0.whl, and does not have it: HTTP 404",
        ),
        (
            replace(SAME, file=fault(Kind.PASSING, status=502)),
            "unreachable",
            "six-1.0.whl cannot be had from it: HTTP 502",
        ),
        (replace(SAME, file=fault(Kind.USELESS)), "misconfigured", "six-1.0.whl cannot be had from it: a reason"),
        (Seen(HASHED, file=fault(Kind.ABSENT, status=404)), "lacking", "it does not have six-1.0.whl by its sha256"),
        (Seen(MIRROR, fault=fault(Kind.UNREACHABLE)), "unreachable", "it cannot be had: a reason"),
        (Seen(MIRROR, fault=fault(Kind.LATER, status=429)), "unreachable", "it cannot be had: HTTP 429"),
        (
            Seen(MIRROR, fault=fault(Kind.REFUSED, status=401)),
            "misconfigured",
            "it refuses us: HTTP 401",
        ),
        (Seen(MIRROR, fault=fault(Kind.UNTRUSTED, "self-signed")), "misconfigured", "self-signed"),
        (Seen(MIRROR, fault=fault(Kind.USELESS)), "misconfigured", "what answers there is no index: a reason"),
        (Seen(MIRROR, fault=fault(Kind.ABSENT, status=404)), "lacking", "it does not have six, which is locked"),
        (
            Seen(CANONICAL, fault=fault(Kind.ABSENT, status=404)),
            "misconfigured",
            "it does not have six, which is locked",
        ),
        (
            Seen(MIRROR, fault=fault(Kind.ABSENT, status=404), is_index=False),
            "misconfigured",
            "there is no index at this address (HTTP 404): the names of projects must follow it, as in .../simple/",
        ),
    ],
)
def test_verdicts(seen: Seen, word: str, sentence: str) -> None:
    """Each thing that a route can answer has one verdict, with its reason."""
    [verdict] = judged(INDEX, [seen], SAMPLE) if seen.route == CANONICAL else judged(INDEX, [seen, WHOLE], SAMPLE)[:1]
    assert (word, [sentence] if sentence else []) == (verdict.word, [told for _, told in verdict.findings][:1])
    assert {word} == {told for told, _ in verdict.findings} or word == "well"


def test_a_part_of_what_was_there_at_a_time() -> None:
    """A page that lacks what came before its newest file is no old page of the index, but has a part of it."""
    newest = replace(NEW, name="six-3.0.whl", uploaded="2026-03-01T00:00:00Z")
    whole = replace(WHOLE, page=(OLD, NEW, newest))
    words = [judged(INDEX, [replace(SAME, page=page), whole], SAMPLE)[0].word for page in ((OLD, NEW), (NEW,))]
    assert ["stale", "lacking"] == words


def test_where_nothing_is_locked() -> None:
    """Only that an index answers is known then; one that does not have its own page is none."""
    well, wrong = judged(INDEX, [Seen(CANONICAL), Seen(MIRROR, fault=fault(Kind.ABSENT, status=404))], None)
    assert ("well", "misconfigured") == (well.word, wrong.word)


def test_nothing_is_compared_with_an_index_that_is_down() -> None:
    """What a mirror lists counts only against the lock, while the index itself tells nothing."""
    mirror, canonical = judged(
        INDEX, [replace(SAME, page=(OLD,)), Seen(CANONICAL, fault=fault(Kind.UNREACHABLE))], SAMPLE
    )
    assert ("well", "unreachable") == (mirror.word, canonical.word)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], 0),
        (["well", "lacking"], 0),
        (["well", "stale"], 3),
        (["well", "unreachable"], 3),
        (["unreachable", "unreachable"], 4),
        (["unreachable", "misconfigured"], 3),
    ],
)
def test_exit_codes(words: list[str], expected: int) -> None:
    """Status 3 asks for care, and 4 says that nobody can be reached."""
    assert expected == exit_code([Verdict(MIRROR, ((word, ""),)) for word in words])


def test_the_worst_is_told() -> None:
    """Of several findings the one that matters most names the route."""
    [verdict, _] = judged(INDEX, [replace(SAME, serial=6, file=fault(Kind.SPOILT)), WHOLE], SAMPLE)
    assert ("equivocating", 2) == (verdict.word, len(verdict.findings))
