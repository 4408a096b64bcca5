"""What each origin is asked with: where it is found, that no other origin hears of it, and that nothing tells it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from eggcarton.indexes.client import Client, RequestFailed
from eggcarton.indexes.credentials import Credentials, Login, withdrawn
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.routing import Index as Asked
from eggcarton.indexes.routing import Mirror
from support.distributions import wheel
from support.index import Index

URL = "https://index.example/simple/"
PRIVATE = Asked("private", URL, credentials="env:TOKEN", mirrors=(Mirror("https://mirror.example/simple/"),))


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has, the tests do without."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Found:
    """Credentials of a user with this home and these variables; `told` is what was warned of."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None, **settings: Any) -> None:
        self.told: list[str] = []
        known = {"environment": environment or {}, "home": home, "warn": self.told.append, "patience": 30.0, **settings}
        self._known = Credentials([PRIVATE], **known)

    def __call__(self, setting: str, url: str = URL) -> tuple[str, str] | None:
        login = self._known.of(url, setting)
        return (login.user, login.password) if login is not None else None


def write_netrc(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


NETRC = "machine index.example login me password secret\ndefault login all password everywhere\n"


def test_netrc_of_the_home(tmp_path: Path) -> None:
    """The file in the home is read, by host; what it has for all other machines is sent to none."""
    write_netrc(tmp_path / ".netrc", NETRC)
    found = Found(tmp_path)
    assert ("me", "secret") == found("netrc")
    assert ("me", "secret") == found("netrc", "http://INDEX.example:8080/x")
    assert [None, None] == [found("netrc", f"https://{host}/simple/") for host in ("other.example", "default")]
    assert None is found("none")
    assert [] == found.told


def test_netrc_that_a_variable_names(tmp_path: Path) -> None:
    """NETRC names another file, whose mode is nobody's business; a machine may be named with its port."""
    write_netrc(tmp_path / ".netrc", NETRC)
    other = write_netrc(tmp_path / "other", "machine index.example:8443 login port password p\n")
    other.chmod(0o644)
    found = Found(tmp_path, {"NETRC": str(other)})
    assert ("port", "p") == found("netrc", "https://index.example:8443/")
    assert None is found("netrc")


@pytest.mark.parametrize(
    ("text", "told"),
    [("machine x\nsecret secret\n", "is no file of netrc's, see its line"), ("\xff", "cannot be read")],
)
def test_netrc_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    """A file that cannot be read is told once, without a word of what it holds."""
    (tmp_path / ".netrc").write_bytes(text.encode("latin-1"))
    if told == "cannot be read":
        (tmp_path / ".netrc").unlink()
        (tmp_path / ".netrc").mkdir()
    found = Found(tmp_path)
    assert [None, None] == [found("netrc"), found("netrc", "https://other.example/")]
    [sentence] = found.told
    assert told in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(
    ("value", "expected"),
    [("me:p:w", ("me", "p:w")), ("pypi-token", ("__token__", "pypi-token")), (":token", ("", "token")), ("", None)],
)
def test_a_variable(tmp_path: Path, value: str, expected: tuple[str, str] | None) -> None:
    """A variable holds USER:PASSWORD or a token; an empty one is as one that is not set, which is told once."""
    found = Found(tmp_path, {"TOKEN": value})
    assert [expected, expected] == [found("env:TOKEN"), found("env:TOKEN")]
    assert ([] if value else [1]) == [1 for sentence in found.told if "the variable TOKEN" in sentence]


@pytest.mark.parametrize(
    "url",
    [
        "https://mirror.example/simple/",
        "http://index.example/simple/",
        "https://index.example:8443/simple/",
        "https://index.example.evil.example/",
    ],
)
def test_a_variable_is_for_one_origin(tmp_path: Path, url: str) -> None:
    """What a variable holds goes to scheme, host and port of the index itself, and not even to its mirrors."""
    assert None is Found(tmp_path, {"TOKEN": "me:secret"})("env:TOKEN", url)


def test_a_variable_is_withdrawn() -> None:
    """What is started later does not inherit the variable of an index; its value is known all the same, also later."""
    environment = {"TOKEN": "me:secret", "PATH": "/bin"}
    found = [dict(withdrawn([PRIVATE], environment)) for _ in range(2)]
    assert [{"TOKEN": "me:secret", "PATH": "/bin"}] * 2 == found
    assert {"PATH": "/bin"} == environment


def test_an_address_comes_first(tmp_path: Path) -> None:
    """What an address holds comes before what is found, and goes for all addresses of its origin from then on."""
    found = Found(tmp_path, {"TOKEN": "me:secret"})
    assert ("you", "hush") == found("env:TOKEN", "https://you:hush@index.example/")
    assert ("you", "hush") == found("env:TOKEN")
    assert None is found("env:TOKEN", "http://index.example/")


def test_an_address_with_a_user_alone(tmp_path: Path) -> None:
    """The password of a user in an address is looked for, and that of another user is not taken."""
    write_netrc(tmp_path / ".netrc", NETRC)
    assert ("me", "secret") == Found(tmp_path)("netrc", "https://me@index.example/")
    assert ("you", "") == Found(tmp_path)("netrc", "https://you@index.example/")


KEYRING = """#!{python}
import sys, os
with open({log!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
{body}
"""


def keyring(place: Path, body: str) -> Path:
    """Put a program of that name into a directory; it notes what it was asked."""
    place.mkdir(exist_ok=True)
    path = place / "keyring"
    path.write_text(KEYRING.format(python=sys.executable, log=str(place / "asked"), body=body), "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return place


def asked(place: Path) -> list[str]:
    return (place / "asked").read_text("utf-8").splitlines()


def test_keyring(tmp_path: Path) -> None:
    """The keyring is asked for the address of the route, once for an origin, and prints user and password."""
    place = keyring(tmp_path / "bin", "print('me')\nprint('sec ret')")
    found = Found(tmp_path, {"PATH": str(place)})
    assert [("me", "sec ret")] * 3 == [found("keyring"), found("keyring", f"{URL}six/"), found("keyring")]
    assert [f"--mode creds get {URL}"] == asked(place)


def test_keyring_by_host(tmp_path: Path) -> None:
    """Where it knows nothing of the address it is asked for the host, and where it knows nothing at all, not again."""
    place = keyring(tmp_path / "bin", "sys.exit(0 if print('a\\nb') is None and '/' not in sys.argv[-1] else 1)")
    assert ("a", "b") == Found(tmp_path, {"PATH": str(place)})("keyring")
    place = keyring(tmp_path / "none", "sys.exit(1)")
    found = Found(tmp_path, {"PATH": str(place)})
    assert [None, None] == [found("keyring", "http://127.0.0.1:81/x"), found("keyring", "http://127.0.0.1:81/y")]
    assert ["--mode creds get http://127.0.0.1:81/", "--mode creds get 127.0.0.1:81"] == asked(place)
    assert [] == found.told


def test_keyring_for_an_address_of_six(tmp_path: Path) -> None:
    """A host may be an address of IPv6."""
    place = keyring(tmp_path / "bin", "sys.exit(1)")
    assert None is Found(tmp_path, {"PATH": str(place)})("keyring", "http://[::1]:81/x")
    assert ["--mode creds get http://[::1]:81/", "--mode creds get [::1]:81"] == asked(place)


def test_keyring_for_a_user(tmp_path: Path) -> None:
    """The keyring is asked for the password of the user that the address names."""
    place = keyring(tmp_path / "bin", "print('secret')")
    assert ("me", "secret") == Found(tmp_path, {"PATH": str(place)})("keyring", "https://me@index.example/simple/")
    assert [f"get {URL} me"] == asked(place)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.stderr.write('keyring: error: unrecognized arguments: --mode\\n'); sys.exit(2)", "is older than 25.2.1"),
        ("import time; time.sleep(60)", "did not answer within 0.2 s"),
        (None, "needs the program keyring, which is not on PATH"),
    ],
)
def test_keyring_that_does_not_answer(tmp_path: Path, body: str | None, told: str) -> None:
    """A keyring that is not there, too old or too slow is told once, and nothing is sent."""
    place = keyring(tmp_path / "bin", body) if body else tmp_path
    settings = {"patience": 0.2} if body and "sleep" in body else {}
    found = Found(tmp_path, {"PATH": str(place)}, **settings)
    assert [None, None] == [found("keyring"), found("keyring", "https://mirror.example/simple/")]
    [sentence] = found.told
    assert told in sentence


