"""A conflict is told with a line for each chain that leads to it."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

from eggcarton.indexes.routing import Index, Routing
from eggcarton.packages import chains
from eggcarton.packages.chains import Graph, Places
from eggcarton.packages.clash import Bound, Clash
from eggcarton.packages.conflict import inputs_of
from eggcarton.packages.explanation import Text
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Need, Needs


def test_who_asks_alike_is_told_once() -> None:
    """Parts that ask for the same are in one line, which is not there twice."""
    needs = Needs(
        (Need("six>=1", "part a"), Need("six>=1", "part b")),
        {},
        (),
        ">=3.10",
        constraints=(Need("six<1", "constraints.txt, line 1"),),
    )
    routing = Routing((Index("default", "https://index.example/simple/"),))
    graph = Graph(Lock(None, (LockedPackage("six", "1"),)), needs, None)
    bounds = tuple(Bound(chain, SpecifierSet(">=1")) for chain in chains.to(graph, "six").chains)
    assert ["part a and part b ask for six>=1", "constraints.txt, line 1 holds six<1"] == list(
        Text(needs, inputs_of(needs, ""), Clash("six", bounds, {}, ()), Places(), routing).told()
    )
