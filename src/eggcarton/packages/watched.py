"""Whether the files that decided a develop package's metadata are still what they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

_IGNORED_ENDS = (".pyc", ".pyo", ".egg-info", ".dist-info", "~")
_IGNORED = frozenset({"__pycache__", "build", "dist", "bin", "parts", "eggs", "develop-eggs", "var"})


def watchable(path: str) -> bool:
    """Tell whether a path, relative to the project, is one of its own files and not something a build leaves."""
    parts = Path(path).parts
    return not any(
        part in _IGNORED or part.endswith(_IGNORED_ENDS) or (part[0] == "." and part != ".") for part in parts
    )


def build_digests(text: str) -> frozenset[str]:
    """Return a digest of each set of build requirements in a ``buildout.lock.toml``, whatever it is locked for."""
    blocks = text.split("\n[[builds]]\n")[1:]
    lines = ([line for line in block.strip().splitlines() if not line.startswith("for = ")] for block in blocks)
    return frozenset(hashlib.sha256("\n".join(block).encode()).hexdigest() for block in lines)


def fingerprint(root: Path, files: Iterable[str], directories: Iterable[str]) -> str:
    """Return a digest of files' contents and of the modules in directories, all relative to a root.

    Of a directory only modules count, and directories that hold some: a package finder looks for these, while a lock
    or a log that a build leaves there decides nothing. What is gone counts as gone.
    """
    digest = hashlib.sha256()
    for name in sorted(filter(watchable, files)):
        try:
            content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        except OSError:
            content = "-"
        digest.update(f"file {name} {content}\n".encode())
    for name in sorted(filter(watchable, directories)):
        try:
            names = sorted(entry for entry in os.listdir(root / name) if _is_module(root / name / entry))
        except OSError:
            names = ["-"]
        digest.update(f"directory {name} {names}\n".encode())
    return digest.hexdigest()


def _is_module(path: Path, depth: int = 3) -> bool:
    if not watchable(path.name):
        return False
    if path.suffix == ".py":
        return True
    return depth > 0 and path.is_dir() and any(_is_module(inner, depth - 1) for inner in path.iterdir())
