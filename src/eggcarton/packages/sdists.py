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
from contextlib import ExitStack
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Protocol

from packaging.utils import InvalidSdistFilename, parse_sdist_filename

from eggcarton.core.errors import EggcartonError
from eggcarton.core.standing import give_place
from eggcarton.packages import builds, canonical_wheel, surroundings
from eggcarton.packages.builds import Toolchain

# Changes with what is done to a wheel before it is kept.
_FORMAT = 2
_HERE = (sys.version, sysconfig.get_platform())
COMPILERS = ("cc", "gcc", "clang", "cl")
"""The names under which a C compiler is looked for."""
_COMPILED = (".c", ".cc", ".cpp", ".cxx", ".pyx", ".f", ".f90", ".m")


def is_allowed(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a canonical name is among those that may be installed from source."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def has_compiler() -> bool:
    """Tell whether this machine has a C compiler: the one that CC names, or a usual one."""
    named = os.environ.get("CC", "").split()[:1]
    return any(map(shutil.which, named or COMPILERS))


def is_compiled(archive: Path, name: str) -> bool:
    """Tell whether a source distribution holds code that is not Python's, and that its build may compile."""
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(archive) as zipped:
                files = zipped.namelist()
        else:
            with tarfile.open(archive) as tarred:
                files = tarred.getnames()
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError):
        return False
    return any(file.endswith(_COMPILED) for file in files)


def permission(names: Sequence[str], allowed: Sequence[str]) -> str:
    """Return the lines that allow distributions to be built from source, as they can be pasted as they stand.

    Args:
        allowed: what is allowed already, which a section that is pasted below would else take away.
    """
    lines = [*sorted(allowed), *sorted(set(names) - set(allowed))]
    return "\n".join(["[eggcarton]", "allow-sdist =", *(f"    {name}" for name in lines)])


def refusal(names: Sequence[str], allowed: Sequence[str]) -> str:
    """Return what to tell, and to paste, about distributions that exist only as source."""
    lame = "" if has_compiler() else " (there is no compiler here, which some of them may need)"
    return (
        f"{', '.join(sorted(names))}: there is no wheel, and building one runs its author's code{lame}; pin a version "
        f"that has a wheel, or allow it:\n{permission(names, allowed)}"
    )


class Requirements(Protocol):
    """Where builds from source find locked build requirements."""

    def locked_identity(self, build: str) -> tuple[str, ...] | None:
        """Return what stands for the content of what is locked for a build, None where nothing is."""

    def answer(self, build: str, requires: Sequence[str], asked: Sequence[str]) -> Toolchain:
        """Return what a build may import that requires, and whose backend asks for, these."""


class Builder:
    """Turns source distributions into wheels and keeps these by all that decided them.

    Args:
        toolchain: what a build may import, if that is all it requires.
        cache: where wheels are kept.
        requirements: what is asked for others; without it they are refused.
    """

    def __init__(self, toolchain: Toolchain, cache: Path, requirements: Requirements | None = None) -> None:
        self._toolchain, self._cache, self._requirements = toolchain, cache, requirements

    def wheel(self, sdist: Path, sha256: str, name: str) -> Path:
        """Return the wheel of a source distribution, built now or kept from before.

        Args:
            sdist: the archive, checked already.
            sha256: its digest.
            name: its file name, which says how it is packed.

        Raises:
            EggcartonError: it cannot be built, or what it requires cannot be had.
        """
        if found := self.kept(sha256, name):
            return found
        label, requirements = label_of(name), self._requirements
        directory = self._cache / "built"
        directory.mkdir(parents=True, exist_ok=True)
        here = hashlib.sha256(json.dumps([sha256, *_HERE]).encode()).hexdigest()
        with ExitStack() as stack:
            scratch = stack.enter_context(surroundings.same_place(here))
            kept = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".build-", dir=directory)), "kept")
            out = scratch / "out"
            out.mkdir()
            kept.mkdir()
            answer = partial(requirements.answer, label) if requirements else None
            source = _unpacked(sdist, name, scratch / "source")
            try:
                built = builds.build("wheel", source, self._toolchain, out, answer)
            except EggcartonError as error:
                if not is_compiled(sdist, name) or has_compiler():
                    raise
                remedy = "install one, or pin a version that has a wheel"
                raise type(error)(f"{error}\nThere is no C compiler here, which it may need; {remedy}") from error
            if built.wheel is None:
                raise EggcartonError(
                    f"{name} is built with {', '.join(built.foreign)}, which the toolchain does not hold; pin a "
                    "version that has a wheel"
                )
            canonical_wheel.rewrite(out / built.wheel, kept / built.wheel)
            place = self._place(sha256, _identity(built.tools))
            give_place(kept, place)
        return next(iter(place.glob("*.whl")))

    def kept(self, sha256: str, name: str) -> Path | None:
        """Return the wheel that was built of a source distribution before, None where it has to be built."""
        locked = self._requirements.locked_identity(label_of(name)) if self._requirements else None
        return next(iter(sorted(self._place(sha256, locked or _identity(self._toolchain)).glob("*.whl"))), None)

    def _place(self, sha256: str, identity: Sequence[str]) -> Path:
        decided = [_FORMAT, sha256, list(identity), *_HERE]
        return self._cache / "built" / hashlib.sha256(json.dumps(decided).encode()).hexdigest()


def _identity(tools: Toolchain) -> tuple[str, ...]:
    return tools.identity or tuple(f"{name} {version}" for name, version in sorted(tools.versions.items()))


def label_of(name: str) -> str:
    """Return by what name a source distribution is known where its build requirements are locked."""
    try:
        project, version = parse_sdist_filename(name)
    except InvalidSdistFilename:
        return name
    return f"{project} {version}"


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
