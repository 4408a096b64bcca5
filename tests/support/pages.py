"""What an index says of the distributions in a directory: its pages in HTML (PEP 503) and JSON (PEP 691 and 700)."""

import email
import functools
import hashlib
import html
import json
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

JSON = "application/vnd.pypi.simple.v1+json"


def normalized(name: str) -> str:
    """Return the one spelling of a project's name that an index uses (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Distribution:
    """A wheel or source distribution as an index tells of it."""

    path: Path
    sha256: str
    size: int
    uploaded: str
    metadata: bytes

    @property
    def place(self) -> str:
        """Where the file lies below `files/`; like real indexes, in another place than its page."""
        return f"{self.sha256[:2]}/{self.sha256[2:4]}/{self.path.name}"

    @property
    def is_wheel(self) -> bool:
        return self.path.suffix == ".whl"

    @property
    def project(self) -> str:
        return normalized(self._name_and_version[0])

    @property
    def version(self) -> str:
        return self._name_and_version[1]

    @property
    def requires_python(self) -> str | None:
        return email.message_from_bytes(self.metadata).get("Requires-Python")

    @property
    def _name_and_version(self) -> tuple[str, str]:
        if self.is_wheel:
            name, version = self.path.name.split("-")[:2]
            return name, version
        name, _, version = re.sub(r"\.(tar\.gz|zip)$", "", self.path.name).rpartition("-")
        return name, version


@functools.cache
def read(path: Path, modified: int, size: int) -> Distribution:
    """Read a file; its time and size are arguments so that a changed file is read again."""
    return Distribution(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=size,
        uploaded=datetime.fromtimestamp(modified // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        metadata=_metadata(path),
    )


def _metadata(path: Path) -> bytes:
    """Return METADATA of a wheel or PKG-INFO of a source distribution; nothing if the file is none."""
    try:
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                for member in archive:
                    if re.fullmatch(r"[^/]+/PKG-INFO", member.name):
                        return getattr(archive.extractfile(member), "read", bytes)()
            return b""
        with zipfile.ZipFile(path) as bundle:
            for name in bundle.namelist():
                if re.fullmatch(r"[^/]+\.dist-info/METADATA|[^/]+/PKG-INFO", name):
                    return bundle.read(name)
    except (OSError, tarfile.TarError, zipfile.BadZipFile):
        pass
    return b""


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Writes pages that tell as much as they are asked to; see `Index` for the meaning of each field."""

    json: bool
    metadata: bool
    hashes: bool
    sizes: bool
    files_at: str | None
    yanked: Mapping[str, str]

    def projects(self, names: Iterable[str]) -> str:
        """Return the page that lists all projects."""
        if self.json:
            entries = [{"name": name} for name in names]
            return json.dumps({"meta": {"api-version": "1.1"}, "projects": entries})
        return _html("Simple index", [f'<a href="{name}/">{name}</a><br>\n' for name in names])

    def project(self, name: str, own: Iterable[Distribution]) -> str:
        """Return the page of one project."""
        own = list(own)
        if not self.json:
            links = [self._html_link(distribution) for distribution in own]
            return _html(f"Links for {name}", links)
        versions = sorted({distribution.version for distribution in own})
        files = [self._json_file(distribution) for distribution in own]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "versions": versions, "files": files})

    def _link(self, distribution: Distribution) -> str:
        base = "../.." if self.files_at is None else self.files_at
        return f"{base}/files/{quote(distribution.place)}"

    def _json_file(self, distribution: Distribution) -> dict[str, Any]:
        entry: dict[str, Any] = {"filename": distribution.path.name, "url": self._link(distribution)}
        entry["hashes"] = {"sha256": distribution.sha256} if self.hashes else {}
        entry["upload-time"] = distribution.uploaded
        if self.sizes:
            entry["size"] = distribution.size
        if distribution.requires_python:
            entry["requires-python"] = distribution.requires_python
        if distribution.path.name in self.yanked:
            entry["yanked"] = self.yanked[distribution.path.name] or True
        if self.metadata and distribution.is_wheel:
            digest = {"sha256": hashlib.sha256(distribution.metadata).hexdigest()}
            entry["core-metadata"] = entry["dist-info-metadata"] = digest
        return entry

    def _html_link(self, distribution: Distribution) -> str:
        fragment = f"#sha256={distribution.sha256}" if self.hashes else ""
        attributes = {"href": self._link(distribution) + fragment}
        if distribution.requires_python:
            attributes["data-requires-python"] = distribution.requires_python
        if distribution.path.name in self.yanked:
            attributes["data-yanked"] = self.yanked[distribution.path.name]
        if self.metadata and distribution.is_wheel:
            digest = f"sha256={hashlib.sha256(distribution.metadata).hexdigest()}"
            attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = digest
        text = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
        return f"<a {text}>{html.escape(distribution.path.name)}</a><br>\n"


def _html(title: str, links: Iterable[str]) -> str:
    head = f'<meta name="pypi:repository-version" content="1.1"><title>{title}</title>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body><h1>{title}</h1>\n{''.join(links)}</body></html>\n"
