"""What an index says about one project: its files, read from a PEP 691 or a PEP 503 page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_ENDS = (".whl", ".tar.gz", ".zip", ".egg", ".tar.bz2", ".tgz", ".exe")
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


def read_page(body: bytes, content_type: str, url: str) -> tuple[Listed, ...]:
    """Return the files of one project page.

    Args:
        body: the page as it came.
        content_type: the Content-Type header.
        url: where the page came from after redirects; links are relative to it.

    Raises:
        PageProblem: the body is not such a page.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("+json") or kind == "application/json":
        return _read_json(body, url)
    if "html" in kind:
        return _read_html(body, url)
    raise PageProblem(f"is of the type {kind or 'nothing'!r}, not a package index page")


def _read_json(body: bytes, url: str) -> tuple[Listed, ...]:
    try:
        page = json.loads(body)
        version = str(page.get("meta", {}).get("api-version", "1.0"))
        if version.partition(".")[0] == "1":
            return tuple(_listed(item, url) for item in page["files"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PageProblem(f"is not a valid JSON index page ({error!r})") from error
    raise PageProblem(f"is of version {version} of the index interface, and only 1 is understood")


def _listed(item: dict[str, object], url: str) -> Listed:
    hashes = item.get("hashes")
    metadata = item.get("core-metadata", item.get("dist-info-metadata"))
    size, yanked = item.get("size"), item.get("yanked")
    return Listed(
        name=str(item["filename"]),
        url=urljoin(url, str(item["url"])),
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
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))
        elif tag == "base" and self.base is None:
            self.base = dict(attrs).get("href")
        elif tag == "meta":
            self.text += f"{dict(attrs).get('name')} "

    def handle_data(self, data: str) -> None:
        self.text += data


def _read_html(body: bytes, url: str) -> tuple[Listed, ...]:
    parser = _Anchors()
    parser.feed(body.decode("utf-8", "replace"))
    base = urljoin(url, parser.base) if parser.base else url
    listed = tuple(_anchored(anchor, base) for anchor in parser.found if anchor.get("href"))
    if any(file.name.endswith(_ENDS) for file in listed) or any(mark in parser.text for mark in _MARKS):
        return listed
    raise PageProblem("lists no files and is no package index page; a network that wants a login sends such a page")


def _anchored(anchor: dict[str, str | None], base: str) -> Listed:
    address, fragment = urldefrag(urljoin(base, anchor["href"] or ""))
    metadata = anchor.get("data-core-metadata", anchor.get("data-dist-info-metadata"))
    return Listed(
        name=unquote(urlsplit(address).path.rpartition("/")[2]),
        url=address,
        sha256=_hash_of(fragment),
        metadata_sha256=_hash_of(metadata or ""),
        has_metadata="data-core-metadata" in anchor or "data-dist-info-metadata" in anchor,
        requires_python=anchor.get("data-requires-python"),
        yanked=(anchor["data-yanked"] or "") if "data-yanked" in anchor else None,
    )


def _hash_of(text: str) -> str | None:
    name, _, value = text.partition("=")
    return value if name == "sha256" and value else None
