"""The CPythons of a machine: by PATH, and where pyenv and uv put them; each is asked which it is, and that is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from eggcarton.core.errors import UsageProblem
from eggcarton.packages.interpreter import Interpreter

VARIABLE = "EGGCARTON_PYTHONS"
"""Names directories and executables that come before all others, as PATH does."""
_TELL = (
    "import json, sys; print(json.dumps([sys.implementation.name, '.'.join(map(str, sys.version_info[:3])), "
    "getattr(sys, '_base_executable', None) or sys.executable]))"
)
_WAIT = 30


class Finder:
    """Finds CPythons, and keeps what they told of themselves while their files stay as they are.

    Args:
        place: the file that this is kept in.
        variables: those of the environment.
        keep: whether the file may be written.
    """

    def __init__(self, place: Path, variables: Mapping[str, str], *, keep: bool) -> None:
        self._place, self._variables, self._keep = place, variables, keep
        self._known = _read(place)

    def find(self, minor: str) -> Interpreter | None:
        """Return the first CPython of a minor version that runs, None where there is none.

        Raises:
            UsageProblem: what the variable names is not there.
        """
        for path in self._candidates(minor):
            told = self._told(path)
            if told and told[0] == "cpython" and told[1].split(".")[:2] == minor.split("."):
                return Interpreter(Path(told[2]), told[1])
        return None

    def _candidates(self, minor: str) -> Iterator[Path]:
        """Give the places of a Python, the first that count first; stand-ins of PATH, such as pyenv's, are left out."""
        name, home = f"python{minor}", Path(os.path.expanduser("~"))
        for entry in filter(None, self._variables.get(VARIABLE, "").split(os.pathsep)):
            path = Path(entry).expanduser()
            if not path.exists():
                raise UsageProblem(f"{VARIABLE} names {entry}, which is not there; correct it, or take it out")
            yield from (path / name, path / "bin" / name) if path.is_dir() else (path,)
        for entry in filter(None, self._variables.get("PATH", os.defpath).split(os.pathsep)):
            if not _is_script(Path(entry, name)):
                yield Path(entry, name)
        pyenv = Path(self._variables.get("PYENV_ROOT") or home / ".pyenv")
        data = Path(self._variables.get("XDG_DATA_HOME") or home / ".local/share")
        uv = Path(self._variables.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
        for versions, pattern in ((pyenv / "versions", f"{minor}.*"), (uv, f"cpython-{minor}.*")):
            with suppress(OSError):
                yield from (path / "bin" / name for path in sorted(versions.glob(pattern), key=_patch, reverse=True))

    def _told(self, path: Path) -> list[str] | None:
        try:
            state = path.stat()
        except OSError:
            return None
        if not os.access(path, os.X_OK) or path.is_dir():
            return None
        mark = [os.path.realpath(path), state.st_mtime_ns, state.st_size]
        known = self._known.get(str(path))
        if known is None or known[0] != mark or (known[1] and not os.path.exists(known[1][2])):
            known = [mark, _asked(path)]
            self._known[str(path)] = known
            self._write()
        told: list[str] | None = known[1]
        return told

    def _write(self) -> None:
        if self._keep:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._place.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(self._known, indent=1), "utf-8")
            os.replace(temporary, self._place)


def _is_script(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


def _asked(path: Path) -> list[str] | None:
    """Return what a Python tells of itself, None where it does not run."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with suppress(OSError, ValueError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [str(path), "-IS", "-c", _TELL],
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WAIT,
            check=False,
        )
        return [str(word) for word in json.loads(done.stdout)] if not done.returncode else None
    return None


def _patch(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", path.name)[:3])


def _read(place: Path) -> dict[str, list[Any]]:
    try:
        known = json.loads(place.read_text("utf-8"))
        return {path: [mark, told] for path, (mark, told) in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
