"""What an egg of the store holds, and how its RECORD tells it: every file by its digest."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.errors import EggcartonError
from eggcarton.core.names import canonical_name

COMPILED = "-compiled"
"""What follows the sha256 in the name of the directory of an egg that is byte-compiled."""

LEFT_OUT = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})
"""Files beside the metadata that tell who installed and how, not what."""

SIGNATURES = ("RECORD", "RECORD.jws", "RECORD.p7s")
"""Files beside the metadata that tell of the files of a wheel, which are others in an egg."""

SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
"""The directories that there may be in a wheel's ``.data``."""

_DECLARATIONS = (("pkg_resources", "declare_namespace"), ("pkgutil", "extend_path"))
_NO_PACKAGES = r"(?:bin|share|etc|include|man)"
_COMPILE = """\
import compileall, importlib.util, marshal, pathlib, py_compile, re, sys
compileall.compile_dir(
    sys.argv[1], quiet=2, force=True, workers=0, stripdir=sys.argv[1], rx=re.compile(sys.argv[2]),
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
# Which constants are written as references hangs on what a worker compiled before; this format has none.
unchecked = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
for path in pathlib.Path(sys.argv[1]).rglob("__pycache__/*.pyc"):
    data = path.read_bytes()
    if data.startswith(unchecked):
        path.write_bytes(data[:16] + marshal.dumps(marshal.loads(data[16:]), 2))
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One file in a RECORD: the name of its digest's algorithm and the digest in hexadecimal, both empty for none."""

    algorithm: str = ""
    digest: str = ""

    @classmethod
    def read(cls, text: str) -> Row:
        """Read what stands in a RECORD, such as ``sha256=47DEQpj8...``; what cannot be read is as if it were absent."""
        algorithm, _, value = text.partition("=")
        with suppress(ValueError):
            digest = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            # Algorithms of any length, such as shake_128, say that theirs is none.
            if digest and len(digest) == hashlib.new(algorithm).digest_size:
                return cls(algorithm, digest.hex())
        return cls()

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> Row:
        """Return the row of a file with this content."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    def holds(self, content: bytes) -> bool:
        """Tell whether a file with this content is the one of this row."""
        return bool(self.algorithm) and Row.of(content, self.algorithm) == self

    def __str__(self) -> str:
        value = base64.urlsafe_b64encode(bytes.fromhex(self.digest)).decode().rstrip("=")
        return f"{self.algorithm}={value}" if self.algorithm else ""


def info_of(egg: Path) -> Path | None:
    """Return the directory of an egg's metadata."""
    try:
        return next(egg / name for name in sorted(os.listdir(egg)) if name.endswith(".dist-info"))
    except (FileNotFoundError, NotADirectoryError, StopIteration):
        return None


def recorded(egg: Path) -> dict[str, Row]:
    """Return the files that an egg's RECORD names, by their path in the egg.

    Raises:
        OSError: there is none.
        ValueError, csv.Error: it is none.
    """
    info = info_of(egg)
    if info is None:
        raise FileNotFoundError(2, "No metadata", str(egg))
    text = (info / "RECORD").read_text("utf-8")
    rows = [[*row, ""] for row in csv.reader(io.StringIO(text)) if row]
    own = next((row[0].partition("/")[0] for row in rows if row[0].endswith(".dist-info/RECORD")), info.name)
    found = {}
    for row in rows:
        top, slash, rest = row[0].partition("/")
        found[f"{info.name}/{rest}" if slash and top == own else row[0]] = Row.read(row[1])
    return found


def write_record(egg: Path, own: str) -> None:
    """Make the RECORD tell what stands in an egg: no file that is gone, and what was changed or added since.

    Args:
        egg: the egg, with the RECORD that its installer wrote.
        own: the name of the metadata's directory as other installers have it, which RECORD spells.
    """
    rows, info = recorded(egg), info_of(egg)
    assert info is not None
    lines = []
    for path in sorted({*rows, *_caches(egg)}):
        if os.path.isabs(path) or ".." in path.split("/") or not (egg / path).is_file():
            continue
        spelt = f"{own}/{path.partition('/')[2]}" if path.startswith(f"{info.name}/") else path
        if path == f"{info.name}/RECORD":
            lines.append((spelt, "", ""))
            continue
        row, size = rows.get(path, Row()), (egg / path).stat().st_size
        if not row.algorithm or path.startswith("bin/"):
            row = Row.of((egg / path).read_bytes())
        lines.append((spelt, str(row), str(size)))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(sorted(lines))
    (info / "RECORD").write_text(text.getvalue(), "utf-8")


