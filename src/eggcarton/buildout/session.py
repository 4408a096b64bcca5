"""One run of a locked build: what is needed, what the lock answers, and where each part finds it."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from zc.buildout import easy_install

from eggcarton.buildout import (
    asking,
    building,
    configs,
    develop,
    developing,
    extended,
    gone,
    interpreters,
    last_run,
    needs,
    pythons,
    registering,
    rows,
    settings,
    standing,
    strays,
    toolchain,
)
from eggcarton.buildout.asked import Asked
from eggcarton.buildout.machine import Machine
from eggcarton.buildout.requirements_files import RequirementsFiles
from eggcarton.buildout.rows import Rows
from eggcarton.buildout.sections import Sections
from eggcarton.buildout.settings import Settings
from eggcarton.buildout.summary import Done
from eggcarton.buildout.traffic import Traffic
from eggcarton.core.errors import Drift, UsageProblem
from eggcarton.core.names import canonical_name
from eggcarton.packages import closed, generations, selection
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member
from eggcarton.packages.selection import Selection

logger = logging.getLogger("eggcarton")


@dataclass(eq=False)
class Session:
    """What the extension knows of one buildout, from its start to its end, for one Python.

    Args:
        buildout: the running zc.buildout.
        reading: whether nothing may be written: no lock, no store, no environment.
        beside: the sessions of the other Pythons that rows of a matrix run by.
    """

    buildout: Any
    reading: bool
    sections: Sections
    settings: Settings
    rows: Rows
    records: Path
    store: Path
    state: Path
    develop_eggs: Path
    python: Interpreter
    tag: str
    machine: Machine
    done: Done
    child: closed.Child
    asked: Asked
    files: RequirementsFiles
    developed: dict[str, developing.Developed] = field(default_factory=dict)
    selected: dict[str, Selection] = field(default_factory=dict)
    beside: dict[str, Session] = field(default_factory=dict)
    used_environments: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)
    seen: dict[tuple[Any, ...], str] = field(default_factory=dict)
    _sources: dict[str, Any] | None = None
    _others: list[dict[str, Any]] | None = None

    @property
    def sources(self) -> dict[str, Any]:
        """Where files come from; another cache than the usual one is told once."""
        if self._sources is None:
            cache, remark = self.settings.cache_directory()
            if remark:
                logger.info(remark[0].upper() + remark[1:] + ".")
            self._sources = {**self.settings.sources(cache), "keeps": not self.reading}
        return self._sources

    def prepare_recipes(self) -> None:
        """Provide the extensions and recipes that the toolchain does not hold."""
        self._select_recipes()
        if needs.RECIPES in self.selected:
            toolchain.add(found["egg"] for found in self.selected[needs.RECIPES].distributions.values())

    def _select_recipes(self, upgrade: Sequence[str] | None = None, *, lock_only: bool = False) -> list[str]:
        order = asking.order_of_recipes(self)
        return self._select(needs.RECIPES, order, upgrade=upgrade, lock_only=lock_only) if order else []

    def prepare_parts(self) -> list[str]:
        """Build develop packages, lock, fetch and unpack; return the entries of ``develop-eggs`` that belong to it."""
        if not self.reading:
            extended.note(self.buildout)
        self.developed = developing.develop_all(self)
        self._select_parts()
        building.provide_for_pip(self)
        self.beside = pythons.prepared(self)
        return sorted(str(self.develop_eggs / name) for d in self.developed.values() for name in d.files)

    def _select_parts(self, upgrade: Sequence[str] | None = None, *, lock_only: bool = False) -> list[str]:
        changed = []
        for group in asking.groups(self):
            changed += self.select_group(group, upgrade, lock_only=lock_only)
        return changed

    def select_group(self, group: str, upgrade: Sequence[str] | None = None, *, lock_only: bool = False) -> list[str]:
        """Have the lock of a group answer what its parts need, and return what changed, a line each."""
        order = asking.order_of_parts(self, group, [d.stub() for d in self.developed.values()])
        return self._select(group, order, upgrade=upgrade, lock_only=lock_only)

    def of_part(self, part: str) -> Session:
        """Return the session of the Python that a part is for."""
        row = self.rows.get(part)
        return self if row is None or row.python is None else self.beside[row.python.minor]

    def groups(self) -> list[str]:
        """Return all lock groups, that of recipes too."""
        return [*asking.groups(self), needs.RECIPES]

    def group_of(self, part: str | None) -> str:
        """Return the lock group of a part; what is asked for on behalf of none belongs with those that name none."""
        return needs.group_of(part, self.sections.section(part)) if part and part in self.sections else needs.PARTS

    def locked_names(self) -> set[str]:
        """Return the canonical names in all locks."""
        paths = [*(self.lock_of(group) for group in self.groups()), building.lock_of(self)]
        return set(self.child.ask("locked-names", paths=[str(path) for path in paths]))

    def lock_of(self, group: str) -> Path:
        """Return the path of the lock of a group."""
        return needs.lock_of(self.settings.lock, group)

    def lock(self, upgrade: Sequence[str] | None) -> list[str]:
        """Make the locks anew and return what changed, a line each."""
        changed = self._select_recipes(upgrade, lock_only=True)
        self.developed = developing.develop_all(self, lock_only=True)
        changed += self._select_parts(upgrade, lock_only=True)
        for group, order in configs.beyond(self):
            changed += self._select(group, order, upgrade=upgrade, lock_only=True)
        return changed + building.renew(self, None if upgrade is None else list(upgrade))

    def lock_from(self, foreign: Path, group: str, more: Sequence[str] = ()) -> list[str]:
        """Make the lock of a group from a file of another tool and return what was taken, a line each.

        Args:
            more: the names that are locked beside what the configuration needs.

        Raises:
            UsageProblem: no part is in this group.
        """
        recipes = asking.order_of_recipes(self)
        if group == needs.RECIPES and recipes is not None:
            return self._select(group, recipes, lock_only=True, foreign=foreign)
        asking.check_group(self, group)
        self.developed = developing.develop_all(self, lock_only=True)
        order = asking.order_of_parts(self, group, [d.stub() for d in self.developed.values()])
        order["needs"] = sorted([*order["needs"], *([name, "what is installed"] for name in more)])
        return self._select(group, order, lock_only=True, foreign=foreign)

    def _select(
        self,
        group: str,
        order: dict[str, Any],
        *,
        upgrade: Sequence[str] | None = None,
        lock_only: bool = False,
        foreign: Path | None = None,
    ) -> list[str]:
        lock = self.lock_of(group)
        where = self.state / f"selection-{group}.json"
        key = selection.key_of(lock, store=str(self.store), python=self.python.version, **order)
        found = selection.load(where)
        absent = asking.absent(self) if group == needs.PARTS and not lock_only else []
        is_same = found is not None and found.is_of(key, frozen=self.settings.frozen) and not absent
        stands = found is not None and is_same and standing.stands(self, group, found)
        if found is not None and stands and upgrade is None and not lock_only:
            self.selected[group] = found if self.reading else selection.current(where, found)
            return []
        if self.reading:
            raise Drift(
                "the build is not up to date (eggs, versions, the lock or the store have changed since the last run), "
                "so its plans are not known; run bin/buildout, or bin/eggcarton lock to see first what it would lock"
            )
        for remark in (*asking.exposed(order), *asking.lost(self, group)):
            logger.warning(remark)
        asked = {
            "lock": str(lock),
            "policy": "frozen" if self.settings.frozen and not lock_only else "update",
            "upgrade": upgrade,
            "sources": self.sources,
            "gone": gone.sentences(self),
            "toolchain": building.tools(self, frozen=self.settings.frozen and not lock_only),
            "store": None if lock_only else str(self.store),
            **({"file": str(foreign)} if foreign else {"downloads": absent}),
            "places": {**asking.places(self, {**order, "group": group}, by_line=True), **asking.own_pins(self, group)},
            **order,
        }
        conditions = strays.conditions(self.buildout)
        try:
            answer = self._provided("import" if foreign else "provide", asked)
        except Drift as drift:
            remarks = [strays.remark_on(conditions)] if conditions else []
            raise Drift(str(drift), differences=[*toolchain.remarks_on(str(drift)), *remarks]) from drift
        if answer["changed"] and conditions:
            logger.warning("%s: %s", lock.name, strays.remark_on(conditions))
        if not lock_only:
            for line in answer["changed"]:
                logger.info("%s: %s", lock.name, line)
            for line in building.told(answer["builds"]):
                logger.info("%s", line)
            self._note(group, lock, order, answer, where)
        told = "" if group == needs.PARTS else f"{lock.name}: "
        return [*(f"{told}{line}" for line in answer["changed"]), *building.told(answer["builds"])]

    def _provided(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Have a lock answer; what other configurations ask of it is found out when something has to be locked."""
        others: list[dict[str, Any]] | None = None if self.settings.configs else []
        is_new = operation == "provide"
        answer: dict[str, Any] | None = self.child.ask(operation, **asked, others=others) if is_new else None
        return answer or dict(self.child.ask(operation, **configs.beside(asked, self.others)))

    @property
    def others(self) -> list[dict[str, Any]]:
        """What the other configurations that share the locks ask of them; it takes a process for each."""
        if self._others is None:
            self._others = configs.questions(self)
        return self._others

    def _note(self, group: str, lock: Path, order: dict[str, Any], answer: dict[str, Any], where: Path) -> None:
        for remark in answer["remarks"]:
            logger.warning(remark)
        self.done.add(answer)
        key = selection.key_of(lock, store=str(self.store), python=self.python.version, **order)
        self.selected[group] = Selection(key, answer["distributions"], answer["sets"], answer["surplus"])
        selection.save(where, self.selected[group])

    def develop_directories(self) -> list[Path]:
        """Return the directories that ``develop`` names."""
        value = self.buildout["buildout"].get("develop", "")
        return develop.directories(value, self.settings.root, logger.warning, self.said)

    def pins(self, *, for_recipes: bool) -> dict[str, str]:
        """Return the versions that zc.buildout's own installer is held to."""
        group = needs.RECIPES if for_recipes else self.group_of(self.asked.part_at_work)
        pins = {canonical_name(name): pin for name, pin in asking.pins_of(self, group).items()}
        if group in self.selected:
            pins |= self.selected[group].pins()
        if for_recipes:
            return pins | toolchain.versions(toolchain.running())
        return {name: pin for name, pin in pins.items() if name not in self.developed}

    def eggs(self, *, for_recipes: bool) -> Collection[str]:
        """Return the locked eggs among which a recipe, or zc.buildout for its recipes, looks for distributions."""
        found = self.selected.get(needs.RECIPES if for_recipes else self.group_of(self.asked.part_at_work))
        return found.eggs() if found else ()

    def members(self, part: needs.PartNeeds) -> list[Member]:
        """Return the distributions that a part imports: developed here, taken from the machine, and locked."""
        requirements, chosen = asking.lines_of(self, part), self.selected[part.group]
        key = selection.set_key(requirements, self.machine.allowed(part, self.developed))
        names = chosen.sets.get(key, () if not requirements else None)
        if names is None:
            raise UsageProblem(f"what is asked for was not known when the lock was read: {', '.join(requirements)}")
        own = [self.developed[name].member(self.develop_eggs) for name in names if name in self.developed]
        own += self.machine.members(part, names, self.developed)
        hidden = {member.name for member in own}
        return own + [member for member in chosen.members(names) if member.name not in hidden]

    def finish(self, *, complete: bool) -> None:
        """Say in one line what was done; after a complete run remove environments that were long given up."""
        forgotten = self.asked.forget(self.done.installed)
        for group in sorted({self.group_of(part) for part in forgotten if not self.settings.frozen}):
            self.select_group(group)
        self.asked.settle()
        gone.settle(self, *self.beside.values())
        selected = [found for each in (self, *self.beside.values()) for found in each.selected.values()]
        self.done.selected = sum(len(found.distributions) for found in selected)
        if complete:
            generations.keep(self.records / "environments", self.used_environments)
        registering.register(self)
        last_run.note(self.buildout)
        logger.info("%s", self.done)
        self.close()

    def close(self) -> None:
        """End the child process, and keep what is known of its requests."""
        for each in (self, *self.beside.values()):
            each.child.close()
        self.done.traffic.keep()


