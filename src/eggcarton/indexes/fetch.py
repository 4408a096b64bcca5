"""Fetch locked files: many at once, each checked against its sha256 before anything else sees it."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import random
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client, RequestFailed, address_of, redacted
from eggcarton.indexes.pages import ACCEPT, Listed, PageProblem, read_page
from eggcarton.indexes.routes import ATTEMPTS, Meaning, meaning, pause
from eggcarton.indexes.routing import Index, Routing

AT_ONCE = 8
_BLOCK = 1 << 17


@dataclass(frozen=True, slots=True)
class Wanted:
    """One locked file: what it is, and what is known of where it lies.

    ``size`` is in bytes; ``hint`` is the path at which its index last had it, without the host, and may be stale.
    ``url`` is set where it was asked for by its address: then no index is asked.
    """

    project: str
    name: str
    sha256: str
    size: int | None = None
    index: str | None = None
    hint: str | None = None
    url: str | None = None


class Pages:
    """The pages of all indexes, each asked at most once in a run."""

    def __init__(
        self,
        routing: Routing,
        client: Client,
        *,
        find_links: Sequence[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._routing, self._client, self._sleep = routing, client, sleep
        self._find_links = [Index(f"find-links {number}", url) for number, url in enumerate(find_links, 1)]
        self._pages: dict[tuple[str, str], tuple[Listed, ...]] = {}
        self._bases: dict[str, str | None] = {}
        self._silent: dict[str, Unavailable] = {}
        self._guards: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def index_of(self, wanted: Wanted) -> Index:
        """Return the index that the lock names for a file, else the one its project is routed to."""
        return (wanted.index and self._routing.named(wanted.index)) or self._routing.index_of(wanted.project)

    def page(self, index: Index, project: str) -> tuple[Listed, ...]:
        """Return what an index lists for a project; nothing when it does not know the name.

        Raises:
            Unavailable: no attempt brought a page.
        """
        with self._guard(f"{index.name} {project}"):
            key = (index.name, project)
            if key not in self._pages:
                self._pages[key] = self._ask(index, project)
            return self._pages[key]

    def listed(self, index: Index, project: str, directories: Sequence[str] = ()) -> tuple[Listed, ...]:
        """Return what an index and find-links list for a project.

        Args:
            index: the one that the project is asked at.
            project: its canonical name.
            directories: those of find-links that are on this machine.

        Raises:
            Unavailable: no attempt brought a page.
        """
        found = list(self.page(index, project))
        for links in self._find_links:
            found += (file for file in self.page(links, "") if _of(file.name, project))
        for directory in map(Path, directories):
            paths = (path for path in sorted(directory.glob("*")) if _of(path.name, project))
            found += (Listed(path.name, path.as_uri(), file_digest(path), path.stat().st_size) for path in paths)
        return tuple(found)

    def _ask(self, index: Index, project: str) -> tuple[Listed, ...]:
        if index.name in self._silent:
            # A run needs all of its files: one page that never came has settled it, so no other waits as long.
            raise self._silent[index.name]
        # A page of find-links is one for all projects.
        url = f"{index.url.rstrip('/')}/{project}/" if project else index.url
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._client.get(url, accept=ACCEPT) as answer:
                    return read_page(answer.read(), answer.headers.get("Content-Type", ""), address_of(answer, url))
            except RequestFailed as failed:
                outcome = failed.outcome
            except PageProblem as error:
                raise Unavailable(f"index {index.name}: the page of {project!r} {error}") from error
            if meaning(outcome) is Meaning.ABSENT:
                return ()
            if meaning(outcome) is not Meaning.AGAIN or attempt == ATTEMPTS:
                problem = Unavailable(
                    f"index {index.name} ({redacted(index.url)}) does not answer for {project!r}: {outcome}; check the "
                    "address, the proxy and the network, then run again"
                )
                if outcome.status is None:
                    self._silent[index.name] = problem
                raise problem
            self._sleep(pause(attempt, random()))
        raise AssertionError("unreachable")

    def addresses(self, wanted: Wanted) -> Iterator[str]:
        """Give the addresses worth asking for a file, the one without a page first.

        One page tells where an index keeps its files; the hints in the lock then give the place of every other
        file, so that hundreds of pages need not be asked. A hint is never believed, only tried.
        """
        if wanted.url:
            yield wanted.url
            return
        index = self.index_of(wanted)
        tried = None
        if wanted.hint:
            with self._guard(index.name):
                if index.name not in self._bases:
                    self._bases[index.name] = _base_in(self.page(index, wanted.project), wanted)
            base = self._bases[index.name]
            if base:
                tried = urljoin(base, wanted.hint)
                yield tried
        page = self.page(index, wanted.project)
        if base := _base_in(page, wanted):
            self._bases[index.name] = base
        for listed in page:
            if listed.name == wanted.name and listed.url != tried:
                yield listed.url
        for links in self._find_links:
            yield from (listed.url for listed in self.page(links, "") if listed.name == wanted.name)

    def _guard(self, name: str) -> threading.Lock:
        with self._lock:
            return self._guards.setdefault(name, threading.Lock())


def _of(file: str, project: str) -> bool:
    """Tell whether a file is a wheel or a source distribution of a project."""
    try:
        name = parse_wheel_filename(file)[0] if file.endswith(".whl") else parse_sdist_filename(file)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return False
    return name == project


def _base_in(page: Sequence[Listed], wanted: Wanted) -> str | None:
    """Return what stands before a file's hint on its page, None where the file lies elsewhere by now."""
    for listed in page:
        if listed.name == wanted.name and wanted.hint and listed.url.endswith("/" + wanted.hint):
            return listed.url[: -len(wanted.hint)]
    return None


