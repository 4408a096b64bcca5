"""Put bootstrap.py, the toolchain's pins and eggcarton's own wheel into a checkout, which then has all of ours."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from eggcarton.buildout import toolchain
from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift, EggcartonError, UsageProblem
from eggcarton.packages import own_wheel, vendoring
from eggcarton.packages.own_wheel import Distribution
from eggcarton.packages.vendoring import RECORD

HELP = "put bootstrap.py, the toolchain's pins and eggcarton's own wheel into a checkout, to be committed there"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument("directory", metavar="DIR", help="the checkout of a deployment, or a directory for find-links")


def run(call: Call) -> int:
    """Vendor, and say what was written, what to commit and how to run it."""
    directory = Path(call.options.directory)
    if not directory.absolute().parent.is_dir() or (os.path.lexists(directory) and not directory.is_dir()):
        raise UsageProblem(f"there is no directory {directory}; name the checkout of a deployment, or a new directory")
    check_place(directory)
    files = ours()
    done = vendoring.put(directory, files)
    for what, names in (("written", done.written), ("removed", done.removed)):
        for name in names:
            print(f"{what}: {directory / name}")
    for name in done.kept:
        print(f"kept, since it was changed by hand: {directory / name}; remove it and vendor again to have ours")
    if done.written or done.removed:
        committed = ", ".join([*files, RECORD])
        print(f"Commit {committed}; python3 bootstrap.py builds there, and asks no index for eggcarton.")
        if not (directory / "buildout.cfg").is_file():
            print(f"{directory} has no buildout.cfg: right where find-links names it; bootstrap.py needs one there.")
    elif not done.kept:
        print(f"{directory} has eggcarton {running().version} as it is here; nothing was changed.")
    return Drift.exit_code if done.kept else 0


def check_place(directory: Path) -> None:
    """Keep what is vendored out of a checkout of eggcarton, where it would hide what lies there.

    Raises:
        UsageProblem: that is what the directory is.
    """
    if (directory / "src" / "eggcarton" / "packages").is_dir():
        raise UsageProblem(f"{directory} is a checkout of eggcarton itself; name the checkout of a deployment")


def ours() -> dict[str, bytes]:
    """Return what a place needs of ours: bootstrap.py, the toolchain's pins and the wheel of what runs."""
    return own_wheel.beside(own_wheel.file_name(running().version), own_wheel.content(running()))


def running() -> Distribution:
    """Return what is told of the eggcarton that runs.

    Raises:
        EggcartonError: it is not installed as a distribution.
    """
    found = toolchain.running().get("eggcarton")
    if found is None:
        raise EggcartonError("what runs here is no installed eggcarton; run bootstrap.py, whose bin/eggcarton is")
    texts = {name: found.get_metadata(name) for name in own_wheel.TEXTS if found.has_metadata(name)}
    return Distribution(found.version, {"METADATA": found.get_metadata(found.PKG_INFO), **texts})
