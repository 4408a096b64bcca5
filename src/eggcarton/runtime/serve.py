"""Serves one WSGI application with waitress, in the foreground, until it is told to end.

This file stands alone: a plan copies it beside the script that calls `main`.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

# What a request that is being answered when the server is told to end may still take.
_GRACE = 10.0


def main(
    arguments: Sequence[str],
    *,
    module: str,
    attribute: str,
    kind: str,
    listen: str,
    threads: int,
    program: str,
) -> int:
    """Serve the application and return the exit status.

    Args:
        arguments: the command line: `--listen` and `--threads` take the place of the settings.
        kind: `application`; or `factory`, which is called without arguments; or `paste`, called with an empty
            global configuration.
        listen: `HOST:PORT`; port 0 lets the system choose one.
        program: the script's name, for messages.
    """
    parser = argparse.ArgumentParser(prog=program, description=f"Serve {module}:{attribute} over HTTP.")
    parser.add_argument(
        "--listen",
        type=_address,
        default=listen,
        metavar="HOST:PORT",
        help="where to listen (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=_threads,
        default=threads,
        metavar="N",
        help="threads at work (default: %(default)s)",
    )
    chosen = parser.parse_args(arguments)
    try:
        application = load(module, attribute, kind)
    except AttributeError as error:
        if error.name != attribute.rpartition(".")[2]:
            raise
        return _say(program, f"the module '{module}' has no '{attribute}'")
    return serve(application, chosen.listen, chosen.threads, program)


def load(module: str, attribute: str, kind: str) -> Callable[..., Any]:
    """Return the WSGI application that an object is, or makes."""
    found: Any = functools.reduce(getattr, attribute.split("."), importlib.import_module(module))
    if kind == "application":
        return found  # type: ignore[no-any-return]
    return found({}) if kind == "paste" else found()  # type: ignore[no-any-return]


def serve(application: Callable[..., Any], listen: str, threads: int, program: str) -> int:
    """Answer requests until SIGTERM or Ctrl-C; then finish those that are being answered."""
    import waitress  # type: ignore[import-untyped]

    sockets: dict[int, Any] = {}
    try:
        server = waitress.create_server(application, map=sockets, listen=listen, threads=threads)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _say(program, f"cannot listen on {listen}: {reason[:1].lower()}{reason[1:]}")
    ending: list[int] = []

    def end(number: int, frame: object) -> None:
        if ending:
            # Told twice: whoever waits for a slow request no longer wants to. A thread that still answers one may
            # hold a stream that an orderly exit would wait for.
            os._exit(0)
        ending.append(number)
        for member in list(sockets.values()):
            if hasattr(member, "pull_trigger"):
                member.pull_trigger()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    for host, port in getattr(server, "effective_listen", None) or [(server.effective_host, server.effective_port)]:
        address = f"[{host}]" if ":" in host else host
        print(f"serving on http://{address}:{port}", flush=True)
    adjusted = server.adj
    while not ending:
        server.asyncore.loop(adjusted.asyncore_loop_timeout, adjusted.asyncore_use_poll, sockets, 1)
    _finish(server, sockets)
    return 0


def _finish(server: Any, sockets: dict[int, Any]) -> None:
    """Take no more connections, and answer what was asked already."""
    listening = [member for member in sockets.values() if getattr(member, "accepting", False)]
    for member in listening:
        member.del_channel()
        member.socket.close()
    deadline = time.monotonic() + _GRACE
    while _busy(sockets) and time.monotonic() < deadline:
        server.asyncore.loop(0.1, server.adj.asyncore_use_poll, sockets, 1)
    server.task_dispatcher.shutdown(timeout=1)


def _busy(sockets: dict[int, Any]) -> bool:
    return any(
        getattr(member, "requests", None) or getattr(member, "total_outbufs_len", 0)
        for member in list(sockets.values())
    )


def _address(text: str) -> str:
    """Return an address with its host, which is this machine's own where only a port is given."""
    address = text if ":" in text else f"127.0.0.1:{text}"
    match = re.fullmatch(r"(?:\[[^]\s]+\]|[^][:\s]+):([0-9]{1,5})", address)
    if not match or int(match[1]) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not an address such as 127.0.0.1:8080")
    return address


def _threads(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of threads")
    return int(text)


def _say(program: str, sentence: str) -> int:
    print(f"{program}: {sentence}", file=sys.stderr)
    return 1