def begun(buildout: Any, *, reading: bool = False) -> Session:
    """Return a session of a buildout at its start, for the Python that runs here."""
    section, sections, python = buildout["buildout"], Sections(buildout), Interpreter.running()
    links = {"find-links": "\n".join(sections.find_links())}
    read, warnings = settings.read(sections, {**section, **links}, easy_install.default_index_url)
    configs.check(read)
    records = Path(section["parts-directory"]) / ".eggcarton"
    state, store = records / "state", Path(section["eggs-directory"])
    finder = interpreters.Finder(state / "interpreters.json", os.environ, keep=not reading)
    seated = rows.seat(buildout, sections, read, finder)
    for warning in (*warnings, *strays.check(buildout), *strays.indexes(sections, read.indexes)):
        logger.warning(warning)
    done = Done(traffic=Traffic(None if reading else state))
    child = closed.Child(
        partial(closed.ensure, store, **read.of_closed_set(), say=logger.info),
        done.traffic.heed,
        read.remedy,
    )
    return Session(
        buildout=buildout,
        reading=reading,
        sections=sections,
        settings=read,
        rows=seated,
        records=records,
        store=store,
        state=state,
        develop_eggs=Path(section["develop-eggs-directory"]),
        python=python,
        tag=toolchain.egg_tag(),
        machine=Machine(python),
        done=done,
        child=child,
        asked=Asked(
            state / "asked.json",
            {part: sections.section(part) for part in sections.parts()},
            lambda part: needs.lock_of(read.lock, needs.group_of(part, sections.section(part))),
        ),
        files=RequirementsFiles(state / "requirements", read.root, child, reading=reading),
    )
