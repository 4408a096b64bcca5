"""Every request leaves by the same door: proxies, authorities and credentials are settled there."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from eggcarton.core.errors import UsageProblem
from eggcarton.indexes.client import Client, RequestFailed, redacted
from eggcarton.indexes.outcomes import Kind, Outcome
from support.distributions import wheel
from support.index import Index

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy or authorities this machine has, the tests do without."""
    for name in (*VARIABLES, "CURL_CA_BUNDLE", *(name.upper() for name in VARIABLES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    wheel(tmp_path / "served", "six", "1.17.0")
    with Index(tmp_path / "served") as serving:
        yield serving


def read(client: Client, url: str) -> bytes:
    with client.get(url) as answer:
        return answer.read()


def failure(client: Client, url: str) -> str:
    with pytest.raises(RequestFailed) as caught:
        read(client, url)
    return str(caught.value)


def test_a_body_comes_as_it_is(index: Index) -> None:
    """A body is what the server sent, and the server is asked not to pack it."""
    assert b"six" in read(Client(), f"{index.url}six/")
    assert "identity" == index.requests[0].headers["Accept-Encoding"]


@pytest.mark.parametrize("status", [204, 403, 404, 503])
def test_other_statuses_fail(index: Index, status: int) -> None:
    """Every status but 200 is a failure that carries the status."""
    index.fault("*", f"status:{status}")
    with pytest.raises(RequestFailed) as caught:
        read(Client(), index.url)
    assert status == caught.value.outcome.status


@pytest.mark.parametrize("fault", ["reset", "reset:0.5", "truncate:0.5", "length:9"])
def test_faults_on_the_way_fail(index: Index, fault: str) -> None:
    """A connection that ends too early is a failure without a status, and no request is repeated unasked."""
    index.fault("*", fault, forever=True)
    with pytest.raises(RequestFailed) as caught:
        read(Client(), index.url)
    assert None is caught.value.outcome.status
    assert ["/simple/"] == index.paths()


def test_nobody_listens(index: Index) -> None:
    """A refused connection is told as one."""
    index.stop()
    assert "refused" in failure(Client(), index.url)


def test_connections_are_kept(index: Index) -> None:
    """After a whole answer the same connection serves the next request."""
    client = Client(connections=1)
    ports = []
    for _ in range(3):
        with client.get(index.url) as answer:
            answer.read()
        ports.append(client._direct.connection_from_url(index.url).num_connections)
    assert [1, 1, 1] == ports


def test_an_abandoned_body_spoils_nothing(index: Index) -> None:
    """After an answer that was left in its middle, the next request gets its own answer at the first try."""
    client = Client(connections=1)
    with pytest.raises(ZeroDivisionError), client.get(index.url):
        raise ZeroDivisionError
    assert b"six" in read(client, f"{index.url}six/")
    assert ["/simple/", "/simple/six/"] == index.paths()


def test_redirects_are_followed(index: Index) -> None:
    """Redirects, relative ones too, are followed, and the address at their end is known."""
    index.fault("/simple/", "redirect:a/b/")
    index.fault("/simple/a/b/", "redirect:../six/")
    index.fault("/simple/a/six/", "redirect:/simple/six/")
    with Client().get(index.url) as answer:
        assert f"{index.url}six/" == answer.url
        assert b"six" in answer.read()


def test_address_without_redirects(index: Index) -> None:
    """Without a redirect an answer comes from where it was asked."""
    with Client().get(index.url) as answer:
        assert index.url == answer.url


def test_endless_redirects_fail(index: Index) -> None:
    """A circle of redirects ends as a failure after five of them."""
    index.fault("*", f"redirect:{index.url}", forever=True)
    assert "too many redirects" in failure(Client(), index.url)
    assert 6 == len(index.requests)


def with_credentials(index: Index, credentials: str) -> str:
    return index.url.replace("://", f"://{credentials}@")


def test_credentials_of_an_address(index: Index) -> None:
    """A user name and a password in an address, quoted as an address needs it, are sent."""
    index.credentials = "m@e:p@ss:word"
    assert b"six" in read(Client(), with_credentials(index, "m%40e:p%40ss%3Aword"))


def test_credentials_for_the_same_origin(index: Index) -> None:
    """Once an address with credentials was asked, addresses of the same origin without them are asked with them."""
    index.credentials = "me:secret"
    client = Client()
    assert f"127.0.0.1:{index.port} wants credentials (HTTP 401), and netrc has none for it" == failure(
        client, index.url
    )
    read(client, with_credentials(index, "me:secret"))
    assert b"six" in read(client, f"{index.url}six/")


def test_credentials_stay_with_their_origin(index: Index, tmp_path: Path) -> None:
    """Credentials go to no other origin, neither by a redirect nor by a link."""
    with Index(tmp_path / "served") as other:
        client = Client()
        index.fault("/simple/", f"redirect:{other.url}")
        read(client, with_credentials(index, "me:secret"))
        read(client, other.url)
        assert ["Authorization" in request.headers for request in index.requests] == [True]
        assert [False, False] == ["Authorization" in request.headers for request in other.requests]


def test_redirects_from_https_to_http_are_not_followed(
    private: tuple[Index, Path], index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that leads from https to http makes its route untrusted, and nobody is asked there."""
    secure, bundle = private
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    secure.fault("/simple/", f"redirect:{index.url}")
    with pytest.raises(RequestFailed) as caught:
        read(Client(), secure.url)
    told = f"it leads from https to http, to {index.url}, where anybody could change what comes"
    assert Outcome(Kind.UNTRUSTED, fault=told) == caught.value.outcome
    assert [] == index.paths()


def test_credentials_of_a_redirect_are_not_taken(index: Index, tmp_path: Path) -> None:
    """What credentials an answer would have us send elsewhere is not for it to say."""
    with Index(tmp_path / "served") as other:
        index.fault("/simple/", f"redirect:{with_credentials(other, 'me:secret')}")
        read(Client(), index.url)
        assert [False] == ["Authorization" in request.headers for request in other.requests]


def test_a_way_back_has_the_credentials_again(index: Index, tmp_path: Path) -> None:
    """Where redirects lead back to the origin that was asked, it gets its credentials again, and nobody else does."""
    with Index(tmp_path / "served") as other:
        index.credentials = "me:secret"
        index.fault("/simple/", f"redirect:{other.url}six/")
        other.fault("/simple/six/", f"redirect:{index.url}six/")
        assert b"six" in read(Client(), with_credentials(index, "me:secret"))
        assert [False] == ["Authorization" in request.headers for request in other.requests]


def test_credentials_are_not_told(index: Index) -> None:
    """No failure tells credentials, not even that of an address that is none."""
    index.stop()
    client = Client()
    for url in (with_credentials(index, "me:secret"), "http://me:secret@127.0.0.1:port/simple/"):
        told = failure(client, url)
        assert "secret" not in told
        assert "127.0.0.1" in told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://me:secret@[bad/six/", "http://[bad/six/ is not an address: its host is none"),
        ("http://me:secret@h:99999/", "http://h:99999/ is not an address: its port is not a number up to 65535"),
        ("htp:/x/six/", "htp:/x/six/ is not an address: it does not begin with http:// or https://"),
    ],
)
def test_an_address_that_is_none(url: str, told: str) -> None:
    """What cannot be an address is a failure that tells it without its credentials, and why."""
    assert told == failure(Client(), url)


def test_redacted() -> None:
    """An address without its credentials is otherwise the same, and one without any is the same."""
    assert "https://index.example:8/x?y=z" == redacted("https://me:p%40ss@index.example:8/x?y=z")
    for plain in ("https://index.example/x@y", "https://index.example//x@y", "https://index.example?x@y"):
        assert plain == redacted(plain)
    assert "http://[bad/x" == redacted("http://me:secret@[bad/x")


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_proxy_of_the_environment(index: Index, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A request goes through the proxy that the environment names, whatever the case of the variable."""
    monkeypatch.setenv(variable, index.address)
    assert b"six" in read(Client(), "http://index.example/simple/six/")
    assert ["http://index.example/simple/six/"] == index.paths()


def test_proxy_with_credentials(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's credentials, unquoted, go to the proxy in its own header; an address may lack its scheme."""
    monkeypatch.setenv("http_proxy", f"me:p%40ss@127.0.0.1:{index.port}")
    assert b"six" in read(Client(), "http://index.example/simple/six/")
    headers = {name.lower(): value for name, value in index.requests[0].headers.items()}
    assert "Basic bWU6cEBzcw==" == headers["proxy-authorization"]
    assert "authorization" not in headers


def test_no_proxy(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that the environment excepts is asked directly."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert b"six" in read(Client(), index.url)


def test_dead_proxy_fails(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer is a failure that tells no credentials; nobody is asked without it."""
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    told = failure(Client(), index.url)
    assert ("refused" in told, "secret" in told) == (True, False)
    assert [] == index.paths()


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("http://me:secret@proxy:port", "http://proxy:port is not the address of a proxy: its port is not a number"),
        ("proxy:99999", "http://proxy:99999 is not the address of a proxy: its port is not a number up to 65535"),
        ("socks5://proxy:1", "socks5://proxy:1 is not the address of a proxy: it does not begin with http:// or https"),
    ],
)
def test_a_proxy_that_is_none(index: Index, monkeypatch: pytest.MonkeyPatch, proxy: str, told: str) -> None:
    """What cannot be a proxy is a wrong setting, told with its variable; nobody is asked without it."""
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(UsageProblem) as caught:
        read(Client(), index.url)
    assert str(caught.value).startswith(f"http_proxy: {told}")
    assert [] == index.paths()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[Index, Path]]:
    """An index by TLS whose authority nobody knows, and that authority's certificate."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    wheel(tmp_path / "served", "six", "1.17.0")
    with Index(tmp_path / "served", tls=context) as serving:
        yield serving, bundle


def test_unknown_authorities_are_refused(private: tuple[Index, Path]) -> None:
    """A certificate of an authority that the machine does not know is refused."""
    assert "certificate" in failure(Client(), private[0].url).lower()
    assert [] == private[0].paths()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_of_the_environment(
    private: tuple[Index, Path], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The authorities of a bundle that the environment names are believed, by any of the usual variables."""
    index, bundle = private
    monkeypatch.setenv(variable, str(bundle))
    assert b"six" in read(Client(), index.url)


def test_authorities_that_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bundle without certificates is a wrong setting, told by its path."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate\n", "utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with pytest.raises(UsageProblem) as caught:
        Client()
    assert f"{bundle} holds no certificates; let SSL_CERT_FILE name a file that does" == str(caught.value)


def test_hosts_that_are_not_allowed(index: Index) -> None:
    """A host that no pattern names is not asked, also where another one leads to it."""
    url = f"{index.url}six/"
    for allowed in (("127.0.0.1",), (f"127.*:{index.port}", "else.example"), ("*",)):
        read(Client(allow_hosts=allowed), url)
    asked = len(index.requests)
    with pytest.raises(UsageProblem) as caught:
        read(Client(allow_hosts=("*.example",)), url)
    assert str(caught.value).startswith(
        f"[buildout] option 'allow-hosts' keeps 127.0.0.1:{index.port} from being asked, which {url} leads to; "
    )
    assert asked == len(index.requests)
    index.fault("*", f"redirect:{index.url.replace('127.0.0.1', 'localhost')}six/", "ok")
    with pytest.raises(UsageProblem, match=f"keeps localhost:{index.port} from being asked"):
        read(Client(allow_hosts=("127.0.0.1",)), url)
