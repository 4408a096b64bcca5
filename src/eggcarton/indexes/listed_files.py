"""What an index lists, brought here: its files by their sha256, and what a wheel says of itself."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.pages import Listed
from eggcarton.indexes.routing import Index
from eggcarton.indexes.wanted import Wanted, hint_of


class ListedFiles:
    """Files that an index lists, whoever asks for them in a run; shared by threads.

    Args:
        cache: where metadata is kept by its sha256, beside the files.
        pages: what indexes list.
        fetcher: brings files.
    """

    def __init__(self, cache: Cache, pages: Pages, fetcher: Fetcher) -> None:
        self._cache, self._pages, self._fetcher = cache, pages, fetcher
        self._taken: dict[str, Path] = {}
        self._inside: dict[str, bytes] = {}
        self._guards: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def file(self, index: Index, project: str, listed: Listed) -> Path:
        """Return a file that an index lists; where that tells no sha256, as its address has it now.

        Raises:
            EggcartonError: it cannot be had, or not with the right bytes.
        """
        with self._guarded(listed.url):
            if listed.sha256 is None:
                if listed.url not in self._taken:
                    self._taken[listed.url] = self._fetcher.take(listed.url, listed.name)
                return self._taken[listed.url]
            # A page of find-links belongs to no project, so that only the address tells where its files lie.
            hint, url = (hint_of(listed.url), None) if project else (None, listed.url)
            wanted = Wanted(project, listed.name, listed.sha256, listed.size, index.name, hint, url)
            return self._fetcher.fetch([wanted])[listed.sha256]

    def metadata(self, index: Index, project: str, listed: Listed) -> bytes:
        """Return the metadata of a wheel: from the cache, else as its index has it beside the wheel, else out of that.

        What an index advertises and does not have, or not so, is asked for once.

        Raises:
            EggcartonError: the wheel cannot be had, or it is none.
        """
        sha256 = listed.metadata_sha256
        with self._guarded(f"{listed.url}.metadata"):
            if sha256 is not None and (path := self._cache.find(sha256)):
                return path.read_bytes()
            if listed.url not in self._inside:
                body = self._pages.metadata(index, listed, project)
                if body is not None:
                    if sha256 is not None:
                        self._cache.add(sha256, [body])
                    return body
                self._inside[listed.url] = _metadata_in(self.file(index, project, listed), listed.name)
            return self._inside[listed.url]

    def _guarded(self, url: str) -> threading.Lock:
        with self._guard:
            return self._guards.setdefault(url, threading.Lock())


def _metadata_in(wheel: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            inside = archive.namelist()
            return archive.read(next(n for n in inside if n.endswith(".dist-info/METADATA") and n.count("/") == 1))
    except (zipfile.BadZipFile, StopIteration) as error:
        raise IntegrityProblem(f"{name} is no wheel: it holds no metadata; nothing of it was used") from error
