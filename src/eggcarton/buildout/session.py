"""One run of a locked build: what is needed, what the lock answers, and where each part finds it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zc.buildout import easy_install
from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import (
    asking,
    building,
    configs,
    develop,
    developing,
    needs,
    pythons,
    rows,
    settings,
    strays,
    toolchain,
)
from eggcarton.buildout.asked import Asked
from eggcarton.buildout.machine import Machine
from eggcarton.buildout.requirements_files import RequirementsFiles
from eggcarton.buildout.sections import Sections
from eggcarton.buildout.summary import Done
from eggcarton.buildout.traffic import Traffic
from eggcarton.core.errors import Drift, UsageProblem
from eggcarton.core.layout import canonical_name
from eggcarton.core.plan import Rendered
from eggcarton.packages import closed, generations, selection
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member
from eggcarton.packages.selection import Selection

logger = logging.getLogger("eggcarton")


class Session:
    """What the extension knows of one buildout, from its start to its end.

    Args:
        buildout: the running zc.buildout.
        reading: whether nothing may be written: no lock, no store, no environment.
    """

    def __init__(self, buildout: Any, *, reading: bool = False) -> None:
        self.buildout, self.reading = buildout, reading
        section = buildout["buildout"]
        self.sections = Sections(buildout)
        self.settings, warnings = settings.read(
            self.sections,
            {**section, "find-links": "\n".join(self.sections.find_links())},
            easy_install.default_index_url,
        )
        configs.check(self.settings)
        self.records = Path(section["parts-directory"]) / ".eggcarton"
        self.rows = rows.seat(self)
        for warning in (*warnings, *strays.check(buildout), *strays.indexes(self.sections, self.settings.indexes)):
            logger.warning(warning)
        self.store = Path(section["eggs-directory"])
        self.develop_eggs = Path(section["develop-eggs-directory"])
        self.state = self.records / "state"
        self.python, self.tag = Interpreter.running(), toolchain.egg_tag()
        self.beside: dict[str, Session] = {}
        self.done = Done(traffic=Traffic(None if reading else self.state))
        closed_set = partial(closed.ensure, self.store, index=self.settings.index, say=logger.info)
        self.child = closed.Child(closed_set, self.done.traffic.heed, self.settings.remedy)
        self.machine = Machine(self.python)
        self.developed: dict[str, develop.Developed] = {}
        self.selected: dict[str, Selection] = {}
        self.used_environments: set[str] = set()
        self.said: set[str] = set()
        self.seen: dict[tuple[Any, ...], str] = {}
        self.asked = Asked(self.state / "asked.json", list(self.sections.parts()))
        self.files = RequirementsFiles(self.state / "requirements", self.settings.root, self.child, reading=reading)
        self._sources: dict[str, Any] | None = None
        self._others: list[dict[str, Any]] | None = None

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
        lock = self.settings.lock
        return lock if group == needs.PARTS else lock.with_name(f"{lock.stem}.{group}{lock.suffix}")

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
        stands = found is not None and is_same and self._stands(found, group)
        if found is not None and stands and upgrade is None and not lock_only:
            self.selected[group] = found
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
            raise Drift(str(drift), differences=[strays.remark_on(conditions)] if conditions else []) from drift
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

    def _stands(self, found: Selection, group: str) -> bool:
        """Tell whether the eggs of a group stand; another group may have other ones of the same names."""
        if found.stands(str(self.store)):
            return True
        noted = [selection.load(self.state / f"selection-{other}.json") for other in self.groups() if other != group]
        return found.stands(str(self.store), [egg for other in noted if other is not None for egg in other.eggs()])

    def _provided(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Have a lock answer; what other configurations ask of it is found out when something has to be locked."""
        others: list[dict[str, Any]] | None = None if self.settings.configs else []
        answer: dict[str, Any] | None = None
        if operation == "provide":
            answer = self.child.ask(operation, **asked, others=others)
        if answer is None:
            answer = self.child.ask(operation, **configs.beside(asked, self.others))
        return answer

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
        return develop.directories(self.buildout["buildout"].get("develop", ""), self.settings.root, logger.warning)

    def answer(self, specs: Iterable[str]) -> bool:
        """Have the lock answer what a recipe asks for beyond what its section says; tell whether it did."""
        group = self.group_of(self.asked.part_at_work)
        if group not in self.selected:
            return False
        beyond = [spec for spec in specs if not self._is_answered(spec, group, asked=False)]
        if not beyond:
            return False
        new = [spec for spec in beyond if not self._is_answered(spec, group, asked=True)]
        self.asked.add(beyond)
        if new:
            before = self.selected[group].pins()
            self.select_group(group)
            after = self.selected[group].pins()
            changed = sorted(name for name, version in before.items() if after.get(name, version) != version)
            if changed:
                # Parts that were built before this was asked have what was locked then.
                logger.warning("%s changed while parts were being built; run bin/buildout again", ", ".join(changed))
        return bool(new)

    def _is_answered(self, spec: str, group: str, *, asked: bool) -> bool:
        """Tell whether a requirement is part of what was locked, with its extras, and in a version that suits.

        Args:
            asked: whether what recipes asked for while they ran counts too.
        """
        wanted, chosen = pkg_resources.Requirement.parse(spec), self.selected[group]
        name = canonical_name(wanted.project_name)
        if not any(name in names for key, names in chosen.sets.items() if asked or key != asking.BY_RECIPES):
            return False
        found = chosen.distributions.get(name)
        if found is not None and found["version"] not in wanted:
            return False
        if not wanted.extras:
            return True
        parts = [part for part in needs.of_parts(self.sections) if part.group == group]
        lines = [line for part in parts for line in asking.lines_of(self, part)]
        lines += [line for line, _ in self.asked.pairs({"", *(part.part for part in parts)})] if asked else []
        known = [pkg_resources.Requirement.parse(line) for line in lines]
        extras = {extra for requirement in known if requirement.key == wanted.key for extra in requirement.extras}
        return extras.issuperset(wanted.extras)

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

    def render(self, item: Rendered) -> str:
        """Fill in a template in the child process."""
        return closed.render(self.child, item)

    def finish(self, *, complete: bool) -> None:
        """Say in one line what was done; after a complete run remove environments that were long given up."""
        self.asked.forget(self.done.installed)
        selected = [found for each in (self, *self.beside.values()) for found in each.selected.values()]
        self.done.selected = sum(len(found.distributions) for found in selected)
        if complete:
            generations.keep(self.records / "environments", self.used_environments)
        logger.info("%s", self.done)
        self.close()

    def close(self) -> None:
        """End the child process, and keep what is known of its requests."""
        for each in (self, *self.beside.values()):
            each.child.close()
        self.done.traffic.keep()
