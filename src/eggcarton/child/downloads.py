"""Files that a configuration extends, and that recipes name by address: by the same way as all others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from eggcarton.child.door import Sources
from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import Unavailable
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Routing
from eggcarton.indexes.wanted import Wanted

# Not all that `first_bytes` takes for a page: what is named here may well be XML.
_PAGE = (b"<!doctype", b"<html", b"<head")
_PAGES = ("", ".html", ".htm", ".xhtml", ".php", ".xml", ".svg")


def retrieve(*, url: str, path: str, sources: Mapping[str, Any] | None, text: bool) -> None:
    """Put what is at an address into a file, where it appears whole.

    Args:
        url: the address, http or https.
        path: the file.
        sources: the fields of `Sources`; None before the configuration is known.
        text: whether a web page cannot be what is wanted, whatever the address ends with.

    Raises:
        Unavailable: it could not be had, or this run is offline.
    """
    name = _name(url)
    target = Path(path)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as directory:
        fetcher = _fetcher(Cache(Path(directory)), sources, url)
        found = fetcher.take(url, name)
        if text or os.path.splitext(name)[1].lower() not in _PAGES:
            _refuse_page(found, url)
        os.replace(found, target)


def fetch(*, url: str, sha256: str, sources: Mapping[str, Any]) -> str:
    """Bring the file at an address into the cache, and return its path there.

    Args:
        url: the address, http or https.
        sha256: what its bytes have to hash to.
        sources: the fields of `Sources`.

    Raises:
        Unavailable: it could not be had, or this run is offline and it is not here.
        IntegrityProblem: other bytes came.
    """
    wanted = wanted_at(url, sha256)
    return str(Sources.of(sources).open().fetch([wanted])[sha256])


def wanted_at(url: str, sha256: str) -> Wanted:
    """Return the file at an address, by what its bytes have to hash to."""
    return Wanted("", _name(url), sha256, url=url)


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2]) or url


def _fetcher(cache: Cache, sources: Mapping[str, Any] | None, url: str) -> Fetcher:
    if sources is None:
        network = Network(Client())
        return Fetcher(cache, Pages(Routing(()), network), network)
    door = Sources.of(sources).open()
    if door.sources.offline:
        raise Unavailable(f"offline, and {without_credentials(url)} is not on this machine; run without -o once")
    return Fetcher(cache, door.pages, door.network)


def _refuse_page(path: Path, url: str) -> None:
    """Refuse a web page in the place of something else, as a network that wants a login sends it.

    Raises:
        Unavailable: it is one.
    """
    with path.open("rb") as stream:
        head = stream.read(1024)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:9].lower().startswith(_PAGE):
        raise Unavailable(
            f"{without_credentials(url)}: a web page came in place of the file, as from a network that wants a login; "
            "open any page in a browser, or correct the address, then run again"
        )
