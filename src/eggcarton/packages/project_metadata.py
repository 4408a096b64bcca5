"""What a project's metadata says, found out without building it: extension modules are not compiled for it."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.packages import builds, core_metadata
from eggcarton.packages.builds import Answer, Toolchain


def read(source: Path, toolchain: Toolchain, answer: Answer) -> dict[str, Any]:
    """Have a project's build backend tell its metadata; one without the hook for that builds the project.

    Args:
        source: the project's directory.
        toolchain, answer: as for `builds.build`.

    Returns:
        its canonical ``name``, its ``version``, what it ``requires``, and its ``extras``.

    Raises:
        EggcartonError: the backend failed; its last lines are in the message.

    Source: PEP 660, prepare_metadata_for_build_editable.
    """
    with tempfile.TemporaryDirectory(prefix="eggcarton-metadata-") as name:
        built = builds.build("metadata", source, toolchain, Path(name), answer)
        assert built.wheel is not None
        made = Path(name, built.wheel)
        if made.is_file():
            with zipfile.ZipFile(made) as archive:
                archive.extractall(Path(name, "unpacked"))
            (made,) = Path(name, "unpacked").glob("*.dist-info")
        found = core_metadata.read(made)
    assert found is not None
    return {
        "name": str(canonicalize_name(found.name)),
        "version": found.version,
        "requires": sorted({str(Requirement(line)) for line in found.requires}),
        "extras": sorted(found.extras),
    }
