"""What one part may import: a PEP 405 environment whose site-packages is a tree of links into the store."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from eggcarton.core import linking
from eggcarton.core.interpreter_script import XOPTION
from eggcarton.core.isolation import AS_STARTED, GUARD, MEASURED
from eggcarton.core.layout import CodePlace, EntryPoint, Environment, ScriptFile
from eggcarton.core.plan import runtime_source
from eggcarton.core.script import Start
from eggcarton.core.standing import below, digest_of_bytes, look
from eggcarton.packages import code_places, environment_scripts, hidden, merging, precedence
from eggcarton.packages.editable_metadata import anywhere
from eggcarton.packages.environment_links import Links
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member, base_of, entry_points, noted, ordered
from eggcarton.packages.same_names import sentences

_FORMAT = 8
_RECORD = "eggcarton.json"
_CACHE = "__pycache__"
# Costs a Python that was told nothing three look-ups.
_STARTUP = (
    f"import os, sys; ({XOPTION!r} in sys._xoptions or {GUARD!r} in os.environ or {MEASURED!r} in os.environ)"
    ' and __import__("_eggcarton_startup").begin()\n'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Makeup:
    """What an environment is made of.

    Args:
        first_paths: directories that are imported from before all distributions, besides those that lines of develop
            packages name.
        extra_paths: directories that are imported from behind all distributions.
        site_packages: whether the machine's own site-packages is seen too, behind all else.
        root: the tree that is to work wherever it is moved to; None where paths may be absolute.
    """

    python: Interpreter
    members: tuple[Member, ...]
    first_paths: tuple[Path, ...] = ()
    extra_paths: tuple[Path, ...] = ()
    site_packages: bool = False
    root: Path | None = None

    def spell(self, path: Path) -> str:
        """Return a path as it is noted: from the root, where it lies in a tree that may be moved."""
        is_inside = self.root is not None and path.is_relative_to(self.root)
        return os.path.relpath(path, self.root) if is_inside else str(path)

    def digest(self, place: Path) -> str:
        """Return what the content of an environment below this directory hangs on, as 64 hexadecimal digits."""
        members = [[one.name, one.version, one.identity, self.spell(one.place), *one.files] for one in self.members]
        content = [
            _FORMAT,
            self.spell(self.python.executable),
            self.python.version,
            sorted(members),
            [self.spell(path) for path in self.first_paths],
            [self.spell(path) for path in self.extra_paths],
            self.site_packages,
            self.root is not None,
            self.spell(place),
            runtime_source("startup"),
            runtime_source("developed_first"),
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def ensure(
    directory: Path,
    makeup: Makeup,
    store: Path,
    *,
    folds: Callable[[Path], bool] = merging.folds_names,
    symlink: Callable[[str | Path, Path], None] = os.symlink,
    hardlink: Callable[[Path, Path], None] = os.link,
) -> tuple[Environment, tuple[str, ...]]:
    """Return the environment of this makeup, made below ``directory`` when it is not there yet.

    Two parts that need the same get the same one. It appears whole or not at all.

    Args:
        folds: tells whether names that differ only in case are the same in a directory.
        symlink: makes a symbolic link.
        hardlink: makes a hard link, where that cannot.

    Returns:
        the environment, and where it was made just now what is to be said of it: names that several distributions
        have, which its record has too, as ``remarks``; what is made in the place of symbolic links; what will not work
        after a move.
    """
    digest = makeup.digest(directory)
    prefix = directory / digest[:16]
    found = load(prefix, store)
    if found is not None and found.digest == digest:
        return found, ()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=directory) as name:
        staging = Path(name) / prefix.name
        remarks = _make(staging, prefix, makeup, _links(staging, prefix, makeup, symlink, hardlink), folds=folds)
        if prefix.exists():
            shutil.rmtree(prefix)
        staging.rename(prefix)
    made = load(prefix, store)
    assert made is not None
    return made, remarks


def describe(directory: Path, makeup: Makeup, store: Path) -> Environment:
    """Return the environment of this makeup as it stands, or as `ensure` would make it; nothing is written."""
    digest = makeup.digest(directory)
    prefix = directory / digest[:16]
    found = load(prefix, store)
    if found is not None and found.digest == digest:
        return found
    members = ordered(makeup.members)
    points = tuple(point for member in members for point in entry_points(member))
    return Environment(
        python=prefix / "bin" / "python",
        prefix=prefix,
        site_packages=prefix / "lib" / f"python{makeup.python.minor}" / "site-packages",
        distributions=tuple(sorted((member.name, member.version) for member in makeup.members)),
        entry_points=points,
        digest=digest,
        store=store,
        script_files=tuple(environment_scripts.files(members, points)),
        places=tuple(place for member in members for place in code_places.of_member(member)),
    )


@dataclass(frozen=True, slots=True)
class Content:
    """What an environment says of itself that it was made of."""

    makeup: Makeup
    developed: Mapping[str, str]
    """The SHA-256 of each file or link of a develop package's metadata, by its path."""
    namespaces: Mapping[str, Sequence[Path]]
    """The directories that develop packages had of namespaces when it was made; their sources may have changed."""
    remarks: tuple[str, ...]
    """What was to be said then."""
    is_linked: bool = True
    """Whether it was made of symbolic links."""


