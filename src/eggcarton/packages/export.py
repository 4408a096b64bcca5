"""A lock as other tools read it; no host, credential or relay stands in what did not ask for addresses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from packaging.markers import Marker

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes.pages import Listed
from eggcarton.packages.lock import Lock, LockedPackage, text_of, toml_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def requirements(lock: Lock, name: str) -> str:
    """Return a requirements file with every sha256, for ``pip install --require-hashes --no-deps -r``.

    Args:
        lock: the lock.
        name: what it is called.
    """
    lines = _header(lock, name, "requirements")
    if any(package.origin is not None and package.origin.kind == "git" for package in lock.packages):
        lines.append(
            "# pip checks no digest of a repository, and refuses digests beside one: leave them out, or take uv."
        )
    for package in _sorted(lock):
        files = [*package.wheels, *([package.sdist] if package.sdist else [])]
        hashes = sorted(f"    --hash=sha256:{file.sha256}" for file in files)
        if package.origin is not None:
            marker = f" ; {package.marker}" if package.marker else ""
            hashes = hashes if package.origin.kind == "archive" else []
            lines.append(" \\\n".join([f"{package.name} @ {package.origin.exact}{marker}", *hashes]))
            continue
        lines.append(" \\\n".join([_line(package), *hashes]))
    return "\n".join(lines) + "\n"


def constraints(lock: Lock, name: str) -> str:
    """Return a constraints file: versions and where they hold, without hashes."""
    return "\n".join([*_header(lock, name, "constraints"), *map(_line, _sorted(lock))]) + "\n"


def versions(lock: Lock, name: str, environment: Mapping[str, str]) -> str:
    """Return a ``[versions]`` section.

    Where a project has several versions, that of this environment is the pin, and the others are comments: a section
    with a condition in its name is told apart before anything of ours runs.
    """
    lines = [*_header(lock, name, "versions"), "[versions]"]
    for package in _sorted(lock):
        line = f"{package.name} = {package.version}"
        if package.origin is not None:
            lines.append(f"# {package.name} comes from {package.origin.exact}, which a version alone does not say.")
        if len({other.version for other in lock.named(package.name)}) == 1:
            if line not in lines:
                lines.append(line)
        elif package.marker is None or Marker(package.marker).evaluate(dict(environment), context="lock_file"):
            lines.append(line)
        else:
            lines.append(f"# {line} where {package.marker}")
    return "\n".join(lines) + "\n"


def pylock(lock: Lock) -> str:
    """Return the lock as it is written, without an address."""
    return text_of(lock)


def pylock_with_urls(lock: Lock, listed: Callable[[LockedPackage], tuple[Listed, ...]]) -> str:
    """Return the lock with the address of each file in the place of its path below ``wheels``.

    Args:
        lock: the lock.
        listed: returns what the index of a package lists for it.

    Raises:
        IntegrityProblem: an index lists a file with another sha256.
        Unavailable: an index lists a file no more.
    """
    document = tomllib.loads(text_of(lock))
    # Where files lie is told in full now.
    document.pop("tool", None)
    missing, wrong = [], []
    packages = {(package.name, package.version): package for package in lock.packages}
    for entry in document.get("packages", ()):
        package = packages[entry["name"], entry["version"]]
        if package.origin is not None:
            continue
        pages = {file.name: file for file in listed(package)}
        for table in _files(entry):
            found = pages.get(table["name"])
            if found is None:
                missing.append(table["name"])
            elif found.sha256 not in (None, table["hashes"]["sha256"]):
                wrong.append(f"{found.name} has the sha256 {found.sha256} on its index")
            else:
                _locate(table, found.url)
    if wrong:
        raise IntegrityProblem("\n".join(["what an index lists is not what was locked:", *(f"  {w}" for w in wrong)]))
    if missing:
        raise Unavailable("these files are on their index no more, so that they have no address:", tried=missing)
    return toml_of(document)


def _locate(table: dict[str, Any], url: str) -> None:
    rest = {key: value for key, value in table.items() if key not in ("name", "path")}
    name = table["name"]
    table.clear()
    table.update({"name": name, "url": without_credentials(url), **rest})


def _files(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from entry.get("wheels", ())
    if "sdist" in entry:
        yield entry["sdist"]


def _header(lock: Lock, name: str, kind: str) -> list[str]:
    python = f", for Python {lock.requires_python}" if lock.requires_python else ""
    return [f"# Written by 'bin/eggcarton export {kind}' from {name}{python}: change that, not this file."]


def _sorted(lock: Lock) -> list[LockedPackage]:
    return sorted(lock.packages, key=lambda package: (package.name, package.version, package.marker or ""))


def _line(package: LockedPackage) -> str:
    return f"{package.name}=={package.version}" + (f" ; {package.marker}" if package.marker else "")
