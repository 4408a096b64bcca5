"""A reader turns an option's text into a value, or says in the rest of a sentence why it cannot."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reader(Generic[T_co]):
    """A function from text to a value that also knows what to call what it reads.

    Its ValueError completes the sentence that begins with the text: `'5 minutes' is not a duration ...`.
    """

    read: Callable[[str], T_co]
    describes: str

    def __call__(self, text: str) -> T_co:
        return self.read(text)


def reads(describes: str) -> Callable[[Callable[[str], T_co]], Reader[T_co]]:
    """Make a reader of a function, with what the reference pages call such a value."""
    return lambda read: Reader(read, describes)


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on; port 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def shortened(text: str) -> str:
    """Return a text for a message: of a long one the middle is left out.

    >>> shortened("spam " * 100)
    'spam spam spam spam spam spam spam spam spam spam spam spam ... spam spam spam spam '
    """
    return text if len(text) <= _LONGEST else f"{text[:60]}...{text[-20:]}"


def shown(text: str) -> str:
    """Return a value for the message that it is wrong: shortened, and without what may be a user and a password.

    In what is no address, nobody can tell where these end; so all goes that stands between ``//`` and the last ``@``.

    >>> shown("https://me:secret@/x@[index.example")
    'https://[index.example'
    """
    return shortened(re.sub(r"//\S*@", "//", text))


class Secret(ValueError):
    """Tells what is wrong with a value that is not repeated, since it may be secret."""


_LONGEST = 100


@reads("text")
def text(value: str) -> str:
    """Return the text as it is, of one line or many."""
    return value


@reads("lines of text")
def lines(value: str) -> tuple[str, ...]:
    """Return the lines that are not empty, without the blanks around them."""
    return tuple(line.strip() for line in value.splitlines() if line.strip())


@reads("words")
def words(value: str) -> tuple[str, ...]:
    """Return what blanks and line ends separate."""
    return tuple(value.split())


@reads("words, quoted as for a shell")
def shell_words(value: str) -> tuple[str, ...]:
    """Return words that may hold blanks where they are quoted."""
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(f"is not a list of words: {str(error).lower()}") from error


@reads("a Python list of texts, or words quoted as for a shell")
def arguments(value: str) -> tuple[str, ...]:
    """Return command line arguments, in zc.recipe.testrunner's way of writing them or as for a shell."""
    if not value.lstrip().startswith(("[", "(")):
        return shell_words(value)
    try:
        found = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError) as error:
        raise ValueError("is not a Python list of texts such as ['-v', '-x']") from error
    if not isinstance(found, list | tuple) or not all(isinstance(word, str) for word in found):
        raise ValueError("is not a Python list of texts such as ['-v', '-x']")
    return tuple(found)


@reads("true or false")
def boolean(value: str) -> bool:
    """Return a truth value in the one spelling that buildout itself has."""
    if value not in ("true", "false"):
        raise ValueError("is neither 'true' nor 'false', the only two spellings")
    return value == "true"


