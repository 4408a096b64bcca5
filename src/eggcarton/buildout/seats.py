"""The sections that the rows of a part's matrix are given: needed only where there is a matrix."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import interpreters, needs
from eggcarton.buildout.rows import Row, Rows
from eggcarton.buildout.sections import Added, Sections
from eggcarton.core import matrices
from eggcarton.core.errors import OptionProblems
from eggcarton.core.matrices import RequirementSet
from eggcarton.core.readers import shortened
from eggcarton.packages.interpreter import Interpreter

if TYPE_CHECKING:
    from eggcarton.buildout.settings import Settings

_ONCE = (
    "<",
    "<part-dependencies>",
    "lock-group",
    "matrix",
    "pythons",
    "matrix-script",
    "matrix-parallel",
    "matrix-timeout",
)


def _parsed(requirement: str) -> Any:
    return pkg_resources.Requirement.parse(requirement)


def _read(part: str, values: Mapping[str, str]) -> tuple[tuple[RequirementSet, ...], tuple[str, ...]]:
    """Return the sets and the Pythons that a section names."""
    problems = []
    found: list[Any] = []
    for name, reader in (("matrix", matrices.sets), ("pythons", matrices.python_versions)):
        text = values.get(name, "").strip()
        try:
            found.append(reader(text))
        except ValueError as error:
            problems.append(f"option '{name}': {shortened(text)!r} {error}")
    if problems:
        raise OptionProblems(part, problems)
    return found[0], found[1]


class Seats:
    """The sections of one part's rows."""

    def __init__(self, sections: Sections, settings: Settings, part: str, rows: Rows) -> None:
        self._sections, self._settings, self._part, self._rows = sections, settings, part, rows
        self._raw, values = sections.raw(part), sections.section(part)
        self._aliases, self._left_out = rows.aliases.setdefault(part, {}), rows.left_out.setdefault(part, {})
        self._base = needs.group_of(part, values)
        self._sets, self._pythons = _read(part, values)

    def take(self, finder: interpreters.Finder) -> None:
        """Give every set by every Python that is there a section."""
        requires_python = self._settings.requires_python
        own = Interpreter.running()
        others = {minor: None if minor == own.minor else finder.find(minor) for minor in self._pythons}
        if own.minor in self._pythons:
            self._aliases[f"py{own.minor}"] = matrices.DEFAULT
        for one in self._sets:
            self._add(one, None, own)
            if own.minor in self._pythons:
                self._aliases[f"{one.name}-py{own.minor}"] = one.name
        admitted = _parsed(f"python{requires_python}")
        for minor, python in others.items():
            if minor == own.minor:
                continue
            if python is None:
                self._left_out[f"py{minor}"] = f"Python {minor} was not found on this machine"
            elif python.version not in admitted:
                self._left_out[f"py{minor}"] = (
                    f"what is locked is for requires-python = {requires_python}, which {python.version} is not; say so"
                    " in [eggcarton]"
                )
            else:
                for one in (RequirementSet("", ()), *self._sets):
                    self._add(one, python, python)
        names = [row.section for row in self._rows.known.values() if row.part == self._part]
        self._sections.depend(self._part, names)

    def _add(self, wanted: RequirementSet, python: Interpreter | None, by: Interpreter) -> None:
        suffix = f"py{python.minor}" if python else ""
        name = "-".join(filter(None, [wanted.name, suffix]))
        if wanted.requirements and not any(_holds(line, by) for line in wanted.requirements):
            self._left_out[name] = f"no requirement of it is for Python {by.minor}"
            return
        group = re.sub("[^A-Za-z0-9_-]", "-", f"{self._part}-{wanted.name}") if wanted.name else self._base
        found = Row(name, self._part, group, self._base, wanted.requirements, python)
        if found.section in self._sections:
            problem = f"option 'matrix': the row '{name}' is built as [{found.section}], which there is; rename one"
            raise OptionProblems(self._part, [problem])
        self._rows.known[found.section] = found
        kept = {name: value for name, value in self._raw.items() if name.replace("_", "-") not in _ONCE}
        self._sections.add(found.section, kept | dict(self._options(found)), Added(self._part, wanted.requirements))

    def _options(self, row: Row) -> Iterator[tuple[str, str]]:
        """Give the options of a row that are others than those of its part."""
        # Left out, both are the name of the part.
        yield "eggs", self._raw.get("eggs", self._part)
        yield "script", self._raw.get("script", "").strip() or self._part
        if row.group != needs.PARTS:
            yield "lock-group", row.group
        if row.group != self._base == needs.PARTS and "requirements" not in self._raw:
            yield "requirements", "\n".join(self._settings.requirements)
        if self._raw.get("junit", "").strip():
            name, extension = os.path.splitext(self._raw["junit"].strip())
            yield "junit", f"{name}-{row.name}{extension}"


def _holds(requirement: str, python: Interpreter) -> bool:
    marker = _parsed(requirement).marker
    if marker is None:
        return True
    return bool(marker.evaluate({"python_version": python.minor, "python_full_version": python.version}))
