"""Only a sha256 that somebody vouches for enters a lock: the canonical route, a quorum, or the lock so far."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes import authority
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import Index, Routing
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage

_AT_ONCE = 8


class Vouching:
    """Who vouches for the files of new locks.

    Args:
        routing: which index a name is asked at.
        pages: what indexes and find-links list.
        directories: those of find-links that are on this machine.
        old: the lock so far: what is in there has been vouched for.
    """

    def __init__(self, routing: Routing, pages: Pages, directories: Sequence[str], old: Lock | None) -> None:
        self._routing, self._pages, self._directories = routing, pages, tuple(directories)
        self._known = {
            (package.name, file.name, file.sha256): package.authority
            for package in (old.packages if old is not None else ())
            for file in _files(package)
        }

    def checked(self, packages: Sequence[LockedPackage]) -> list[LockedPackage]:
        """Return packages with the authority that their hashes have, where that is a special one.

        Raises:
            IntegrityProblem: routes tell different bytes of one file, or only a mirror lists it.
            Unavailable: nobody vouches for some of their files now. All of one index are named at once.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(self._one, packages))
        doubted: dict[str, tuple[Index, str, list[str]]] = {}
        for _, doubts in found:
            for index, doubt, file in doubts:
                doubted.setdefault(index.name, (index, doubt, []))[2].append(file)
        if doubted:
            raise Unavailable(
                "\n".join(str(authority.refusal(index, files, doubt)) for index, doubt, files in doubted.values())
            )
        return [package for package, _ in found]

    def check(self, project: str, listed: Listed) -> None:
        """Make sure that somebody vouches for a file before it is built, since building runs what is in it.

        Raises:
            IntegrityProblem: routes tell different bytes of it, or only a mirror lists it.
            Unavailable: nobody vouches for it now.
        """
        file = LockedFile(listed.name, listed.sha256 or "", listed.size)
        index = self._routing.index_of(project)
        if listed.url.startswith("file:") or (project, file.name, file.sha256) in self._known:
            return
        for _, doubt, _ in self._doubts(index, project, [file], is_hashed=listed.sha256 is not None):
            raise authority.refusal(index, [listed.name], doubt)

    def _one(self, package: LockedPackage) -> tuple[LockedPackage, list[tuple[Index, str, str]]]:
        if package.origin is not None:
            return package, []
        index = self._routing.index_of(package.name)
        keys = {(package.name, file.name, file.sha256): file for file in _files(package)}
        told = {self._known[key] for key in keys if key in self._known}
        new = [file for key, file in keys.items() if key not in self._known]
        if new and index.authority == authority.ANY:
            told.add(authority.ANY)
        package = replace(package, authority=authority.ANY if authority.ANY in told else None)
        return package, list(self._doubts(index, package.name, new)) if new else []

    def _doubts(
        self, index: Index, project: str, files: Collection[LockedFile], *, is_hashed: bool = True
    ) -> Iterator[tuple[Index, str, str]]:
        """Give index, doubt and name of each file that nobody vouches for."""
        page = self._pages.vouched(index, project)
        listed = {file.name: file for file in (page.listed if page is not None else ())}
        elsewhere = self._elsewhere(index, project)
        for file in files:
            if any(name == file.name and sha256 in (None, file.sha256) for name, sha256 in elsewhere):
                continue
            entry = listed.get(file.name)
            where = without_credentials(index.url)
            if entry is None:
                raise IntegrityProblem(
                    f"index {index.name}: {file.name} was listed by a mirror, and {where}, which was asked later, does "
                    "not list it; nothing was locked: run again, and find out about that mirror if it comes again"
                )
            if is_hashed and entry.sha256 not in (None, file.sha256):
                raise IntegrityProblem(
                    f"index {index.name}: {file.name} was resolved with the sha256 {file.sha256}, and by now {where} "
                    f"tells {entry.sha256}; nothing was locked: find out who has changed it",
                    expected=entry.sha256 or "",
                    found=file.sha256,
                )
            if page is not None and page.doubt is not None:
                yield index, page.doubt, file.name

    def _elsewhere(self, index: Index, project: str) -> set[tuple[str, str | None]]:
        """Return what find-links has of a project, which whoever has configured that vouches for."""
        found = self._pages.listed(index, project, self._directories)[len(self._pages.page(index, project)) :]
        return {(file.name, file.sha256) for file in found}


def _files(package: LockedPackage) -> tuple[LockedFile, ...]:
    return (*package.wheels, *([package.sdist] if package.sdist else []))
