"""A wheel becomes an egg in one pass: read once, checked whole and file by file, written in buildout's layout."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipInfo

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.core.names import canonical_name
from eggcarton.packages import wheel_archive
from eggcarton.packages.eggs import (
    LEFT_OUT,
    SCHEMES,
    SIGNATURES,
    Row,
    declares_namespace,
    installed_name,
    scripts_in,
)
from eggcarton.packages.wheel_archive import WheelArchive

INSTALLER = b"eggcarton\n"

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_EXECUTABLE = 0o111
_WEAK = frozenset({"md5", "sha1"})


@dataclass(frozen=True, slots=True)
class Order:
    """One wheel to unpack.

    Args:
        wheel: the file.
        filename: what it is called, which errors name.
        name: the canonical name of the distribution that it must hold.
        version: its version.
        sha256: what the file must have.
        directory: where the egg is made; nothing stands there yet.
        tag: how the egg's name ends, such as ``py3.11-linux-x86_64``.
    """

    wheel: Path
    filename: str
    name: str
    version: str
    sha256: str
    directory: Path
    tag: str


@dataclass(frozen=True, slots=True)
class Made:
    """An egg that was made of a wheel.

    Args:
        egg: its directory.
        info: the name of the directory of the wheel's metadata, by which RECORD spells it.
        version: what its metadata says, empty where that says nothing.
        mistold: the files of which the wheel's RECORD tells another digest than they have.
    """

    egg: Path
    info: str
    version: str
    mistold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one file of a wheel belongs: its path in the egg, and how RECORD spells that."""

    entry: ZipInfo
    path: str
    spelt: str
    is_script: bool


def unpack(order: Order) -> Made:
    """Make an egg of a wheel, as zc.buildout would after pip.

    Its RECORD names every file by the digest that it has, whatever the wheel's told: the sha256 of the whole vouches
    for it. Left out are scripts of entry points, which whoever builds a part makes; what only declares a namespace,
    and would hide the others of it; what told who had installed it.

    Raises:
        IntegrityProblem: it has another sha256, is another distribution, or holds what would be written elsewhere.
        EggcartonError: it is no valid wheel.

    Source: PEP 427, PEP 376, and ``make_egg_after_pip_install`` of zc.buildout.
    """
    with wheel_archive.opened(order.wheel, order.filename, order.sha256) as archive:
        info = _info_of(order, archive)
        project, version = _told_of_itself(order, archive, info)
        base = f"{project.replace('-', '_')}-{order.version.replace('-', '_')}-{order.tag}"
        egg = order.directory / f"{base}.egg"
        places = _places(order, archive, info, f"{base}.dist-info")
        told = _told(archive, info)
        egg.mkdir(parents=True)
        mistold: list[str] = []
        try:
            rows = list(_written(archive, places, told, egg, mistold))
            _write_record(rows, info, egg / f"{base}.dist-info")
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise EggcartonError(
                f"{order.filename} holds what this file system cannot hold beside another of its files: "
                f"{os.path.relpath(error.filename, egg)}; nothing of it was kept"
            ) from error
    return Made(egg, info, version, tuple(mistold))


def _info_of(order: Order, archive: WheelArchive) -> str:
    """Return the name of the directory of a wheel's metadata."""
    tops = {name.partition("/")[0] for name in archive.members if name.endswith(".dist-info/METADATA")}
    names = {top for top in tops if canonical_name(top.removesuffix(".dist-info").rpartition("-")[0]) == order.name}
    if len(names) != 1:
        what = "metadata of its own name twice" if names else "no metadata of its own name"
        raise EggcartonError(f"{order.filename} has {what}; it is not a valid wheel")
    (info,) = names
    if f"{info}/RECORD" not in archive.members:
        raise EggcartonError(f"{order.filename} is not a valid wheel: it has no RECORD")
    if f"{info}/WHEEL" in archive.members:
        version = _header(archive.read(archive.members[f"{info}/WHEEL"]), "Wheel-Version")
        if version.partition(".")[0] not in ("", "1"):
            raise EggcartonError(
                f"{order.filename} is of the wheel format {version}, and only 1 is known here; lock an older release"
            )
    return info


def _told_of_itself(order: Order, archive: WheelArchive, info: str) -> tuple[str, str]:
    """Return how a wheel spells its name, which has to be the one that was locked, and its version."""
    metadata = archive.read(archive.members[f"{info}/METADATA"])
    project = _header(metadata, "Name") or info.partition("-")[0]
    if canonical_name(project) != order.name:
        raise IntegrityProblem(
            f"{order.filename} calls itself {project!r} in its metadata, not {order.name}; it is not a valid wheel"
        )
    return project, _header(metadata, "Version")


def _header(text: bytes, name: str) -> str:
    """Return a header of a file of metadata, empty where it has none."""
    for line in text.decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() == name.lower():
            return value.strip()
        if not line.strip():
            break
    return ""


