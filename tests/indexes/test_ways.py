"""Certificates and proxies as they fail in earnest: real sockets, a test authority, and a proxy with a script."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from eggcarton.indexes.client import Client, RequestFailed
from eggcarton.indexes.outcomes import Kind, Outcome
from support.distributions import wheel
from support.index import Index
from support.proxy import Proxy

NAME = "index.example"


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever this machine's user has configured, the tests do without."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_PROXY", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def served(tmp_path: Path) -> Path:
    wheel(tmp_path / "served", "six", "1.17.0")
    return tmp_path / "served"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return tmp_path / "authority.pem"


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


@pytest.fixture
def secure(served: Path, authority: trustme.CA) -> Iterator[Index]:
    """An index by TLS, which its own name and its address are on the certificate of."""
    with Index(served, tls=context(authority.issue_cert("127.0.0.1", NAME))) as index:
        yield index


def outcome(client: Client, url: str) -> Outcome | None:
    """Return how a request failed, None where it served."""
    try:
        with client.get(url) as answer:
            assert b"six" in answer.read()
    except RequestFailed as failed:
        return failed.outcome
    return None


def test_an_expired_certificate(
    served: Path, authority: trustme.CA, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index whose certificate has expired is not believed, and asked nothing."""
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    old = authority.issue_cert("127.0.0.1", not_before=datetime(2020, 1, 1), not_after=datetime(2021, 1, 1))
    with Index(served, tls=context(old)) as index:
        told = f"the certificate of 127.0.0.1:{index.port} does not hold: certificate has expired"
        assert Outcome(Kind.UNTRUSTED, fault=told) == outcome(Client(), index.url)
        assert [] == index.paths()


def test_the_certificate_of_another_host(
    served: Path, authority: trustme.CA, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index with the certificate of another host is not believed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with Index(served, tls=context(authority.issue_cert("other.example"))) as index:
        found = outcome(Client(), index.url)
        assert found is not None
        assert Kind.UNTRUSTED is found.kind
        assert "mismatch" in str(found)
        assert [] == index.paths()


def test_a_certificate_that_signs_itself(served: Path, tmp_path: Path) -> None:
    """A certificate that only itself vouches for is not believed, and what would let it be is told."""
    lonely, made = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "lonely.pem").write_bytes(lonely.private_key_pem.bytes() + lonely.cert_pem.bytes())
    made.load_cert_chain(tmp_path / "lonely.pem")
    with Index(served, tls=made) as index:
        told = (
            f"the certificate of 127.0.0.1:{index.port} does not hold: self-signed certificate; let SSL_CERT_FILE name "
            "the file with the authority that issued it"
        )
        found = outcome(Client(), index.url)
        assert found is not None
        assert (Kind.UNTRUSTED, told) == (found.kind, str(found).replace("self signed", "self-signed"))


def test_the_authority_of_pips_configuration(secure: Index, bundle: Path, tmp_path: Path) -> None:
    """The authority that pip is configured with is believed, as bootstrap.py believes it."""
    assert Kind.UNTRUSTED is getattr(outcome(Client(), secure.url), "kind", None)
    config = tmp_path / "home" / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text(f"[global]\ncert = {bundle}\n", "utf-8")
    assert None is outcome(Client(), secure.url)


@pytest.fixture
def by_proxy(bundle: Path, monkeypatch: pytest.MonkeyPatch, secure: Index) -> Iterator[Proxy]:
    """A proxy that knows the name of the index, and that all is asked through."""
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with Proxy(hosts={f"{NAME}:443": ("127.0.0.1", secure.port)}) as proxy:
        monkeypatch.setenv("https_proxy", proxy.address)
        yield proxy


URL = f"https://{NAME}/simple/"


def test_a_tunnel(by_proxy: Proxy, secure: Index) -> None:
    """By TLS the proxy hears the name of the host, and nothing of what is asked or answered."""
    assert None is outcome(Client(), URL)
    assert [f"CONNECT {NAME}:443"] == [line.rpartition(" ")[0] for line in by_proxy.asked]
    assert ["/simple/"] == secure.paths()