def test_keyring_that_takes_long(tmp_path: Path) -> None:
    """While a keyring waits for its user, it is said once what is waited for; its answer is taken all the same."""
    said = tmp_path / "said"
    body = f"import time\nwhile not os.path.exists({str(said)!r}): time.sleep(0.01)\nprint('me')\nprint('secret')"
    place = keyring(tmp_path / "bin", body)
    sentences: list[str] = []

    def say(sentence: str) -> None:
        sentences.append(sentence)
        said.touch()

    found = Found(tmp_path, {"PATH": str(place)}, say=say, quiet=0.01)
    assert [("me", "secret")] * 2 == [found("keyring"), found("keyring")]
    assert [
        f"the program keyring is waited for, which was asked for the credentials of {URL}, up to 30 s: it may want to "
        "be unlocked"
    ] == sentences
    assert [] == found.told


def test_threads_share_one_answer(tmp_path: Path) -> None:
    """Many requests at once have the keyring asked once."""
    place = keyring(tmp_path / "bin", "print('me')\nprint('secret')")
    found = Found(tmp_path, {"PATH": str(place)})
    with ThreadPoolExecutor(8) as pool:
        assert {("me", "secret")} == set(pool.map(lambda number: found("keyring"), range(8)))
    assert 1 == len(asked(place))


