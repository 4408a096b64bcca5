"""eggcarton's own wheel, made of what runs: the same bytes each time, be it a checkout or an installed egg."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import eggcarton
from eggcarton.packages.eggs import Row

PACKAGE = Path(eggcarton.__file__).resolve().parent
# zip knows no earlier day.
_DAY = (1980, 1, 1, 0, 0, 0)
_KINDS = ("*.py", "*.txt", "*.in", "py.typed")
_LICENSE = "LICENSE.txt"
TEXTS = ("entry_points.txt", "top_level.txt", f"licenses/{_LICENSE}")
"""The texts that the wheel's metadata has beside METADATA, where there are such."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What is told of eggcarton where it is installed: its version, and the texts of its metadata by file name."""

    version: str
    metadata: Mapping[str, str]


def file_name(version: str) -> str:
    """Return the name of the wheel."""
    return f"eggcarton-{version}-py3-none-any.whl"


def content(distribution: Distribution) -> bytes:
    """Return the bytes of the wheel.

    Source: the binary distribution format.
    """
    info = f"eggcarton-{distribution.version}.dist-info"
    files = dict(_package_files()) | {f"{info}/{name}": text.encode() for name, text in distribution.metadata.items()}
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: eggcarton\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if not any(name.endswith(_LICENSE) for name in files) and (PACKAGE.parents[1] / _LICENSE).is_file():
        files[f"{info}/licenses/{_LICENSE}"] = (PACKAGE.parents[1] / _LICENSE).read_bytes()
    rows = "".join(f"{name},{Row.of(data)},{len(data)}\n" for name, data in sorted(files.items()))
    files[f"{info}/RECORD"] = f"{rows}{info}/RECORD,,\n".encode()
    written = io.BytesIO()
    # Not compressed: what compresses differs from one Python to the next, and git does it anyway.
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DAY)
            entry.external_attr = 0o100644 << 16
            # Whatever system it is made on.
            entry.create_system = 3
            archive.writestr(entry, data)
    return written.getvalue()


def shipped(name: str) -> bytes:
    """Return a file that lies beside the package in a checkout, ``bootstrap.py`` or ``toolchain.txt``."""
    return (PACKAGE / "vendored" / f"{name.partition('.')[0]}.txt").read_bytes()


def beside(wheel: str, data: bytes) -> dict[str, bytes]:
    """Return what a checkout needs of ours, by name: a wheel and the two files that stand beside it."""
    return {**{name: shipped(name) for name in ("bootstrap.py", "toolchain.txt")}, wheel: data}


def _package_files() -> Iterator[tuple[str, bytes]]:
    for kind in _KINDS:
        for path in PACKAGE.rglob(kind):
            yield f"eggcarton/{path.relative_to(PACKAGE).as_posix()}", path.read_bytes()
