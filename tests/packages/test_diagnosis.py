"""What is the matter, in one sentence that says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.reach import Reach
from eggcarton.packages.diagnosis import MachineFacts, RouteFacts, of_machine, of_route

DIRECT, PROXY = Reach("pkgs.example:443"), Reach("proxy.example:3128", by_proxy=True)
WELL = RouteFacts(
    index="corp",
    route="https://pkgs.example/simple/",
    host="pkgs.example",
    reach=DIRECT,
    now="2026-01-31 12:00 UTC",
)
NO_NAME, REFUSED = {"name_fault": "name or service not known"}, {"connection_fault": "connection refused"}
UNREACHABLE = Outcome(Kind.UNREACHABLE, fault="no connection")


def untrusted(reason: str) -> Outcome:
    """Return what a certificate leads to."""
    return Outcome(Kind.UNTRUSTED, fault=f"the certificate does not hold: {reason}")


@pytest.mark.parametrize(
    ("reach", "outcome", "cause", "remedy"),
    [
        (replace(DIRECT, **NO_NAME), UNREACHABLE, "the name pkgs.example leads nowhere", "name server"),
        (replace(PROXY, **NO_NAME), UNREACHABLE, "the name of the proxy proxy.example:3128 leads nowhere", "unset"),
        (replace(DIRECT, **REFUSED), UNREACHABLE, "no connection to pkgs.example:443 (connection refused)", "the port"),
        (
            replace(PROXY, **REFUSED),
            UNREACHABLE,
            "the proxy proxy.example:3128 cannot be connected to",
            "mend or unset",
        ),
        (PROXY, Outcome(Kind.REFUSED, 407), "the proxy proxy.example:3128 wants a user", "USER:PASSWORD@HOST:PORT"),
        (PROXY, UNREACHABLE, "the proxy proxy.example:3128 does not let us through", "no_proxy"),
        (DIRECT, untrusted("certificate is not yet valid"), "not valid yet", "clock, which says 2026-01-31 12:00 UTC"),
        (DIRECT, untrusted("certificate has expired"), "not valid any more", "have it renewed"),
        (DIRECT, untrusted("self-signed certificate"), "nobody known here has signed", "SSL_CERT_FILE"),
        (DIRECT, untrusted("unable to get local issuer certificate"), "nobody known here", "SSL_CERT_FILE"),
        (DIRECT, untrusted("Hostname mismatch"), "is for another host", "the name that it is for"),
        (
            DIRECT,
            Outcome(Kind.UNTRUSTED, fault="wrong version number"),
            "no secure connection",
            "check that it is https",
        ),
        (
            DIRECT,
            Outcome(Kind.REFUSED, 401),
            "wants a user and a password, or others (HTTP 401)",
            "machine pkgs.example",
        ),
        (DIRECT, Outcome(Kind.REFUSED, 403), "it forbids what we ask (HTTP 403)", "ask whoever runs it"),
        (DIRECT, Outcome(Kind.REFUSED, 451), "by law (HTTP 451)", "name a mirror"),
        (DIRECT, Outcome(Kind.USELESS, 511), "something on the way answers", "log in to this network"),
        (DIRECT, Outcome(Kind.USELESS, fault="as from a network that wants a login"), "on the way answers", "log in"),
        (DIRECT, Outcome(Kind.USELESS, fault="not valid JSON"), "no index (not valid JSON)", "/simple/"),
        (DIRECT, Outcome(Kind.ABSENT, 404), "does not have what is locked (HTTP 404)", "/simple/"),
        (DIRECT, Outcome(Kind.PASSING, 502), "in trouble or overloaded (HTTP 502)", "wait"),
        (DIRECT, Outcome(Kind.LATER, 429), "in trouble or overloaded (HTTP 429)", "wait"),
        (DIRECT, Outcome(Kind.INTERRUPTED, fault="reset"), "does not last (reset)", "check the network"),
    ],
)
def test_routes(reach: Reach, outcome: Outcome, cause: str, remedy: str) -> None:
    """What comes first on the way is the cause, and the sentence ends with the remedy."""
    [told] = of_route(replace(WELL, reach=reach, outcome=outcome))
    before, _, after = told.removeprefix("corp: https://pkgs.example/simple/: ").partition(": ")
    assert cause in before
    assert remedy in after


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        ("netrc", "~/.netrc is to have a line 'machine pkgs.example login USER password PASSWORD'"),
        ("keyring", "'keyring get https://pkgs.example/simple/ USER' is to print it"),
        ("env:CORP_TOKEN", "the variable CORP_TOKEN is to hold it"),
        ("none", "credentials = none has us send nothing: say where they are in [corp]"),
    ],
)
def test_where_credentials_belong(credentials: str, expected: str) -> None:
    """Wanted credentials are told with the place where they are looked for."""
    [told] = of_route(replace(WELL, outcome=Outcome(Kind.REFUSED, 401), credentials=credentials))
    assert told.endswith(expected)


def test_a_route_that_is_well() -> None:
    """Nothing is said of a route that is well, nor of a clock that is nearly right."""
    assert [] == [*of_route(WELL), *of_route(replace(WELL, ahead=-200.0))]


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(400.0, "6 minutes ahead of"), (-9_000.0, "2 hours behind"), (3e8, "3472 days ahead of")],
)
def test_the_clock(ahead: float, expected: str) -> None:
    """A clock that is wrong is told with how much."""
    [told] = of_route(replace(WELL, ahead=ahead))
    assert told.startswith(f"this machine's clock is {expected} that of pkgs.example: set it, ")


def test_what_was_found_besides() -> None:
    """A route that is stale is told as such."""
    [told] = of_route(replace(WELL, found=("its page of six is older",)))
    assert "corp: https://pkgs.example/simple/: its page of six is older; tell whoever runs it, or take it out" in told


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, None),
        ({"python": (3, 9)}, "this is Python 3.9, and eggcarton is tested on 3.10 to 3.13: "),
        ({"python": (3, 14)}, "this is Python 3.14, "),
        ({"closed_set": False}, "the libraries that eggcarton works with are not in the store: run bootstrap.py"),
        ({"uv": "permission denied"}, "uv does not run (permission denied): "),
        ({"cache": ("/c", "read-only")}, "the cache /c cannot be written (read-only): let 'cache' in [eggcarton] name"),
        ({"moved": "the cache /c cannot be used"}, "the cache /c cannot be used: let 'cache' in [eggcarton] name"),
        ({"store": ("/s", "read-only")}, "the store /s cannot be written (read-only): "),
        ({"certificates": ("PIP_CERT", "/gone")}, "PIP_CERT names /gone, which is no file: "),
        ({"from_git": ["a"]}, "there is no git, and a comes from a repository: install git"),
        ({"from_git": list("abcdefg")}, "there is no git, and a, b, c, d, e and 2 more come from a repository: "),
        ({"to_compile": ["a"]}, "there is no C compiler, which a may need to be built from source: install one"),
    ],
)
def test_the_machine(facts: dict[str, object], expected: str | None) -> None:
    """Each thing that is the matter has a sentence of its own."""
    told = list(of_machine(MachineFacts(**{"python": (3, 11), **facts})))  # type: ignore[arg-type]
    assert (0 if expected is None else 1) == len(told)
    assert not told or told[0].startswith(str(expected))