def integer(minimum: int | None = None, maximum: int | None = None) -> Reader[int]:
    """Return a reader of whole numbers between two bounds, both allowed themselves."""
    bounds = {
        (False, False): "",
        (True, False): f" of at least {minimum}",
        (False, True): f" of at most {maximum}",
        (True, True): f" from {minimum} to {maximum}",
    }[minimum is not None, maximum is not None]

    @reads(f"a whole number{bounds}")
    def read(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            raise ValueError(f"is not a whole number{bounds}")
        number = int(value)
        if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
            raise ValueError(f"is not a whole number{bounds}")
        return number

    return read


@reads("a number of processes, or auto")
def number_of_processes(value: str) -> str:
    """Return a number as text, or `auto` for as many as there are processors."""
    if value != "auto" and not re.fullmatch(r"[1-9][0-9]{0,3}", value):
        raise ValueError("is neither a number of processes nor 'auto'")
    return value


@reads("a percentage from 0 to 100")
def percentage(value: str) -> float:
    """Return a number from 0 to 100; a percent sign may follow it."""
    number = value.removesuffix("%").rstrip()
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?", number) or float(number) > 100:
        raise ValueError("is not a percentage from 0 to 100")
    return float(number)


_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@reads("a duration such as 30s, 5m or 2h")
def duration(value: str) -> float:
    """Return seconds, from numbers with one of the units ms, s, m, h and d."""
    if not re.fullmatch(r"([0-9]{1,9}(\.[0-9]{1,9})?(ms|[smhd]))+", value):
        raise ValueError("is not a duration such as 30s, 5m or 2h")
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([0-9.]+)([a-z]+)", value))


@reads("a duration such as 30s, 5m or 2h, or a number of seconds")
def seconds(value: str) -> float:
    """Return seconds, which need no unit here: `[buildout]` has none for its own option of that name."""
    found = float(value) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value) else duration(value)
    if not found:
        raise ValueError("is no time at all")
    return found


@reads("a size such as 512k, 10M or 2G")
def size(value: str) -> int:
    """Return bytes, from a number with or without one of the units k, M, G and T, which are powers of 1024."""
    match = re.fullmatch(r"([0-9]{1,12})(|[kKMGT])B?", value)
    if not match:
        raise ValueError("is not a size such as 512k, 10M or 2G")
    return int(match[1]) * _BYTES[match[2].replace("K", "k")]


@reads("permissions in octal such as 0644")
def mode(value: str) -> int:
    """Return permission bits."""
    if not re.fullmatch(r"(0o)?[0-7]{3,5}", value) or int(value, 8) > 0o7777:
        raise ValueError("is not a mode in octal such as 0644 or 0755")
    return int(value, 8)


@reads("a path")
def path(value: str) -> Path:
    """Return a path, absolute or relative to what its option says."""
    return Path(_checked_path(value))


@reads("the path of a file")
def file_path(value: str) -> Path:
    """Return the path of a file that is to be written, absolute or relative to what its option says."""
    place = _checked_path(value)
    if value.startswith("~"):
        raise ValueError("begins with '~', which stands for no directory here: write the directory itself")
    if ".." in place.split("/"):
        raise ValueError("leads through '..': write the path without")
    if re.search(r"(^|/)\.?$", place):
        raise ValueError("is the path of a directory, not of a file")
    return Path(place)


@reads("paths, one a line")
def paths(value: str) -> tuple[Path, ...]:
    """Return one path for each line that is not empty."""
    return tuple(Path(_checked_path(line)) for line in lines(value))


@reads("a file's name")
def file_name(value: str) -> str:
    """Return the name of a file without any directory."""
    if not value or value in (".", "..") or re.search(r"[/\0\n]", value):
        raise ValueError("is not the name of a file without a directory")
    return value


def choice(*names: str) -> Reader[str]:
    """Return a reader of exactly one of these names."""
    described = _either(names)

    @reads(described)
    def read(value: str) -> str:
        if value not in names:
            raise ValueError(f"is not {described}")
        return value

    return read


def choices(*names: str, **others: str) -> Reader[tuple[str, ...]]:
    """Return a reader of some of these names, each at most once; the others are further names of theirs."""

    @reads(f"words out of {', '.join(names)}")
    def read(value: str) -> tuple[str, ...]:
        unknown = [word for word in value.split() if word not in names and word not in others]
        if unknown:
            raise ValueError(f"holds '{shortened(unknown[0])}', which is not {_either(names)}")
        return tuple(dict.fromkeys(others.get(word, word) for word in value.split()))

    return read


