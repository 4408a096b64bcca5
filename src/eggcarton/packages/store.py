"""The store: unpacked distributions in buildout's own layout, each under the sha256 of the file it came from."""

from __future__ import annotations

import csv
import os
import re
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name, canonicalize_version

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.core.linking import link
from eggcarton.core.locks import scratch, sweep
from eggcarton.packages import eggs as contents
from eggcarton.packages import sharing, store_names, unpacking, uv
from eggcarton.packages.eggs import COMPILED, installed_name, scripts_in
from eggcarton.packages.lock import toml_of
from eggcarton.packages.store_names import HIDDEN

CLEARING = "eggcarton: what uv left"
"""The name of the thread that throws away, beside the work, what uv left."""

_UNPACKING = ".unpack-"
_DROPPED = ("direct_url.json", "REQUESTED", "uv_cache.json", "uv_build.json")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One distribution to have in the store: its canonical name, its version, its wheel's name and sha256."""

    name: str
    version: str
    filename: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Record:
    """What one distribution has put into a shared directory: its files by the first part of their path."""

    info: Path
    tops: Mapping[str, Sequence[PurePosixPath]]
    generated: Collection[str]

    @classmethod
    def read(cls, target: Path, item: Unpacked) -> _Record:
        info = _dist_info(target, item)
        tops: dict[str, list[PurePosixPath]] = {}
        for row in csv.reader((info / "RECORD").read_text("utf-8").splitlines()):
            path = PurePosixPath(row[0]) if row else PurePosixPath("..")
            if not path.is_absolute() and ".." not in path.parts:
                tops.setdefault(path.parts[0], []).append(path)
        return cls(info, tops, _generated_scripts(info))


class Store:
    """Buildout's eggs directory.

    Args:
        directory: the eggs directory with its version, such as ``eggs/v5``.
        tag: how the names of eggs end there, such as ``py3.11-linux-x86_64``; pkg_resources decides it.
        compiled: whether eggs are byte-compiled; those lie beside the others, which stay as they are.

    ``added`` holds the sha256 of what was unpacked so far.
    """

    def __init__(self, directory: Path, tag: str, *, compiled: bool = False) -> None:
        self.directory, self.tag, self.compiled = directory, tag, compiled
        self.added: set[str] = set()

    def _place(self, sha256: str) -> Path:
        return self.directory / HIDDEN / (f"{sha256}{COMPILED}" if self.compiled else sha256)

    def find(self, sha256: str) -> Path | None:
        """Return the egg that was unpacked from the file with this digest, for this Python and platform."""
        place = self._place(sha256)
        try:
            return next(place / name for name in os.listdir(place) if name.endswith(f"-{self.tag}.egg"))
        except (FileNotFoundError, NotADirectoryError, StopIteration):
            return None

    def share(self, wanted: Sequence[Unpacked]) -> None:
        """Have what is there for another Python of this platform for this one too: the same files, as far as can be.

        Eggs that are byte-compiled are not shared.
        """
        missing = [] if self.compiled else [item for item in wanted if self.find(item.sha256) is None]
        there = [item for item in missing if self._place(item.sha256).is_dir()]
        if not there:
            return
        with scratch(self.directory / HIDDEN, _UNPACKING) as staging:
            for item in there:
                egg = sharing.made(self._place(item.sha256), self.tag, staging / item.sha256)
                if egg is not None:
                    self._put_in_place(egg, item)

    def add(self, program: Path, files: Mapping[str, Path], wanted: Sequence[Unpacked]) -> dict[str, Path]:
        """Unpack what is missing in one go and return every egg by the sha256 of its file.

        uv checks each sha256 once more while it reads. A distribution appears under its final name complete or
        not at all, so that two builds may share a store.

        Args:
            program: the uv binary.
            files: the wheels by sha256.
            wanted: what to have.

        Raises:
            EggcartonError: uv could not unpack a wheel.
            IntegrityProblem: a file is of another distribution or version than is wanted.
        """
        missing = [item for item in wanted if self.find(item.sha256) is None]
        if missing:
            hidden = self.directory / HIDDEN
            hidden.mkdir(parents=True, exist_ok=True)
            sweep(hidden, _UNPACKING)
            with scratch(hidden, _UNPACKING) as staging:
                for number, batch in enumerate(_without_collisions(missing, files)):
                    self._unpack(program, staging / str(number), files, batch)
            self.added |= {item.sha256 for item in missing}
        eggs = {}
        for item in wanted:
            egg = self.find(item.sha256)
            if egg is None:
                raise EggcartonError(f"{item.filename} was unpacked, but is not in the store {self.directory}")
            self._check_name(egg, item)
            eggs[item.sha256] = egg
        return eggs

    def _check_name(self, egg: Path, item: Unpacked) -> None:
        """Refuse what a lock calls by another name or version than the one that it had when it was unpacked."""
        project, _, version = egg.name.removesuffix(f"-{self.tag}.egg").partition("-")
        if canonicalize_name(project) != item.name or canonicalize_version(version) != canonicalize_version(
            item.version.replace("-", "_")
        ):
            raise IntegrityProblem(
                f"{item.filename}: the sha256 that is locked for it is that of {project} {version}; versions are "
                "changed in [versions]; restore the lock, or remove it and lock again"
            )

    def _unpack(self, program: Path, staging: Path, files: Mapping[str, Path], batch: Sequence[Unpacked]) -> None:
        target = staging / "target"
        (staging / "wheels").mkdir(parents=True)
        if {link(files[item.sha256], staging / "wheels" / item.filename) for item in batch} == {"symbolic"}:
            _unpack_by_uv(program, staging, batch)
        else:
            unpacking.unpack_all({item.sha256: (files[item.sha256], item.filename) for item in batch}, target)
        records = {item.sha256: _Record.read(target, item) for item in batch}
        owners = Counter(top for record in records.values() for top in record.tops)
        made = {}
        for item in batch:
            egg = self._make_egg(target, staging / "eggs", item, records[item.sha256], owners)
            contents.restore_scripts(files[item.sha256], egg / "bin")
            contents.remove_namespace_files(egg)
            made[item.sha256] = egg
        if self.compiled:
            contents.compile_all(staging / "eggs")
        for item in batch:
            contents.write_record(made[item.sha256], records[item.sha256].info.name)
            self._put_in_place(made[item.sha256], item)
        # uv's private cache holds as many files again; nobody has to wait until they are gone.
        if (staging / "cache").is_dir():
            self._discard(staging / "cache")

    def _make_egg(self, target: Path, eggs: Path, item: Unpacked, record: _Record, owners: Mapping[str, int]) -> Path:
        """Move one distribution out of the shared target and give it its name.

        A directory that it has to itself is moved whole, one that it shares entry by entry of its RECORD.
        """
        project = _project_name(record.info)
        base = f"{project.replace('-', '_')}-{item.version.replace('-', '_')}-{self.tag}"
        egg = eggs / item.sha256 / f"{base}.egg"
        egg.mkdir(parents=True)
        for name in _DROPPED:
            (record.info / name).unlink(missing_ok=True)
        for name in record.generated:
            (target / name).unlink(missing_ok=True)
        for top, entries in record.tops.items():
            if owners[top] == 1 and (target / top).is_dir():
                (target / top).rename(egg / (f"{base}.dist-info" if top == record.info.name else top))
                continue
            for entry in entries:
                source = target / entry
                if source.is_symlink() or source.exists():
                    (egg / entry).parent.mkdir(parents=True, exist_ok=True)
                    source.rename(egg / entry)
        return egg

    def _put_in_place(self, egg: Path, item: Unpacked) -> None:
        final = self._place(item.sha256) / egg.name
        final.parent.mkdir(exist_ok=True)
        try:
            egg.rename(final)
        except OSError:
            # Another build was faster; what it put there is complete, since it too was renamed whole.
            if not final.is_dir():
                raise

    def _discard(self, directory: Path) -> None:
        with ExitStack() as stack:
            directory.rename(stack.enter_context(scratch(self.directory / HIDDEN, _UNPACKING)) / directory.name)
            threading.Thread(target=stack.pop_all().close, name=CLEARING).start()

    def show(self, eggs: Iterable[Path]) -> list[str]:
        """Give eggs their names in buildout's layout, and return what the user should hear of that."""
        return store_names.show(self.directory, eggs)


