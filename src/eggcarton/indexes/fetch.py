"""Fetch locked files: many at once, each checked against its sha256 before anything else sees it."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import redacted
from eggcarton.indexes.journal import FILE
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Failed, Network, NoRoute
from eggcarton.indexes.routes import Kind, Outcome
from eggcarton.indexes.routing import Route
from eggcarton.indexes.wanted import Wanted

AT_ONCE = 8
_BLOCK = 1 << 17


class Fetcher:
    """Brings locked files into a cache: from the cache, local directories, then the one index of each.

    ``brought`` holds the size in bytes of each file that came over the network so far, by sha256.
    """

    def __init__(
        self,
        cache: Cache,
        pages: Pages,
        network: Network,
        *,
        directories: Sequence[Path] = (),
    ) -> None:
        self._cache, self._pages, self._network = cache, pages, network
        self._directories = tuple(directories)
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
        route = Route(where, address)

        def one(route: Route) -> Path:
            with self._network.request(route, address, FILE, name) as answer:
                try:
                    return keep(answer.blocks())
                except IntegrityProblem as problem:
                    spoilt.append(problem)
                    raise Failed(Outcome(Kind.SPOILT, fault=str(problem)), answer.received) from problem

        spoilt: list[IntegrityProblem] = []
        try:
            return self._network.ask([route], one)
        except NoRoute as none:
            if spoilt:
                raise spoilt[-1] from none
            raise Unavailable(f"{name}: {where} does not serve it: {none.trials[-1].outcome}") from none
