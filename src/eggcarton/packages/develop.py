"""Build develop packages as editable wheels, all at once."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.packages import builds
from eggcarton.packages.builds import Answer, Toolchain
from eggcarton.packages.watched import watchable


def build(
    projects: Sequence[Path], toolchain: Toolchain, out: Path, answer: Callable[[Path], Answer]
) -> list[dict[str, Any]]:
    """Build each project, in parallel, and unpack the result below ``out``.

    Args:
        projects: project directories.
        toolchain: what the builds may import beside the standard library, if that is all that they require.
        out: a directory to fill with one directory a project, named by its position.
        answer: gives what answers a project that requires something else.

    Returns:
        a mapping a project: name, project, version, requires, extras, the names of its ``files`` below its directory,
        what its build read, and as ``locked`` the digest of its build requirements, empty where the toolchain did.

    Raises:
        EggcartonError: a build failed; its last lines are in the message.
    """
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        jobs = [pool.submit(_one, p, toolchain, out / str(n), answer(p)) for n, p in enumerate(projects)]
        return [job.result() for job in jobs]


def _one(source: Path, toolchain: Toolchain, place: Path, answer: Answer) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="eggcarton-build-") as name:
        built = builds.build("editable", source, toolchain, Path(name), answer)
        assert built.wheel is not None
        with zipfile.ZipFile(Path(name, built.wheel)) as archive:
            archive.extractall(place)
    info = next(path for path in place.iterdir() if path.name.endswith(".dist-info"))
    (info / "RECORD").unlink(missing_ok=True)
    _keep_scripts(place, info)
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
        "locked": built.tools.locked,
    }


def _keep_scripts(place: Path, info: Path) -> None:
    """Put the scripts that a wheel brings as files beside its metadata, where zc.recipe.egg looks for them too."""
    for scripts in sorted(place.glob("*.data/scripts")):
        scripts.rename(info / "scripts")
        for path in sorted((info / "scripts").iterdir()):
            path.chmod(0o755)
        if not any(scripts.parent.iterdir()):
            scripts.parent.rmdir()
