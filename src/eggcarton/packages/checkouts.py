"""The tree of one commit as it is kept: submodules in their places, and a version that its history tells."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.indexes.client import redacted
from eggcarton.indexes.git import Repository
from eggcarton.packages.archive import Entry

_EXECUTABLE, _LINK, _SUBMODULE = "100755", "120000", "160000"
_DEEPEST = 10
_BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
# What reads the file that git fills in when it makes an archive, and what reads a source distribution's metadata.
_READS_ARCHIVAL = re.compile(rb"setuptools[-_]scm|hatch[-_]vcs|vcs[-_]versioning")
_READS_PKG_INFO = re.compile(rb"\bpbr\b|versioningit|setuptools[-_]git[-_]versioning|setuptools[-_]vcs[-_]version")


def tree(repository: Repository, copies: Path, commit: str, *, depth: int = 0) -> list[Entry]:
    """Return all files of a commit, those of its submodules at the commits that it names included.

    Args:
        copies: where copies of repositories lie.

    Raises:
        UsageProblem: a submodule has no address that may be asked.
        Unavailable: a submodule cannot be fetched.
    """
    entries, modules = [], {}
    for mode, path, content in repository.files(commit):
        if mode == _SUBMODULE:
            modules[path] = content.decode()
        else:
            entries.append(Entry(path, content, mode == _EXECUTABLE, mode == _LINK))
    addresses = repository.submodules(commit) if modules else {}
    for path, inner in modules.items():
        url = addresses.get(path, "")
        what = f"the submodule {path} of {redacted(repository.url)}"
        if urlsplit(url).scheme not in {"http", "https", "ssh", "git", urlsplit(repository.url).scheme}:
            raise UsageProblem(
                f"{what} has no address that may be asked ({redacted(url) or 'none'}); correct .gitmodules"
            )
        if depth == _DEEPEST:
            raise UsageProblem(f"{what} lies {_DEEPEST} submodules deep; it seems to hold itself")
        module = Repository.below(copies, url)
        module.ensure(inner)
        below = tree(module, copies, inner, depth=depth + 1)
        entries += [replace(entry, path=f"{path}/{entry.path}") for entry in below]
    return entries


def within(entries: Sequence[Entry], subdirectory: str | None, what: str) -> list[Entry]:
    """Return what lies below a subdirectory.

    A link that leads out of it becomes the file that it leads to; one that leads out of the repository is left out.

    Raises:
        UsageProblem: there is no such subdirectory.
    """
    prefix = f"{subdirectory}/" if subdirectory else ""
    there = {entry.path: entry for entry in entries}
    found = []
    for entry in entries:
        resolved = _inside(entry, prefix, there) if entry.path.startswith(prefix) else None
        if resolved is not None:
            found.append(replace(resolved, path=entry.path[len(prefix) :]))
    if not found:
        raise UsageProblem(f"{what} has no directory {subdirectory}" if subdirectory else f"{what} is empty")
    return found


def _inside(entry: Entry, prefix: str, there: dict[str, Entry]) -> Entry | None:
    target, path = entry, entry.path
    for _ in there:
        if not target.is_link:
            return target
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target.content.decode("utf-8", "replace")))
        if f"{path}/".startswith(prefix) and not f"{path}/".startswith(("../", "/")):
            return target
        if path not in there:
            break
        target = there[path]
    return None


def needs_history(entries: Sequence[Entry]) -> bool:
    """Tell whether a project's version is made of its history, which what is kept does not have."""
    return any(pattern.search(_build_files(entries)) for pattern in (_READS_ARCHIVAL, _READS_PKG_INFO))


def with_history(entries: Sequence[Entry], history: str, day: str, commit: str) -> list[Entry]:
    """Give a project what its build reads the version from where no history is: as archives and sdists have it."""
    told, added = _build_files(entries), {}
    if _READS_ARCHIVAL.search(told):
        text = f"node: {commit}\nnode-date: {day}\ndescribe-name: {history}\n"
        added[".git_archival.txt"] = text
    if _READS_PKG_INFO.search(told) and not any(entry.path == "PKG-INFO" for entry in entries):
        name = _name(told)
        added["PKG-INFO"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version_of(history)}\n"
        # pbr asks git, or this list, which files of packages are data.
        listed = "".join(f"{entry.path}\n" for entry in sorted(entries, key=lambda entry: entry.path))
        added[f"{re.sub('[^A-Za-z0-9.]+', '_', name)}.egg-info/SOURCES.txt"] = listed
    kept = [entry for entry in entries if entry.path not in added]
    return kept + [Entry(path, text.encode("utf-8", "surrogateescape")) for path, text in added.items()]


def _build_files(entries: Sequence[Entry]) -> bytes:
    return b"\n".join(entry.content for entry in entries if entry.path in _BUILD_FILES)


def _name(told: bytes) -> str:
    found = re.search(rb"^\s*name\s*=\s*[\"']?([A-Za-z0-9][A-Za-z0-9._-]*)", told, re.MULTILINE)
    return found[1].decode() if found else "unknown"


def version_of(history: str) -> str:
    """Return the version that `git describe` means: that of a tag, or one on the way from it to the next.

    >>> version_of("v1.2-0-g0a1b2c3d"), version_of("v1.2-3-g0a1b2c3d")
    ('1.2', '1.3.dev3+g0a1b2c3d')
    """
    tag, number, node = history.rsplit("-", 2)
    try:
        version = Version(re.sub(r"^\D+", "", tag))
    except InvalidVersion:
        raise EggcartonError(
            f"the tag {tag} holds no version that could be told; name a commit with another one"
        ) from None
    if number == "0":
        return str(version)
    release = [*version.release[:-1], version.release[-1] + (0 if version.is_prerelease else 1)]
    return f"{'.'.join(map(str, release))}.dev{number}+{node}"