def test_a_proxy_that_wants_credentials(
    by_proxy: Proxy, secure: Index, monkeypatch: pytest.MonkeyPatch, served: Path
) -> None:
    """The credentials in a proxy's address go to the proxy, those of an index through it to the index."""
    by_proxy.credentials, secure.credentials = "us:hush hush", "me:secret"
    with_credentials = URL.replace("//", "//me:secret@")
    told = "the proxy wants credentials, or others (HTTP 407); write them into its address in the environment"
    assert Outcome(Kind.REFUSED, 407, told) == outcome(Client(), with_credentials)
    assert [] == secure.paths()
    monkeypatch.setenv("https_proxy", by_proxy.address.replace("//", "//us:hush%20hush@"))
    assert None is outcome(Client(), with_credentials)
    assert [False, False] == ["\r\nauthorization" in head.lower() for head in by_proxy.heads]
    assert ["Proxy-Authorization" in request.headers for request in secure.requests] == [False]


def test_plain_requests_by_a_proxy(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS a proxy forwards: the line of the request holds no credentials, and the index hears none of its."""
    with Index(served, credentials="me:secret") as index:
        hosts = {f"{NAME}:80": ("127.0.0.1", index.port)}
        with Proxy(hosts=hosts, credentials="us:hush") as proxy:
            plain = URL.replace("https", "http")
            monkeypatch.setenv("http_proxy", proxy.address)
            refused = outcome(Client(), plain)
            assert (Kind.REFUSED, 407) == (refused and refused.kind, refused and refused.status)
            monkeypatch.setenv("http_proxy", proxy.address.replace("//", "//us:hush@"))
            assert None is outcome(Client(), plain.replace("//", "//me:secret@"))
            assert [f"GET {plain} HTTP/1.1"] * 2 == proxy.asked
            assert ["Proxy-Authorization" in request.headers for request in index.requests] == [False]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("drop", Kind.INTERRUPTED),
        ("cut", Kind.INTERRUPTED),
        ("status:502", Kind.UNREACHABLE),
        ("status:403", Kind.UNREACHABLE),
    ],
)
def test_a_tunnel_that_fails(by_proxy: Proxy, secure: Index, step: str, kind: Kind) -> None:
    """A tunnel that ends, or that is refused, is a fault of the way: nothing is sent, and the next try may succeed."""
    by_proxy.script.append(step)
    client = Client()
    found = outcome(client, URL)
    assert found is not None
    assert (kind, []) == (found.kind, secure.paths())
    assert None is outcome(client, URL)


def test_hosts_without_a_proxy(by_proxy: Proxy, secure: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that NO_PROXY names is asked directly, others are not."""
    monkeypatch.setenv("no_proxy", "127.0.0.1,.else.example")
    assert None is outcome(Client(), secure.url)
    assert [] == by_proxy.asked
    assert None is outcome(Client(), URL)
    assert 1 == len(by_proxy.asked)


def test_the_proxy_of_pips_configuration(secure: Index, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy that pip is configured with comes before those of the environment, as pip itself has it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with Proxy(hosts={f"{NAME}:443": ("127.0.0.1", secure.port)}) as proxy:
        monkeypatch.setenv("PIP_PROXY", proxy.address)
        assert None is outcome(Client(), URL)
        assert 1 == len(proxy.asked)


def test_a_certificate_behind_a_proxy(
    by_proxy: Proxy, secure: Index, monkeypatch: pytest.MonkeyPatch, served: Path
) -> None:
    """A proxy does not weaken what is asked of a certificate: one that stands for the index itself is found out."""
    monkeypatch.delenv("SSL_CERT_FILE")
    found = outcome(Client(), URL)
    assert found is not None
    assert (Kind.UNTRUSTED, []) == (found.kind, secure.paths())
    assert str(found).startswith(f"the certificate of {NAME} does not hold: ")
