"""Finds out before anything runs whether all is there that a part requires, and tells in one message what is not.

A plan copies this file, `ports` and `versions` beside the script that calls `met`.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import ports
from .versions import NoVersion, Version, find, suits

MET = "EGGCARTON_REQUIRES"
"""The variable that tells what runs meanwhile what has been found to be met, by digests."""

_TIMEOUT = 20.0
_CONNECTING = 5.0
_AT_ONCE = 8
_COMPILERS = ("cc", "gcc", "clang")
_INCLUDE = ("/usr/include", "/usr/local/include", "/usr/include/*-linux-gnu*", "/opt/homebrew/include")
_LIBRARIES = ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH")


def met(settings: Mapping[str, Any]) -> bool:
    """Return whether all is there, and tell in one message what is not.

    What a process has found to be met, those that it starts do not look for again: a port that had to be free may be
    taken by then.

    Args:
        settings: `part`; `root`, of the buildout; and `requires`, mappings of `line kind` and what else the kind has:
            `command` has `program arguments conditions`, pairs of an operator and a version; `port` and `free-port`
            have `host port`; `disk` has `size path`; `file`, `header` and `variable` have `name`.
    """
    lines = [wanted["line"] for wanted in settings["requires"]]
    digest = hashlib.sha256(json.dumps([str(settings["root"]), *lines]).encode()).hexdigest()[:16]
    known = os.environ.get(MET, "").split()
    if digest in known:
        return True
    root = str(settings["root"])
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = list(threads.map(lambda wanted: _KINDS[wanted["kind"]](wanted, root), settings["requires"]))
    missing = [f"  {line}: {problem}" for line, problem in zip(lines, found, strict=True) if problem]
    if missing:
        of = f"{len(missing)} of the {len(lines)} things" if len(lines) > 1 else "the one thing"
        verb = "is" if len(missing) == 1 else "are"
        head = f"[{settings['part']}] {of} that it requires {verb} not there, so nothing was run:"
        sys.stdout.flush()
        print("\n".join([head, *missing]), file=sys.stderr, flush=True)
        return False
    os.environ[MET] = " ".join([*known, digest])
    return True


def _command(wanted: Mapping[str, Any], root: str) -> str | None:
    name, conditions = wanted["program"], wanted["conditions"]
    path = os.environ.get("PATH", os.defpath)
    program = shutil.which(os.path.join(root, name) if "/" in name else name, path=path)
    if program is None:
        if "/" in name:
            return "that is no program; install it, or correct the path"
        return f"no such program is in {path}; install it, or add where it is to PATH"
    if not conditions:
        return None
    asked = " ".join([name, *wanted["arguments"]])
    try:
        text = _said([program, *wanted["arguments"]])
    except OSError as error:
        return f"'{asked}' could not be run: {error.strerror}; install it anew"
    except subprocess.TimeoutExpired:
        return f"'{asked}' did not end within {_TIMEOUT:g} seconds; say how it tells its version, as in ': -V'"
    told = find(text, os.path.basename(name))
    if told is None:
        first = next(iter(text.split("\n")), "") or "nothing"
        return f"'{asked}' tells no version, but: {first[:80]}; say how it tells its version, as in ': -V'"
    try:
        version = Version(told)
    except NoVersion:
        return f"'{asked}' tells the version {told}, which cannot be compared; leave the comparison out"
    if all(suits(version, operator, text) for operator, text in conditions):
        return None
    which = ", ".join(f"{operator} {text}" for operator, text in conditions)
    return f"{program} is {told}; install one that is {which}, or put it first on PATH"


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
        timeout=_TIMEOUT,
        check=False,
    )
    return b"\n".join([done.stdout, done.stderr]).decode("utf-8", "replace").strip()


def _port(wanted: Mapping[str, Any], root: str) -> str | None:
    host, port = wanted["host"], wanted["port"]
    if not host:
        there = ports.accepts(port)
        return None if there else f"nothing accepts connections on port {port} here; start what does"
    try:
        socket.create_connection((host, port), timeout=_CONNECTING).close()
    except socket.gaierror as error:
        return f"the host {host} is not known here: {error.strerror}; correct its name, or the network"
    except TimeoutError:
        return f"{host} does not answer within {_CONNECTING:g} seconds; start it, or let it be reached from here"
    except OSError as error:
        reason = "nothing accepts connections there" if error.errno == errno.ECONNREFUSED else error.strerror
        return f"{reason}; start it, or let it be reached from here"
    return None


def _free_port(wanted: Mapping[str, Any], root: str) -> str | None:
    port = wanted["port"]
    return None if ports.is_free(port) else f"it is held by {ports.held_by(port)}; end that"


def _header(wanted: Mapping[str, Any], root: str) -> str | None:
    name = wanted["name"]
    try:
        compiler, flags = _compiler(), [*_words("CPPFLAGS"), *_words("CFLAGS")]
    except ValueError as error:
        return str(error)
    advice = "install the package that has it, often called LIBRARY-dev or LIBRARY-devel"
    if compiler is None:
        places = [place for pattern in _INCLUDE for place in sorted(glob.glob(pattern))]
        places += [
            place for variable in _LIBRARIES for place in os.environ.get(variable, "").split(os.pathsep) if place
        ]
        if any(os.path.exists(os.path.join(place, name)) for place in places):
            return None
        return f"there is no C compiler, and it is not in {', '.join(places) or 'any of the usual places'}; {advice}"
    try:
        done = subprocess.run(
            [*compiler, *flags, "-E", "-x", "c", "-"],
            input=f"#include <{name}>\n".encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the C compiler {compiler[0]} cannot be run: {error}; mend it, or name another one in CC"
    if done.returncode == 0:
        return None
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    reason = next((line for line in lines if "error" in line), "it says nothing")
    return f"{compiler[0]} does not find it ({reason.rpartition('error: ')[2]}); {advice}"


def _words(variable: str) -> list[str]:
    """Return the words of an environment variable.

    Raises:
        ValueError: in a sentence, when its quotes are wrong.
    """
    try:
        return shlex.split(os.environ.get(variable, ""))
    except ValueError as error:
        problem = f"the environment variable {variable} is no list of words: {str(error).lower()}"
        raise ValueError(f"{problem}; put its quotes right") from error


def _compiler() -> list[str] | None:
    """Return the command of the C compiler, which CC may name."""
    if named := _words("CC"):
        return named
    return next(([found] for name in _COMPILERS if (found := shutil.which(name))), None)


def _disk(wanted: Mapping[str, Any], root: str) -> str | None:
    place = os.path.join(root, os.path.expanduser(wanted["path"] or ""))
    while not os.path.exists(place):
        # What is still to be made will be in the first one above it that is there.
        place = os.path.dirname(place)
    free = shutil.disk_usage(place).free
    if free >= wanted["size"]:
        return None
    return f"{_size(free)} are free at {place}; clear some of it, or name a place on another disk with 'at'"


def _size(number: float) -> str:
    for unit in ("", "k", "M", "G"):
        if number < 1024:
            return f"{number:.4g}{unit}"
        number /= 1024
    return f"{number:.4g}T"


def _file(wanted: Mapping[str, Any], root: str) -> str | None:
    path = os.path.normpath(os.path.join(root, os.path.expanduser(wanted["name"])))
    if os.path.exists(path):
        return None
    kind = "is a link to nothing" if os.path.islink(path) else "is not there"
    return f"{path} {kind}; make it, or correct the path"


def _variable(wanted: Mapping[str, Any], root: str) -> str | None:
    name = wanted["name"]
    if os.environ.get(name):
        return None
    how = "is set to nothing" if name in os.environ else "is not set"
    return f"the environment variable {how}; set it in 'environment-file', or where this is started"


_KINDS: Mapping[str, Callable[[Mapping[str, Any], str], str | None]] = {
    "command": _command,
    "port": _port,
    "free-port": _free_port,
    "header": _header,
    "disk": _disk,
    "file": _file,
    "variable": _variable,
}
