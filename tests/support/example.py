"""What the documents need of the outside world, on loopback: every distribution of the example's committed locks.

Files come from the caches of this project's own builds; what is in none of them is fetched once, by the example's own
first build, into the usual cache. What the lock names for other platforms is stood in for by empty wheels, so that a
lock for all platforms can be made anew.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eggcarton.indexes.cache import Cache, file_digest
from support.buildouts import BOOTSTRAP, CHECKOUT, PYTHON, user_cache
from support.distributions import wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLE = CHECKOUT / "examples" / "guestbook"
LOCKS = (*sorted(EXAMPLE.glob("pylock*.toml")), CHECKOUT / "pylock.toml")
# With all rows of its matrix, so that each of its locks is used.
WHOLE = "matrix.cfg"


def sources(directory: Path) -> list[str]:
    """Return the files of a part of the checkout, those not committed yet included and nothing that was built."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]
    listed = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, check=True).stdout.decode()
    return [name for name in listed.split("\0") if name and (directory / name).is_file()]


def copy_of_example(place: Path) -> None:
    """Put the example there as a fresh clone has it."""
    for name in sources(EXAMPLE):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(EXAMPLE / name, place / name)


def fill_index(directory: Path, scratch: Path) -> None:
    """Put every distribution of the locks into an index's directory.

    Args:
        scratch: an empty directory, in which the example is built where a file of its locks is nowhere yet.
    """
    directory.mkdir(parents=True, exist_ok=True)
    *own, ours = LOCKS
    if _unfilled(directory, own):
        copy_of_example(scratch / "example")
        command = [str(PYTHON), str(BOOTSTRAP), str(scratch / "example"), "-c", WHOLE]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=600)
        if left_out := _unfilled(directory, own):
            raise LookupError(f"building the example left files of {', '.join(left_out)} out of {user_cache()}")
    _filled(directory, ours)
    for lock in LOCKS:
        _stand_in(directory, lock)


def _packages(lock: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(lock.read_text("utf-8"))["packages"]
    return found


def _cached(file: Mapping[str, Any]) -> Path | None:
    """Return a file of a lock from the caches; what the toolchain needs too lies where bootstrap.py has put it."""
    sha256: str = file["hashes"]["sha256"]
    for cache in [user_cache(), *(root / ".eggcarton" / "cache" for root in (CHECKOUT, EXAMPLE))]:
        if found := Cache(cache).find(sha256):
            return found
        for path in cache.glob(f"bootstrap/*/{file['name']}"):
            if file_digest(path) == sha256:
                return path
    return None


def _filled(directory: Path, lock: Path) -> bool:
    """Bring in every cached file of a lock, and tell whether each package that is needed here has one."""
    needed = True
    for package in _packages(lock):
        for file in [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]:
            if not (directory / file["name"]).exists() and (cached := _cached(file)):
                shutil.copyfile(cached, directory / file["name"])
        needed = needed and (_is_there(directory, package) or not _is_for_here(package))
    return needed


def _unfilled(directory: Path, locks: Sequence[Path]) -> list[str]:
    """Bring in every cached file of locks, and return those that lack a package that is needed here."""
    return [lock.name for lock in locks if not _filled(directory, lock)]


def _is_there(directory: Path, package: Mapping[str, Any]) -> bool:
    return any((directory / file["name"]).exists() for file in package.get("wheels", ()))


def _is_for_here(package: Mapping[str, Any]) -> bool:
    from packaging.markers import Marker

    return "marker" not in package or Marker(package["marker"]).evaluate()


def _stand_in(directory: Path, lock: Path) -> None:
    for package in _packages(lock):
        there = [file["name"] for file in package.get("wheels", ()) if (directory / file["name"]).exists()]
        if "wheels" in package and not any(name.endswith("-none-any.whl") for name in there):
            found = re.search(r"python_full_version >= '([\d.]+)'", package.get("marker", ""))
            requires = package.get("tool", {}).get("eggcarton", {}).get("requires", ())
            wheel(
                directory,
                package["name"],
                package["version"],
                requires=requires,
                requires_python=f">={found[1]}" if found else None,
            )
