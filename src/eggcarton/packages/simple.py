"""The pages of a package index as files, so that a directory is one, served by any web server or by none.

Source: PEP 503.
"""

from __future__ import annotations

import html
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from urllib.parse import quote

_INFO = re.compile(r"[^/]+\.dist-info/METADATA|[^/]+/PKG-INFO")


@dataclass(frozen=True, slots=True)
class Link:
    """One file: its place below the directory above all pages, its sha256, and the Pythons it is for, if told."""

    place: str
    sha256: str
    requires_python: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.place.rpartition("/")[2]


def pages(projects: Mapping[str, Sequence[Link]]) -> dict[str, str]:
    """Return the text of each page by its place: one with all projects, and one for each."""
    found = {"index.html": _page("Simple index", [_anchor(f"{name}/", name) for name in sorted(projects)])}
    for name, links in projects.items():
        # Of two places of one file either does.
        by_name = {link.name: link for link in sorted(links, key=lambda link: link.place, reverse=True)}
        anchors = [_file(link) for _, link in sorted(by_name.items())]
        found[f"{name}/index.html"] = _page(f"Links for {name}", anchors)
    return found


def _page(title: str, anchors: Sequence[str]) -> str:
    head = f'<meta name="pypi:repository-version" content="1.0"><title>{html.escape(title)}</title>'
    body = "".join(f"{anchor}<br>\n" for anchor in anchors)
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body>\n{body}</body></html>\n"


def _file(link: Link) -> str:
    # A project's page lies two directories below the one that holds everything.
    address = f"../../{quote(link.place)}#sha256={link.sha256}"
    if link.requires_python is None:
        return _anchor(address, link.name)
    return _anchor(address, link.name, f' data-requires-python="{html.escape(link.requires_python)}"')


def _anchor(address: str, text: str, more: str = "") -> str:
    return f'<a href="{html.escape(address)}"{more}>{html.escape(text)}</a>'


def requires_python(path: Path) -> str | None:
    """Return which Pythons a wheel or a source distribution says it is for, None where it says nothing."""
    try:
        if path.name.endswith((".whl", ".zip")):
            with zipfile.ZipFile(path) as zipped:
                name = next(name for name in zipped.namelist() if _INFO.fullmatch(name))
                text = zipped.read(name)
        else:
            with tarfile.open(path) as tarred:
                stream = next(tarred.extractfile(m) for m in tarred if m.isfile() and _INFO.fullmatch(m.name))
                text = stream.read() if stream is not None else b""
    except (OSError, StopIteration, zipfile.BadZipFile, tarfile.TarError):
        return None
    told = HeaderParser().parsestr(text.decode("utf-8", "replace"))["Requires-Python"]
    return " ".join(str(told).split()) if told else None
