"""Where a configuration has zc.buildout put things: its own reader is asked, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import build_lock

_QUERY = """
import json, sys
settings = json.loads(sys.argv[1])
sys.path[:0] = settings["paths"]
from eggcarton.buildout import index_pages
with index_pages.later():
    from zc.buildout import UserError, configparser
    from zc.buildout.buildout import Buildout
    from zc.buildout.download import Download
import logging, pkg_resources
from eggcarton.buildout.configuration import unmade

download = Download.__call__

def kept_or_downloaded(self, url, *more):
    copy = settings["extends"].get(url)
    return (copy, False) if copy else download(self, url, *more)

Download.__call__ = kept_or_downloaded

def ask(*more):
    buildout = Buildout(settings["config"], settings["options"] + list(more), settings["defaults"], "install", ())
    section = buildout["buildout"]
    return {name: section[name] for name in settings["names"]} | {"relative-paths": section.get("relative-paths", "")}

try:
    try:
        answer = ask()
    except NotADirectoryError as error:
        # To read is to make the eggs directory, so where that cannot be, another one has to serve for the question.
        answer = ask(["buildout", "eggs-directory", settings["spare"]])
        answer["eggs-directory"] = error.filename
except (UserError, configparser.Error, OSError, UnicodeDecodeError) as error:
    if isinstance(error, OSError) and (not_made := unmade(error)):
        print(not_made, file=sys.stderr)
        sys.exit(settings["not made"])
    sys.exit(" ".join(str(error).split()))
answer["tag"] = f"py{pkg_resources.PY_MAJOR}-{pkg_resources.get_supported_platform()}"
with open(settings["answer"], "w", encoding="utf-8") as stream:
    json.dump(answer, stream)
"""
_NOT_MADE = 3
_PLACES = ("eggs-directory", "develop-eggs-directory", "bin-directory", "parts-directory")


def asked(order: Mapping[str, Any], paths: Sequence[str], place: Path) -> dict[str, str]:
    """Return what zc.buildout says of the places that a configuration names, and of the names of eggs.

    Args:
        order: what bootstrap.py has ordered.
        paths: where zc.buildout is imported from.
        place: a directory for the answer.

    Raises:
        EggcartonError: the configuration cannot be read.
        UsageProblem: a directory that it names cannot be made.
    """
    config, options, defaults = _read_arguments(order["arguments"])
    answer = place / "places.json"
    question = {
        "config": config,
        "options": options,
        "defaults": defaults,
        "names": _PLACES,
        "spare": str(place / "eggs"),
        "paths": list(paths),
        "extends": _kept(order["directory"], config),
        "answer": str(answer),
        "not made": _NOT_MADE,
    }
    done = subprocess.run(
        [order["python"], "-IS", "-c", _QUERY, json.dumps(question)],
        cwd=order["directory"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )
    if done.returncode == _NOT_MADE:
        raise UsageProblem(last_line(done.stderr))
    if done.returncode:
        raise EggcartonError(f"{Path(order['directory'], config)} cannot be read: {last_line(done.stderr)}")
    places: dict[str, str] = json.loads(answer.read_text("utf-8"))
    return places


def _kept(directory: str, config: str) -> dict[str, str]:
    """Return the kept copy of each address that the configuration extends by its lock, where the bytes are right."""
    place = Path(directory) if "://" in config else Path(directory, config).parent
    copies = place / ".eggcarton" / "extends"
    known = build_lock.read(place / build_lock.NAME).extends.items()
    return {
        url: str(copies / sha256)
        for url, sha256 in known
        if (copies / sha256).is_file() and file_digest(copies / sha256) == sha256
    }


def _read_arguments(arguments: Sequence[str]) -> tuple[str, list[list[str]], bool]:
    """Return the configuration file, the assignments, and whether user defaults count, as zc.buildout reads them."""
    config, options, defaults, words = "buildout.cfg", [], True, list(arguments)
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            flags, _, rest = word[1:].partition("c")
            defaults = defaults and "U" not in flags
            if "c" in word[1:]:
                config = rest or (words.pop(0) if words else config)
        elif "=" in word:
            name, _, value = word.partition("=")
            section, colon, option = name.rpartition(":")
            options.append([section if colon else "buildout", option, value])
        else:
            break
    return config, options, defaults


def refuse_files(places: Mapping[str, str]) -> None:
    """Refuse options whose directory cannot be made, as something else stands there or above.

    Raises:
        UsageProblem: one of them.
    """
    for name in _PLACES:
        path = Path(places[name])
        there = next(place for place in (path, *path.parents) if os.path.lexists(place))
        if not there.is_dir():
            raise UsageProblem(
                f"[buildout] option '{name}': {there} is not a directory; move it away, or name another place"
            )


def last_line(said: bytes) -> str:
    """Return the last line that a process said."""
    return (said.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
