"""Build develop packages as editable wheels, all at once."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.packages import builds
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.watched import watchable


def build(
    *, sources: Sequence[str], paths: Sequence[str], versions: Mapping[str, str], out: str
) -> list[dict[str, Any]]:
    """Build each source directory, in parallel, and unpack the result below ``out``.

    Args:
        sources: project directories.
        paths: what the builds may import beside the standard library: the toolchain's distributions.
        versions: the toolchain's versions by canonical name.
        out: a directory to fill with one directory a source, named by its position.

    Returns:
        a mapping a source: ``foreign`` with the build requirements that the toolchain does not answer, or name,
        project, version, requires, extras, the names of its ``files`` below its directory, and what its build read.

    Raises:
        EggcartonError: a build failed; its last lines are in the message.
    """
    toolchain = Toolchain(tuple(paths), versions)
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        jobs = [pool.submit(_one, Path(s), toolchain, Path(out, str(n))) for n, s in enumerate(sources)]
        return [job.result() for job in jobs]


def _one(source: Path, toolchain: Toolchain, place: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="eggcarton-build-") as name:
        built = builds.build("editable", source, toolchain, Path(name))
        if built.wheel is None:
            return {"foreign": list(built.foreign)}
        with zipfile.ZipFile(Path(name, built.wheel)) as archive:
            archive.extractall(place)
    info = next(path for path in place.iterdir() if path.name.endswith(".dist-info"))
    (info / "RECORD").unlink(missing_ok=True)
    metadata = HeaderParser().parsestr((info / "METADATA").read_text("utf-8"))
    return {
        "name": str(canonicalize_name(metadata["Name"])),
        "project": metadata["Name"],
        "version": metadata["Version"],
        "requires": sorted({str(Requirement(line)) for line in metadata.get_all("Requires-Dist", ())}),
        "extras": sorted(metadata.get_all("Provides-Extra", ())),
        "files": sorted(path.name for path in place.iterdir()),
        "read": [path for path in built.read if watchable(path)],
        "listed": [path for path in built.listed if watchable(path)],
        "out_of_sight": list(built.out_of_sight),
    }