def content_of(prefix: Path, python: Interpreter) -> Content | None:
    """Return what an environment was made of; None where its record is not the one that its name stands for."""
    try:
        record = json.loads((prefix / _RECORD).read_text("utf-8"))
        base = base_of(prefix, record)
        root = base if record["root"] else None
        makeup = Makeup(
            python=python,
            members=tuple(noted(prefix, record)),
            first_paths=tuple(base / path for path in record["first_paths"]),
            extra_paths=tuple(base / path for path in record["extra_paths"]),
            site_packages=bool(record["site_packages"]),
            root=root,
        )
        content = Content(
            makeup,
            {str(base / path): str(sha256) for path, sha256 in record["developed"].items()},
            {str(name): [base / path for path in paths] for name, paths in record["namespaces"].items()},
            tuple(str(remark) for remark in record["remarks"]),
            record["links"] == "symbolic",
        )
        digest = makeup.digest(prefix.parent)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return content if digest == record.get("digest") and digest[:16] == prefix.name else None


def python_of(prefix: Path, known: Sequence[Interpreter]) -> Interpreter:
    """Return which of several Pythons an environment is made for, the first where it does not tell."""
    try:
        minor = json.loads((prefix / _RECORD).read_text("utf-8"))["python"]
    except (OSError, ValueError, KeyError, TypeError):
        minor = None
    return next((python for python in known if python.minor == minor), known[0])


def remake(prefix: Path, content: Content, staging: Path) -> None:
    """Make an environment once more, elsewhere, as it would be made under its prefix now."""
    # What stands as hard links or copies is made as copies: elsewhere there may be links.
    makers = (os.symlink, os.link) if content.is_linked else (linking.refused, linking.refused)
    _make(staging, prefix, content.makeup, _links(staging, prefix, content.makeup, *makers), content)


def developed(members: Iterable[Member], root: Path | None) -> dict[str, str]:
    """Return what the metadata of develop packages consists of: the SHA-256 of each file or link, by its path.

    What Python has compiled there while it ran is none of it.

    Args:
        root: the tree that may be moved; where it is now makes no difference.
    """
    built_here = [member for member in members if not member.is_of_machine]
    entries = [member.place / name for member in built_here for name in member.files]
    found = [path for entry in entries for path in (below(entry) if look(entry).kind == "directory" else [entry])]
    return {str(path): _digest_of(path, root) for path in sorted(found) if _CACHE not in path.parts}


def _digest_of(path: Path, root: Path | None) -> str:
    standing = look(path)
    if root is None or standing.kind != "file":
        return standing.digest
    return digest_of_bytes(anywhere(path.read_bytes(), root))


