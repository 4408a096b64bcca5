"""Fetch locked files: many at once, each checked against its sha256 before anything else sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes import first_bytes
from eggcarton.indexes.cache import Cache, CacheProblem, file_digest
from eggcarton.indexes.client import Answer, RequestFailed, redacted
from eggcarton.indexes.hedge import Watch
from eggcarton.indexes.journal import FILE
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Failed, Network, NoRoute
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.partial import PATIENCE, Partial, sweep
from eggcarton.indexes.places import Places
from eggcarton.indexes.routing import Route
from eggcarton.indexes.transfer import LIMIT, Transfer
from eggcarton.indexes.wanted import Wanted

AT_ONCE = 8
_BLOCK = 1 << 17


class Fetcher:
    """Brings locked files into a cache: from the cache, local directories, then the routes of the one index of each.

    ``brought`` holds the size in bytes of each file that came over the network so far, by sha256.

    Args:
        cache: where they are kept.
        pages: what the indexes list.
        network: by which they come.
        directories: where files may lie by their names already.
        limit: bytes at which a file is cut whose size nobody knows.
        patience: seconds for which a file that another run brings is waited for while nothing of it comes.
    """

    def __init__(
        self,
        cache: Cache,
        pages: Pages,
        network: Network,
        *,
        directories: Sequence[Path] = (),
        limit: int = LIMIT,
        patience: float = PATIENCE,
    ) -> None:
        self._cache, self._places, self._network = cache, Places(pages, network), network
        self._watch = Watch(network.now)
        self._directories, self._limit, self._patience = tuple(directories), limit, patience
        self._guard = threading.Lock()
        self._is_swept = False
        self.brought: dict[str, int] = {}

    def fetch(
        self, files: Iterable[Wanted], arrived: Callable[[str, Path], None] = lambda sha256, path: None
    ) -> dict[str, Path]:
        """Return all files, by sha256.

        Args:
            files: what is wanted.
            arrived: called for each as soon as it is there, with its sha256 and path, while others still come.

        Raises:
            IntegrityProblem: a file came, but with other bytes than the lock names, and no copy was right.
            Unavailable: a file could not be had. All files that failed are named at once.
            CacheProblem: the cache cannot be written; nothing more is tried.
        """
        wanted = list({file.sha256: file for file in files}.values())
        found, failures = {}, []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                jobs = {pool.submit(self._one, file): file for file in wanted}
                for job in as_completed(jobs):
                    try:
                        path = found[jobs[job].sha256] = job.result()
                    except CacheProblem:
                        raise
                    except EggcartonError as error:
                        failures.append(error)
                    else:
                        arrived(jobs[job].sha256, path)
            except BaseException:
                # Nothing is waited for: not the routes that are slow, nor what has not begun.
                self._watch.end()
                pool.shutdown(cancel_futures=True)
                raise
        if failures:
            told = (kind for kind in (IntegrityProblem, UsageProblem) if any(isinstance(e, kind) for e in failures))
            raise next(told, Unavailable)("\n".join(_together(failures)))
        return {file.sha256: found[file.sha256] for file in wanted}

    def local(self, wanted: Wanted) -> Path | None:
        """Return a file that is on this machine already with the right bytes, from the cache or a directory."""
        if found := self._cache.find(wanted.sha256):
            return found
        for directory in self._directories:
            path = directory / wanted.name
            if path.is_file() and file_digest(path) == wanted.sha256:
                return path
        return None

    def spoilt(self, wanted: Wanted) -> dict[Path, str]:
        """Return the files of the directories that have a file's name and other bytes, and what is wrong with each."""
        paths = [path for directory in self._directories if (path := directory / wanted.name).is_file()]
        return {path: why for path in paths if (why := _why(path, wanted))}

    def _one(self, wanted: Wanted) -> Path:
        found = self.local(wanted)
        if found:
            return found
        self._sweep()
        try:
            if wanted.url and wanted.url.startswith("file:"):
                path = self._copy(wanted.url, wanted.name, wanted.sha256)
            else:
                path = self._transfer(wanted).run()
        except Unavailable as problem:
            if not (spoilt := self.spoilt(wanted)):
                raise
            lines = [f"  {path}: {why}; copy it anew" for path, why in spoilt.items()]
            raise IntegrityProblem("\n".join([str(problem), *lines])) from problem
        return self._counted(path)

    def _transfer(self, wanted: Wanted) -> Transfer:
        ways = (self._cache, self._places, self._network, self._watch)
        return Transfer(wanted, *ways, limit=self._limit, patience=self._patience)

    def _counted(self, path: Path) -> Path:
        with self._guard:
            self.brought[path.name] = path.stat().st_size
        return path

    def _sweep(self) -> None:
        with self._guard:
            if not self._is_swept:
                self._is_swept = True
                sweep(self._cache)

    def take(self, url: str, name: str) -> Path:
        """Fetch a file whose digest nobody knows yet, from its address, and return it as the cache keeps it.

        What broke off is never gone on with: nothing tells whether the rest would be of the same file.

        Raises:
            Unavailable: it could not be had.
            CacheProblem: the cache cannot be written.
        """
        if url.startswith("file:"):
            return self._counted(self._copy(url, name))

        def one(route: Route) -> Path:
            with Partial(self._cache) as partial:
                with self._network.request(route, url, FILE, name) as answer:
                    self._pour(answer, partial, name, url)
                return partial.keep()

        try:
            return self._counted(self._network.ask([Route(redacted(url), url)], one))
        except NoRoute as none:
            why = none.trials[-1].outcome if none.trials else "it has failed before"
            raise Unavailable(f"{name}: {redacted(url)} does not serve it: {why}") from none

    def _pour(self, answer: Answer, partial: Partial, name: str, source: str) -> None:
        head = b""
        try:
            for block in answer.blocks(first=first_bytes.HEAD, raw=True):
                if partial.size < first_bytes.HEAD:
                    head += block
                    if outcome := first_bytes.problem(name, head, answer.status):
                        raise Failed(outcome, answer.received)
                if partial.size + len(block) > self._limit:
                    fault = f"more than the {self._limit} bytes that any file may have arrived"
                    raise Failed(Outcome(Kind.USELESS, answer.status, fault), answer.received)
                partial.write(block, source)
        except RequestFailed as broken:
            raise Failed(broken.outcome) from broken

    def _copy(self, url: str, name: str, sha256: str | None = None) -> Path:
        """Keep a file of this machine, which must have this sha256 where one is given."""
        try:
            with open(url2pathname(urlsplit(url).path), "rb") as stream, Partial(self._cache) as partial:
                while block := stream.read(_BLOCK):
                    partial.write(block, url)
                if sha256 not in (None, partial.sha256):
                    raise IntegrityProblem(
                        f"{name} from {url} is not the file that was locked: the bytes hash to {partial.sha256}, not "
                        f"to {sha256}; nothing was installed"
                    )
                return partial.keep()
        except OSError as error:
            raise Unavailable(f"{name}: {url} cannot be read: {error.strerror or error}") from None


def _why(path: Path, wanted: Wanted) -> str | None:
    """Return why a file is not what is wanted, None where it is."""
    size = path.stat().st_size
    if wanted.size is not None and size != wanted.size:
        return f"it has {size} bytes, and the lock names {wanted.size}"
    digest = file_digest(path)
    return None if digest == wanted.sha256 else f"its bytes hash to {digest}, and the lock names {wanted.sha256}"


def _together(failures: Iterable[EggcartonError]) -> list[str]:
    """Return what is told of all failures: files that failed alike in one sentence, which names them all."""
    names: dict[str, set[str]] = {}
    for failure in failures:
        name, _, reason = str(failure).partition(": ")
        names.setdefault(reason, set()).add(name)
    return sorted(f"{', '.join(sorted(alike))}: {reason}" for reason, alike in names.items())
