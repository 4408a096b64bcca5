"""Source distributions offered to uv as wheels: uv itself builds nothing, and stops at what has no wheel."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import Version

from eggcarton.core.errors import EggcartonError, IntegrityProblem, UsageProblem
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import Routing
from eggcarton.indexes.wanted import Wanted, hint_of
from eggcarton.packages import cutoff
from eggcarton.packages.lock import LockedFile
from eggcarton.packages.needs import Needs, pin_of
from eggcarton.packages.sdists import Builder, is_allowed, refusal


class Offers:
    """The source distributions of one resolution.

    What is allowed is built, closed. What is not is offered as a wheel without requirements, so that uv goes on and
    all others of its kind are found too, before they are refused together.

    Args:
        directory: where the wheels are put.
        needs: what the resolution is asked for.
        newest: the moment after which nothing that was uploaded counts.
        vouch: makes sure that somebody vouches for a file of a project, and raises where nobody does.
        directories: those of find-links that are on this machine.
    """

    def __init__(
        self,
        directory: Path,
        needs: Needs,
        newest: str | None,
        *,
        builder: Builder | None,
        allow_sdist: Sequence[str],
        routing: Routing,
        pages: Pages,
        fetcher: Fetcher,
        vouch: Callable[[str, Listed], None],
        directories: Sequence[str] = (),
    ) -> None:
        self.directory, self._needs, self._newest = directory, needs, newest
        self._builder, self._allow_sdist = builder, tuple(allow_sdist)
        self._routing, self._pages, self._fetcher = routing, pages, fetcher
        self._vouch, self._directories = vouch, tuple(directories)
        self.built: dict[str, LockedFile] = {}
        self.refused: set[str] = set()
        directory.mkdir()

    def add(self, names: Iterable[str]) -> bool:
        """Offer distributions that have no wheel, and tell whether any was not offered before.

        Raises:
            EggcartonError: one has no source distribution that is asked for, or its build failed.
        """
        new = sorted(set(map(str, map(canonicalize_name, names))) - set(self.built) - self.refused)
        for name in new:
            version, listed = self._best(name)
            if self._builder is not None and is_allowed(name, self._allow_sdist):
                self.built[name] = self._build(name, listed, self._builder)
            else:
                self._stand_in(name, version)
                self.refused.add(name)
        return bool(new)

    def check(self) -> None:
        """Refuse all at once that may not be built.

        Raises:
            UsageProblem: with the lines that allow it.
        """
        if self.refused:
            raise UsageProblem(refusal(sorted(self.refused), self._allow_sdist))

    def _best(self, name: str) -> tuple[Version, Listed]:
        """Return the newest source distribution that pins and direct needs admit."""
        needs = self._needs
        specifiers = [pin_of(name, pin) for key, pin in needs.pins.items() if canonicalize_name(key) == name]
        lines = [Requirement(need.requirement) for need in (*needs.needs, *needs.constraints)]
        specifiers += [line.specifier for line in lines if canonicalize_name(line.name) == name]
        found: list[tuple[Version, Listed]] = []
        for file in self._pages.listed(self._routing.index_of(name), name, self._directories):
            try:
                version = parse_sdist_filename(file.name)[1]
            except InvalidSdistFilename:
                continue
            if self._newest is not None and cutoff.is_after(file.uploaded, self._newest):
                continue
            if all(s.contains(version, prereleases=True) for s in specifiers):
                found.append((version, file))
        trusted = [item for item in found if item[1].sha256 in needs.hashes.get(name, {item[1].sha256})]
        if found and not trusted:
            # Building runs what is in there, so that this cannot wait until the lock is made.
            raise IntegrityProblem(
                f"{name}: {', '.join(file.name for _, file in found)} on the index has another sha256 than is trusted; "
                "nothing was built"
            )
        if not trusted:
            raise EggcartonError(
                f"{name}: neither the index nor find-links lists a source distribution that is asked for"
            )
        final = [item for item in trusted if needs.terms.prereleases or not item[0].is_prerelease]
        return max(final or trusted, key=lambda item: item[0])

    def _build(self, name: str, listed: Listed, builder: Builder) -> LockedFile:
        self._vouch(name, listed)
        if listed.sha256 is None:
            # Where the page tells no sha256, the lock has that of the bytes that came, as it is with wheels.
            path = self._fetcher.take(listed.url, listed.name)
        else:
            path = self._fetcher.fetch([Wanted(name, listed.name, listed.sha256, listed.size)])[listed.sha256]
        sha256 = listed.sha256 or path.name
        wheel = builder.wheel(path, sha256, listed.name)
        shutil.copyfile(wheel, self.directory / wheel.name)
        hint = None if listed.url.startswith("file:") else hint_of(listed.url)
        return LockedFile(listed.name, sha256, listed.size, hint)

    def _stand_in(self, name: str, version: Version) -> None:
        write_wheel(self.directory, name, str(version), ())


def write_wheel(directory: Path, name: str, version: str, lines: Iterable[str]) -> Path:
    """Write a wheel that holds nothing but metadata, and return its path.

    Args:
        lines: of the metadata, besides name and version.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    path = directory / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, "", ""]
        archive.writestr(f"{stem}.dist-info/METADATA", "\n".join(metadata))
        archive.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return path
