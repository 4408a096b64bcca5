"""What a fault on the way means: tried with real sockets, and with the errors that urllib3 makes of them."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from eggcarton.indexes.client import Client, RequestFailed
from eggcarton.indexes.faults import outcome_of, retry_after
from eggcarton.indexes.outcomes import Kind, Outcome
from support.index import Index


def failed(url: str, *, connect: float = 10.0, read: float = 10.0) -> Outcome:
    with pytest.raises(RequestFailed) as caught, Client(connect=connect, read=read).get(url) as answer:
        answer.read()
    return caught.value.outcome


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """Take one connection and answer with these bytes, then end it; with None, never answer."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                if answer is None:
                    done.wait()
                else:
                    connection.recv(4096)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        done.set()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has, the tests do without."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_refused(tmp_path: Path) -> None:
    """A refused connection is a route that cannot be reached."""
    with Index(tmp_path) as index:
        index.stop()
        outcome = failed(index.url)
    assert Kind.UNREACHABLE is outcome.kind
    assert f"no connection to 127.0.0.1:{index.port}: connection refused" == str(outcome)


def test_no_such_name() -> None:
    """A name that nobody knows is a route that cannot be reached."""
    outcome = failed("http://index.invalid/simple/")
    assert Kind.UNREACHABLE is outcome.kind
    assert str(outcome).startswith("the name of index.invalid cannot be resolved: ")


def test_silence() -> None:
    """A server that takes a connection and says nothing interrupts, after the time that is allowed."""
    with listening(None) as host:
        outcome = failed(f"http://{host}/", read=0.1)
    assert Outcome(Kind.INTERRUPTED, fault=f"nothing came from {host} for 0.1 s") == outcome


def test_silence_while_securing() -> None:
    """A server that never answers the handshake interrupts, and says nothing of certificates."""
    with listening(None) as host:
        outcome = failed(f"https://{host}/", connect=0.1)
    assert Outcome(Kind.INTERRUPTED, fault=f"nothing came from {host} for 0.1 s") == outcome


def test_ended_while_securing() -> None:
    """A connection that ends in the handshake interrupts: nothing was said of a certificate."""
    with listening(b"") as host:
        outcome = failed(f"https://{host}/")
    assert Kind.INTERRUPTED is outcome.kind


def test_plain_text_in_place_of_tls() -> None:
    """A server that speaks no TLS where it should cannot be trusted."""
    with listening(b"HTTP/1.0 200 OK\r\n\r\n") as host:
        outcome = failed(f"https://{host}/")
    assert Kind.UNTRUSTED is outcome.kind
    assert str(outcome).startswith(f"{host} does not speak TLS as it should: ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", "the answer of HOST ended 5 bytes early"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nfour", "the answer of HOST ended early"),
        (b"", "the connection to HOST ended before an answer came"),
        (b"SSH-2.0-OpenSSH\r\n", "the answer of HOST is not one of HTTP: SSH-2.0-OpenSSH"),
    ],
)
def test_answers_that_end_early(answer: bytes, told: str) -> None:
    """An answer that ends too early, or that is none, interrupts."""
    with listening(answer) as host:
        outcome = failed(f"http://{host}/")
    assert (Kind.INTERRUPTED, told.replace("HOST", host)) == (outcome.kind, str(outcome).strip())


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.UNREACHABLE, OSError(errno.ENETUNREACH, "Network is unreachable")),
        (Kind.UNREACHABLE, OSError(errno.EHOSTUNREACH, "No route to host")),
        (Kind.INTERRUPTED, ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")),
        (Kind.INTERRUPTED, ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
        (Kind.UNTRUSTED, ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] alert")),
    ],
)
def test_errors_of_sockets(kind: Kind, error: OSError) -> None:
    """What cannot be reached, what ends, and what cannot be secured are told apart, however they are wrapped."""
    wrapped = urllib3.exceptions.ProtocolError("Connection aborted.", error)
    assert kind is outcome_of(wrapped, "index.example", read=1).kind


def test_a_proxy_that_fails() -> None:
    """Whatever fails between us and a proxy makes the route unreachable."""
    error = urllib3.exceptions.ProxyError("Unable to connect to proxy", TimeoutError("timed out"))
    assert Outcome(Kind.UNREACHABLE, fault="no connection to the proxy within 1 s") == outcome_of(
        error, "h", connect=1, read=2
    )


def test_records_that_do_not_hold_in_the_middle_interrupt() -> None:
    """Once an answer is being read, a fault of TLS is one of the way, and says nothing of the certificate."""
    error = urllib3.exceptions.SSLError(ssl.SSLError(1, "[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] bad"))
    assert Kind.INTERRUPTED is outcome_of(error, "index.example", read=1, is_reading=True).kind


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("expected", "header"),
    [
        (0.0, "0"),
        (120.0, " 120 "),
        (60.0, "Tue, 14 Nov 2023 22:14:20 GMT"),
        (60.0, "Tuesday, 14-Nov-23 22:14:20 GMT"),
        (60.0, "Tue Nov 14 22:14:20 2023"),
        (0.0, "Tue, 14 Nov 2023 22:13:19 GMT"),
        (86_400.0, "86400"),
        (86_400.0, "86401"),
        (86_400.0, "9" * 400),
        (86_400.0, "Wed, 14 Nov 2029 22:14:20 GMT"),
        *((None, text) for text in ("-5", "1.5", "soon", "", "١٢", "Tue, 99 Nov 2023 22:14:20 GMT")),
        (None, None),
    ],
)
def test_retry_after(expected: float | None, header: str | None) -> None:
    """Seconds and dates in all three forms of HTTP are read, the absurd as a day; the rest counts as left out."""
    assert expected == retry_after(header, NOW)


def test_retry_after_of_an_answer(tmp_path: Path) -> None:
    """A 429 or a 503 that says when it wants to be asked again carries that, a date by the clock that is passed in."""
    with Index(tmp_path) as index:
        index.fault(
            "*", "status:429 header:Retry-After=7", "status:503 header:Retry-After=Tue,_14_Nov_2023_22:13:25_GMT"
        )
        index.fault("*", "status:503 header:Retry-After=soon")
        outcomes = []
        for _ in range(3):
            with pytest.raises(RequestFailed) as caught, Client(wall=lambda: NOW).get(index.url):
                pass
            outcomes.append(caught.value.outcome)
    assert [Outcome.of_status(429, 7.0), Outcome.of_status(503, 5.0), Outcome.of_status(503)] == outcomes
