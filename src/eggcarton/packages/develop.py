"""Build develop packages as editable wheels, all at once."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import EggcartonError
from eggcarton.packages import build_failures, builds, editable_metadata
from eggcarton.packages.build_environments import BuildEnvironments
from eggcarton.packages.builds import Answer, Toolchain
from eggcarton.packages.crew import processors


def build(
    projects: Sequence[Path],
    toolchain: Toolchain,
    out: Path,
    answer: Callable[[Path], Answer],
    logs: Path | None = None,
    *,
    aside: bool = False,
) -> list[dict[str, Any]]:
    """Build each project, in parallel, and unpack the result below ``out``.

    Args:
        projects: project directories.
        toolchain: what the builds may import beside the standard library, if that is all that they require.
        out: a directory to fill with one directory a project, named by its position.
        answer: gives what answers a project that requires something else.
        logs: the directory for what builds that fail have said; without it, only their last lines are told.
        aside: whether the projects stay as they are, with nothing put beside their modules.

    Returns:
        a mapping a project: name, project, version, requires, extras, the names of its ``files`` below its directory,
        what was ``watched``, what was put ``beside`` its modules, and as ``locked`` the digest of its build
        requirements, empty where the toolchain did.

    Raises:
        EggcartonError: builds failed; the last lines of each are in the message.
    """
    for source in projects if logs is not None else ():
        build_failures.log_of(logs or Path(), source).unlink(missing_ok=True)
    built, failures = list[dict[str, Any]](), dict[Path, EggcartonError]()
    with tempfile.TemporaryDirectory(prefix="eggcarton-tools-") as tools, ThreadPoolExecutor(_at_once()) as pool:
        environments = BuildEnvironments(Path(tools))
        jobs = [
            pool.submit(_one, p, toolchain, out / str(n), answer(p), environments, aside)
            for n, p in enumerate(projects)
        ]
        try:
            for source, job in zip(projects, jobs, strict=True):
                try:
                    built.append(job.result())
                except EggcartonError as error:
                    failures[source] = error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if failures:
        raise build_failures.all_of(failures, len(projects), logs)
    return built


def _at_once() -> int:
    """Return how many builds run at the same time: one a processor that this process may use, and two at least."""
    return max(2, processors())


def _one(
    source: Path, toolchain: Toolchain, place: Path, answer: Answer, environments: BuildEnvironments, aside: bool
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="eggcarton-build-") as name:
        built = builds.build("editable", source, toolchain, Path(name), answer, environments)
        assert built.wheel is not None
        with zipfile.ZipFile(Path(name, built.wheel)) as archive:
            archive.extractall(place)
        beside = "" if aside else editable_metadata.put_beside(Path(name), source)
    info = next(path for path in place.iterdir() if path.name.endswith(".dist-info"))
    _keep_scripts(place, info)
    editable_metadata.complete(place, info, source)
    metadata = HeaderParser().parsestr((info / "METADATA").read_text("utf-8"))
    return {
        "name": str(canonicalize_name(metadata["Name"])),
        "project": metadata["Name"],
        "version": metadata["Version"],
        "requires": sorted({str(Requirement(line)) for line in metadata.get_all("Requires-Dist", ())}),
        "extras": sorted(metadata.get_all("Provides-Extra", ())),
        "files": sorted(path.name for path in place.iterdir()),
        "watched": asdict(built.watched),
        "locked": built.tools.locked,
        "beside": beside,
    }


def _keep_scripts(place: Path, info: Path) -> None:
    """Put the scripts that a wheel brings as files beside its metadata, where zc.recipe.egg looks for them too."""
    for scripts in sorted(place.glob("*.data/scripts")):
        scripts.rename(info / "scripts")
        for path in sorted((info / "scripts").iterdir()):
            path.chmod(0o755)
        if not any(scripts.parent.iterdir()):
            scripts.parent.rmdir()
