"""The rows of matrices: each becomes a part of its own, so that all that knows parts knows rows.

A row's section takes all options over from that of its part; it has a lock group of its own and its own
requirements beside the part's. The part depends on it: where the one is built, the other is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import interpreters
from eggcarton.buildout.recipes import ours
from eggcarton.buildout.sections import Sections
from eggcarton.core.names import canonical_name
from eggcarton.packages.interpreter import Interpreter

if TYPE_CHECKING:
    from eggcarton.buildout.settings import Settings
    from eggcarton.core.layout import Layout

_SEATED = "_eggcarton_rows"
_OPTIONS = ("matrix", "pythons")


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
        return canonical_name(name) in {
            canonical_name(pkg_resources.Requirement.parse(line).project_name) for line in self.requirements
        }


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
        from eggcarton.core.layout import Matrix

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
            from eggcarton.buildout.seats import Seats

            Seats(sections, settings, part, found).take(finder)
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
