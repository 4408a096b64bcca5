"""Each route is told with its tier, how it fares, what it served and its last fault."""

from __future__ import annotations

import json

from eggcarton.indexes import overview
from eggcarton.indexes.health import Health
from eggcarton.indexes.journal import Tally
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import Index, Mirror, Route
from eggcarton.indexes.served import Served

CORP, EDU = "https://m.example/simple/", "https://me:secret@edu.example/simple/"
PYPI = Index("pypi", "https://index.example/simple/", mirrors=(Mirror(EDU, 2, only="files"), Mirror(CORP)))
OWN = Index("corp", "https://corp.example/simple/", ("corp-*", "acme-core"))
NOON = 43200.0


def known(*ends: tuple[str, Outcome]) -> dict[str, object]:
    """Return the health that a run at noon has kept."""
    health = Health()
    for url, outcome in ends:
        health.end(Route("pypi", url), outcome, 5.0, first_byte=0.02)
    return health.kept(5.0, NOON)


REFUSED, SERVED = Outcome(Kind.UNREACHABLE, fault="refused"), Outcome(Kind.SERVED, 200)
PORTAL, LATER = Outcome(Kind.USELESS, fault="a portal"), Outcome(Kind.LATER, 429, retry_after=60.0)
RUN = Served().after(
    [
        Tally("pypi", CORP, "mirror", 1, files=12, pages=1, bytes=2_500_000),
        Tally("pypi", "https://edu.example/simple/", "mirror", 2, faults=3, last_fault="down", last_fault_at=NOON),
        Tally("pypi", "https://files.example/", "canonical", 1000, files=2, bytes=100_000),
        Tally("https://gone.example/a.whl", "https://gone.example/a.whl", other=1),
    ],
    NOON,
)


def test_the_whole_table() -> None:
    """Routes stand in the order in which they are asked, below the names that their index has; no secret is told."""
    health = known((CORP, SERVED), *[(EDU, REFUSED)] * 3, ("https://files.example/", SERVED))
    rows = overview.rows([PYPI, OWN], RUN, health, NOON + 1)
    assert (
        """\
  tier  route                          kind                health   files  pages  bytes   faults  last fault (UTC)
pypi: all other names
  1     https://m.example/simple/      mirror              well     12     1      2.5 MB  0
  2     https://edu.example/simple/    mirror, only files  resting  0      0      0.0 MB  3       1970-01-01 12:00: down
  last  https://index.example/simple/  canonical           unknown  0      0      0.0 MB  0
        https://files.example/         files               well     2      0      0.1 MB  0
corp: corp-*, acme-core
  last  https://corp.example/simple/   canonical           unknown  0      0      0.0 MB  0
elsewhere: by their own addresses
        https://gone.example/a.whl     address             unknown  0      0      0.0 MB  0
Counted since 1970-01-01 12:00 UTC: 1 run that asked the network, the last one at 1970-01-01 12:00 UTC.
""".splitlines()
        == list(overview.lines([PYPI, OWN], rows, RUN))
    )


def test_routes_that_are_configured_no_more() -> None:
    """They are left out, as are addresses that the last run did not ask; find-links are told as what they are."""
    asked = [
        Tally("pypi", "https://files.example:443/", "mirror", 1, files=2),
        Tally("pypi", "https://former.example/simple/", "mirror", 1, files=2),
        Tally("former", "https://index.example/simple/", files=2),
        Tally("find-links 1", "https://links.example/page", files=2),
        Tally("find-links 2", "https://former.example/page", files=2),
        Tally("https://file.example/a.in", "https://file.example/a.in", other=1),
    ]
    run = Served().after(asked, NOON)
    links = ["https://me:secret@links.example/page"]
    expected = {
        "https://files.example:443/": "files",
        "https://links.example/page": "find-links",
        "https://file.example/a.in": "address",
    }
    assert expected == {row.route: row.kind for row in overview.rows([PYPI], run, {}, NOON, links)[3:]}
    later = run.after([Tally("pypi", CORP, pages=1)], NOON)
    assert ["find-links"] == [row.kind for row in overview.rows([PYPI], later, {}, NOON, links)[3:]]


def test_health() -> None:
    """A word says how a route fares; what was seen long ago is unknown."""
    ends = {
        "well": [(CORP, SERVED)],
        "failing": [(CORP, REFUSED)],
        "resting": [(CORP, REFUSED)] * 3,
        "out": [(CORP, PORTAL)],
        "embargoed": [(CORP, LATER)],
    }
    first = {word: overview.rows([PYPI], Served(), known(*told), NOON + 1)[0] for word, told in ends.items()}
    assert list(ends) == [row.health for row in first.values()]
    assert 0.02 == first["well"].first_byte
    assert "failing" == overview.rows([PYPI], Served(), known(*ends["out"]), NOON + 31)[0].health
    assert "unknown" == overview.rows([PYPI], Served(), known(*ends["well"]), NOON + 901)[0].health
    assert "unknown" == overview.rows([PYPI], Served(), {"https://m.example:443": [3]}, NOON)[0].health


def test_a_route_that_a_run_gave_up() -> None:
    """What served other bytes, or wants credentials, is out although its origin answers."""
    run = Served().after([Tally("pypi", CORP, "mirror", 1, faults=1, last_fault="HTTP 401", state="out")], NOON)
    assert "out" == overview.rows([PYPI], run, known((CORP, SERVED)), NOON + 1)[0].health


def test_before_the_first_run() -> None:
    """Where nothing was asked yet the routes are told all the same."""
    lines = list(overview.lines([OWN], overview.rows([OWN], Served(), {}, NOON), Served()))
    assert (4, "No run has asked the network yet.") == (1 + len(lines[:-1]), lines[-1])


def test_json() -> None:
    """The same can be read by programs, the last run apart, and without any secret."""
    told = overview.fields([PYPI, OWN], overview.rows([PYPI, OWN], RUN, {}, NOON), RUN)
    assert "secret" not in json.dumps(told)
    assert (["pypi", "corp", "elsewhere"], 1) == ([index["name"] for index in told["indexes"]], told["runs"])
    assert {
        "route": "https://edu.example/simple/",
        "kind": "mirror",
        "tier": 2,
        "only": "files",
        "health": "unknown",
        "first-byte": None,
        "served": dict.fromkeys(("pages", "files", "metadata", "other", "bytes", "resumed", "hedged", "absent"), 0)
        | {"faults": 3},
        "last-run": dict.fromkeys(("pages", "files", "metadata", "other", "bytes", "resumed", "hedged", "absent"), 0)
        | {"faults": 3},
        "last-fault": "down",
        "last-fault-at": "1970-01-01T12:00:00Z",
    } == told["indexes"][0]["routes"][1]
