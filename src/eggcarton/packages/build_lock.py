"""What a build obeys and PEP 751 has no place for, in ``buildout.lock.toml``: configuration files by their sha256."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eggcarton.core.errors import IntegrityProblem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_VERSION = "1.0"
_CONFLICT = re.compile("^(<{7}|>{7}) ", re.MULTILINE)
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class BuildLock:
    """One ``buildout.lock.toml``: the sha256 of each address that a configuration extends."""

    extends: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> BuildLock:
    """Read a build lock; one that is not there is empty.

    Raises:
        IntegrityProblem: the file is none, or must not be obeyed.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return BuildLock()
    except UnicodeDecodeError as error:
        raise _problem(path, str(error)) from error
    if _CONFLICT.search(text):
        raise _problem(path, "it holds the conflict markers of a merge")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _problem(path, str(error)) from error
    version = str(raw.get("lock-version", ""))
    if version.partition(".")[0] != _VERSION.partition(".")[0]:
        raise _problem(path, f"its lock-version is {version or 'missing'}, and this reads {_VERSION}")
    entries = raw.get("extends", [])
    if not isinstance(entries, list):
        raise _problem(path, "extends is no list")
    return BuildLock(dict(_extended(path, position, entry) for position, entry in enumerate(entries)))


def _extended(path: Path, position: int, entry: Any) -> tuple[str, str]:
    url, sha256 = (entry.get("url"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
    if not isinstance(url, str) or not isinstance(sha256, str) or not _DIGEST.fullmatch(sha256):
        raise _problem(path, f"extends[{position}] has no address and sha256")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise IntegrityProblem(
            f"{path.name}: the address in extends[{position}] holds credentials; remove them from the lock, and change "
            "them where they are used: whoever has read the lock knows them"
        )
    return url, sha256


def _problem(path: Path, reason: str) -> IntegrityProblem:
    return IntegrityProblem(
        f"{path.name} is not a valid lock: {reason}; restore it, or remove it and run bin/eggcarton lock"
    )


def text_of(lock: BuildLock) -> str:
    """Return a build lock as TOML, in an order that depends on its content alone."""
    lines = [f'lock-version = "{_VERSION}"', 'created-by = "eggcarton"', "", "extends = ["]
    lines += [f'    {{ url = {json.dumps(url)}, sha256 = "{lock.extends[url]}" }},' for url in sorted(lock.extends)]
    return "\n".join([*lines, "]", ""])