@reads("an address such as 127.0.0.1:8080, [::1]:8080 or 8080")
def listen(value: str) -> Listen:
    """Return an address; a port alone is one of 127.0.0.1, which only this machine reaches."""
    match = re.fullmatch(r"(?:(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:\[\]/]+)):)?([0-9]{1,5})", value)
    if not match or int(match[3]) > 65535:
        raise ValueError("is not an address such as 127.0.0.1:8080, [::1]:8080 or 8080")
    return Listen(match[1] or match[2] or "127.0.0.1", int(match[3]))


@reads("KEY=VALUE, one a line, or the name of a section of them")
def assignments(value: str) -> tuple[tuple[str, str], ...]:
    """Return names and values of environment variables; blanks around both are dropped."""
    found: dict[str, str] = {}
    for line in lines(value):
        name, equals, text = (part.strip() for part in line.partition("="))
        if line == value.strip() and re.fullmatch(r"[^\s=]+", line):
            raise ValueError("is neither KEY=VALUE, one a line, nor the name of a section")
        # A name with dots no shell can set, but a process can have it.
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name):
            raise ValueError(f"holds the line '{shortened(line)}', which is not KEY=VALUE")
        if name in found:
            raise ValueError(f"sets {name} twice")
        found[name] = text
    return tuple(found.items())


_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_COMPARISON = r"(?:===\s*[^\s,;()]+|(?:~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9._*+!-]+)"
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})\s*(?:\[\s*(?:{_NAME}\s*(?:,\s*{_NAME}\s*)*)?\])?\s*"
    rf"(?:\(?\s*{_COMPARISON}(?:\s*,\s*{_COMPARISON})*\s*,?\s*\)?|@\s*\S+)?\s*(?:;.+)?"
)


@reads("requirements such as 'name >= 1.0', one a line")
def requirements(value: str) -> tuple[str, ...]:
    """Return one requirement a line; comments are dropped.

    Only the shape is checked here: what reads the requirements in earnest is not in this process.

    Source: PEP 508.
    """
    without_comments = (re.sub(r"(^|\s)#.*", "", line).strip() for line in value.splitlines())
    found = tuple(line for line in without_comments if line)
    for line in found:
        if not _REQUIREMENT.fullmatch(line):
            raise ValueError(f"holds the line '{shortened(line)}', which is not a requirement such as 'name >= 1.0'")
    return found


def requirement_name(requirement: str) -> str:
    """Return the distribution's name in a requirement that `requirements` has read.

    >>> requirement_name("SQLAlchemy[asyncio] >= 2 ; python_version > '3.9'")
    'SQLAlchemy'
    """
    match = _REQUIREMENT.fullmatch(requirement)
    return match["name"] if match else requirement


@reads("names of distributions, in which * stands for anything")
def name_patterns(value: str) -> tuple[str, ...]:
    """Return patterns of canonical names, separated by blanks and line ends."""
    for word in value.split():
        if not re.fullmatch(r"[A-Za-z0-9*?][A-Za-z0-9._*?-]*", word):
            raise ValueError(f"holds '{shortened(word)}', which is not the name of a distribution")
    return tuple(dict.fromkeys(re.sub(r"[-_.]+", "-", word).lower() for word in value.split()))


@reads("names of scripts, each NAME or NAME=NEW-NAME")
def renames(value: str) -> tuple[tuple[str, str], ...]:
    """Return pairs of a script's name and the name of its file, in zc.recipe.egg's way of writing them."""
    found: dict[str, str] = {}
    for word in value.split():
        name, equals, new = word.partition("=")
        if not name or (equals and not new) or "/" in new or "=" in new or new in (".", ".."):
            raise ValueError(f"holds '{shortened(word)}', which is neither a script's name nor NAME=NEW-NAME")
        if name in found:
            raise ValueError(f"names '{shortened(name)}' twice")
        found[name] = new or name
    return tuple(found.items())


def _checked_path(value: str) -> str:
    if not value or re.search(r"[\0\n]", value):
        raise ValueError("is not a path")
    return value


def _either(names: tuple[str, ...]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
