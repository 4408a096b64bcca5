"""Eggs of old, zipped into one file, as wheels: the same bytes each time, so that a lock can name them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from eggcarton.core.errors import EggcartonError
from eggcarton.core.locks import scratch, sweep
from eggcarton.core.names import canonical_name
from eggcarton.core.standing import give_place
from eggcarton.packages import canonical_wheel
from eggcarton.packages.eggs import Row
from eggcarton.packages.wheel_archive import BROKEN

_NAME = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-py(?P<python>\d\.\d+)(-(?P<platform>.+))?)?\.egg")
_KEPT = ("entry_points.txt", "top_level.txt", "namespace_packages.txt")
_SHEBANG = re.compile(rb"#!.*python[\d.]*")
_MAKING = ".making-"


def converted(directories: Iterable[Path], place: Path) -> Path | None:
    """Return a directory with a wheel for each zipped egg that lies in some directories; None where none does.

    What has a wheel of the same name and version beside it is left out, and so is an egg for Python 2.

    Args:
        place: where such directories lie, each by what it was made of.

    Raises:
        EggcartonError: an egg cannot be read.
    """
    eggs = [egg for directory in directories for egg in _in(directory)]
    if not eggs:
        return None
    digests = sorted(f"{egg.name} {hashlib.sha256(egg.read_bytes()).hexdigest()}" for egg in eggs)
    final = place / hashlib.sha256("\n".join(digests).encode()).hexdigest()[:32]
    if not final.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        sweep(place, _MAKING)
        with scratch(place, _MAKING) as staging:
            (staging / "wheels").mkdir()
            for egg in eggs:
                as_wheel(egg, staging / "wheels")
            give_place(staging / "wheels", final)
    return final


def as_wheel(egg: Path, directory: Path) -> Path:
    """Write a zipped egg as a wheel into a directory and return that.

    Requirements and extras come from its ``requires.txt``, scripts from ``EGG-INFO/scripts``.

    Raises:
        EggcartonError: it is no egg, or it is for another Python than 3.
    """
    tag = _tag(egg.name)
    if tag is None:
        raise EggcartonError(f"{egg} is not named as an egg for Python 3 is")
    try:
        with zipfile.ZipFile(egg) as archive:
            found = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    except (*BROKEN, OSError) as error:
        raise EggcartonError(f"{egg} is not a zipped egg: {error}; remove it or put a whole one there") from error
    if "EGG-INFO/PKG-INFO" not in found:
        raise EggcartonError(f"{egg} is not an egg, as it has no EGG-INFO/PKG-INFO; remove it")
    metadata = _metadata(_text(found["EGG-INFO/PKG-INFO"]), _text(found.get("EGG-INFO/requires.txt", b"")))
    name, version = (_field(metadata, field, egg) for field in ("Name", "Version"))
    base = f"{re.sub('[-_.]+', '_', name)}-{version.replace('-', '_')}"
    files = dict(_files(found, base))
    files[f"{base}.dist-info/METADATA"] = metadata.encode()
    pure = str(tag.endswith("-any")).lower()
    lines = ("Wheel-Version: 1.0", "Generator: eggcarton", f"Root-Is-Purelib: {pure}", f"Tag: {tag}", "")
    files[f"{base}.dist-info/WHEEL"] = "\n".join(lines).encode()
    files[f"{base}.dist-info/RECORD"] = _record(files, f"{base}.dist-info/RECORD")
    wheel = directory / f"{base}-{tag}.whl"
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    (directory / f"{wheel.name}.raw").write_bytes(raw.getvalue())
    canonical_wheel.rewrite(directory / f"{wheel.name}.raw", wheel)
    (directory / f"{wheel.name}.raw").unlink()
    return wheel


def _in(directory: Path) -> list[Path]:
    """Return the zipped eggs of a directory that have no wheel there."""
    names = sorted(directory.glob("*.egg"))
    wheels = {_stem(path.name) for path in directory.glob("*.whl")} if names else set()
    return [path for path in names if path.is_file() and _tag(path.name) and _stem(path.name) not in wheels]


def _stem(name: str) -> tuple[str, ...]:
    project, version, *_ = [*name.split("-"), ""]
    return canonical_name(project), version.removesuffix(".egg")


def _tag(name: str) -> str | None:
    """Return the tag of a wheel of an egg with this name; None where it is no egg for Python 3."""
    match = _NAME.fullmatch(name)
    python = match["python"] if match else ""
    if match is None or (python or "3")[0] != "3":
        return None
    number = (python or "3").replace(".", "")
    if match["platform"]:
        return f"cp{number}-cp{number}-{re.sub('[-.]', '_', match['platform'])}"
    return f"py{number}-none-any"


def _files(found: dict[str, bytes], base: str) -> Iterator[tuple[str, bytes]]:
    """Give what a wheel has of an egg's files, by their paths there."""
    for path, content in found.items():
        first, _, rest = path.partition("/")
        if first != "EGG-INFO":
            if "__pycache__" not in path.split("/") and not (path.endswith(".pyc") and path[:-1] in found):
                yield path, content
        elif rest in _KEPT:
            yield f"{base}.dist-info/{rest}", content
        elif rest.startswith("scripts/"):
            yield f"{base}.data/{rest}", _SHEBANG.sub(b"#!python", content, count=1)


def _metadata(told: str, requires: str) -> str:
    """Return PKG-INFO with the requirements of ``requires.txt``, as the metadata of a wheel tells them."""
    headers, blank, body = told.partition("\n\n")
    lines = [line for line in headers.splitlines() if line.strip()]
    if requires and not any(line.lower().startswith("requires-dist:") for line in lines):
        # Extras are of this version at least.
        lines = [line for line in lines if not line.lower().startswith(("metadata-version:", "provides-extra:"))]
        lines = ["Metadata-Version: 2.1", *lines, *_requirements(requires.splitlines())]
    return "\n".join(lines) + "\n" + (f"\n{body}" if blank else "")


def _requirements(lines: Sequence[str]) -> Iterator[str]:
    extra = marker = ""
    for line in map(str.strip, lines):
        if line.startswith("["):
            extra, _, marker = (part.strip() for part in line.strip("[]").partition(":"))
            if extra:
                yield f"Provides-Extra: {extra}"
        elif line:
            conditions = [f"({marker})"] if marker and extra else [marker] if marker else []
            conditions += [f'extra == "{extra}"'] if extra else []
            yield f"Requires-Dist: {line}" + (f" ; {' and '.join(conditions)}" if conditions else "")


def _field(metadata: str, name: str, egg: Path) -> str:
    found = re.search(rf"^{name}:[ \t]*(\S+)[ \t]*$", metadata, re.MULTILINE | re.IGNORECASE)
    if found is None:
        raise EggcartonError(f"{egg} tells no {name.lower()} in its EGG-INFO/PKG-INFO; remove it")
    return found[1]


def _record(files: dict[str, bytes], own: str) -> bytes:
    text = io.StringIO()
    rows = [[path, str(Row.of(content)), str(len(content))] for path, content in sorted(files.items())]
    csv.writer(text, lineterminator="\n").writerows([*rows, [own, "", ""]])
    return text.getvalue().encode()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")
