"""What stands at a path, looked at without following a link."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["nothing", "file", "link", "directory", "other"]

CACHE = "__pycache__"


@dataclass(frozen=True, slots=True)
class Standing:
    """One path as it is now.

    Args:
        digest: SHA-256 of a file's bytes or of a link's target; empty for everything else.
        mode: permission bits; 0 for a link, which has none of its own.
    """

    kind: Kind
    digest: str = ""
    mode: int = 0


def look(path: Path) -> Standing:
    """Return what stands at a path.

    Raises:
        OSError: when that cannot be found out.
    """
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Standing("nothing")
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISREG(found.st_mode):
        return Standing("file", digest_of_bytes(path.read_bytes()), mode)
    if stat.S_ISLNK(found.st_mode):
        return Standing("link", digest_of_bytes(os.fsencode(os.readlink(path))))
    if stat.S_ISDIR(found.st_mode):
        return Standing("directory", "", mode)
    # A pipe or a device is never opened: reading it could hang for ever.
    return Standing("other", "", mode)


def digest_of_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_of_tree(path: Path, *, with_caches: bool = True) -> str:
    """Return one SHA-256 for a file or for all that is in a directory: names, kinds, contents, link targets.

    Args:
        with_caches: whether the directories of what Python has compiled count.

    Raises:
        OSError: when something cannot be read or is not there.
    """
    total = hashlib.sha256()
    for name, place in _walk(path, ""):
        if not with_caches and CACHE in name.split("/"):
            continue
        seen = look(place)
        if seen.kind == "nothing":
            raise FileNotFoundError(2, "No such file or directory", str(place))
        total.update(f"{name}\0{seen.kind}\0{seen.digest}\0".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def is_tree_of(path: Path, digest: str) -> bool:
    """Tell whether a tree has a digest, with or without what Python has compiled in it since.

    Raises:
        OSError: when something cannot be read or is not there.
    """
    return digest in (digest_of_tree(path), digest_of_tree(path, with_caches=False))


def below(directory: Path) -> Iterator[Path]:
    """Give everything below a directory that is no directory itself; a link is none."""
    for place, names, files in os.walk(directory):
        yield from (Path(place, name) for name in files)
        yield from (path for name in names if (path := Path(place, name)).is_symlink())


def is_empty(directory: Path) -> bool:
    """Say whether nothing is in a directory."""
    with os.scandir(directory) as entries:
        return next(entries, None) is None


def discard(path: Path) -> None:
    """Remove whatever stands at a path, never what a link points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


def give_place(made: Path, place: Path) -> None:
    """Give a directory that is complete its place, unless one stands there: another process was faster with the same.

    Raises:
        OSError: none stands there, and it cannot be put there.
    """
    try:
        made.rename(place)
    except OSError:
        # Nothing takes the place of a full directory; Python has no exception of its own for that.
        if not place.is_dir():
            raise


def exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step, and say whether this machine can.

    Source: renameat2(2) with RENAME_EXCHANGE.
    """
    if os.name != "posix":
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    here, change_places = -100, 2
    if rename is None:
        return False
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), change_places) == 0)


def _walk(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    yield name, path
    if path.is_dir() and not path.is_symlink():
        for child in sorted(os.listdir(path)):
            yield from _walk(path / child, f"{name}/{child}")
