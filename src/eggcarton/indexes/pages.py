"""What an index says about one project: its files, read from a PEP 691 or a PEP 503 page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from eggcarton.indexes.routing import Route

JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_ENDS = (".whl", ".tar.gz", ".zip", ".egg", ".tar.bz2", ".tgz", ".exe")
_ALGORITHMS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s"})
# What an index writes on a page without any files.
_MARKS = ("pypi:repository-version", "Links for", "links for")


class PageProblem(ValueError):
    """A page that is not the one that was asked for; the text completes 'the page ...'."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as its index lists it: where it lies now, what its bytes must be, and when it came there (ISO 8601).

    ``yanked`` is why it was withdrawn, empty where no reason is given, None where it was not.
    """

    name: str
    url: str
    sha256: str | None = None
    size: int | None = None
    metadata_sha256: str | None = None
    has_metadata: bool = False
    uploaded: str | None = None
    requires_python: str | None = None
    yanked: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """All that one route told of a project.

    Attributes:
        listed: its files.
        document: the page as PEP 691 puts it, with whatever else it told; only the addresses in it are made absolute,
            and one that came as HTML is put so.
        serial: the number of the change that it shows, where the index counts those.
        route: which route it came by, None where nobody said.
        doubt: why its hashes may not enter a lock, None where they may: it completes "they may not, and ...".
    """

    listed: tuple[Listed, ...]
    document: Mapping[str, Any] = field(default_factory=dict, compare=False)
    serial: int | None = None
    route: Route | None = None
    doubt: str | None = None


def read_page(body: bytes, content_type: str, url: str) -> tuple[Listed, ...]:
    """Return the files of one project page; see `read`."""
    return read(body, content_type, url).listed


def read(body: bytes, content_type: str, url: str, *, project: str = "", serial: str | None = None) -> Page:
    """Return what one project page says.

    Args:
        body: the page as it came.
        content_type: the Content-Type header.
        url: where the page came from after redirects; links are relative to it.
        project: the canonical name that was asked for; empty for a page of find-links, which may list anything.
        serial: the X-PyPI-Last-Serial header.

    Raises:
        PageProblem: the body is not such a page, or it is of another project.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("+json") or kind == "application/json":
        document = _read_json(body, url)
    elif "html" in kind:
        document = _read_html(body, url)
    else:
        raise PageProblem(f"is of the type {kind or 'nothing'!r}, not a package index page")
    try:
        page = Page(tuple(map(_listed, document["files"])), document, _serial(serial, document))
    except (KeyError, TypeError, AttributeError) as error:
        raise PageProblem(f"is not a valid JSON index page ({error!r})") from error
    if project:
        _check_project(page, project)
    return page


def is_of(file: str, project: str) -> bool | None:
    """Tell whether a file is a wheel or a source distribution of a project, None where its name does not tell."""
    try:
        name = parse_wheel_filename(file)[0] if file.endswith(".whl") else parse_sdist_filename(file)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return name == project


def _check_project(page: Page, project: str) -> None:
    named = page.document.get("name")
    if isinstance(named, str) and canonicalize_name(named) != project:
        raise PageProblem(f"is that of {named!r}")
    if page.listed and not any(_may_be_of(file.name, project) for file in page.listed):
        raise PageProblem(f"lists files of other projects alone, such as {page.listed[0].name}")


def _may_be_of(file: str, project: str) -> bool:
    # Before there was a rule, versions had hyphens: six-1.0-1.tar.gz.
    return is_of(file, project) is not False or re.match(rf"{project}-\d", canonicalize_name(file)) is not None


def _serial(header: str | None, document: Mapping[str, Any]) -> int | None:
    if header and header.strip().isdecimal():
        return int(header)
    meta = document.get("meta")
    told = meta.get("_last-serial") if isinstance(meta, dict) else None
    return told if isinstance(told, int) and told >= 0 else None


def _read_json(body: bytes, url: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
        version = str(document.get("meta", {}).get("api-version", "1.0"))
        if version.partition(".")[0] == "1":
            files = [{**item, "url": urljoin(url, str(item["url"]))} for item in document["files"]]
            return {**document, "files": files}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PageProblem(f"is not a valid JSON index page ({error!r})") from error
    raise PageProblem(f"is of version {version} of the index interface, and only 1 is understood")


def _listed(item: dict[str, object]) -> Listed:
    hashes = item.get("hashes")
    metadata = item.get("core-metadata", item.get("dist-info-metadata"))
    size, yanked = item.get("size"), item.get("yanked")
    return Listed(
        name=str(item["filename"]),
        url=str(item["url"]),
        sha256=str(hashes["sha256"]) if isinstance(hashes, dict) and "sha256" in hashes else None,
        size=size if isinstance(size, int) else None,
        metadata_sha256=str(metadata["sha256"]) if isinstance(metadata, dict) and "sha256" in metadata else None,
        has_metadata=bool(metadata),
        uploaded=str(item["upload-time"]) if "upload-time" in item else None,
        requires_python=str(item["requires-python"]) if item.get("requires-python") else None,
        yanked=yanked if isinstance(yanked, str) else "" if yanked else None,
    )


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.base: str | None = None
        self.found: list[dict[str, str | None]] = []
        self.told: dict[str, str] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "a":
            self.found.append(known)
        elif tag == "base" and self.base is None:
            self.base = known.get("href")
        elif tag == "meta":
            self.text += f"{known.get('name')} "
            self.told[known.get("name") or ""] = known.get("content") or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def _read_html(body: bytes, url: str) -> dict[str, Any]:
    parser = _Anchors()
    parser.feed(body.decode("utf-8", "replace"))
    base = urljoin(url, parser.base) if parser.base else url
    files = [_anchored(anchor, base) for anchor in parser.found if anchor.get("href")]
    if any(file["filename"].endswith(_ENDS) for file in files) or any(mark in parser.text for mark in _MARKS):
        document: dict[str, Any] = {"meta": {"api-version": "1.0"}, "files": files}
        if status := parser.told.get("pypi:project-status"):
            reason = parser.told.get("pypi:project-status-reason")
            document["project-status"] = {"status": status, **({"reason": reason} if reason else {})}
        return document
    raise PageProblem("lists no files and is no package index page; a network that wants a login sends such a page")


def _anchored(anchor: dict[str, str | None], base: str) -> dict[str, Any]:
    """Return a file as a JSON page would tell it."""
    address, fragment = urldefrag(urljoin(base, anchor["href"] or ""))
    item: dict[str, Any] = {
        "filename": unquote(urlsplit(address).path.rpartition("/")[2]),
        "url": address,
        "hashes": _hashes_of(fragment),
    }
    if requires_python := anchor.get("data-requires-python"):
        item["requires-python"] = requires_python
    for key in ("core-metadata", "dist-info-metadata"):
        if f"data-{key}" in anchor:
            item[key] = _hashes_of(anchor[f"data-{key}"] or "") or True
    if "data-yanked" in anchor:
        item["yanked"] = anchor["data-yanked"] or True
    if "data-gpg-sig" in anchor:
        item["gpg-sig"] = anchor["data-gpg-sig"] == "true"
    if provenance := anchor.get("data-provenance"):
        item["provenance"] = provenance
    return item


def _hashes_of(text: str) -> dict[str, str]:
    name, _, value = text.partition("=")
    return {name: value} if name in _ALGORITHMS and value else {}
