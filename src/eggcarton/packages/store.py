"""The store: unpacked distributions in buildout's own layout, each under the sha256 of the file it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import listdir
from pathlib import Path

from packaging.utils import canonicalize_name, canonicalize_version

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.core.locks import scratch, sweep
from eggcarton.packages import eggs as contents
from eggcarton.packages import seals, sharing, store_names
from eggcarton.packages.crew import Crew
from eggcarton.packages.eggs import COMPILED
from eggcarton.packages.entries import put, storing
from eggcarton.packages.store_names import HIDDEN
from eggcarton.packages.unpacking import Made, Order

_UNPACKING = ".unpack-"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One distribution to have in the store: its canonical name, its version, its wheel's name and sha256."""

    name: str
    version: str
    filename: str
    sha256: str


class Store:
    """Buildout's eggs directory.

    Args:
        directory: the eggs directory with its version, such as ``eggs/v5``.
        tag: how the names of eggs end there, such as ``py3.11-linux-x86_64``; pkg_resources decides it.
        compiled: whether eggs are byte-compiled; those lie beside the others, which stay as they are.

    ``added`` holds the sha256 of what was unpacked so far, ``remarks`` what the user should hear of it.
    """

    def __init__(self, directory: Path, tag: str, *, compiled: bool = False) -> None:
        self.directory, self.tag, self.compiled = directory, tag, compiled
        self.added: set[str] = set()
        self.remarks: list[str] = []
        self._whole: dict[str, Path] = {}

    def _place(self, sha256: str) -> Path:
        return self.directory / HIDDEN / (f"{sha256}{COMPILED}" if self.compiled else sha256)

    def find(self, sha256: str) -> Path | None:
        """Return the egg that was unpacked from the file with this digest, for this Python and platform.

        One that was cut off is none. What was found whole once is not looked at again.
        """
        if sha256 not in self._whole:
            place = self._place(sha256)
            try:
                egg = next(place / name for name in listdir(place) if name.endswith(f"-{self.tag}.egg"))
            except (FileNotFoundError, NotADirectoryError, StopIteration):
                return None
            if not seals.is_whole(egg):
                return None
            self._whole[sha256] = egg
        return self._whole[sha256]

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
                    self._put_in_place(egg, item.sha256)

    def add(self, files: Mapping[str, Path], wanted: Sequence[Unpacked]) -> dict[str, Path]:
        """Unpack what is missing and return every egg by the sha256 of its file, as `filling` and `eggs` do.

        Args:
            files: the wheels by sha256.
            wanted: what to have.
        """
        with self.filling(wanted) as take:
            for sha256, path in files.items():
                take(sha256, path)
        return self.eggs(wanted)

    @contextmanager
    def filling(self, wanted: Sequence[Unpacked]) -> Iterator[Callable[[str, Path], None]]:
        """Give a function that takes a wheel, by its sha256 and path, and has it unpacked if it is missing.

        All that was taken is unpacked when the block ends, while more may be fetched within it. A distribution appears
        under its final name complete or not at all, so that two builds may share a store.

        Args:
            wanted: what to have.

        Raises:
            EggcartonError: a wheel is not valid.
            IntegrityProblem: a file has other bytes than is wanted, or is of another distribution or version.
        """
        missing = {item.sha256: item for item in wanted if self.find(item.sha256) is None}
        if not missing:
            yield lambda sha256, path: None
            return
        hidden, made = self.directory / HIDDEN, dict[str, Made]()
        hidden.mkdir(parents=True, exist_ok=True)
        sweep(hidden, _UNPACKING)

        def done(order: Order, one: Made) -> None:
            _check_version(order, one.version)
            made[order.sha256] = one
            if one.mistold:
                self.remarks.append(_mistold(order.filename, one.mistold))
            if not self.compiled:
                self._put_in_place(one.egg, order.sha256)
                self.added.add(order.sha256)

        with scratch(hidden, _UNPACKING) as staging:
            given = set[str]()

            def take(sha256: str, path: Path) -> None:
                item = missing.get(sha256)
                if item is not None and sha256 not in given:
                    given.add(sha256)
                    place = staging / sha256
                    crew.give(Order(path, item.filename, item.name, item.version, sha256, place, self.tag))

            with Crew(done) as crew:
                yield take
            if self.compiled:
                self._compile(staging, made)

    def _compile(self, staging: Path, made: Mapping[str, Made]) -> None:
        contents.compile_all(staging)
        for sha256, one in made.items():
            contents.write_record(one.egg, one.info)
            self._put_in_place(one.egg, sha256)
            self.added.add(sha256)

    def eggs(self, wanted: Sequence[Unpacked]) -> dict[str, Path]:
        """Return every egg by the sha256 of its file.

        Raises:
            EggcartonError: one is not there.
            IntegrityProblem: one is of another distribution or version than is wanted.
        """
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

    def _put_in_place(self, egg: Path, sha256: str) -> None:
        final = self._place(sha256) / egg.name
        if put(egg, final):
            self.remarks.append(f"{egg.name} in the store was cut off; it was unpacked anew")
        self._whole[sha256] = final

    def show(self, eggs: Iterable[Path]) -> list[str]:
        """Give eggs their names in buildout's layout, and return what the user should hear of that."""
        with storing(self.directory):
            return store_names.show(self.directory, eggs)


def _check_version(item: Order, found: str) -> None:
    """Refuse a wheel whose metadata has another version than is wanted; that may lack the local part."""
    expected = {canonicalize_version(version) for version in (item.version, item.version.partition("+")[0])}
    if found and canonicalize_version(found) not in expected:
        raise IntegrityProblem(
            f"{item.filename} is {item.name} {found} by its metadata, not {item.version}; it is not a valid wheel"
        )


def _mistold(filename: str, paths: Sequence[str]) -> str:
    """Return what the user should hear of a wheel whose RECORD tells other digests than its files have."""
    others = f" and {len(paths) - 1} others" if len(paths) > 1 else ""
    return (
        f"{filename}: its RECORD tells another digest of {paths[0]}{others}; the whole has the sha256 that is wanted, "
        "so it was unpacked as it is, and its author should hear of it"
    )
