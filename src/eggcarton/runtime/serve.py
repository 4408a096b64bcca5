"""Serves one WSGI application with waitress, in the foreground, until it is told to end.

This file stands alone: a plan copies it beside the script that calls `main`.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import inspect
import os
import pkgutil
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

# What a request that is being answered when the server is told to end may still take.
_GRACE = 10.0
# How many names a sentence may list.
_FEW = 5


class NotServed(Exception):
    """What is configured is not there, or is no application; the sentence says what was found instead."""


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
    parser = argparse.ArgumentParser(
        prog=program, description=f"Serve {module}:{attribute} over HTTP.", allow_abbrev=False
    )
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
    except NotServed as problem:
        return _say(program, f"option 'application': {problem}")
    return serve(application, chosen.listen, chosen.threads, program)


def load(module: str, attribute: str, kind: str) -> Callable[..., Any]:
    """Return the WSGI application that an object is, or makes; what the application itself raises is passed on.

    Raises:
        NotServed: there is no such object, or it cannot be called as an application is.
    """
    found: Callable[..., Any] = _attribute(_module(module), attribute)
    name = f"{module}:{attribute}"
    if not callable(found):
        raise NotServed(f"{name} is of the type '{type(found).__name__}', which cannot be called")
    if kind == "application":
        _check_arguments(found, name)
        return found
    made: Callable[..., Any] = found({}) if kind == "paste" else found()
    if not callable(made):
        raise NotServed(f"{name}() makes something of the type '{type(made).__name__}', which cannot be called")
    return made


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A module that is there and misses another one tells of that itself.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        package, _, last = error.name.rpartition(".")
        places = getattr(sys.modules.get(package), "__path__", ()) if package else None
        near = _near(last, [found.name for found in pkgutil.iter_modules(places)], f"{package}." if package else "")
        raise NotServed(f"there is no module '{error.name}'{near}") from error


def _attribute(module: Any, dotted: str) -> Any:
    found, where = module, f"the module '{module.__name__}'"
    for name in dotted.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            raise NotServed(f"{where} has no '{name}'{_near(name, _callables(found))}") from error
        where = f"'{name}' of the module '{module.__name__}'"
    return found


def _callables(owner: Any) -> list[str]:
    """Return what may be meant, and leave out what a module only imports unless nothing else is there."""
    names = [name for name in dir(owner) if not name.startswith("_") and callable(getattr(owner, name, None))]
    own = [
        name for name in names if getattr(getattr(owner, name), "__module__", None) == getattr(owner, "__name__", "")
    ]
    return own or names


def _near(name: str, there: Sequence[str], prefix: str = "") -> str:
    """Return the rest of a sentence: what is like a name that is not there, or all there is, when that is little."""
    near = difflib.get_close_matches(name, there, n=1) or (sorted(there) if len(there) <= _FEW else [])
    meant = " or ".join(f"'{prefix}{found}'" for found in near)
    return f"; did you mean {meant}?" if near else ""


def _check_arguments(application: Callable[..., Any], name: str) -> None:
    """Find a factory that is given as an application, before each request fails."""
    try:
        signature = inspect.signature(application)
    except (TypeError, ValueError):
        return
    try:
        signature.bind({}, None)
    except TypeError as error:
        raise NotServed(
            f"{name}{signature} does not take what an application takes, environ and start_response;"
            f" write {name}() if calling it makes the application"
        ) from error


def serve(application: Callable[..., Any], listen: str, threads: int, program: str) -> int:
    """Answer requests until SIGTERM or Ctrl-C; then finish those that are being answered."""
    import waitress  # type: ignore[import-untyped]

    sockets: dict[int, Any] = {}
    try:
        server = waitress.create_server(application, map=sockets, listen=listen, threads=threads)
    except (OSError, ValueError) as error:
        advice = "another address is chosen by option 'listen', or by --listen"
        return _say(program, f"cannot listen on {listen}: {_reason(error)}; {advice}")
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


def _reason(error: Exception) -> str:
    """Return why nobody can listen on an address."""
    if isinstance(error, PermissionError):
        return "permission denied, since the system keeps the lowest ports, mostly those below 1024, for root"
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return f"{reason[:1].lower()}{reason[1:]}"
    # All that waitress finds wrong with an address of the right form.
    return "its host is not known here"


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
