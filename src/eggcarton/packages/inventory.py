"""What one environment lets be imported, from where, and with which digest, read from what stands."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eggcarton.core.errors import Drift
from eggcarton.packages import modules, tree
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member, base_of, noted
from eggcarton.packages.tree import Entry, Tokens

_RECORD = "eggcarton.json"
_SHA256 = re.compile("[0-9a-f]{64}")
_VERSION = re.compile(r"^version\s*=\s*(\S+)", re.MULTILINE)
_HOME = re.compile(r"^home\s*=\s*(.*?)\s*$", re.MULTILINE)
_MOST_NAMES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One distribution of an environment.

    Args:
        sha256: of the file that it was unpacked from; empty for what is developed, and where no lock was obeyed.
        places: where it really lies: the egg, or the directories of a develop package's modules.
        names: what it lets be imported.
        found: for what a finder imports, the directory or file of each module by its dotted name.
    """

    name: str
    version: str
    sha256: str
    places: tuple[Path, ...]
    names: tuple[str, ...]
    found: Mapping[str, Path]
    is_developed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """What one environment is.

    Args:
        root: the buildout directory that it belongs to.
        tokens: the words that stand for the directories of its buildout.
        site_packages: whether the machine's own site-packages is seen too.
        remarks: what was to be said when it was made.
    """

    prefix: Path
    root: Path
    tokens: Tokens
    python: Interpreter
    extra_paths: tuple[Path, ...]
    site_packages: bool
    distributions: tuple[Held, ...]
    remarks: tuple[str, ...]

    def entries(self) -> list[Entry]:
        """Return every file and link of the environment, the same in whatever directory it was made."""
        return tree.in_environment(self.prefix, self.python, self.tokens)

    @property
    def digest(self) -> str:
        """One SHA-256 of the environment, the same in whatever directory it was made."""
        return tree.digest(self.entries(), self.python)

    def told(self, path: Path) -> str:
        """Return a path as it is told: below the buildout directory from there."""
        return os.path.relpath(path, self.root) if path.is_relative_to(self.root) else str(path)

    def spelled(self, path: Path) -> str:
        """Return a path as it is the same in every buildout, also in a copy of the one where it was made."""
        return self.tokens.path(path).removeprefix("{buildout}/")


def is_environment(directory: Path) -> bool:
    """Tell whether a directory is an environment of ours."""
    return (directory / _RECORD).is_file()


def read(prefix: Path, root: Path) -> Inventory:
    """Read what an environment says of itself, and look where what it holds lies.

    Args:
        root: the buildout directory that it belongs to.

    Raises:
        Drift: it is gone, or cannot be read.
    """
    try:
        record: dict[str, Any] = json.loads((prefix / _RECORD).read_text("utf-8"))
        version = _VERSION.search((prefix / "pyvenv.cfg").read_text("utf-8"))
        members, base = noted(prefix, record), base_of(prefix, record)
        return Inventory(
            prefix=prefix,
            root=root,
            tokens=_tokens(prefix, root, [member.place for member in members if not member.files]),
            python=Interpreter(_python_of(prefix, str(record["python"])), version[1] if version else "unknown"),
            extra_paths=tuple(base / path for path in record["extra_paths"]),
            site_packages=bool(record["site_packages"]),
            distributions=tuple(map(_held, members)),
            remarks=tuple(str(remark) for remark in record.get("remarks", ())),
        )
    except FileNotFoundError as error:
        raise Drift(f"{error.filename} is gone; run bin/buildout, which makes it again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Drift(
            f"{prefix} does not tell what it was made of; remove that directory, and run bin/buildout"
        ) from error


def _python_of(prefix: Path, minor: str) -> Path:
    """Return the Python that an environment was made for, whether it has a link to that or a copy of it.

    Raises:
        FileNotFoundError: it is gone.
        ValueError: a copy does not tell of which.
    """
    own = prefix / "bin" / "python"
    if not stat.S_ISREG(own.lstat().st_mode):
        return Path(os.path.normpath(own.parent / os.readlink(own)))
    home = _HOME.search((prefix / "pyvenv.cfg").read_text("utf-8"))
    places = [Path(home[1], name) for name in (f"python{minor}", "python3", "python")] if home else []
    for place in places:
        if place.is_file():
            return place
    raise ValueError(f"{own} is a copy of no Python that is told")


