"""The pins of the toolchain and of the closed set: what is locked beside ``bootstrap.py`` and shipped with us."""

from __future__ import annotations

from pathlib import Path

from eggcarton.buildout.session import Session
from eggcarton.packages import closed

REQUIRES_PYTHON = ">=3.10"
TOOLCHAIN = (
    "zc.buildout>=6.0.1,<7",
    "zc.recipe.egg>=6,<7",
    "setuptools",
    "pip",
    "wheel",
    "packaging",
    "platformdirs",
)
CLOSED_SET = (
    "packaging>=26.1",
    "uv",
    "urllib3>=2",
    "truststore",
    'tomli; python_version < "3.11"',
    "Jinja2",
)
PINS = "toolchain.txt"


def lock_toolchain(session: Session, *, upgrade: bool) -> list[str]:
    """Write the pins files that are missing, or all of them anew, and return a line for each that changed.

    The toolchain's pins lie beside a vendored ``bootstrap.py``; the closed set's are part of our own source and are
    written only where that is developed.
    """
    root = session.settings.root
    files: dict[str, list[str]] = {}
    if (root / "bootstrap.py").is_file() and (upgrade or not (root / PINS).exists()):
        files[str(root / PINS)] = list(TOOLCHAIN)
    ours = root in closed.PINS.parents and (root / "setup.py").is_file()
    if ours and (upgrade or not closed.PINS.exists()):
        files[str(closed.PINS)] = list(CLOSED_SET)
    if not files:
        return []
    headers = {
        name: [f"What {_WHAT[Path(name).name]} is made of; written by bin/eggcarton lock --upgrade."] for name in files
    }
    changed: list[str] = session.child.ask(
        "lock-toolchain",
        files=files,
        headers=headers,
        requires_python=REQUIRES_PYTHON,
        sources=session.sources,
    )
    return [f"{name} written" for name in changed]


_WHAT = {PINS: "bin/buildout", closed.PINS.name: "the process that locks, fetches and unpacks"}
