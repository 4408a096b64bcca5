"""Run build backends: closed, with build requirements that are here already, and nothing else to import."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import EggcartonError
from eggcarton.packages import surroundings
from eggcarton.packages.build_environments import BuildEnvironments
from eggcarton.packages.build_failures import failed
from eggcarton.packages.member import Member
from eggcarton.packages.watched import NOTHING_WATCHED, Watched

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LEGACY = {"requires": ["setuptools"], "build-backend": "setuptools.build_meta:__legacy__"}
_HOOKS = ("build_hook.py", "build_watch.py", "build_questions.py", "build_sight.py")
_SAY_NO_MORE = sys.stdlib_module_names | {"setuptools", "pkg_resources"}
_MAY_SAY_MORE = (b"setup_requires", b"setup-requires", b"**", b"exec", b"__import__", b"import_module")
# What a backend asks for may hang on what it was given for what it asked for before.
_ROUNDS = 4
_LONGEST = 1800.0
"""Seconds after which a build is taken for one that hangs."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What a build may import: directories and eggs, and the versions in them by canonical name.

    Args:
        paths: directories that are imported from as they are.
        versions: the version of each distribution.
        members: the eggs of locked build requirements; there are none in a toolchain that is here anyway.
        identity: what stands for the content of members, a text each.
        answered: what backends have asked for beyond ``pyproject.toml``, and was locked with the rest.
        locked: the digest of the entry that has them in the build lock, as `watched.build_digests` gives it.
    """

    paths: tuple[str, ...]
    versions: Mapping[str, str]
    members: tuple[Member, ...] = ()
    identity: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    locked: str = ""

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


Answer = Callable[[Sequence[str], Sequence[str]], Toolchain]
"""Gives locked build requirements for what ``pyproject.toml`` requires, and for what the backend asks for beyond."""

NOTHING = Toolchain((), {})


@dataclass(frozen=True, slots=True)
class Built:
    """The end of a build: the wheel's name in the directory given, or what stood in its way.

    ``foreign`` are requirements that were not answered; ``watched`` is what decided the result, as far as that was
    watched; ``tools`` is what it was built with.
    """

    wheel: str | None
    foreign: tuple[str, ...] = ()
    watched: Watched = NOTHING_WATCHED
    tools: Toolchain = field(default=NOTHING, compare=False)


def build(
    kind: str,
    source: Path,
    toolchain: Toolchain,
    out: Path,
    answer: Answer | None = None,
    environments: BuildEnvironments | None = None,
) -> Built:
    """Build one wheel.

    Args:
        kind: ``editable`` (PEP 660), which is watched, ``wheel`` (PEP 517), or ``metadata``, that of the first, and no
            wheel if possible.
        source: the project's directory; a wheel is built where it leaves no trace of the directory that holds it.
        toolchain: what the build may import, where that is all that it requires.
        out: an empty directory, which the wheel and the traces of the build go to.
        answer: is asked for what else the build may import instead; without it the build ends there.
        environments: where it runs; without it, in an environment of its own.

    Raises:
        EggcartonError: the build failed; its last lines are in the message. Or its backend has no such hook.
    """
    system = build_system(source)
    requires, tools = list(system["requires"]), toolchain
    if foreign := tools.foreign(requires):
        if answer is None:
            return Built(None, tuple(foreign))
        tools = answer(requires, ())
    answered = tools.answered
    for _ in range(_ROUNDS):
        told = _run(kind, source, system, tools, out, answered, environments)
        more = [line for line in told["requires"] if line not in answered]
        if not more:
            break
        if foreign := tools.foreign(told["requires"]):
            if answer is None:
                return Built(None, tuple(foreign))
            tools = answer(requires, told["requires"])
        answered = tuple(dict.fromkeys((*answered, *tools.answered, *more)))
    else:
        raise EggcartonError(f"{source} asks for other build requirements whenever it has what it asked for: {more}")
    if not told["wheel"]:
        raise EggcartonError(
            f"{source} cannot be built: its build backend {system['build-backend']} has no hook build_{kind}; require "
            "a version of it that has one, or use another backend"
        )
    watched = Watched.of(told["watched"]) if told["watched"] else NOTHING_WATCHED
    return Built(told["wheel"], watched=watched, tools=tools)


def required(kind: str, source: Path, answer: Answer) -> tuple[list[str], list[str]]:
    """Return what a project's build requires: by ``pyproject.toml``, and what its backend asks for beyond.

    Args:
        kind, source: as for `build`.
        answer: gives what the backend may import meanwhile.
    """
    system = build_system(source)
    asked: list[str] = []
    with tempfile.TemporaryDirectory(prefix="eggcarton-build-") as out:
        for _ in range(_ROUNDS):
            told = _run(kind, source, system, answer(system["requires"], asked), Path(out), None)
            if set(told["requires"]) <= set(asked):
                break
            asked = sorted({*asked, *told["requires"]})
    return list(system["requires"]), asked


def build_system(source: Path) -> dict[str, Any]:
    """Return the table ``build-system`` of a project, with its defaults.

    Raises:
        EggcartonError: it is no project, or its ``pyproject.toml`` cannot be read.
    """
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


def _run(
    kind: str,
    source: Path,
    system: Mapping[str, Any],
    tools: Toolchain,
    out: Path,
    answered: Sequence[str] | None,
    environments: BuildEnvironments | None = None,
) -> dict[str, Any]:
    """Run the backend in an environment of nothing but its tools, and return what it told.

    It builds when it asks for nothing but what is ``answered``, and never where that is None.
    """
    place = out / "tools"
    place.mkdir()
    try:
        prefix, real = (environments or BuildEnvironments(place))(tools)
        if kind == "wheel":
            variables = surroundings.variables(os.environ, prefix / "bin")
            inside = dict.fromkeys((prefix, real, *(m.place for m in tools.members)), "/environment")
            variables = surroundings.apart(variables, source.parent, inside)
        else:
            variables = surroundings.of_develop(os.environ, prefix / "bin")
        own = [str(path) for path in (out, prefix, real, *tools.paths, *(m.place for m in tools.members))]
        # Alone in their directory: what lies beside a program is what it imports first.
        (place / "hook").mkdir()
        hook, *_ = [Path(shutil.copy(Path(__file__).with_name(name), place / "hook")) for name in _HOOKS]
        order = {
            "kind": kind,
            "source": str(source),
            "backend": system["build-backend"],
            "backend_path": system.get("backend-path", []),
            "ask_requires": _may_ask_for_more(source, system["build-backend"]),
            "answered": None if answered is None else list(answered),
            "out": str(out),
            "same_names": kind == "wheel",
            "watch": own if kind == "editable" else None,
            "answer": str(place / "answer.json"),
        }
        (place / "order.json").write_text(json.dumps(order), "utf-8")
        # Not -I: that would take no notice of the hash seed.
        command = [str(prefix / "bin" / "python"), "-s", str(hook), str(place / "order.json")]
        process = _run_to_its_end(command, source, variables)
        if process.returncode:
            raise failed(source, process.stdout.decode("utf-8", "replace"))
        told: dict[str, Any] = json.loads((place / "answer.json").read_text("utf-8"))
        return told
    finally:
        shutil.rmtree(place)


def _run_to_its_end(
    command: Sequence[str], source: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Run a build, which is ended where it takes too long; what it said comes with how it ended."""
    try:
        return subprocess.run(
            command,
            cwd=source,
            env=variables,
            umask=0o022,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode("utf-8", "replace")
        raise failed(source, f"{said}\nit was ended, as it had not ended itself after {_LONGEST:g} s") from late
