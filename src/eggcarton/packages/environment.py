"""What one part may import: a PEP 405 environment whose site-packages is a tree of links into the store."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from eggcarton.core.layout import EntryPoint, Environment
from eggcarton.core.script import entry_point_script, first_lines
from eggcarton.core.standing import below, look
from eggcarton.packages.eggs import COMPILED
from eggcarton.packages.interpreter import Interpreter

_FORMAT = 3
_TO_PREFIX = frozenset({"bin", "share", "etc", "include", "man"})
_RECORD = "eggcarton.json"
_CACHE = "__pycache__"


@dataclass(frozen=True, slots=True)
class Member:
    """One distribution of an environment.

    Args:
        name: its canonical name.
        version: as its metadata says.
        place: the egg directory in the store; for a develop package the directory of its metadata.
        identity: what stands for its content: a sha256, or a develop package's digest.
        files: for a develop package, the entries of ``place`` that belong to it; empty for an egg, which is whole.
    """

    name: str
    version: str
    place: Path
    identity: str
    files: tuple[str, ...] = ()


def digest_of(python: Interpreter, members: Sequence[Member], extra_paths: Sequence[Path], place: Path) -> str:
    """Return what an environment's content hangs on, as 64 hexadecimal digits."""
    content = [
        _FORMAT,
        str(python.executable),
        python.version,
        sorted([member.name, member.version, member.identity, str(member.place), *member.files] for member in members),
        [str(path) for path in extra_paths],
        str(place),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def ensure(
    directory: Path, python: Interpreter, members: Sequence[Member], extra_paths: Sequence[Path], store: Path
) -> tuple[Environment, tuple[str, ...]]:
    """Return the environment of these members, made below ``directory`` when it is not there yet.

    Two parts that need the same get the same one. It appears whole or not at all.

    Returns:
        the environment, and a remark for every file that two distributions both want to own.
    """
    digest = digest_of(python, members, extra_paths, directory)
    prefix = directory / digest[:16]
    found = load(prefix, store)
    if found is not None and found.digest == digest:
        return found, ()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=directory) as name:
        staging = Path(name) / prefix.name
        remarks = _make(staging, prefix, python, members, extra_paths, digest)
        if prefix.exists():
            shutil.rmtree(prefix)
        staging.rename(prefix)
    made = load(prefix, store)
    assert made is not None
    return made, remarks


def describe(
    directory: Path, python: Interpreter, members: Sequence[Member], extra_paths: Sequence[Path], store: Path
) -> Environment:
    """Return the environment of these members as it stands, or as `ensure` would make it; nothing is written."""
    digest = digest_of(python, members, extra_paths, directory)
    prefix = directory / digest[:16]
    found = load(prefix, store)
    if found is not None and found.digest == digest:
        return found
    return Environment(
        python=prefix / "bin" / "python",
        prefix=prefix,
        site_packages=prefix / "lib" / f"python{python.minor}" / "site-packages",
        distributions=tuple(sorted((member.name, member.version) for member in members)),
        entry_points=tuple(point for member in _ordered(members) for point in _entry_points(member)),
        digest=digest,
        store=store,
    )


@dataclass(frozen=True, slots=True)
class Content:
    """What an environment says of itself that it was made of."""

    members: tuple[Member, ...]
    extra_paths: tuple[Path, ...]
    developed: Mapping[str, str]
    """The SHA-256 of each file or link of a develop package's metadata, by its path."""


def content_of(prefix: Path, python: Interpreter) -> Content | None:
    """Return what an environment was made of; None where its record is not the one that its name stands for."""
    try:
        record = json.loads((prefix / _RECORD).read_text("utf-8"))
        members = tuple(Member(n, v, Path(place), i, tuple(files)) for n, v, place, i, files in record["members"])
        developed = {str(path): str(sha256) for path, sha256 in record["developed"].items()}
        content = Content(members, tuple(Path(path) for path in record["extra_paths"]), developed)
        digest = digest_of(python, content.members, content.extra_paths, prefix.parent)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return content if digest == record.get("digest") and digest[:16] == prefix.name else None


