"""What ``bin/buildout`` runs: it starts what takes time, and only then imports zc.buildout."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from eggcarton.packages import closed

_LAST_RUN = Path("parts", ".eggcarton", "state", "selection-parts.json")


def main() -> None:
    """Run bin/buildout; where no run has succeeded before, the child process will be needed."""
    # A run makes many objects that live to its end; looking through them for garbage is time lost.
    gc.set_threshold(50_000)
    if not _LAST_RUN.exists():
        closed.warm_up()
    try:
        # Importing zc.buildout, with setuptools and pip behind it, takes longer than anything else in most runs.
        try:
            from eggcarton.buildout import command
        except ModuleNotFoundError as error:
            sys.exit(f"Error: {error.name} is gone from the eggs that bin/buildout starts from; run bootstrap.py again")
        command.main()
    finally:
        closed.cool_down()
