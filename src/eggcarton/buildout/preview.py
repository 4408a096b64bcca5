"""What a run would write and what it would remove, told of each part, with nothing written."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from eggcarton.buildout import installed, needs
from eggcarton.buildout.part import Part
from eggcarton.buildout.recipes import OURS
from eggcarton.buildout.session import Session
from eggcarton.core.difference import difference
from eggcarton.core.editable import settle
from eggcarton.core.errors import Drift, UsageProblem
from eggcarton.core.plan import File, Item, Plan, Rendered
from eggcarton.core.records import Record, read_record
from eggcarton.core.staging import stands
from eggcarton.core.standing import look
from eggcarton.packages import closed, environment


class Preview:
    """The parts that a configuration names, and those that the last run left and the next one removes.

    Args:
        session: one that only reads.

    Raises:
        UserError: zc.buildout's own, when a part has no section or no recipe.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._buildout, self._root = session, session.buildout, session.settings.root
        self._recipes = {part.part: part.recipe for part in needs.of_parts(session.sections)}
        for part in self._buildout["buildout"].get("parts", "").split():
            if part not in self._recipes:
                self._recipes[part] = self._buildout[part]["recipe"]
        left = installed.of(self._buildout).parts
        self._gone = {part: paths for part, paths in left.items() if part not in self._recipes}
        self._kept = {path for part, paths in left.items() if part in self._recipes for path in paths}

    def of(self, wanted: Sequence[str]) -> Iterator[str]:
        """Give what would become of some parts, of all where none is named; the words of one part at a time.

        Raises:
            UsageProblem: there is no such part.
            Drift: plans hang on what is installed, which is not what the configuration asks for. What goes with parts
                that are no longer named is told before.
        """
        known = [*self._recipes, *self._gone]
        for part in wanted:
            if part not in known:
                raise UsageProblem(f"there is no part {part!r}; the parts are {', '.join(known)}")
        gone = [part for part in wanted or known if part in self._gone]
        try:
            self._session.prepare_recipes()
            self._session.prepare_parts()
        except Drift as drift:
            yield from (self._removed(part, self._kept, "removed where no other part makes it") for part in gone)
            raise self._advised(drift) from drift
        yield from (self._changed(part) for part in wanted or known if part in self._recipes)
        kept = self._kept | (self._planned() if gone else set())
        yield from (self._removed(part, kept, "removed") for part in gone)

    def _advised(self, drift: Drift) -> Drift:
        """Return why plans are not known; where bin/buildout may refuse, with what helps then."""
        if not self._session.settings.frozen:
            return drift
        return Drift(f"{drift}; where policy = frozen has it refuse, run bin/eggcarton lock where the lock may change")

    def _changed(self, part: str) -> str:
        recipe = self._part(part)
        if recipe is None:
            name = self._session.sections.section(part)["recipe"]
            return f"[{part}] is built by {name}, whose plan is not known"
        shown = "".join(self._differences(recipe))
        return f"[{part}]\n{shown}" if shown else f"[{part}] nothing to do"

    def _part(self, name: str) -> Part | None:
        """Return a part whose recipe is one of ours; another's is not made, since it may do anything then."""
        if self._recipes[name] != OURS:
            return None
        part: Part = self._buildout[name].recipe
        return part

    def _differences(self, part: Part) -> Iterator[str]:
        """Give the difference between a part's plan and what stands, what it would remove included."""
        record = read_record(self._session.records, part.name)
        settled = settle(part.plan.items, record)
        items = [self._filled_in(item) if isinstance(item, Rendered) else item for item in settled.items]
        for path, beside in settled.beside.items():
            if difference(Plan(items=tuple(item for item in items if item.path == beside)), self._root):
                yield f"kept: {self._short(path)}, which has been edited; the new one is {self._short(beside)}\n"
        yield from (f"finding: {finding}\n" for finding in part.plan.findings)
        yield from self._environment(part)
        yield difference(Plan(items=tuple(items)), self._root)
        for item in items:
            if isinstance(item, Rendered):
                yield (
                    f"not known: what {self._short(item.path)} will hold, since what fills in templates is not"
                    " installed; run bin/buildout, which installs it\n"
                )
        planned = {*settled.kept, *(item.path for item in items)}
        gone = sorted(path for path in record.known - planned if not self._is_edited(path, record))
        yield from (f"removed: {self._short(path)}\n" for path in gone if os.path.lexists(path))

    def _environment(self, part: Part) -> Iterator[str]:
        """Tell of an environment that a run would make, or make over since what stands is no whole one."""
        wanted = part.environment
        if wanted is None:
            return
        found = environment.load(wanted.prefix, self._session.store)
        if found is None or found.digest != wanted.digest:
            what = "environment made over" if os.path.lexists(wanted.prefix) else "new environment"
            yield f"{what}: {self._short(wanted.prefix)}\n"

    def _filled_in(self, item: Rendered) -> Item:
        """Return a template filled in; as it is where that would mean to fetch what fills it in."""
        if not (self._session.store / ".eggcarton" / closed.directory_name()).is_dir():
            return item
        return File(item.path, closed.render(self._session.child, item), item.mode)

    def _planned(self) -> set[Path]:
        parts = [part for name in self._recipes if (part := self._part(name)) is not None]
        return {item.path for part in parts for item in part.plan.items}

    def _removed(self, part: str, kept: Container[Path], how: str) -> str:
        record = read_record(self._session.records, part)
        editable = [path for path, entry in record.paths.items() if entry.kind == "editable"]
        paths = [*self._gone[part], *(path for path in editable if not self._is_edited(path, record))]
        going = [path for path in paths if path not in kept and os.path.lexists(path)]
        what = f"{how}: {', '.join(map(self._short, going))}" if going else "nothing to remove"
        return f"[{part}] is no longer in parts: {what}"

    def _is_edited(self, path: Path, record: Record) -> bool:
        """Tell whether a file that may be edited is, so that it stays."""
        entries = [entry for entry in record.entries(path) if entry.kind == "editable"]
        return bool(entries) and not any(stands(entry, look(path)) for entry in entries)

    def _short(self, path: Path) -> str:
        return os.path.relpath(path, self._root)