def hint_of(url: str) -> str:
    """Return the part of a file's address that another route to the same index may share: its path."""
    return urlsplit(url).path.lstrip("/")


class Fetcher:
    """Brings locked files into a cache: from the cache, local directories, then the one index of each.

    ``brought`` holds the size in bytes of each file that came over the network so far, by sha256.
    """

    def __init__(
        self,
        cache: Cache,
        pages: Pages,
        client: Client,
        *,
        directories: Sequence[Path] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cache, self._pages, self._client = cache, pages, client
        self._directories, self._sleep = tuple(directories), sleep
        self._guard = threading.Lock()
        self.brought: dict[str, int] = {}

    def fetch(self, files: Iterable[Wanted]) -> dict[str, Path]:
        """Return all files, by sha256.

        Raises:
            IntegrityProblem: a file came, but with other bytes than the lock names, and no copy was right.
            Unavailable: a file could not be had. All files that failed are named at once.
        """
        wanted = list({file.sha256: file for file in files}.values())
        found, failures = {}, []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for file, job in [(file, pool.submit(self._one, file)) for file in wanted]:
                try:
                    found[file.sha256] = job.result()
                except EggcartonError as error:
                    failures.append(error)
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
        if failures:
            told = (kind for kind in (IntegrityProblem, UsageProblem) if any(isinstance(e, kind) for e in failures))
            raise next(told, Unavailable)("\n".join(sorted({str(error) for error in failures})))
        return found

    def _one(self, wanted: Wanted) -> Path:
        found = self.local(wanted)
        if found:
            return found
        last: EggcartonError | None = None
        for address in self._pages.addresses(wanted):
            try:
                path = self._download(wanted, address)
            except EggcartonError as error:
                if not isinstance(last, IntegrityProblem):
                    last = error
                continue
            with self._guard:
                self.brought[wanted.sha256] = path.stat().st_size
            return path
        raise last or Unavailable(
            f"{wanted.name}: {self._where(wanted)} does not list it; if it was removed there, lock again"
        )

    def _where(self, wanted: Wanted) -> str:
        return redacted(wanted.url) if wanted.url else f"index {self._pages.index_of(wanted).name}"

    def local(self, wanted: Wanted) -> Path | None:
        """Return a file that is on this machine already with the right bytes, from the cache or a directory."""
        if found := self._cache.find(wanted.sha256):
            return found
        for directory in self._directories:
            path = directory / wanted.name
            if path.is_file() and file_digest(path) == wanted.sha256:
                return path
        return None

    def _download(self, wanted: Wanted, address: str) -> Path:
        def keep(blocks: Iterable[bytes]) -> Path:
            return self._cache.add(wanted.sha256, blocks, size=wanted.size)

        try:
            return self._read(address, wanted.name, self._where(wanted), keep)
        except IntegrityProblem as problem:
            raise IntegrityProblem(
                f"{wanted.name} from {self._where(wanted)} is not the file that was locked: {problem}; nothing was "
                "installed"
            ) from problem

    def take(self, url: str, name: str) -> Path:
        """Fetch a file whose digest nobody knows yet, from its address, and return it as the cache keeps it.

        Raises:
            Unavailable: it could not be had.
        """

        def keep(blocks: Iterable[bytes]) -> Path:
            with tempfile.TemporaryFile() as stream:
                digest = hashlib.sha256()
                for block in blocks:
                    digest.update(block)
                    stream.write(block)
                size = stream.tell()
                stream.seek(0)
                path = self._cache.add(digest.hexdigest(), iter(lambda: stream.read(_BLOCK), b""))
            with self._guard:
                self.brought[path.name] = size
            return path

        return self._read(url, name, redacted(url), keep)

    def _read(self, address: str, name: str, where: str, keep: Callable[[Iterable[bytes]], Path]) -> Path:
        """Have the bytes at an address kept, in up to so many attempts."""
        if address.startswith("file:"):
            try:
                with open(url2pathname(urlsplit(address).path), "rb") as stream:
                    return keep(iter(lambda: stream.read(_BLOCK), b""))
            except OSError as error:
                raise Unavailable(f"{name}: {where} cannot be read: {error.strerror or error}") from None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._client.get(address) as answer:
                    return keep(answer.stream(_BLOCK))
            except RequestFailed as failed:
                outcome = failed.outcome
            if meaning(outcome) is not Meaning.AGAIN or attempt == ATTEMPTS:
                break
            self._sleep(pause(attempt, random()))
        raise Unavailable(f"{name}: {where} does not serve it: {outcome}")
