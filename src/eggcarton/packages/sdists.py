"""Source distributions, where they are allowed: built once, closed, and kept as wheels."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from eggcarton.core.errors import EggcartonError
from eggcarton.packages import builds
from eggcarton.packages.builds import Toolchain

_COMPILERS = ("cc", "gcc", "clang", "cl")


def is_allowed(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a canonical name is among those that may be installed from source."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def refusal(names: Sequence[str]) -> str:
    """Return what to tell, and to paste, about distributions that exist only as source."""
    block = "\n".join(["  [eggcarton]", "  allow-sdist =", *(f"      {name}" for name in sorted(names))])
    lame = "" if any(map(shutil.which, _COMPILERS)) else " (there is no compiler here, which some of them may need)"
    return (
        f"{', '.join(sorted(names))}: there is no wheel, and building one runs its author's code{lame}; pin a version "
        f"that has a wheel, or allow it:\n{block}"
    )


class Builder:
    """Turns source distributions into wheels and keeps these by all that decided them."""

    def __init__(self, toolchain: Toolchain, cache: Path) -> None:
        self._toolchain, self._cache = toolchain, cache

    def wheel(self, sdist: Path, sha256: str, name: str) -> Path:
        """Return the wheel of a source distribution, built now or kept from before.

        Args:
            sdist: the archive, checked already.
            sha256: its digest.
            name: its file name, which says how it is packed.

        Raises:
            EggcartonError: it cannot be built, or needs something to be built with that is not at hand.
        """
        place = self._cache / "built" / self._key(sha256)
        if found := sorted(place.glob("*.whl")):
            return found[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=place.parent) as directory:
            out, kept = Path(directory, "out"), Path(directory, "kept")
            out.mkdir()
            kept.mkdir()
            built = builds.build("wheel", _unpacked(sdist, name, Path(directory, "source")), self._toolchain, out)
            if built.wheel is None:
                raise EggcartonError(
                    f"{name} is built with {', '.join(built.foreign)}, which the toolchain does not hold; pin a "
                    "version that has a wheel"
                )
            shutil.move(out / built.wheel, kept / built.wheel)
            try:
                kept.rename(place)
            except OSError:
                if not place.is_dir():
                    raise
        return next(iter(place.glob("*.whl")))

    def _key(self, sha256: str) -> str:
        decided = [sha256, sorted(self._toolchain.versions.items()), sys.version, sysconfig.get_platform()]
        return hashlib.sha256(json.dumps(decided).encode()).hexdigest()


def _unpacked(archive: Path, name: str, place: Path) -> Path:
    """Unpack a source distribution and return the one directory in it; nothing is written outside."""
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(place)
        else:
            with tarfile.open(archive) as tarred:
                _extract(tarred, name, place)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise EggcartonError(f"{name} cannot be unpacked: {reason}; pin a version that has a wheel") from error
    entries = [entry for entry in os.listdir(place) if entry[0] != "."]
    return place / entries[0] if len(entries) == 1 else place


def _extract(archive: tarfile.TarFile, name: str, place: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        archive.extractall(place, filter="data")
        return
    # Pythons before 3.10.12 and 3.11.4 have no filter: take plain files and directories below the place only.
    for member in archive.getmembers():
        if not (member.isfile() or member.isdir()) or not (place / member.name).resolve().is_relative_to(
            place.resolve()
        ):
            raise EggcartonError(f"{name}: {member.name} is no plain file inside the archive; nothing was unpacked")
        archive.extract(member, place)
