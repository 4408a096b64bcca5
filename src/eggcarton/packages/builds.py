"""Run build backends: closed, with build requirements that are here already, and nothing else to import."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import EggcartonError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LEGACY = {"requires": ["setuptools"], "build-backend": "setuptools.build_meta:__legacy__"}
_HOOK = Path(__file__).with_name("build_hook.py")
_SAY_NO_MORE = sys.stdlib_module_names | {"setuptools", "pkg_resources"}
_MAY_SAY_MORE = (b"setup_requires", b"setup-requires", b"**", b"exec", b"__import__", b"import_module")
# 1980-01-01, the first day that a zip file can hold.
_EPOCH = "315532800"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What a build may import: the directories of distributions, and their versions by canonical name."""

    paths: tuple[str, ...]
    versions: Mapping[str, str]

    def foreign(self, requires: Sequence[str]) -> list[str]:
        """Return the requirements that the toolchain does not answer."""
        found = []
        for line in requires:
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                found.append(line)
                continue
            if requirement.marker is not None and not requirement.marker.evaluate():
                continue
            version = self.versions.get(str(canonicalize_name(requirement.name)))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                found.append(line)
        return found


@dataclass(frozen=True, slots=True)
class Built:
    """The end of a build: the wheel's name in the directory given, or the requirements that stood in its way.

    ``read`` and ``listed`` are files and directories below the source; ``out_of_sight`` is what the build did that
    cannot be watched.
    """

    wheel: str | None
    foreign: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    out_of_sight: tuple[str, ...] = ()


def build(kind: str, source: Path, toolchain: Toolchain, out: Path) -> Built:
    """Build one wheel.

    Args:
        kind: ``editable`` (PEP 660) or ``wheel`` (PEP 517).
        source: the project's directory.
        toolchain: what the build may import.
        out: an empty directory, which the wheel and the traces of the build go to.

    Raises:
        EggcartonError: the build failed; its last lines are in the message.
    """
    system = _build_system(source)
    if foreign := toolchain.foreign(system["requires"]):
        return Built(None, tuple(foreign))
    answer = _run(kind, source, system, toolchain, out)
    if foreign := toolchain.foreign(answer["requires"]):
        return Built(None, tuple(foreign))
    if not answer["wheel"]:
        return Built(None, (f"{system['build-backend']} (it has no hook build_{kind})",))
    return Built(
        answer["wheel"],
        read=tuple(answer["files"]),
        listed=tuple(answer["directories"]),
        out_of_sight=tuple(answer["out_of_sight"]),
    )


def _build_system(source: Path) -> dict[str, Any]:
    project = source / "pyproject.toml"
    if not project.is_file():
        if not (source / "setup.py").is_file() and not (source / "setup.cfg").is_file():
            raise EggcartonError(f"{source} holds neither pyproject.toml nor setup.py, so it cannot be built")
        return _LEGACY
    try:
        system = tomllib.loads(project.read_text("utf-8")).get("build-system", _LEGACY)
    except tomllib.TOMLDecodeError as error:
        raise EggcartonError(f"{project} is not valid TOML: {error}") from error
    return {**_LEGACY, **system}


def _may_ask_for_more(source: Path, backend: str) -> bool:
    """Tell whether a backend's build requirements may go beyond those in ``pyproject.toml``.

    setuptools finds out by a whole run of its own, which takes as long as the build. All it looks for is
    ``setup_requires``; where no file says so, and ``setup.py`` hands on nothing that was made elsewhere, there is none.
    """
    if backend.partition(":")[0] != "setuptools.build_meta":
        return True
    texts = {name: path.read_bytes() for name in ("setup.py", "setup.cfg") if (path := source / name).is_file()}
    imported = _imported(texts.get("setup.py", b""))
    return not imported <= _SAY_NO_MORE or any(word in text for text in texts.values() for word in _MAY_SAY_MORE)


def _imported(code: bytes) -> set[str]:
    """Return the top-level names of what a file imports; a dot stands for what lies beside it or cannot be read."""
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError):
        return {"."}
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {"." if node.level else node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] or "." for name in found}


def _run(kind: str, source: Path, system: Mapping[str, Any], toolchain: Toolchain, out: Path) -> dict[str, Any]:
    order = {
        "kind": kind,
        "source": str(source),
        "backend": system["build-backend"],
        "backend_path": system.get("backend-path", []),
        "paths": list(toolchain.paths),
        "ask_requires": _may_ask_for_more(source, system["build-backend"]),
        "out": str(out),
        "answer": str(out / "answer.json"),
    }
    (out / "order.json").write_text(json.dumps(order), "utf-8")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "PYTHON"))}
    fixed = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": _EPOCH, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    process = subprocess.run(
        [sys.executable, "-IS", str(_HOOK), str(out / "order.json")],
        env=clean | fixed,
        umask=0o022,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=1800,
        check=False,
    )
    if process.returncode:
        last = process.stdout.decode("utf-8", "replace").strip().splitlines()[-20:]
        raise EggcartonError("\n".join([f"{source} could not be built:", *(f"  {line}" for line in last)]))
    answer: dict[str, Any] = json.loads((out / "answer.json").read_text("utf-8"))
    return answer
