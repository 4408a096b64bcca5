"""The page of a project as it is passed on: all that its index tells, each file at another address."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_VERSION = "1.0"


def in_json(document: Mapping[str, Any], project: str, place: Mapping[str, str]) -> bytes:
    """Return a page as PEP 691 has it.

    Args:
        document: what the index tells, in the form of that.
        project: its canonical name, for a page that does not tell it.
        place: where each file is now, by its name.
    """
    files = [{**file, "url": place[file["filename"]]} for file in document["files"]]
    return json.dumps({"meta": {"api-version": _VERSION}, "name": project, **document, "files": files}).encode()


def in_html(document: Mapping[str, Any], project: str, place: Mapping[str, str]) -> bytes:
    """Return a page as PEP 503 has it, with what later ones have added to its links; see `in_json`."""
    lines = [
        "<!DOCTYPE html>",
        "<html><head>",
        *(f'<meta name="{name}" content="{escape(value)}">' for name, value in _told(document)),
        f"<title>Links for {escape(project)}</title></head><body>",
        *(_anchor(file, place[file["filename"]]) for file in document["files"]),
        "</body></html>",
    ]
    return "\n".join(lines).encode()


def _told(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    meta, status = document.get("meta"), document.get("project-status")
    version = meta.get("api-version", _VERSION) if isinstance(meta, dict) else _VERSION
    yield "pypi:repository-version", str(version)
    if isinstance(status, dict) and "status" in status:
        yield "pypi:project-status", str(status["status"])
        if status.get("reason"):
            yield "pypi:project-status-reason", str(status["reason"])


def _anchor(file: Mapping[str, Any], url: str) -> str:
    digest = _digest(file.get("hashes"))
    attributes = {"href": f"{url}#{digest}" if digest else url}
    for name in ("core-metadata", "dist-info-metadata"):
        if file.get(name):
            attributes[f"data-{name}"] = _digest(file[name]) or "true"
    yanked = file.get("yanked", False)
    if yanked is not False and yanked is not None:
        attributes["data-yanked"] = yanked if isinstance(yanked, str) else ""
    for name in ("requires-python", "provenance"):
        if isinstance(file.get(name), str):
            attributes[f"data-{name}"] = file[name]
    if isinstance(file.get("gpg-sig"), bool):
        attributes["data-gpg-sig"] = str(file["gpg-sig"]).lower()
    told = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f"<a {told}>{escape(file['filename'])}</a><br>"


def _digest(hashes: object) -> str:
    """Return one digest as a link tells it, the sha256 where there is one."""
    if not isinstance(hashes, dict) or not hashes:
        return ""
    name = "sha256" if "sha256" in hashes else min(hashes)
    return f"{name}={hashes[name]}"
