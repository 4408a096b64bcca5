"""What has to be there before a script does anything: programs with versions, ports, headers, room on disks, files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from eggcarton.core.options import option
from eggcarton.core.readers import lines, reads, shortened, size

COPIED = ("requires", "versions", "ports")
"""What a plan copies of `eggcarton.runtime` for them."""

_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "port": "'port 5432' or 'port db.example:5432'",
        "free-port": "'free-port 8080'",
        "header": "'header libpq-fe.h'",
        "disk": "'disk 2G' or 'disk 2G at var'",
        "file": "'file etc/secrets.env'",
        "variable": "'variable DATABASE_URL'",
    }
)
_OPERATORS = ("<", "<=", "==", "!=", ">=", ">", "~=")
_NAME = re.compile(r"\"[^\"]+\"|'[^']+'|[^\s<>=!~:,;'\"]+")
_PRE = r"(?:[-_.]?(?:alpha|beta|preview|pre|a|b|c|rc)[-_.]?[0-9]*)?"
_POST = r"(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?"
_VERSION = re.compile(
    rf"v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:\.\*|[a-z]|{_PRE}{_POST}(?:[-_.]?dev[-_.]?[0-9]*)?"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prerequisite:
    """One line of the option.

    Args:
        kind: `command`, or the word that begins the line.
        told: what else the kind has, as `eggcarton.runtime.requires` takes it.
    """

    line: str
    kind: str
    told: Mapping[str, object] = field(default_factory=dict)

    def setting(self) -> dict[str, object]:
        """Return it as the runtime takes it."""
        return {"line": self.line, "kind": self.kind, **self.told}


@reads("what has to be there, one thing a line")
def prerequisites(value: str) -> tuple[Prerequisite, ...]:
    """Return one prerequisite for each line that is not empty."""
    return tuple({line: _prerequisite(line) for line in lines(value)}.values())


def requires() -> tuple[Prerequisite, ...]:
    """Declare what has to be there before anything runs."""
    return option(
        prerequisites,
        "What has to be there before anything runs, one thing a line; all that is missing is told in one message."
        " ``psql >= 14`` is a program of at least this version, which ``--version`` tells, or what stands behind a"
        " colon, as in ``java >= 17: -version``; ``port 5432`` or ``port db.example:5432`` accepts connections;"
        " ``free-port 8080`` is one on which nothing listens; ``header libpq-fe.h`` is found by the C compiler;"
        " ``disk 2G`` or ``disk 2G at var`` is room that is free; ``file PATH`` is there; ``variable NAME`` is an"
        " environment variable that is not empty. Paths are relative to the buildout directory.",
        default="",
    )


def _prerequisite(line: str) -> Prerequisite:
    word, _, rest = (line + " ").partition(" ")
    rest = rest.strip()
    if word in _FORMS and not re.match(r"[<>=!~]+\s*v?[0-9]|:", rest):
        told = _KINDS[word](rest) if rest else None
        if told is None:
            raise _wrong(line, f"is not like {_FORMS[word]}")
        return Prerequisite(line=line, kind=word, told=told)
    return _command(line)


def _wrong(line: str, how: str) -> ValueError:
    return ValueError(f"holds the line '{shortened(line)}', which {how}")


def _command(line: str) -> Prerequisite:
    name = _NAME.match(line)
    if name is None:
        raise _wrong(line, "begins with neither a program nor one of " + ", ".join(_FORMS))
    rest, colon, flags = line[name.end() :].partition(":")
    try:
        arguments = shlex.split(flags) if colon else ["--version"]
    except ValueError as error:
        raise _wrong(line, f"has no words after the colon: {str(error).lower()}") from error
    if not arguments:
        raise _wrong(line, "has nothing after the colon, where the program's own word stands, as in ': -V'")
    program, conditions = name[0].strip("\"'"), []
    for condition in rest.split(",") if rest.strip() else []:
        match = re.fullmatch(r"\s*([<>=!~]*)\s*(\S*)\s*", condition)
        if match is None or not match[1]:
            raise _wrong(line, _instead(line, program, rest.strip()))
        conditions.append(_condition(line, match[1], match[2]))
    if colon and not conditions:
        raise _wrong(line, "compares no version, and so needs no word after a colon")
    return Prerequisite(
        line=line,
        kind="command",
        told={"program": program, "arguments": arguments, "conditions": conditions},
    )


def _condition(line: str, operator: str, version: str) -> list[str]:
    if operator not in _OPERATORS:
        near = {"=": "==", "=>": ">=", "=<": "<=", "~": "~=", "<>": "!=", "===": "=="}.get(operator)
        hint = f"did you mean '{near}'?" if near else f"there are {' '.join(_OPERATORS)}"
        raise _wrong(line, f"has '{operator}', which compares nothing: {hint}")
    if not _VERSION.fullmatch(version):
        raise _wrong(line, f"has '{version}' where a version such as 14 or 1.2.3 should be")
    if version.endswith(".*") and operator not in ("==", "!="):
        raise _wrong(line, f"has '.*' behind '{operator}': only == and != know it")
    if operator == "~=" and "." not in version:
        raise _wrong(line, "has '~=' without a second number, as in '~= 1.4'")
    return [operator, version]


def _instead(line: str, program: str, rest: str) -> str:
    """Return what is wrong with a line that has another word where an operator should be."""
    words = line.replace("_", "-").split()
    two = "-".join(words[:2])
    if two in _FORMS:
        return f"is not known: did you mean '{shortened(' '.join([two, *words[2:]]))}'?"
    near = get_close_matches(program.replace("_", "-"), _FORMS, n=1, cutoff=0.7)
    if near:
        return f"is not known: did you mean '{shortened(f'{near[0]} {rest}')}'?"
    if re.match("[<>=!~]", rest):
        return "does not compare versions as in 'psql >= 14, < 16'"
    if _VERSION.fullmatch(rest):
        return f"has a version without an operator: did you mean '{program} >= {rest}'?"
    return f"is neither a program with a version such as 'psql >= 14', nor begins with one of {', '.join(_FORMS)}"


def _port(rest: str) -> dict[str, object] | None:
    match = re.fullmatch(r"(?:(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:\[\]/]+)):)?([0-9]{1,5})", rest)
    if match is None or not 0 < int(match[3]) < 65536:
        return None
    return {"host": match[1] or match[2] or "", "port": int(match[3])}


def _free_port(rest: str) -> dict[str, object] | None:
    told = _port(rest)
    return told if told and not told["host"] else None


def _header(rest: str) -> dict[str, object] | None:
    name = rest.strip("<>\"'")
    return {"name": name} if re.fullmatch(r"[^\s<>\"'\\]+", name) else None


def _disk(rest: str) -> dict[str, object] | None:
    match = re.fullmatch(r"(\S+)(?:\s+at\s+(\S.*))?", rest)
    try:
        return {"size": size(match[1]), "path": match[2]} if match else None
    except ValueError:
        return None


def _file(rest: str) -> dict[str, object] | None:
    return {"name": rest}


def _variable(rest: str) -> dict[str, object] | None:
    return {"name": rest} if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", rest) else None


_KINDS: Mapping[str, Callable[[str], dict[str, object] | None]] = MappingProxyType(
    {"port": _port, "free-port": _free_port, "header": _header, "disk": _disk, "file": _file, "variable": _variable}
)
