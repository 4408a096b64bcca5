"""The Python that a build is made for, whatever started the process that makes it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The Python that environments are made for: its executable, and its version such as ``3.11.7``."""

    executable: Path
    version: str

    @classmethod
    def running(cls) -> Interpreter:
        """Return the one that runs this process, outside any virtual environment it may have been started in."""
        executable = Path(getattr(sys, "_base_executable", None) or sys.executable)
        return cls(_outside(executable), ".".join(str(number) for number in sys.version_info[:3]))

    @property
    def minor(self) -> str:
        """The version without its last number, such as ``3.11``."""
        return ".".join(self.version.split(".")[:2])


def _outside(python: Path) -> Path:
    """Return the Python that a virtual environment's was made of; before 3.11 Python itself does not know it."""
    try:
        text = (python.parent.parent / "pyvenv.cfg").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return python
    home = re.search(r"^home\s*=\s*(.+?)\s*$", text, re.MULTILINE)
    names = (f"python{sys.version_info[0]}.{sys.version_info[1]}", "python3", "python")
    there = [path for name in names if home and os.access(path := Path(home[1], name), os.X_OK)]
    return _outside(there[0]) if there and there[0] != python else python
