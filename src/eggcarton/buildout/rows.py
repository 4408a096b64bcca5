"""The rows of matrices: each becomes a part of its own, so that all that knows parts knows rows.

A row's section takes all options over from that of its part; it has a lock group of its own and its own
requirements beside the part's. The part depends on it: where the one is built, the other is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import interpreters, needs
from eggcarton.buildout.recipes import ours
from eggcarton.buildout.sections import Added, Sections
from eggcarton.core import matrices
from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import Layout, Matrix, canonical_name
from eggcarton.core.matrices import RequirementSet
from eggcarton.core.readers import shortened
from eggcarton.packages.interpreter import Interpreter

if TYPE_CHECKING:
    from eggcarton.buildout.settings import Settings

_SEATED = "_eggcarton_rows"
_OPTIONS = ("matrix", "pythons")
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


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a part's matrix: a set of requirements by one Python.

    Args:
        name: what it is called in the matrix.
        part: the part whose row it is.
        group: its lock group.
        base: the lock group of that part.
        requirements: what it requires beside what the part does.
        python: the Python that runs it, None for the one that runs here.
    """

    name: str
    part: str
    group: str
    base: str
    requirements: tuple[str, ...] = ()
    python: Interpreter | None = None

    @property
    def section(self) -> str:
        """The section that stands for it."""
        return f"{self.part}-{self.name}"

    @property
    def for_any_python(self) -> str:
        """What it is called whichever Python runs it."""
        return self.section.removesuffix(f"-py{self.python.minor}") if self.python else self.section

    def is_by(self, minor: str) -> bool:
        """Tell whether another Python of this minor version runs it."""
        return self.python is not None and self.python.minor == minor

    def replaces(self, name: str) -> bool:
        """Tell whether its requirements take the place of a pin."""
        return canonical_name(name) in {canonical_name(_parsed(line).project_name) for line in self.requirements}


@dataclass(slots=True)
class Rows:
    """The rows of all parts, by the names of their sections.

    Args:
        left_out: of each part that has rows, the names of those that are left out, each with why.
        aliases: of each, further names of rows, each with the row's name.
    """

    known: dict[str, Row] = field(default_factory=dict)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, section: str | None) -> Row | None:
        """Return the row that a section stands for, None for one of the configuration."""
        return self.known.get(section or "")

    def by_any_python(self, pairs: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return requirements with who asks for them, a row by whatever Python once."""
        asked = dict[tuple[str, str], None]()
        for requirement, asker in pairs:
            row = self.get(asker.removeprefix("part "))
            asked[requirement, f"part {row.for_any_python}" if row else asker] = None
        return [list(pair) for pair in asked]

    def option(self, section: str, option: str, requirement: str) -> tuple[str, str]:
        """Return where in the configuration it stands that something asks for a requirement."""
        row = next((row for row in self.known.values() if section in (row.section, row.for_any_python)), None)
        if row is None or row.part == section:
            return section, option
        return row.part, "matrix" if requirement in row.requirements else option

    def of_group(self, group: str) -> Row | None:
        """Return a row that is locked in a group of its own."""
        return next((row for row in self.known.values() if row.group == group != row.base), None)

    def pythons(self) -> dict[str, Interpreter]:
        """Return the Pythons that run rows and do not run here, by their minor versions."""
        return {row.python.minor: row.python for row in self.known.values() if row.python is not None}

    def placed(self, layout: Layout, imported: Callable[[str], tuple[str, ...]]) -> Layout:
        """Return a layout as a part with rows, or a row, has it: the script of a row is not among those of parts.

        Args:
            imported: returns the canonical names of what a part imports.
        """
        if row := self.get(layout.part):
            place, imports = _bin(layout, layout.part), imported(row.part)
            return replace(layout, bin=place, row=row.name, part_imports=imports)
        if layout.part not in self.aliases:
            return layout
        mine = [row for row in self.known.values() if row.part == layout.part]
        pythons = [f"Python {by.minor} is {by.executable} ({by.version})" for row in mine if (by := row.python)]
        matrix = Matrix(
            rows={row.name: _bin(layout, row.section) for row in mine},
            left_out=self.left_out[layout.part],
            aliases=self.aliases[layout.part],
            pythons=tuple(dict.fromkeys(pythons)),
        )
        return replace(layout, matrix=matrix)


def _bin(layout: Layout, section: str) -> Path:
    return layout.parts / section / "bin"


def _parsed(requirement: str) -> Any:
    return pkg_resources.Requirement.parse(requirement)


def seat(buildout: Any, sections: Sections, settings: Settings, finder: interpreters.Finder) -> Rows:
    """Give each row of the parts' matrices a section, once a buildout, and return the rows.

    Args:
        finder: finds the Pythons that they name.

    Raises:
        OptionProblems: a matrix is wrong.
    """
    found: Rows | None = getattr(buildout, _SEATED, None)
    if found is None:
        found = Rows()
        setattr(buildout, _SEATED, found)
        for part in [part for part in sections.parts() if _may_have_rows(sections, part)]:
            _Seats(sections, settings, part, found).take(finder)
    return found


def seated(buildout: Any) -> Rows:
    """Return the rows that a buildout's sessions have given sections."""
    found: Rows = getattr(buildout, _SEATED, Rows())
    return found


def _may_have_rows(sections: Sections, part: str) -> bool:
    raw = sections.raw(part)
    if not any(raw.get(name, "").strip() for name in _OPTIONS):
        return False
    return ours(sections.section(part)) == "test"


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


class _Seats:
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
