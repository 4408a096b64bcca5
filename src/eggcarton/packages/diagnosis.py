"""What is the matter with a route or this machine, and what to do about it: facts in, finished sentences out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.reach import Reach

OLDEST, NEWEST = (3, 10), (3, 13)
"""The Pythons that eggcarton is tested on."""

_WRONG_CLOCK = 300.0
_VARIABLES = "http_proxy, https_proxy or all_proxy"


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteFacts:
    """What is known of one route.

    Attributes:
        index: the name of its index.
        route: its address, without credentials.
        host: the address's own host.
        reach: how far the way to it goes.
        outcome: how the request ended, None where it served.
        ahead: seconds by which this machine's clock is ahead of the route's, where that told the time.
        credentials: where those of its index are said to be.
        now: what this machine's clock says, for reading.
        found: what else was found, such as that it is stale; sentences without an end.
    """

    index: str
    route: str
    host: str
    reach: Reach
    outcome: Outcome | None = None
    ahead: float | None = None
    credentials: str = "netrc"
    now: str = ""
    found: tuple[str, ...] = ()


def of_route(facts: RouteFacts) -> Iterator[str]:
    """Give a sentence for what is the matter with a route, with the remedy; none where it is well."""
    if facts.outcome is not None:
        yield f"{facts.index}: {facts.route}: {_cause(facts, facts.outcome)}"
    for sentence in facts.found:
        yield f"{facts.index}: {facts.route}: {sentence}; {_CARE}"
    if facts.ahead is not None and abs(facts.ahead) > _WRONG_CLOCK:
        way = "ahead of" if facts.ahead > 0 else "behind"
        yield (
            f"this machine's clock is {_span(abs(facts.ahead))} {way} that of {facts.host}: set it, since certificates "
            "and exclude-newer hang on it"
        )


_CARE = "tell whoever runs it, or take it out of 'mirrors' until it is mended"
_LAYOUT = "check that its address ends where names follow, as in /simple/"


def _cause(facts: RouteFacts, outcome: Outcome) -> str:
    """Return what explains a request that did not serve: what comes first on the way there."""
    reach = facts.reach
    if reach.name_fault is not None:
        return _of_name(facts, reach.name_fault)
    if reach.connection_fault is not None:
        return _of_connection(facts, reach.connection_fault)
    if outcome.status == 407:
        return (
            f"the proxy {reach.peer} wants a user and a password: write them into {_VARIABLES}, as in "
            "http://USER:PASSWORD@HOST:PORT, with %40 for @ and %3A for :"
        )
    if outcome.kind is Kind.UNTRUSTED:
        return _of_certificate(facts, str(outcome))
    if outcome.kind is Kind.REFUSED:
        return _of_refusal(facts, outcome)
    if outcome.kind is Kind.USELESS:
        return _of_something_else(facts, outcome)
    if reach.by_proxy and outcome.kind is Kind.UNREACHABLE:
        return (
            f"the proxy {reach.peer} does not let us through ({outcome}): ask whoever runs it to allow {facts.host}, "
            "or name that host in no_proxy"
        )
    if outcome.kind is Kind.ABSENT:
        return f"it does not have what is locked ({outcome}): {_LAYOUT}"
    if outcome.kind in (Kind.PASSING, Kind.LATER):
        return f"the server is in trouble or overloaded ({outcome}): wait, or name a mirror in 'mirrors'"
    return f"the connection to {reach.peer} does not last ({outcome}): check the network, or name a mirror"


def _of_name(facts: RouteFacts, fault: str) -> str:
    if facts.reach.by_proxy:
        return (
            f"the name of the proxy {facts.reach.peer} leads nowhere ({fault}): mend or unset {_VARIABLES}, or name "
            f"{facts.host} in no_proxy"
        )
    return (
        f"the name {facts.host} leads nowhere ({fault}): check its spelling and this machine's name server; behind a "
        f"proxy, set {_VARIABLES}"
    )


def _of_connection(facts: RouteFacts, fault: str) -> str:
    if facts.reach.by_proxy:
        return f"the proxy {facts.reach.peer} cannot be connected to ({fault}): start it, or mend or unset {_VARIABLES}"
    return (
        f"there is no connection to {facts.reach.peer} ({fault}): check the port, that the server runs, and firewalls; "
        f"where only a proxy gets out, set {_VARIABLES}"
    )


def _of_certificate(facts: RouteFacts, fault: str) -> str:
    told = fault.lower()
    if "not yet valid" in told:
        return f"its certificate is not valid yet ({fault}): set this machine's clock, which says {facts.now}"
    if "expired" in told:
        return (
            f"its certificate is not valid any more ({fault}): have it renewed, unless this machine's clock is wrong, "
            f"which says {facts.now}"
        )
    if "hostname" in told or "mismatch" in told or "not valid for" in told:
        return f"its certificate is for another host ({fault}): write the address with the name that it is for"
    if any(words in told for words in ("issuer", "self-signed", "self signed", "unknown ca", "authority")):
        return (
            f"nobody known here has signed its certificate ({fault}): let SSL_CERT_FILE name the file with the "
            "authority, such as that of a company or of a proxy that looks into connections"
        )
    return f"no secure connection comes about ({fault}): check that it is https, and what stands between"


def _of_refusal(facts: RouteFacts, outcome: Outcome) -> str:
    if outcome.status == 451:
        return f"it may not be asked from here by law ({outcome}): name a mirror in 'mirrors'"
    where = {
        "netrc": f"~/.netrc is to have a line 'machine {facts.host.partition(':')[0]} login USER password PASSWORD'",
        "keyring": f"'keyring get {facts.route} USER' is to print it",
        "none": f"credentials = none has us send nothing: say where they are in [{facts.index}]",
    }
    variable = facts.credentials.removeprefix("env:")
    remedy = where.get(facts.credentials, f"the variable {variable} is to hold it")
    if outcome.status == 403:
        return f"it forbids what we ask ({outcome}): ask whoever runs it for the right; {remedy}"
    return f"it wants a user and a password, or others ({outcome}): {remedy}"


def _of_something_else(facts: RouteFacts, outcome: Outcome) -> str:
    if outcome.status == 511 or "wants a login" in str(outcome):
        return (
            f"something on the way answers in its place ({outcome}): log in to this network with a browser, or check "
            "that the address is that of an index"
        )
    return f"what answers there is no index ({outcome}): {_LAYOUT}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineFacts:
    """What is known of this machine and this build.

    Attributes:
        python: the version that runs, as numbers.
        closed_set: whether what locks are read with is in the store.
        uv: why uv does not run, None where it does or could not be tried.
        cache: the cache and why it cannot be written, None where it can.
        moved: that another cache than the usual one is used, and why.
        store: the store and why it cannot be written, None where it can.
        certificates: the variable that names a file of authorities which is not there, and that file.
        from_git: what is locked at a commit of a repository, where there is no git.
        to_compile: what has to be built from source here, where there is no compiler.
    """

    python: tuple[int, int]
    closed_set: bool = True
    uv: str | None = None
    cache: tuple[str, str] | None = None
    moved: str | None = None
    store: tuple[str, str] | None = None
    certificates: tuple[str, str] | None = None
    from_git: Sequence[str] = ()
    to_compile: Sequence[str] = ()


def of_machine(facts: MachineFacts) -> Iterator[str]:
    """Give a sentence for each thing that is the matter with this machine or this build, with the remedy."""
    version = ".".join(map(str, facts.python))
    if not OLDEST <= facts.python <= NEWEST:
        tested = f"{'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}"
        yield f"this is Python {version}, and eggcarton is tested on {tested}: run bootstrap.py with one of those"
    if not facts.closed_set:
        yield "the libraries that eggcarton works with are not in the store: run bootstrap.py, or bin/buildout"
    if facts.uv is not None:
        yield f"uv does not run ({facts.uv}): remove .eggcarton in the eggs directory, and run bootstrap.py again"
    if facts.moved is not None:
        yield f"{facts.moved}: let 'cache' in [eggcarton] name one that can be, or mend that"
    if facts.cache is not None:
        place, fault = facts.cache
        yield f"the cache {place} cannot be written ({fault}): let 'cache' in [eggcarton] name another, or mend that"
    if facts.store is not None:
        place, fault = facts.store
        yield f"the store {place} cannot be written ({fault}): run it as its owner, or name another 'eggs-directory'"
    if facts.certificates is not None:
        variable, file = facts.certificates
        yield f"{variable} names {file}, which is no file: put the authorities there, or unset it"
    if facts.from_git:
        yield f"there is no git, and {_few(facts.from_git)} {_come(facts.from_git)} from a repository: install git"
    if facts.to_compile:
        yield (
            f"there is no C compiler, which {_few(facts.to_compile)} may need to be built from source: install one, or "
            "lock versions that have wheels for this Python and platform"
        )


def _come(names: Sequence[str]) -> str:
    return "comes" if len(names) == 1 else "come"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 5 else f"{', '.join(names[:5])} and {len(names) - 5} more"


def _span(seconds: float) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}s"
    return f"{seconds:.0f} seconds"
