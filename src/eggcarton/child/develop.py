"""Build develop packages, and bring what the builds of others require to where pip finds it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.parser import HeaderParser
from functools import partial
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from eggcarton.child import building
from eggcarton.child.door import Sources
from eggcarton.packages import builds, develop, project_metadata
from eggcarton.packages.builds import Answer, Toolchain

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def build(
    *,
    projects: Sequence[str],
    toolchain: Mapping[str, Any],
    sources: Mapping[str, Any],
    allow_sdist: Sequence[str],
    out: str,
    logs: str | None = None,
    aside: bool = False,
) -> dict[str, Any]:
    """Build each project as an editable wheel, and unpack the result below ``out``.

    Args:
        projects: project directories.
        toolchain: the paths and versions that builds may use, and as ``builds`` the fields of `building.Place`.
        sources: the fields of `Sources`.
        allow_sdist: names and patterns of what may be built from source, should a build require it.
        out: a directory to fill with one directory a project, named by its position.
        logs: the directory for what builds that fail have said.
        aside: whether the projects stay as they are, with nothing put beside their modules.

    Returns:
        ``built``, as `develop.build` returns it, and ``changed``: what was locked, a line each.
    """
    requirements = _requirements(toolchain, sources, allow_sdist)

    def answer(project: Path) -> Answer:
        return partial(requirements.answer, label_of(project))

    tools = Toolchain(tuple(toolchain["paths"]), toolchain["versions"])
    built = develop.build(
        [Path(project) for project in projects], tools, Path(out), answer, Path(logs) if logs else None, aside=aside
    )
    return {"built": built, "changed": requirements.changed}


def metadata(
    *,
    projects: Sequence[str],
    toolchain: Mapping[str, Any],
    sources: Mapping[str, Any],
    allow_sdist: Sequence[str],
) -> dict[str, Any]:
    """Find out the metadata of projects that others build.

    Args:
        projects, toolchain, sources, allow_sdist: as for `build`.

    Returns:
        ``told``, as `project_metadata.read` returns it, for each, and ``changed``: what was locked, a line each.
    """
    requirements = _requirements(toolchain, sources, allow_sdist)
    tools = Toolchain(tuple(toolchain["paths"]), toolchain["versions"])
    found = [
        # It is pip that will build them, and what that needs is locked under this name as long as parts have it build.
        project_metadata.read(project, tools, partial(requirements.answer, label_of(project) + building.BY_PIP))
        for project in map(Path, projects)
    ]
    return {"told": found, "changed": requirements.changed}


def require(
    *,
    project: str | None,
    kind: str,
    requires: Sequence[str],
    label: str | None,
    wheels: str,
    toolchain: Mapping[str, Any],
    sources: Mapping[str, Any],
    allow_sdist: Sequence[str],
) -> list[str]:
    """Make a directory hold the locked wheels of all that a build requires, for pip to install from.

    Args:
        project: the directory that pip is to build, None where only ``requires`` counts.
        kind: ``wheel`` or ``editable``.
        requires: requirements besides.
        label: what the requirements are locked for; the project's own name by default.
        wheels: the directory; whatever else is in it goes.
        toolchain, sources, allow_sdist: as for `build`.

    Returns:
        what was locked, a line each.
    """
    requirements = _requirements(toolchain, sources, allow_sdist)
    lines, asked = list(requires), list[str]()
    name = label or label_of(Path(project or ".")) + building.BY_PIP
    if project is not None:
        lines, asked = builds.required(kind, Path(project), partial(requirements.answer, name))
    with requirements.entry(name, lines, asked) as entry:
        requirements.put_wheels(entry, Path(wheels))
    return requirements.changed


def _requirements(
    toolchain: Mapping[str, Any], sources: Mapping[str, Any], allow_sdist: Sequence[str]
) -> building.BuildRequirements:
    requirements = building.allow(Sources.of(sources).open(), toolchain, allow_sdist)
    assert requirements is not None
    return requirements


def label_of(project: Path) -> str:
    """Return the canonical name that a project gives itself, else that of its directory.

    An unpacked source distribution has its version in it too.
    """
    with suppress(OSError, UnicodeDecodeError):
        told = HeaderParser().parsestr((project / "PKG-INFO").read_text("utf-8"))
        if told["Name"] and told["Version"]:
            return f"{canonicalize_name(told['Name'])} {told['Version']}"
    with suppress(OSError, ValueError, AttributeError):
        raw = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
        tool = raw.get("tool", {})
        for table in (raw.get("project", {}), tool.get("poetry", {}), tool.get("flit", {}).get("metadata", {})):
            name = table.get("name") or table.get("module")
            if isinstance(name, str):
                return str(canonicalize_name(name))
    return str(canonicalize_name(project.resolve().name))
