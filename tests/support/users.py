"""Another user than the one who tests: nobody knows them, they own nothing, and they are not root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

NOBODY = 54321


def python_for_anybody() -> Path:
    """Return a Python of the machine's, which any user may start; without one, or as another user than root, skip."""
    python = shutil.which("python3", path=os.defpath)
    if os.geteuid() != 0 or python is None:
        pytest.skip("only root can become another user, who needs a Python of the machine's")
    return Path(python)


def open_to_anybody(place: Path) -> None:
    """Let any user come as far as a directory of a test's, and no further."""
    for above in place.parents:
        if above.stat().st_uid == 0 and above.owner() == "root" and "tmp" in above.parts:
            above.chmod(above.stat().st_mode | 0o055)