def _held(member: Member) -> Held:
    is_egg, place, files = not member.files, member.place, member.files
    found = modules.Modules() if is_egg else modules.find_or_source(member.name, place, files)
    return Held(
        name=member.name,
        version=member.version,
        sha256=member.identity if is_egg and _SHA256.fullmatch(member.identity) else "",
        places=found.sources or (place,),
        names=tuple(modules.names_in_egg(place) if is_egg else modules.names_of(found, place, files)),
        found=found.found,
        is_developed=bool(found.sources),
    )


def _tokens(prefix: Path, root: Path, eggs: list[Path]) -> Tokens:
    """Return the words for the directories that an environment's files name.

    In a copy of a buildout they name the one that was copied.
    """
    words = {str(root): "{buildout}"}
    if (made := _made_as(prefix)) and prefix.is_relative_to(root):
        inside = os.sep + os.path.relpath(prefix, root)
        if str(made).endswith(inside):
            words[str(made).removesuffix(inside)] = "{buildout}"
            words[str(made)] = "{environment}"
    for egg in eggs:
        hidden = egg.parent.parent
        words[str(hidden.parent if hidden.name == ".eggcarton" else egg.parent)] = "{store}"
    return Tokens(words)


def _made_as(prefix: Path) -> Path | None:
    """Return the path under which an environment was made, as its scripts have it."""
    pattern = re.compile(rb"/[^\n'\"]*/" + re.escape(os.fsencode(prefix.name)) + rb"(?=/bin/python)")
    for script in sorted((prefix / "bin").iterdir()):
        if script.is_file() and not script.is_symlink():
            with script.open("rb") as stream:
                if found := pattern.search(stream.read(4096)):
                    return Path(os.fsdecode(found[0]))
    return None


def lines(found: Inventory, *, lasting: Path | None = None, isolation: str = "") -> Iterator[str]:
    """Give what an environment is, for reading, a line each.

    Args:
        lasting: the path by which others may name it.
        isolation: what the scripts of a part that has it keep out, empty where that is not an option.
    """
    top = {
        "environment": found.told(found.prefix),
        "lasting path": found.told(lasting) if lasting else "",
        "Python": f"{found.python.version}, {found.python.executable}",
        "digest": found.digest,
        "isolation": f"{isolation}, as configured" if isolation else "",
        "extra paths": ", ".join(map(found.told, found.extra_paths)) or "none",
        "site-packages of the machine": "seen, behind all else" if found.site_packages else "not seen",
    }
    yield from _aligned([[f"{name}:", value] for name, value in top.items() if value])
    yield ""
    yield from _aligned(list(map(list, _rows(found)))) if found.distributions else ["No distribution is in it."]
    if found.remarks:
        yield ""
        yield from found.remarks


def _rows(found: Inventory) -> Iterator[tuple[str, ...]]:
    aliases = _aliases(found)
    for one in found.distributions:
        names = [
            *one.names[:_MOST_NAMES],
            *([f"and {len(one.names) - _MOST_NAMES} more"] * (len(one.names) > _MOST_NAMES)),
        ]
        origin = "develop" if one.is_developed else one.sha256[:16] or "not locked"
        where = ", ".join(found.told(aliases.get(place, place)) for place in one.places)
        yield one.name, one.version, origin, where, ", ".join(names) or "nothing"


def _aliases(found: Inventory) -> dict[Path, Path]:
    """Return the short names that a store has for its eggs."""
    stores = {place.parents[2] for one in found.distributions for place in one.places if _is_hidden(place)}
    links = [path for store in stores for path in store.glob("*.egg") if path.is_symlink()]
    return {Path(os.path.normpath(path.parent / os.readlink(path))): path for path in links}


def _is_hidden(place: Path) -> bool:
    return len(place.parents) > 2 and place.parents[1].name == ".eggcarton"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