def _unpack_by_uv(program: Path, staging: Path, batch: Sequence[Unpacked]) -> None:
    lock = {
        "lock-version": "1.0",
        "created-by": "eggcarton",
        "packages": [
            {
                "name": item.name,
                "version": item.version,
                "wheels": [{"path": f"wheels/{item.filename}", "hashes": {"sha256": item.sha256}}],
            }
            for item in batch
        ],
    }
    (staging / "pylock.toml").write_text(toml_of(lock), "utf-8")
    arguments = [
        "pip",
        "install",
        "--requirements",
        "pylock.toml",
        "--target",
        str(staging / "target"),
        "--python",
        sys.executable,
    ]
    arguments += [
        "--offline",
        "--no-deps",
        "--require-hashes",
        "--no-index",
        "--link-mode",
        "hardlink",
        "--quiet",
    ]
    # Hard links to a cache that lives on would let a change of an installed file come back in the next install.
    done = uv.run(program, arguments, cache=staging / "cache", directory=staging)
    if done.status:
        kind = IntegrityProblem if "hash" in done.output.lower() else EggcartonError
        raise kind(f"the locked wheels could not be unpacked: {done.output}")


def _without_collisions(wanted: Sequence[Unpacked], files: Mapping[str, Path]) -> list[list[Unpacked]]:
    """Divide wheels so that no two of one batch own the same path: in a shared target one copy would be lost."""
    batches: list[tuple[list[Unpacked], set[str]]] = []
    for item in wanted:
        names = _installed_names(item, files[item.sha256])
        for batch, taken in batches:
            if taken.isdisjoint(names):
                batch.append(item)
                taken |= names
                break
        else:
            batches.append(([item], names))
    return [batch for batch, _ in batches]


def _installed_names(item: Unpacked, wheel: Path) -> set[str]:
    names = set()
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    names.add(installed_name(name))
                if name.endswith(".dist-info/entry_points.txt"):
                    names |= scripts_in(archive.read(name).decode("utf-8", "replace"))
    except zipfile.BadZipFile as error:
        raise EggcartonError(f"{item.filename} is not a valid wheel: {error}") from error
    return names


def _dist_info(target: Path, item: Unpacked) -> Path:
    escaped = re.escape(re.sub(r"[-_.]+", "-", item.name)).replace(r"\-", "[-_.]+")
    pattern = re.compile(rf"{escaped}-[^-]+\.dist-info", re.IGNORECASE)
    for name in os.listdir(target):
        if pattern.fullmatch(name):
            return target / name
    raise EggcartonError(f"{item.filename} has no metadata of its own name; it is not a valid wheel")


def _project_name(info: Path) -> str:
    with (info / "METADATA").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.lower().startswith("name:"):
                return line.partition(":")[2].strip()
    return info.name.partition("-")[0]


def _generated_scripts(info: Path) -> set[str]:
    """Return the scripts that an installer makes from entry points: they name the wrong Python and are remade."""
    path = info / "entry_points.txt"
    return scripts_in(path.read_text("utf-8")) if path.is_file() else set()
