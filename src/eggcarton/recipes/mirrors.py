"""Writes the indexes of the build for pip and uv processes outside it, as far as these can express them.

Each file says in its comments what is lost. No file holds credentials: pip and uv take them from ``~/.netrc``, a
keyring or variables of their own. Without the extension the same files are written, of the same sections.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import Environment, Layout, PackageIndex
from eggcarton.core.options import option
from eggcarton.core.plan import File, Plan
from eggcarton.core.readers import choice, file_path

__all__ = ["Options", "plan"]

_CANONICAL, _MIRROR = "canonical", "mirror"
_UNLOCKED = (
    "without the extension bin/buildout itself does not ask by these routes: add 'extensions = eggcarton' to [buildout]"
)
_ABSOLUTE = "relative-paths = true, and the file of 'environment' holds absolute paths: run bin/buildout after a move"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which files are written, and by which route they have the indexes asked."""

    pip: Path | None = option(
        file_path, "The configuration file for pip, relative to the buildout directory.", default=None
    )
    uv: Path | None = option(
        file_path, "The configuration file for uv, relative to the buildout directory.", default=None
    )
    environment: Path | None = option(
        file_path,
        "The file with the variables that have pip and uv read those: for EnvironmentFile of systemd, or to be sourced"
        " by a shell with set -a.",
        default=None,
    )
    route: str = option(
        choice(_CANONICAL, _MIRROR),
        "By which route the indexes are asked: canonical is the index itself, mirror the first of its mirrors that has"
        " pages, and the index itself where it has none.",
        default=_CANONICAL,
    )

    @property
    def asks_for_indexes(self) -> bool:
        """Whether the part has to know of the indexes of the build."""
        return True


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the files.

    Raises:
        OptionProblems: when nothing would be written, or there is no such route.
    """
    problems = list(_problems(options, layout))
    if problems:
        raise OptionProblems(layout.part, problems)
    given = {"pip": options.pip, "uv": options.uv, "environment": options.environment}
    places = {name: layout.root / file for name, file in given.items() if file is not None}
    indexes = layout.indexes.known if layout.indexes is not None else ()
    texts = {
        "pip": lambda: _pip(indexes, options.route),
        "uv": lambda: _uv(indexes, options.route),
        "environment": lambda: _environment(places),
    }
    files = (
        tuple(File(place, _written(layout.part, texts[name]())) for name, place in places.items()) if indexes else ()
    )
    remarks = [_UNLOCKED] if layout.indexes is not None and not layout.indexes.in_force else []
    remarks += [_ABSOLUTE] if layout.relative and "environment" in places else []
    return Plan(files, {f"{name}-path": str(place) for name, place in places.items()}, tuple(remarks))


def _problems(options: Options, layout: Layout) -> Iterator[str]:
    if options.pip is None and options.uv is None:
        yield "nothing would be written: give pip or uv a path"
    known = layout.indexes.known if layout.indexes is not None else ()
    if known and options.route == _MIRROR and not any(index.mirrors for index in known):
        yield "option 'route': no index has a mirror with pages, which pip and uv need; write route = canonical"


def _written(part: str, lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in [f"# Written by bin/buildout for [{part}]: change that, not this.", *lines])


def _lost(indexes: Sequence[PackageIndex], program: str) -> Iterator[str]:
    """Give what neither pip nor uv can be told of, as comments."""
    yield f"# What {program} cannot be told of, and bin/buildout does:"
    if any(index.mirrors for index in indexes):
        yield "# - other routes: one address is asked for each index, and where it fails nothing else is; a second one"
        yield "#   would be another index to it, whose answers are merged with those of the first;"
    yield "# - hashes: they are checked only where requirements have them, as those that recipe 'pins' writes do;"
    yield "# - older pages and other bytes of a route: they are taken as they come;"
    yield f"# - credentials: none stand here; {program} takes them from ~/.netrc, a keyring or variables of its own."


def _pip(indexes: Sequence[PackageIndex], route: str) -> list[str]:
    default, others = _parted(indexes)
    lines = list(_lost(indexes, "pip"))
    for index in others:
        lines.append(f"# - the index [{index.name}]: pip would ask the address below for {', '.join(index.projects)},")
        lines.append("#   where anybody may have put such names; install those with")
        lines.append(f"#   pip install --index-url {_address(index, route)} --no-deps NAME")
    # Empty values take away what other files of pip's may say.
    return [*lines, "[global]", f"index-url = {_address(default, route)}", "extra-index-url =", "find-links ="]


def _uv(indexes: Sequence[PackageIndex], route: str) -> list[str]:
    default, others = _parted(indexes)
    names = _names(indexes)
    lines = list(_lost(indexes, "uv"))
    for index in others:
        lines.append(
            f"# - the index [{index.name}]: uv would ask the address below for {', '.join(index.projects)}, where"
        )
        lines.append("#   anybody may have put such names; it knows no patterns, and takes single names from the")
        lines.append("#   pyproject.toml of a project alone, which is to have these lines, the last one for each name:")
        source = [*_named(names[index.name], _address(index, route), "explicit", "tool.uv.index"), "[tool.uv.sources]"]
        lines += [f"#     {line}" for line in [*source, f"NAME = {{ index = {json.dumps(names[index.name])} }}"]]
    return [*lines, *_named(names[default.name], _address(default, route), "default", "index")]


def _named(name: str, url: str, kind: str, table: str) -> list[str]:
    """Return the table of an index as uv reads it."""
    address = json.dumps(url, ensure_ascii=False)
    return [f"[[{table}]]", f"name = {json.dumps(name)}", f"url = {address}", f"{kind} = true"]


def _environment(places: dict[str, Path]) -> list[str]:
    variables = {"pip": "PIP_CONFIG_FILE", "uv": "UV_CONFIG_FILE"}
    return [f"{variable}={_quoted(places[name])}" for name, variable in variables.items() if name in places]


def _quoted(path: Path) -> str:
    """Return a value as a shell and systemd's EnvironmentFile read it alike."""
    return '"' + re.sub(r'([\\"$`])', r"\\\1", str(path)) + '"'


def _parted(indexes: Sequence[PackageIndex]) -> tuple[PackageIndex, list[PackageIndex]]:
    """Return the default index, and those that only some names are asked at."""
    default = next(index for index in indexes if not index.projects)
    return default, [index for index in indexes if index is not default]


def _address(index: PackageIndex, route: str) -> str:
    return index.mirrors[0] if route == _MIRROR and index.mirrors else index.url


def _names(indexes: Sequence[PackageIndex]) -> dict[str, str]:
    """Return a name for each index that uv takes, which knows only some signs."""
    found: dict[str, str] = {}
    spelt = {index.name: re.sub(r"[^A-Za-z0-9._-]+", "-", index.name).strip("-") or "index" for index in indexes}
    # What uv takes as it is keeps its name.
    for index in sorted(indexes, key=lambda index: spelt[index.name] != index.name):
        base = name = spelt[index.name]
        number = 1
        while name in found.values():
            number += 1
            name = f"{base}-{number}"
        found[index.name] = name
    return found
