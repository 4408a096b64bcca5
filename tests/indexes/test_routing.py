"""Each project has one index; no other is ever asked for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.core.errors import UsageProblem
from eggcarton.indexes.routing import CANONICAL, HASHED, MIRROR, Index, Mirror, Routing, origin_of

PUBLIC = Index("public", "https://index.example/simple/")
CORP = Index("corp", "https://corp.example/simple/", ("corp-*", "acme-core"))
TEAM = Index("team", "https://team.example/simple/", ("corp-team-*", "corp-exact"))


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ("six", PUBLIC),
        ("corp", PUBLIC),
        ("acme-core", CORP),
        ("acme-core-more", PUBLIC),
        ("corp-web", CORP),
        ("corp-team-web", TEAM),
        ("corp-exact", TEAM),
    ],
)
@pytest.mark.parametrize("order", [(PUBLIC, CORP, TEAM), (TEAM, CORP, PUBLIC)], ids=["forwards", "backwards"])
def test_one_index_for_a_name(project: str, expected: Index, order: tuple[Index, ...]) -> None:
    """An exact name wins, then the longest pattern, then the index without any; the order of the table is nothing."""
    assert expected == Routing(order).index_of(project)


def test_a_name_without_an_index_is_an_error() -> None:
    """Where no index is the default one, a name that no pattern fits is asked nowhere."""
    with pytest.raises(LookupError, match="six"):
        Routing((CORP,)).index_of("six")


@given(st.lists(st.text("ab-", min_size=1, max_size=4), max_size=4), st.text("ab-", min_size=1, max_size=4))
def test_a_name_never_has_two_indexes(patterns: list[str], project: str) -> None:
    """Whatever the table, a name leads to exactly one index, and to the default one only if nothing fits."""
    private = Index("private", "https://corp.example/", tuple(patterns))
    expected = PUBLIC if project not in patterns else private
    assert expected == Routing((PUBLIC, private) if patterns else (PUBLIC,)).index_of(project)


def test_indexes_by_name() -> None:
    """An index is found by the name that a lock calls it, and one that is not configured is not found."""
    assert TEAM == Routing((PUBLIC, TEAM)).named("team")
    assert None is Routing((PUBLIC, TEAM)).named("corp")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTP://Index.Example/simple/", "http://index.example:80"),
        ("https://me:p@[::1]/simple/", "https://[::1]:443"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("file:///srv/wheels", "file://"),
    ],
)
def test_origins(url: str, origin: str) -> None:
    """An origin is scheme, host and port in one spelling, and is itself an address."""
    assert origin == origin_of(url)
    assert origin == origin_of(origin)


def test_the_index_that_a_lock_names() -> None:
    """A lock's own index is asked; that it is gone is an error where the default one would be asked, and only there."""
    routing = Routing((PUBLIC, CORP))
    assert [None, "corp"] == [routing.at("six"), routing.at("corp-web")]
    assert [CORP, CORP, PUBLIC] == [
        routing.locked(*asked) for asked in (("six", "corp"), ("corp-web", "gone"), ("six", None))
    ]
    with pytest.raises(UsageProblem, match="the lock has six from the index 'gone', and no such index is configured"):
        routing.locked("six", "gone")
    assert routing.projects == Routing.of_projects(routing.projects).projects


def test_all_routes_of_an_index() -> None:
    """Whatever a mirror is asked for it is told once, by tiers, and the index itself comes last."""
    index = Index(
        "pypi",
        "https://index.example/simple/",
        mirrors=(
            Mirror("https://far.example/", 3, only="files"),
            Mirror("https://pages.example/", 2, only="pages"),
            Mirror("https://hashed.example/", 1, hashed=True),
            Mirror("https://near.example/", 1),
        ),
    )
    assert [
        (HASHED, "https://hashed.example/", None),
        (MIRROR, "https://near.example/", None),
        (MIRROR, "https://pages.example/", "pages"),
        (MIRROR, "https://far.example/", "files"),
        (CANONICAL, "https://index.example/simple/", None),
    ] == [(route.kind, route.url, index.only(route)) for route in index.all_routes()]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, "files", "pages"]), st.booleans()), max_size=6))
def test_routes_stay_inside_their_index(mirrors: list[tuple[int, str | None, bool]]) -> None:
    """Whatever mirrors an index has, its routes are its own, each once, and the canonical one is always among them."""
    made = tuple(Mirror(f"https://m{n}.example/", *mirror) for n, mirror in enumerate(mirrors))
    index = Index("main", "https://main.example/", mirrors=made)
    for routes in (index.page_routes(), index.file_routes()):
        urls = [route.url for route in routes]
        assert len(urls) == len({*urls})
        assert {*urls} <= {index.url, *(mirror.url for mirror in made)}
        assert [CANONICAL] == [route.kind for route in routes if route.url == index.url]
