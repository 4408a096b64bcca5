"""A requirements or constraints file, read as pip reads it: every entry with its file and line."""

from __future__ import annotations

import argparse
import codecs
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import UsageProblem

_BYTE_ORDER_MARKS = (
    # The longer ones first: UTF-32's begins like UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_CONFLICT = re.compile(r"<{7} |={7}$|>{7} ")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ADDRESS = re.compile(r"(git|hg|svn|bzr)\+|(https?|file|ftp):", re.IGNORECASE)
_ARCHIVE = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2")

_ALWAYS = "that is always so here"
_IGNORED = {
    "index_url": "name the index as 'index' in [buildout]",
    "extra_index_url": "one index is asked: name one that has all as 'index' in [buildout]",
    "no_index": "bin/buildout -o opens no socket, and 'find-links' in [buildout] names directories",
    "find_links": "name it in 'find-links' in [buildout]",
    "no_binary": "wheels are taken where there are any; 'allow-sdist' in [eggcarton] names what may be built",
    "only_binary": f"{_ALWAYS} but for what 'allow-sdist' in [eggcarton] names",
    "prefer_binary": _ALWAYS,
    "require_hashes": _ALWAYS,
    "pre": "say 'prefer-final = false' in [buildout]",
    "trusted_host": "let the variable SSL_CERT_FILE name the certificate of that host",
    "use_feature": "it concerns pip alone",
    "global_option": "builds take no options",
    "config_settings": "builds take no options",
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file; one that goes on over several has the number of its first."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One requirement.

    ``requirement`` is None where only an address or a directory is given that names no project; ``url`` is where a
    direct reference or an editable one leads to; ``hashes`` are ``algorithm:digest``; ``constraint`` tells whether
    only a version is meant, should somebody else ask for the project.
    """

    place: Place
    requirement: Requirement | None
    url: str | None = None
    hashes: tuple[str, ...] = ()
    editable: bool = False
    constraint: bool = False


@dataclass(slots=True)
class RequirementsFile:
    """All entries of a file and of those it names, in their order, what was ignored, a sentence each, and all files."""

    entries: list[Entry] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def read(path: Path, *, constraints: bool = False, variables: Mapping[str, str] = os.environ) -> RequirementsFile:
    """Read a file and the ones that it names by ``-r`` and ``-c``.

    Args:
        path: the file.
        constraints: whether it is a constraints file.
        variables: what ``${NAME}`` stands for; an unset one stays as it is written.

    Raises:
        UsageProblem: a file cannot be read, names itself, or holds a line that pip would not understand.
    """
    found = RequirementsFile()
    _Reader(path.parent, variables, found).read(path, path.name, None, (), constraints)
    return found


class _Options(argparse.ArgumentParser):
    """The options of a line; what is wrong with them is told to the reader, not to the standard error."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _options() -> _Options:
    parser = _Options(add_help=False, allow_abbrev=False)
    parser.add_argument("-r", "--requirement")
    parser.add_argument("-c", "--constraint")
    parser.add_argument("-e", "--editable")
    parser.add_argument("--hash", action="append", default=[])
    for names in (("-i", "--index-url", "--pypi-url"), ("--extra-index-url",), ("-f", "--find-links")):
        parser.add_argument(*names)
    for name in ("--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--global-option"):
        parser.add_argument(name)
    parser.add_argument("-C", "--config-settings", "--config-setting")
    for name in ("--no-index", "--prefer-binary", "--require-hashes", "--pre"):
        parser.add_argument(name, action="store_const", const=name)
    return parser


@dataclass(frozen=True, slots=True)
class _Reader:
    root: Path
    variables: Mapping[str, str]
    found: RequirementsFile
    options: _Options = field(default_factory=_options)

    def read(self, path: Path, name: str, asked: Place | None, above: tuple[Path, ...], constraints: bool) -> None:
        where = f"{asked}: " if asked else ""
        if path.resolve() in above:
            raise UsageProblem(f"{where}{name} leads back to itself; take one of the lines out")
        text = _text(path, name, where)
        self.found.files.append(path)
        for number, line in _lines(text):
            place = Place(name, number)
            self._line(self._expanded(line), place, path, (*above, path.resolve()), constraints)

    def _expanded(self, line: str) -> str:
        return _VARIABLE.sub(lambda match: self.variables.get(match[1]) or match[0], line)

    def _line(self, line: str, place: Place, path: Path, above: tuple[Path, ...], constraints: bool) -> None:
        words = line.split(" ")
        start = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
        text, rest = " ".join(words[:start]).strip(), " ".join(words[start:])
        try:
            given = vars(self.options.parse_args(shlex.split(rest)))
        except ValueError as error:
            raise UsageProblem(
                f"{place}: {without_credentials(rest)!r} are no options of pip: {without_credentials(str(error))}"
            ) from None
        for option, remedy in _IGNORED.items():
            if given[option] is not None:
                self.found.ignored.append(f"{place}: --{option.replace('_', '-')} is ignored; {remedy}")
        if text:
            self._keep(text, place, tuple(given["hash"]), constraints)
        elif given["editable"]:
            requirement, url = _reference(given["editable"])
            self.found.entries.append(Entry(place, requirement, url, editable=True, constraint=constraints))
        # As pip does: a requirements file that a constraints file names holds requirements.
        for option, narrows in (("requirement", False), ("constraint", True)):
            if given[option]:
                self._include(given[option], place, path, above, narrows)

    def _include(self, target: str, place: Place, path: Path, above: tuple[Path, ...], constraints: bool) -> None:
        if _ADDRESS.match(target):
            raise UsageProblem(
                f"{place}: {without_credentials(target)} is an address; fetch that file, and name the copy"
            )
        inner = path.parent / target
        self.read(inner, os.path.relpath(inner, self.root).replace(os.sep, "/"), place, above, constraints)

    def _keep(self, text: str, place: Place, hashes: tuple[str, ...], constraints: bool) -> None:
        if _is_location(text):
            requirement, url = _reference(text)
            entry = Entry(place, requirement, url, hashes, constraint=constraints)
        else:
            named = _requirement(text, place)
            entry = Entry(place, named, named.url, hashes, constraint=constraints)
        self.found.entries.append(entry)


def _text(path: Path, name: str, where: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageProblem(f"{where}{name} cannot be read: {error.strerror or error}") from None
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
    if encoding is None:
        told = next((m for line in data.split(b"\n")[:2] if line[:1] == b"#" and (m := _CODING.search(line))), None)
        encoding = told[1].decode("ascii") if told else "utf-8"
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise UsageProblem(f"{where}{name} is not text in the encoding {encoding}; save it as UTF-8") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Give each logical line with the number of its first physical one, without comments and empty ones."""
    held, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        is_comment = line.lstrip().startswith("#")
        first = first or number
        if line.endswith("\\") and not is_comment:
            held += line.rstrip("\\")
            continue
        # A comment ends a line that goes on, as it does for pip; the blank makes it a comment there too.
        whole = _COMMENT.sub("", f"{held} {line}" if is_comment else held + line).strip()
        if whole:
            yield first, whole
        held, first = "", 0
    if held.strip():
        yield first, _COMMENT.sub("", held).strip()


def _requirement(text: str, place: Place) -> Requirement:
    if _CONFLICT.match(text):
        raise UsageProblem(f"{place}: {text[:7]!r} is what a merge leaves; take one side of it")
    try:
        return Requirement(text)
    except InvalidRequirement:
        unset = _VARIABLE.search(text)
        if unset:
            raise UsageProblem(f"{place}: the environment variable {unset[1]} is not set") from None
        raise UsageProblem(f"{place}: {without_credentials(text)!r} is not a requirement such as name>=1.0") from None


def _is_location(text: str) -> bool:
    if _ADDRESS.match(text) or text.startswith((".", "/")):
        return True
    return "@" not in text and ";" not in text and (text.lower().endswith(_ARCHIVE) or "/" in text)


def _reference(text: str) -> tuple[Requirement | None, str]:
    """Return what a bare address or path is of, where it says so, and the address or path itself."""
    text, _, marker = text.partition(" ;")
    address, _, fragment = text.strip().partition("#")
    egg = parse_qs(fragment).get("egg", [""])[0]
    name = egg or _named(urlsplit(address).path.rpartition("/")[2])
    try:
        return Requirement(f"{name} ; {marker}" if marker.strip() else name), text.strip()
    except InvalidRequirement:
        return None, text.strip()


def _named(file: str) -> str:
    try:
        return str(parse_wheel_filename(file)[0])
    except InvalidWheelFilename:
        pass
    try:
        return str(parse_sdist_filename(file)[0])
    except InvalidSdistFilename:
        return ""
