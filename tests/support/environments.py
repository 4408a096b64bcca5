"""Real environments of small distributions, and what runs in them.

found = made(tmp_path, members(tmp_path, wheel(tmp_path, "six", "1", {"six.py": "answer = 42\\n"})))
assert "42" == python(found, "import six; print(six.answer)")
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from eggcarton.core.layout import Environment
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import environment
from eggcarton.packages.environment import Makeup
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member
from eggcarton.packages.store import Store, Unpacked

TAG = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"
PYTHON = Interpreter.running()


def members(place: Path, *wheels: Path) -> list[Member]:
    """Unpack wheels into a store below a place and return them as members of an environment."""
    store = Store(place / "store", TAG)
    found = []
    for path in wheels:
        name, version = path.name.split("-")[:2]
        digest, name = file_digest(path), name.replace("_", "-").replace(".", "-").lower()
        egg = store.add({digest: path}, [Unpacked(name, version, path.name, digest)])[digest]
        found.append(Member(name, version, egg, digest))
    return found


def makeup(found: Sequence[Member], *extra_paths: Path) -> Makeup:
    """Return what an environment of these members is made of."""
    return Makeup(python=PYTHON, members=tuple(found), extra_paths=extra_paths)


def told(place: Path, found: Sequence[Member], *extra_paths: Path) -> tuple[Environment, tuple[str, ...]]:
    """Make an environment, and return it with what is said of it."""
    return environment.ensure(place / "environments", makeup(found, *extra_paths), place / "store")


def made(place: Path, found: Sequence[Member], *extra_paths: Path) -> Environment:
    """Make an environment that nothing is to be said of."""
    result, remarks = told(place, found, *extra_paths)
    assert () == remarks
    return result


def run(command: Sequence[str | Path], **variables: str) -> str:
    """Run a program and return what it printed; its errors are in the failure."""
    done = subprocess.run(
        [str(word) for word in command],
        env={"PATH": os.defpath, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def python(found: Environment, code: str, *flags: str, **variables: str) -> str:
    """Run statements in an environment, isolated unless other flags are given."""
    return run([found.python, *(flags or ("-I",)), "-c", code], **variables)