def _places(order: Order, archive: WheelArchive, info: str, own: str) -> list[_Place]:
    """Return where each file belongs that is kept."""
    points = archive.members.get(f"{info}/entry_points.txt")
    scripts = scripts_in(archive.read(points).decode("utf-8", "replace")) if points else set()
    data = f"{info.removesuffix('.dist-info')}.data/"
    found: dict[str, _Place] = {}
    for name, entry in archive.members.items():
        spelt = path = name
        if name.startswith(f"{info}/"):
            rest = name[len(info) + 1 :]
            if rest in LEFT_OUT or rest in SIGNATURES:
                continue
            path = f"{own}/{rest}"
        elif name.startswith(data):
            scheme, _, rest = name[len(data) :].partition("/")
            if scheme not in SCHEMES or not rest:
                raise EggcartonError(f"{order.filename} holds {name}, which belongs nowhere; it is not a valid wheel")
            spelt = path = installed_name(name, info, order.name)
        if path in scripts:
            continue
        place = _Place(entry, path, spelt, name.startswith(f"{data}scripts/"))
        if path in found:
            _check_same(order, archive, found[path], place)
        else:
            found[path] = place
    return _without_namespaces(archive, found)


def _check_same(order: Order, archive: WheelArchive, one: _Place, other: _Place) -> None:
    if archive.read(one.entry) != archive.read(other.entry):
        raise IntegrityProblem(
            f"{order.filename} holds {one.entry.filename} and {other.entry.filename}, which both belong at "
            f"{one.path} and differ; nothing was unpacked, as one would hide the other"
        )


def _without_namespaces(archive: WheelArchive, places: Mapping[str, _Place]) -> list[_Place]:
    """Leave out ``__init__.py`` files that only declare a namespace: one would hide the others of its namespace."""
    number = Counter(path.rpartition("/")[0] for path in places)

    def declares(place: _Place) -> bool:
        above, _, name = place.path.rpartition("/")
        return (
            name == "__init__.py"
            and number[above] == 1
            and declares_namespace(archive.read(place.entry).decode("utf-8", "replace"))
        )

    return [place for place in places.values() if not declares(place)]


def _told(archive: WheelArchive, info: str) -> dict[str, str]:
    """Return what a wheel's RECORD tells of each file, as it stands there."""
    text = archive.read(archive.members[f"{info}/RECORD"]).decode("utf-8")
    told: dict[str, str] = {}
    try:
        for row in csv.reader(io.StringIO(text)):
            if row:
                told[row[0]] = row[1] if len(row) > 1 else ""
    except csv.Error as error:
        raise EggcartonError(f"{archive.name} is not a valid wheel: its RECORD is none, {error}") from error
    return told


def _written(
    archive: WheelArchive, places: Sequence[_Place], told: Mapping[str, str], egg: Path, mistold: list[str]
) -> Iterator[tuple[str, str, str]]:
    """Write the files of an egg, and give the row of RECORD for each.

    Args:
        told: what the wheel's RECORD tells of each.
        mistold: gets those of which it tells another digest.
    """
    root, made = str(egg), {""}
    for place in places:
        above = place.path.rpartition("/")[0]
        if above not in made:
            os.makedirs(f"{root}/{above}", exist_ok=True)
            made.add(above)
        entry = place.entry
        is_executable = place.is_script or entry.external_attr >> 16 & _EXECUTABLE
        digest = _put(f"{root}/{place.path}", archive.blocks(entry), 0o777 if is_executable else 0o666)
        expected = told.get(entry.filename, "")
        if expected != digest:
            digest, is_right = _compared(archive, entry, expected, digest)
            if not is_right:
                mistold.append(entry.filename)
        yield place.spelt, digest, str(entry.file_size)


def _write_record(rows: Sequence[tuple[str, str, str]], info: str, directory: Path) -> None:
    installer = _put(f"{directory}/INSTALLER", iter((INSTALLER,)), 0o666)
    own = [(f"{info}/INSTALLER", installer, str(len(INSTALLER))), (f"{info}/RECORD", "", "")]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(sorted([*rows, *own]))
    _put(f"{directory}/RECORD", iter((text.getvalue().encode(),)), 0o666)


def _put(path: str, blocks: Iterator[bytes], mode: int) -> str:
    """Write a new file, and return its digest as RECORD has it."""
    digest = hashlib.sha256()
    handle = os.open(path, _NEW, mode)
    try:
        for block in blocks:
            digest.update(block)
            while (written := os.write(handle, block)) < len(block):
                block = block[written:]
    finally:
        os.close(handle)
    return f"sha256={base64.urlsafe_b64encode(digest.digest()).decode().rstrip('=')}"


def _compared(archive: WheelArchive, entry: ZipInfo, expected: str, digest: str) -> tuple[str, bool]:
    """Return the digest that RECORD is to have of a file, and whether the wheel's RECORD, which has another, is right.

    Args:
        expected: what the wheel's RECORD has, empty for nothing.
        digest: the sha256, as RECORD has it.
    """
    row = Row.read(expected)
    if not row.algorithm:
        return digest, True
    content = hashlib.new(row.algorithm)
    for block in archive.blocks(entry):
        content.update(block)
    is_right = content.hexdigest() == row.digest
    return (digest if row.algorithm in _WEAK or not is_right or row.algorithm == "sha256" else str(row)), is_right
