"""What is asked for by its address: fetched once, kept by its sha256, and built like a source distribution.

Being asked for by its address is the permission to build it: no name on an index can become another's code.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import parse_wheel_filename

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import redacted
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.git import Repository
from eggcarton.indexes.wanted import Wanted
from eggcarton.packages import archive, checkouts, metadata
from eggcarton.packages import origin as origins
from eggcarton.packages.lock import LockedFile, LockedPackage, extras_in
from eggcarton.packages.origin import Origin, Reference
from eggcarton.packages.outdated import Standing
from eggcarton.packages.sdists import Builder

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Direct:
    """The way to everything that has an address of its own.

    Args:
        cache: where what was fetched is kept.
        fetcher: what fetches archives, and finds files that are here.
        builder: what builds wheels; None where nothing may be built.
        offline: whether no repository may be asked.
        given: addresses as the configuration has them, with their credentials, by those without.
    """

    cache: Cache
    fetcher: Fetcher
    builder: Builder | None
    offline: bool
    given: Mapping[str, str]

    def lock(
        self,
        name: str,
        reference: Reference,
        asked_by: str,
        *,
        commit: str | None = None,
        hashes: Collection[str] = (),
        imported: bool = False,
    ) -> LockedPackage:
        """Return what an address leads to now, with all that its metadata leads to.

        Args:
            name: the canonical name under which it is asked for.
            commit: the commit that is meant; None for what the revision is now.
            hashes: the sha256 that the file may have, where that is known before.
            imported: whether another tool's file asks for it.

        Raises:
            UsageProblem: there is no such revision, or what is there has another name.
            Unavailable: it cannot be had.
            IntegrityProblem: it has another sha256 than it has to have.
        """
        origin = Origin(reference.kind, reference.url, subdirectory=reference.subdirectory, imported=imported)
        if reference.kind == "archive":
            path = self.fetcher.take(self._given(reference.url), origins.file_name(reference.url))
            file = LockedFile(origins.file_name(reference.url), path.name, path.stat().st_size)
        else:
            repository = self._repository(origin)
            if commit is None:
                repository.update()
                commit = repository.resolve(reference.revision)
            else:
                repository.ensure(commit)
            origin = replace(origin, revision=reference.revision, commit=commit)
            origin, path = self._packed(name, origin, repository)
            file = LockedFile(_archive_name(name, origin), path.name, path.stat().st_size)
        expected = {reference.sha256} if reference.sha256 else set(hashes if reference.kind == "archive" else ())
        if expected and file.sha256 not in expected:
            raise IntegrityProblem(
                f"{asked_by}: {redacted(reference.url)} has the sha256 {file.sha256}, and {', '.join(sorted(expected))}"
                " is asked for; nothing of it was built or installed"
            )
        found = LockedPackage(name, "0", *self._files(origin, file), origin=origin)
        return self._described(found, asked_by)

    def again(self, package: LockedPackage, asked_by: str) -> LockedPackage:
        """Return what is locked already as `lock` does, with all that its metadata leads to."""
        return self._described(package, asked_by)

    @staticmethod
    def _files(origin: Origin, file: LockedFile) -> tuple[tuple[LockedFile, ...], LockedFile | None]:
        return ((file,), None) if origin.is_wheel else ((), file)

    def _described(self, package: LockedPackage, asked_by: str) -> LockedPackage:
        wheel = self.wheel(package)
        told = package.wheels[0].name if package.wheels else wheel.name
        try:
            name, version, *_ = parse_wheel_filename(told)
        except ValueError:
            raise UsageProblem(f"{asked_by}: {told} is not the name of a wheel; ask for another file") from None
        if name != package.name:
            raise UsageProblem(
                f"{asked_by} at {package.origin}, and what is there is called {name}; ask for "
                f"'{name} @ {package.origin}'"
            )
        edges = metadata.of_wheel(wheel)
        empty = edges.extras.difference(*(extras_in(line) for line in edges.requires))
        lines = tuple(origins.cleaned(line) for line in edges.requires)
        return replace(package, version=str(version), requires=lines, empty_extras=tuple(sorted(empty)))

    def wheel(self, package: LockedPackage) -> Path:
        """Return the wheel of a package: the one that is locked, or one that is built of what is kept.

        Raises:
            EggcartonError: it cannot be built.
        """
        source = self.source(package)
        if package.sdist is None:
            return source
        if self.builder is None:
            raise EggcartonError(f"{package.name} {package.version} must be built, and nothing may be built here")
        assert package.origin is not None
        with _rooted(source, package.sdist, package.origin) as (path, sha256):
            return self.builder.wheel(path, sha256, build_name(package))

    def source(self, package: LockedPackage) -> Path:
        """Return the file that is kept of a package, fetched or made anew where it is not here.

        Raises:
            Unavailable: it is not here and cannot be had.
            IntegrityProblem: what was made anew is not what was locked.
        """
        file = package.sdist or package.wheels[0]
        origin, wanted = package.origin, self.wanted(package, file)
        assert origin is not None
        if found := self.fetcher.local(wanted):
            return found
        if self.offline:
            where = "neither in the cache nor in the folder wheels beside the lock"
            raise Unavailable(f"offline, and what is kept of {package.name} is {where}:", tried=[file.name])
        if origin.kind == "archive":
            return self.fetcher.fetch([wanted])[file.sha256]
        repository = self._repository(origin)
        assert origin.commit is not None
        repository.ensure(origin.commit)
        _, path = self._packed(package.name, origin, repository)
        if path.name != file.sha256:
            raise IntegrityProblem(
                f"{package.name}: the archive of the commit {origin.commit} of {origin.url} has the sha256 {path.name},"
                f" and {file.sha256} is locked; restore the lock, or run bin/eggcarton lock --upgrade {package.name}"
            )
        return path

    def standing(self, package: LockedPackage) -> Standing:
        """Return where a package stands: whether the branch or tag that was asked for stands for another commit now.

        Raises:
            Unavailable: the repository cannot be asked.
        """
        origin = package.origin
        if origin is None or origin.kind == "archive" or origin.revision == origin.commit:
            return Standing(package.name, package.version)
        locked = f"{package.version} ({(origin.commit or '')[:12]})"
        now = self._repository(origin).current(origin.revision)
        if now in (None, origin.commit):
            # What is no branch and no tag is the beginning of a commit's name, which stays.
            return Standing(package.name, locked)
        newest = f"{str(now)[:12]} of {origin.revision or 'its repository'}"
        return Standing(package.name, locked, newest, newest)

    def wanted(self, package: LockedPackage, file: LockedFile) -> Wanted:
        """Return a locked file as the fetcher wants it."""
        origin = package.origin
        url = self._given(origin.url) if origin is not None and origin.kind == "archive" else None
        return Wanted(package.name, file.name, file.sha256, file.size, package.index, file.hint, url)

    def _given(self, url: str) -> str:
        return self.given.get(url, url)

    def _repository(self, origin: Origin) -> Repository:
        return Repository.below(self._copies, origin.url, self._given(origin.url))

    @property
    def _copies(self) -> Path:
        return self.cache.directory / "git"

    def _packed(self, name: str, origin: Origin, repository: Repository) -> tuple[Origin, Path]:
        """Make the archive of a commit, and tell of its history what its version is made of."""
        assert origin.commit is not None
        entries = checkouts.tree(repository, self._copies, origin.commit)
        entries = checkouts.within(entries, origin.subdirectory, str(origin))
        if checkouts.needs_history(entries):
            told, day = repository.history(origin.commit)
            history = origin.history or told
            entries = checkouts.with_history(entries, history, day, origin.commit)
            origin = replace(origin, history=history)
        with tempfile.TemporaryFile() as stream:
            archive.write(stream, _archive_name(name, origin).removesuffix(".tar"), entries)
            stream.seek(0)
            sha256 = _digest(iter(lambda: stream.read(_BLOCK), b""))
            stream.seek(0)
            return origin, self.cache.add(sha256, iter(lambda: stream.read(_BLOCK), b""))


def build_name(package: LockedPackage) -> str:
    """Return what the source of a package is called where it is built, and where the build's requirements are locked.

    Of a repository it is the project's name, so that they stay when the commit is another one.
    """
    if package.sdist is None or (package.origin is not None and package.origin.kind != "archive"):
        return package.name
    return package.sdist.name


def _digest(blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def _archive_name(name: str, origin: Origin) -> str:
    return f"{name}-{origin.commit}.tar"


@contextmanager
def _rooted(path: Path, file: LockedFile, origin: Origin) -> Iterator[tuple[Path, str]]:
    """Give a source whose project lies at its root, and its digest.

    What is kept of a repository is that already; of an archive that somebody else has made it may be a part.
    """
    if origin.kind != "archive" or origin.subdirectory is None:
        yield path, file.sha256
        return
    entries = checkouts.within(archive.read(path, file.name), origin.subdirectory, origin.url)
    with tempfile.TemporaryDirectory(prefix="eggcarton-part-") as name:
        part = Path(name, "part.tar")
        with part.open("wb") as stream:
            archive.write(stream, os.path.basename(origin.subdirectory), entries)
        yield part, file_digest(part)
