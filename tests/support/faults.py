"""What can go wrong between an index and its client, each by a name that a test can write.

A step of a script is one or more faults with blanks between: `ok`, `reset:0.9`, `status:429 header:Retry-After=5`.
A fault is a function that changes the right response; a test may hand in its own.
"""

from __future__ import annotations

import fcntl
import re
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

RESET = struct.pack("ii", 1, 0)


@dataclass
class Response:
    """A response and the way it is delivered; faults change both."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = False
    range_shift: int = 0
    total_shift: int = 0
    length: Callable[[int], int | None] = int
    """What Content-Length says of the body's true length; None leaves it out."""
    wait: float = 0
    """Seconds before the first byte."""
    rate: float | None = None
    """Bytes a second."""
    stop_at: float = 1
    """The share of the body that is sent; less than nothing: no headers either."""
    ending: str = "keep"
    """keep the connection, close it, reset it, or stall."""

    def take_range(self, wanted: str | None) -> None:
        """Answer a Range header as RFC 9110 says, if this response knows how."""
        if self.status != 200 or not self.ranges:
            return
        self.headers["Accept-Ranges"] = "bytes"
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
        if not match or match[0] == "bytes=-":
            return
        total = len(self.body)
        if not match[1]:
            start, end = max(total - int(match[2]), 0), total - 1
        else:
            start, end = int(match[1]), min(int(match[2] or total - 1), total - 1)
        if start > end:
            self.status, self.body = 416, b""
            self.headers["Content-Range"] = f"bytes */{total}"
            return
        shown = start + self.range_shift
        self.headers["Content-Range"] = f"bytes {shown}-{end + self.range_shift}/{total + self.total_shift}"
        self.status, self.body = 206, self.body[start : end + 1]


Fault = Callable[[Response], None]


def ok(response: Response, argument: str) -> None:
    """Everything as it should be."""


def status(response: Response, argument: str) -> None:
    """Another status; the body is a line of text."""
    response.status, response.body = int(argument), f"status {argument}\n".encode()
    response.headers = {"Content-Type": "text/plain"}


def header(response: Response, argument: str) -> None:
    """One more header, `Name=Value` (an underscore in the value is a blank); without a value it is taken away."""
    name, _, value = argument.partition("=")
    response.headers.pop(name, None)
    if value:
        response.headers[name] = value.replace("_", " ")


def redirect(response: Response, argument: str) -> None:
    """To another address."""
    status(response, "302")
    response.headers["Location"] = argument


def portal(response: Response, argument: str) -> None:
    """The page of a captive portal, with status 200 or the one given."""
    response.status = int(argument or 200)
    response.body = b"<!DOCTYPE html>\n<html><body><h1>Welcome to our network</h1>Please log in.</body></html>\n"
    response.headers = {"Content-Type": "text/html; charset=utf-8"}
    response.ranges = False


def flip(response: Response, argument: str) -> None:
    """One byte is another, in the middle or at the share given; the length is right."""
    body = bytearray(response.body)
    body[int(len(body) * float(argument or 0.5))] ^= 0xFF
    response.body = bytes(body)


def cut(response: Response, argument: str) -> None:
    """The body is shorter, by half or to the share given, and Content-Length agrees with it."""
    response.body = response.body[: int(len(response.body) * float(argument or 0.5))]


def long(response: Response, argument: str) -> None:
    """The body goes on for so many bytes more, and Content-Length agrees with it."""
    response.body += b"\0" * int(argument or 1)


def length(response: Response, argument: str) -> None:
    """Content-Length is so many bytes too long or (negative) too short, or is left out (`none`)."""
    response.length = (lambda true: None) if argument == "none" else (lambda true: true + int(argument))
    response.ending = "close"


def truncate(response: Response, argument: str) -> None:
    """The connection ends in order after half, or the share given, of what Content-Length promised."""
    response.stop_at, response.ending = float(argument or 0.5), "close"


