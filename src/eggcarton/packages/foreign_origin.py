"""Addresses as other tools write them into their files, read into ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import origin as origins
from eggcarton.packages.origin import Reference

_COMMIT = re.compile("[0-9a-f]{40}")

Address = tuple[Reference, str | None]
"""What is asked for, and the commit that it was when the file was written, where the file tells it."""


def of_line(url: str, place: str) -> Address | None:
    """Return the address of a line in a requirements file, None where it cannot be locked."""
    return _read(url, place)


def of_pylock(entry: Mapping[str, Any], place: str) -> Address | None:
    """Return the address of an entry in a pylock.toml, None where it has none or one that cannot be locked."""
    if "archive" in entry:
        table = entry["archive"]
        return _read(_with_part(str(table.get("url", "")), table.get("subdirectory")), place)
    if "vcs" not in entry:
        return None
    table = entry["vcs"]
    revision = f"@{table['requested-revision']}" if "requested-revision" in table else ""
    url = f"{table['type']}+{table.get('url', '')}{revision}"
    return _read(_with_part(url, table.get("subdirectory")), place, str(table["commit-id"]))


def of_uv(source: Mapping[str, Any], place: str) -> Address | None:
    """Return the address that a source in uv.lock is, None where it is none or cannot be locked."""
    if "url" in source:
        return _read(_with_part(str(source["url"]), source.get("subdirectory")), place)
    if "git" not in source:
        return None
    parts = urlsplit(str(source["git"]))
    told = {key: values[0] for key, values in parse_qs(parts.query).items()}
    revision = next((f"@{told[key]}" for key in ("rev", "tag", "branch") if key in told), "")
    url = urlunsplit(parts._replace(query="", fragment=""))
    return _read(_with_part(f"git+{url}{revision}", told.get("subdirectory")), place, parts.fragment)


def _with_part(url: str, subdirectory: object) -> str:
    return f"{url}#subdirectory={subdirectory}" if subdirectory else url


def _read(url: str, place: str, commit: str | None = None) -> Address | None:
    try:
        reference = origins.read(url, place)
    except UsageProblem:
        return None
    if commit is None and reference.revision is not None and _COMMIT.fullmatch(reference.revision):
        commit = reference.revision
    return reference, commit or None