def remake(prefix: Path, python: Interpreter, content: Content, staging: Path) -> None:
    """Make an environment once more, elsewhere, as it would be made under its prefix now."""
    digest = digest_of(python, content.members, content.extra_paths, prefix.parent)
    _make(staging, prefix, python, content.members, content.extra_paths, digest, content.developed)


def developed(members: Iterable[Member]) -> dict[str, str]:
    """Return what the metadata of develop packages consists of: the SHA-256 of each file or link, by its path.

    What Python has compiled there while it ran is none of it.
    """
    entries = [member.place / name for member in members for name in member.files]
    found = [path for entry in entries for path in (below(entry) if look(entry).kind == "directory" else [entry])]
    return {str(path): look(path).digest for path in sorted(found) if _CACHE not in path.parts}


def _ordered(members: Sequence[Member]) -> list[Member]:
    """Put develop packages first, so that where two own the same file theirs is the one that is used."""
    return sorted(members, key=lambda member: (not member.files, member.name))


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
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def _make(
    staging: Path,
    prefix: Path,
    python: Interpreter,
    members: Sequence[Member],
    extra_paths: Sequence[Path],
    digest: str,
    known: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    site_packages = staging / "lib" / f"python{python.minor}" / "site-packages"
    site_packages.mkdir(parents=True)
    (staging / "bin").mkdir()
    for name in ("python", "python3", f"python{python.minor}"):
        (staging / "bin" / name).symlink_to(python.executable if name == "python" else "python")
    (staging / "pyvenv.cfg").write_text(
        f"home = {python.executable.parent}\ninclude-system-site-packages = false\nversion = {python.version}\n",
        "utf-8",
    )
    ordered = _ordered(members)
    remarks: list[str] = []
    owners = [(member.name, name, path) for member in ordered for name, path in _importable(member)]
    _merge(site_packages, owners, remarks)
    _merge(staging, [(member.name, n, path) for member in ordered for n, path in _beside(member)], remarks)
    if extra_paths:
        # The name sorts last, as zc.recipe.egg puts extra paths behind the distributions.
        lines = "".join(f"{path}\n" for path in extra_paths)
        (site_packages / "~eggcarton-extra-paths.pth").write_text(lines, "utf-8")
    points = [point for member in ordered for point in _entry_points(member)]
    _scripts(staging / "bin", prefix, ordered, points, remarks)
    record = {
        "format": _FORMAT,
        "digest": digest,
        "python": python.minor,
        "distributions": sorted([member.name, member.version] for member in members),
        "entry_points": [[p.distribution, p.group, p.name, p.module, p.attribute] for p in points],
        "members": [[*astuple(member)[:2], str(member.place), *astuple(member)[3:]] for member in ordered],
        "extra_paths": [str(path) for path in extra_paths],
        "developed": developed(members) if known is None else known,
    }
    (staging / _RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    return tuple(remarks)


def _importable(member: Member) -> Iterator[tuple[str, Path]]:
    """Give what of a member belongs into site-packages, by the name it has there."""
    for name in sorted(member.files or os.listdir(member.place)):
        path = member.place / name
        if name in _TO_PREFIX and not member.files and path.is_dir() and not (path / "__init__.py").exists():
            continue
        if name == "EGG-INFO":
            name = f"{member.name.replace('-', '_')}-{member.version}.egg-info"
        elif name.endswith(".dist-info"):
            name = f"{'-'.join(name.removesuffix('.dist-info').split('-')[:2])}.dist-info"
        if _is_lasting(path):
            yield name, path


def _beside(member: Member) -> Iterator[tuple[str, Path]]:
    """Give the data files of an egg, which belong to the prefix; its scripts need their first line and follow later."""
    for name in sorted(_TO_PREFIX - {"bin"}):
        path = member.place / name
        if not member.files and path.is_dir() and not (path / "__init__.py").exists():
            yield name, path


def _merge(directory: Path, owners: Iterable[tuple[str, str, Path]], remarks: list[str], inside: str = "") -> None:
    """Link names into a directory; where several distributions share a directory, go on inside it.

    Where they share a file the first one wins: develop packages, then the others by name.
    """
    by_name: dict[str, list[tuple[str, Path]]] = {}
    for owner, name, path in owners:
        by_name.setdefault(name, []).append((owner, path))
    for name, found in sorted(by_name.items()):
        place = directory / name
        directories = [(owner, path) for owner, path in found if path.is_dir()]
        # What Python writes for one distribution must not land in the store as a part of another one.
        if len(found) == 1 and name != _CACHE and not (place.is_dir() and not place.is_symlink()):
            place.symlink_to(found[0][1])
        elif len(directories) == len(found):
            place.mkdir(exist_ok=True)
            inner = [(owner, entry, path / entry) for owner, path in found for entry in sorted(os.listdir(path))]
            _merge(place, [item for item in inner if _is_lasting(item[2])], remarks, f"{inside}{name}/")
        else:
            place.symlink_to(found[0][1])
            if len({_bytes(path) for _, path in found}) > 1:
                remarks.append(_shared(inside + name, found[0][0], ", ".join(owner for owner, _ in found[1:])))


def _is_lasting(path: Path) -> bool:
    """Tell whether something in the store was put there for good, which what Python compiled while it ran was not."""
    return path.name != _CACHE or any(part.endswith(COMPILED) for part in path.parts)


def _shared(name: str, first: str, others: str) -> str:
    return f"{name} is in several distributions; the one of {first} is used, not that of {others}"


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _metadata(member: Member) -> Path | None:
    names = member.files or tuple(os.listdir(member.place))
    for name in sorted(names):
        if name.endswith((".dist-info", ".egg-info")) or name == "EGG-INFO":
            return member.place / name
    return None


def _entry_points(member: Member) -> Iterator[EntryPoint]:
    metadata = _metadata(member)
    path = metadata / "entry_points.txt" if metadata else None
    if path is None or not path.is_file():
        return
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text("utf-8"))
    for group in parser.sections():
        for name, value in parser.items(group):
            module, _, attribute = value.partition("[")[0].strip().partition(":")
            yield EntryPoint(member.name, group, name, module.strip(), attribute.strip())


def _scripts(
    directory: Path, prefix: Path, members: Sequence[Member], points: Iterable[EntryPoint], remarks: list[str]
) -> None:
    """Write what an installer would put into ``bin``, so that the environment is an ordinary one for other tools."""
    python = prefix / "bin" / "python"
    found: dict[str, tuple[str, bytes | Path]] = {}
    own = [item for member in members for item in _own_scripts(member, python)]
    made = [
        (point.distribution, point.name, entry_point_script(python, point).encode())
        for point in points
        if point.group == "console_scripts" and point.attribute
    ]
    for owner, name, content in (*own, *made):
        first, kept = found.setdefault(name, (owner, content))
        if first != owner and kept != content:
            remarks.append(_shared(f"bin/{name}", first, owner))
    for name, (_, content) in found.items():
        path = directory / name
        if path.is_symlink() or path.exists():
            continue
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
            path.chmod(0o755)


def _own_scripts(member: Member, python: Path) -> Iterator[tuple[str, str, bytes | Path]]:
    """Give the scripts that a wheel itself brought: those in Python as text, others as they lie in the store."""
    source = member.place / "bin"
    if member.files or not source.is_dir() or (source / "__init__.py").exists():
        return
    for path in sorted(source.iterdir()):
        if _begins_with_placeholder(path):
            rest = path.read_bytes().partition(b"\n")[2]
            yield member.name, path.name, first_lines(python, "-I").encode() + rest
        else:
            yield member.name, path.name, path


def _begins_with_placeholder(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(8) == b"#!python"