def test_a_login_does_not_show_its_password() -> None:
    """A login in a traceback or a log holds no password."""
    assert "secret" not in repr(Login("me", "secret", "netrc"))


def refusal(client: Client, url: str, setting: str) -> Outcome:
    with pytest.raises(RequestFailed) as caught, client.get(url, credentials=setting):
        pass
    return caught.value.outcome


@pytest.mark.parametrize("setting", ["netrc", "env:TOKEN", "keyring"])
def test_requests_carry_them(tmp_path: Path, setting: str) -> None:
    """A request carries what is found at its first try, a redirect elsewhere does not; a refusal tells the source."""
    wheel(tmp_path / "served", "six", "1.17.0")
    write_netrc(tmp_path / ".netrc", "machine 127.0.0.1 login me password secret\n")
    place = keyring(tmp_path / "bin", "print('me')\nprint('secret')")
    with Index(tmp_path / "served", credentials="me:secret") as index, Index(tmp_path / "served") as other:
        known = Asked("corp", index.url, credentials=setting)
        environment = {"TOKEN": "me:secret", "PATH": str(place)}
        client = Client(credentials=Credentials([known], environment=environment, home=tmp_path))
        with client.get(f"{index.url}six/", credentials=setting) as answer:
            assert b"six" in answer.read()
        index.fault("/simple/", f"redirect:{other.url}")
        with client.get(index.url, credentials=setting) as answer:
            answer.read()
        assert [True, True] == ["Authorization" in request.headers for request in index.requests]
        assert [False] == ["Authorization" in request.headers for request in other.requests]
        index.credentials = "me:other"
        source = {"netrc": "netrc", "env:TOKEN": "the variable TOKEN", "keyring": "the keyring"}[setting]
        told = f"127.0.0.1:{index.port} refuses the credentials of {source} (HTTP 401)"
        assert Outcome(Kind.REFUSED, 401, told) == refusal(client, index.url, setting)
        assert 3 == len(index.requests)


def test_what_a_refusal_says(tmp_path: Path) -> None:
    """A refusal says where credentials were looked for, and that they do not follow a redirect."""
    (tmp_path / "served").mkdir()
    with Index(tmp_path / "served", credentials="me:secret") as index, Index(tmp_path / "served") as other:
        client, host = Client(credentials=Credentials(home=tmp_path, environment={})), f"127.0.0.1:{index.port}"
        told = f"{host} wants credentials (HTTP 401), and 'credentials = none' lets none be looked for"
        assert told == str(refusal(client, index.url, "none"))
        other.fault("*", f"redirect:{index.url}")
        assert f"{host}, which 127.0.0.1:{other.port} leads to, refuses (HTTP 401): credentials go to their own" in str(
            refusal(client, other.url, "netrc")
        )
        other.fault("*", "status:403")
        told = f"127.0.0.1:{other.port} refuses to answer (HTTP 403), and netrc has none for it"
        assert told == str(refusal(client, other.url, "netrc"))


def test_the_home_is_that_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing told, the user's own netrc is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    write_netrc(tmp_path / ".netrc", NETRC)
    login = Credentials(environment=os.environ).of(URL, "netrc")
    assert login is not None
    assert "Basic bWU6c2VjcmV0" == login.header