def _caches(egg: Path) -> Iterator[str]:
    for directory, _, names in os.walk(egg):
        if os.path.basename(directory) == "__pycache__":
            yield from (Path(directory, name).relative_to(egg).as_posix() for name in names)


def promised(wheel: Path, egg: Path) -> dict[str, Row]:
    """Return what an egg must hold that was made from a wheel, by its path in the egg.

    What is left out when an egg is made is left out here too: namespaces' ``__init__.py`` that are not in the egg, and
    files that only speak of RECORD.
    """
    info = info_of(egg)
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        own = next((name.partition("/")[0] for name in names if re.fullmatch(r"[^/]+\.dist-info/RECORD", name)), "")
        project = canonical_name(own.partition("-")[0])
        points = f"{own}/entry_points.txt"
        scripts = scripts_in(archive.read(points).decode("utf-8", "replace")) if points in names else set()
        for name in names:
            path = installed_name(name, own, project)
            if name.startswith(f"{own}/"):
                path = f"{info.name if info else own}/{name.partition('/')[2]}"
                if path.partition("/")[2] in (*SIGNATURES, *LEFT_OUT):
                    continue
            content = archive.read(name)
            if not (egg / path).exists() and (path in scripts or _is_removed(path, content)):
                continue
            found[path] = Row.of(content)
    return found


def _is_removed(path: str, content: bytes) -> bool:
    return path.endswith("/__init__.py") and declares_namespace(content.decode("utf-8", "replace"))


def installed_name(name: str, info: str, project: str) -> str:
    """Return where a file of a wheel is put, below the directory that all is installed into.

    Args:
        info: the name of the directory of the wheel's metadata.
        project: the canonical name of what is in it.
    """
    first, _, rest = name.partition("/")
    if first != f"{info.removesuffix('.dist-info')}.data":
        return name
    scheme, _, rest = rest.partition("/")
    if scheme == "headers":
        return f"include/{project}/{rest}"
    return f"bin/{rest}" if scheme == "scripts" else rest


def scripts_in(entry_points: str) -> set[str]:
    """Return the scripts that an installer makes from entry points."""
    found, section = set(), ""
    for line in entry_points.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line.strip("[] ")
        elif "=" in line and section in ("console_scripts", "gui_scripts"):
            found.add(f"bin/{line.partition('=')[0].strip()}")
    return found


def declares_namespace(text: str) -> bool:
    """Tell whether an ``__init__.py`` does nothing but declare a namespace, as zc.buildout decides it since 5.0."""
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    code = "\n".join(lines)
    return 0 < len(lines) <= 6 and any(module in code and call in code for module, call in _DECLARATIONS)


def compile_all(directory: Path) -> None:
    """Byte-compile all eggs below a directory, in parallel, into files that are the same wherever that is done.

    Python takes them without a look at their sources, whose content never changes. What is no valid Python is left.

    Args:
        directory: holds directories named by a sha256, and these hold an egg.

    Raises:
        EggcartonError: the compiler could not be started, or was killed.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    separator = re.escape(os.sep)
    left = f"{re.escape(str(directory))}(?:{separator}[^{separator}]+){{2}}{separator}{_NO_PACKAGES}{separator}"
    done = subprocess.run(
        [sys.executable, "-sS", "-c", _COMPILE, str(directory), left],
        cwd=directory,
        # Not -I: that would take no notice of the seed, on which the order of sets in constants hangs.
        env=clean | {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=1800,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise EggcartonError(f"what was unpacked could not be byte-compiled: {last[0]}")