def load(prefix: Path, store: Path) -> Environment | None:
    """Return the environment that stands under a prefix, or None where there is none or a broken one."""
    try:
        record = json.loads((prefix / _RECORD).read_text("utf-8"))
        if record["format"] != _FORMAT or not (prefix / "bin" / "python").exists():
            return None
        return Environment(
            python=prefix / "bin" / "python",
            prefix=prefix,
            site_packages=prefix / "lib" / f"python{record['python']}" / "site-packages",
            distributions=tuple((name, version) for name, version in record["distributions"]),
            entry_points=tuple(EntryPoint(*point) for point in record["entry_points"]),
            digest=record["digest"],
            store=store,
            script_files=tuple(ScriptFile(*file) for file in record["script_files"]),
            places=tuple(
                CodePlace(name, base_of(prefix, record) / path, package, bool(is_developed))
                for name, path, package, is_developed in record["places"]
            ),
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def _links(
    staging: Path,
    prefix: Path,
    makeup: Makeup,
    symlink: Callable[[str | Path, Path], None] = os.symlink,
    hardlink: Callable[[Path, Path], None] = os.link,
) -> Links:
    developed = [member.place / name for member in makeup.members for name in member.files]
    return Links(staging, prefix, makeup.root, developed, symlink, hardlink)


def _make(
    staging: Path,
    prefix: Path,
    makeup: Makeup,
    links: Links,
    known: Content | None = None,
    *,
    folds: Callable[[Path], bool] = merging.folds_names,
) -> tuple[str, ...]:
    python = makeup.python
    site_packages = staging / "lib" / f"python{python.minor}" / "site-packages"
    site_packages.mkdir(parents=True)
    (staging / "bin").mkdir()
    names = ("python", "python3", f"python{python.minor}")
    links(python.executable, staging / "bin" / "python")
    for name in names[1:]:
        links.make("python", staging / "bin" / name)
    (staging / "pyvenv.cfg").write_text(_pyvenv(makeup, links), "utf-8")
    members = ordered(makeup.members)
    is_folding = folds(staging)
    same_names = merging.fill(staging, site_packages, members, links, folds=is_folding)
    if makeup.extra_paths:
        # The name sorts last, as zc.recipe.egg puts extra paths behind the distributions.
        lines = "".join(f"{links.pth_line(path, site_packages)}\n" for path in makeup.extra_paths)
        (site_packages / "~eggcarton-extra-paths.pth").write_text(lines, "utf-8")
    stands = prefix / site_packages.relative_to(staging)
    own = precedence.packages(members, makeup.first_paths)
    namespaces = precedence.namespaces(own, site_packages) if known is None else known.namespaces
    precedence.write(site_packages, stands, own, namespaces, makeup.root)
    # Behind all others: what runs first may import what they lead to.
    (site_packages / "~eggcarton-startup.pth").write_text(_STARTUP, "utf-8")
    (site_packages / "_eggcarton_startup.py").write_text(runtime_source("startup"), "utf-8")
    points = [point for member in members for point in entry_points(member)]
    start = Start(python=prefix / "bin" / "python", isolation=AS_STARTED, root=makeup.root)
    same_names += environment_scripts.write(staging / "bin", start, members, points, links, names, folds=is_folding)
    same_names += hidden.names(members, own, makeup.extra_paths, hidden.standard_library())
    content = known or Content(
        makeup, developed(members, makeup.root), namespaces, tuple(sentences(same_names)), links.kinds == {"symbolic"}
    )
    record = _record(prefix, content, points)
    (staging / _RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    # These are not kept: they name directories, and the tree may be moved.
    return (*content.remarks, *filter(None, [linking.sentence(prefix.parent, links.kinds)]), *links.remarks)


def _pyvenv(makeup: Makeup, links: Links) -> str:
    """Return the text of ``pyvenv.cfg``.

    Python takes a relative home for one below its working directory. Without any it follows its own link, which is
    relative where the interpreter lies in the tree that is to be movable.
    """
    python = makeup.python
    is_movable = links.is_inside(python.executable) and links.kinds == {"symbolic"}
    home = "" if is_movable else f"home = {python.executable.parent}\n"
    seen = str(makeup.site_packages).lower()
    return f"{home}include-system-site-packages = {seen}\nversion = {python.version}\n"


def _record(prefix: Path, content: Content, points: Sequence[EntryPoint]) -> dict[str, Any]:
    makeup = content.makeup
    members = ordered(makeup.members)
    root = makeup.root
    inside = root is not None and prefix.is_relative_to(root)
    return {
        "format": _FORMAT,
        "digest": makeup.digest(prefix.parent),
        "python": makeup.python.minor,
        "distributions": sorted([member.name, member.version] for member in members),
        "entry_points": [[p.distribution, p.group, p.name, p.module, p.attribute] for p in points],
        "script_files": [list(astuple(file)) for file in environment_scripts.files(members, points)],
        "places": [
            [place.distribution, makeup.spell(place.path), place.package, place.is_developed]
            for member in members
            for place in code_places.of_member(member)
        ],
        "members": [[one.name, one.version, makeup.spell(one.place), one.identity, one.files] for one in members],
        "first_paths": [makeup.spell(path) for path in makeup.first_paths],
        "extra_paths": [makeup.spell(path) for path in makeup.extra_paths],
        "site_packages": makeup.site_packages,
        "root": None if root is None else os.path.relpath(root, prefix) if inside else str(root),
        "developed": {makeup.spell(Path(path)): sha256 for path, sha256 in content.developed.items()},
        "namespaces": {
            name: [makeup.spell(path) for path in paths] for name, paths in sorted(content.namespaces.items())
        },
        "remarks": content.remarks,
        "links": "symbolic" if content.is_linked else "none",
    }
