"""A new checkout: what it consists of, put into its directory whole or not at all, and what is said of it.

The templates lie in ``checkouts``, one folder a kind and one for all; ``@WORDS@`` stand there for the project's names.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

import eggcarton
from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.core.locks import scratch, sweep
from eggcarton.packages import vendoring
from eggcarton.packages.project_names import ProjectNames, named

KINDS: Mapping[str, str] = {
    "django": "a Django project",
    "plone": "a Plone site with an add-on",
    "pyramid": "a Pyramid application",
    "wsgi": "a WSGI application without a framework",
}
"""What each kind is, as a sentence tells it."""

_TEMPLATES = Path(eggcarton.__file__).resolve().parent / "checkouts"
_COMMON = "common"
_SUFFIX = ".in"
_WORD = re.compile(r"@([A-Z]+)@")
# A repository that somebody made for the project is not in its way.
_NOT_IN_THE_WAY = ".git"
_FEW = 5
_MAKING = ".eggcarton-init-"
_SERVER = {"plone": ("bin/instance fg", "http://127.0.0.1:8080/")}
_LOCKS = {"plone": ("pylock.recipes.toml",)}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what decides a new checkout."""
    parser.add_argument("kind", metavar="KIND", help=f"what it is: {', '.join(KINDS)}")
    parser.add_argument("directory", metavar="DIR", help="where it is to lie: a new directory, or an empty one")
    parser.add_argument("--name", help="the project's name; without it, the last part of DIR")


def begin(options: argparse.Namespace, ours: Mapping[str, bytes]) -> Iterator[str]:
    """Make a checkout, and give the lines that tell of it.

    Args:
        options: what `arguments` declares.
        ours: the files of eggcarton that it needs, by name, as `vendoring.put` takes them.

    Raises:
        UsageProblem: there is no such kind, the name is none, or something is in the way; nothing was written then.
        EggcartonError: it cannot be written; nothing is left of it.
    """
    if options.kind not in KINDS:
        guess = "".join(f"did you mean {kind}? else " for kind in get_close_matches(options.kind, KINDS, 1))
        raise UsageProblem(f"init has no kind {options.kind!r}; {guess}name one of {', '.join(KINDS)}")
    place = Path(os.path.realpath(options.directory))
    if re.search("[\r\n\ud800-\udfff]", str(place)):
        raise UsageProblem(
            f"{str(place)!r} holds a line end, or bytes that are no UTF-8: no script can name such a path"
        )
    files = content(options.kind, named(place, options.name))
    try:
        put = _put(place, files, ours)
    except OSError as error:
        raise EggcartonError(
            f"{place} cannot be made: {error.strerror or error}; name a place where this user may write"
        ) from error
    command, address = _SERVER.get(options.kind, ("bin/web", "http://127.0.0.1:6543/"))
    all_names = sorted([*files, *ours, vendoring.RECORD])
    yield from (f"written: {os.path.join(options.directory, name)}" for name in all_names if name.split("/")[0] in put)
    if not put:
        yield f"{place} has all of it already; nothing was changed."
    yield f"This is {KINDS[options.kind]}; build it, test it and serve it:"
    if place != Path(os.path.realpath(os.curdir)):
        yield f"  cd {shlex.quote(options.directory)}"
    yield "  python3 bootstrap.py"
    yield "  bin/test"
    yield f"  {command}    # on {address}"
    locks = " and ".join(["pylock.toml", *_LOCKS.get(options.kind, ())])
    yield f"Commit all that was written, and {locks} of the first build; .gitignore leaves out the rest: git add ."


def content(kind: str, names: ProjectNames) -> dict[str, bytes]:
    """Return the files of a kind by their relative paths."""
    words = {
        "NAME": names.distribution,
        "PACKAGE": names.package,
        "TITLE": names.title,
        "VARIABLE": names.variable,
        "LINE": "=" * len(names.title),
    }
    found = {}
    for folder in (_TEMPLATES / _COMMON, _TEMPLATES / kind):
        for path in sorted(folder.rglob(f"*{_SUFFIX}")):
            relative = path.relative_to(folder).as_posix().removesuffix(_SUFFIX)
            # A pattern of package data passes over names that begin with a dot.
            name = _filled(re.sub(r"(^|/)dot\.", r"\1.", relative), words)
            found[name] = _filled(path.read_text("utf-8"), words).encode()
    return found


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: words[match[1]], text)


def _put(place: Path, files: Mapping[str, bytes], ours: Mapping[str, bytes]) -> set[str]:
    """Put the files there, and return what was not there before of what lies directly in the place."""
    sweep(place.parent, _MAKING)
    if not os.path.lexists(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with scratch(place.parent, _MAKING) as staging:
            made = staging / "new"
            _write(made, files, ours)
            made.rename(place)
        return set(os.listdir(place))
    if not place.is_dir():
        raise UsageProblem(f"{place} is a file; name a new directory, or an empty one")
    # The directory itself stays, since it may be somebody's working directory, or one that cannot be made anew.
    sweep(place, _MAKING)
    standing = set(os.listdir(place)) - {_NOT_IN_THE_WAY}
    with scratch(place, _MAKING) as staging:
        made = staging / "new"
        _write(made, files, ours)
        there = {name for name in standing if _is_same(place / name, made / name)}
        if strangers := sorted(standing - there):
            shown = ", ".join(strangers[:_FEW]) + (" and more" if len(strangers) > _FEW else "")
            raise UsageProblem(f"{place} holds {shown}, which is in the way; name a new directory, or an empty one")
        # What is built from comes last: until then nobody takes for whole what a kill has cut off.
        missing = set(os.listdir(made)) - there
        for name in sorted(missing, key=lambda name: (name == "bootstrap.py", name)):
            (made / name).rename(place / name)
        return missing


def _write(place: Path, files: Mapping[str, bytes], ours: Mapping[str, bytes]) -> None:
    place.mkdir()
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    vendoring.put(place, ours)


def _is_same(one: Path, other: Path) -> bool:
    """Tell whether two paths are the same files with the same content: a run that was killed has put one there."""
    if one.is_symlink() or not other.exists():
        return False
    if one.is_file() and other.is_file():
        return one.read_bytes() == other.read_bytes()
    if not (one.is_dir() and other.is_dir()):
        return False
    names = os.listdir(one)
    return sorted(names) == sorted(os.listdir(other)) and all(_is_same(one / name, other / name) for name in names)