def reset(response: Response, argument: str) -> None:
    """The connection is reset after the share given; without one, before any byte."""
    response.stop_at, response.ending = float(argument or -1), "reset"


def stall(response: Response, argument: str) -> None:
    """Nothing more comes after the share given; without one, nothing at all."""
    response.stop_at, response.ending = float(argument or -1), "stall"


def slow(response: Response, argument: str) -> None:
    """So many bytes a second, one if not given."""
    response.rate = float(argument or 1)


def wait(response: Response, argument: str) -> None:
    """So many seconds pass before the first byte."""
    response.wait = float(argument)


def ranges(response: Response, argument: str) -> None:
    """Range is `ignored` (the whole comes with 200), or answered with a wrong `start` or `total`."""
    if argument == "ignored":
        response.ranges = False
    elif argument == "start":
        response.range_shift = 1
    elif argument == "total":
        response.total_shift = 1
    else:
        raise ValueError(f"{argument!r} is not ignored, start or total")


NAMED: dict[str, Callable[[Response, str], None]] = {
    function.__name__: function
    for function in (
        *(ok, status, header, redirect, portal, flip, cut, long),
        *(length, truncate, reset, stall, slow, wait, ranges),
    )
}


def read_step(step: str | Fault) -> list[Fault]:
    """Turn one step of a script into its faults, or say at once that a name is unknown."""
    if not isinstance(step, str):
        return [step]
    return [_read_fault(word) for word in step.split()]


def _read_fault(word: str) -> Fault:
    name, _, argument = word.partition(":")
    if name not in NAMED:
        raise ValueError(f"{name!r} is no fault; there are {', '.join(NAMED)}")
    try:
        # Tried once, so that an argument that is none is an error of the test that names it.
        NAMED[name](Response(200, b"a body"), argument)
    except ValueError as error:
        raise ValueError(f"{word!r} is no fault: {error}") from None
    return lambda response: NAMED[name](response, argument)


def deliver(
    response: Response, handler: BaseHTTPRequestHandler, closing: threading.Event, last: Callable[[], None]
) -> None:
    """Send a response the way it wants to be sent.

    Args:
        closing: set when the server ends.
        last: called before the last bytes are sent. With them the client has all, and may send its next request before
            this thread goes on.
    """
    closing.wait(response.wait)
    if response.stop_at >= 0:
        is_sent = handler.command != "HEAD" and response.status != 304
        body = response.body[: int(len(response.body) * response.stop_at)] if is_sent else b""
        if not body and response.ending != "stall":
            last()
        _send_head(response, handler)
        _send_body(body, response, handler, closing, last)
    if response.ending == "stall":
        closing.wait()
    if response.ending == "reset":
        _prepare_reset(handler.connection)
    if response.ending != "keep":
        handler.close_connection = True


def _send_head(response: Response, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(response.status)
    for name, value in response.headers.items():
        handler.send_header(name, value)
    told = response.length(len(response.body))
    if told is not None:
        handler.send_header("Content-Length", str(told))
    if response.ending == "close":
        handler.send_header("Connection", "close")
    handler.end_headers()


def _send_body(
    body: bytes,
    response: Response,
    handler: BaseHTTPRequestHandler,
    closing: threading.Event,
    last: Callable[[], None],
) -> None:
    step = max(int(response.rate / 10), 1) if response.rate is not None else max(len(body), 1)
    for start in range(0, len(body), step):
        if start + step >= len(body) and response.ending != "stall":
            last()
        handler.wfile.write(body[start : start + step])
        if response.rate is not None and closing.wait(step / response.rate):
            return


def _prepare_reset(connection: socket.socket) -> None:
    """Have the socket end with a reset, once the other side holds what was sent before."""
    deadline = time.monotonic() + 60
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.001)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def reset_wanted(connection: socket.socket) -> bool:
    """Tell whether a fault asked for this connection to end with a reset."""
    try:
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET)) == RESET
    except OSError:
        return False
