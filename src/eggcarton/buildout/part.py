"""The one adapter between zc.buildout and our recipes: a section in, a plan out, the plan made true."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from zc.buildout import UserError

from eggcarton.buildout import (
    current,
    downloads,
    egg_sections,
    environments,
    inherited,
    locked,
    outside,
    unlocked,
    variables,
)
from eggcarton.buildout.ending import Stop as Stop
from eggcarton.buildout.ending import refusals
from eggcarton.buildout.ending import stop as stop
from eggcarton.buildout.ending import told as told
from eggcarton.buildout.recipes import RECIPES
from eggcarton.buildout.sections import Sections
from eggcarton.core import services
from eggcarton.core.apply import apply
from eggcarton.core.difference import unmet
from eggcarton.core.errors import Drift, EggcartonError, OptionProblems
from eggcarton.core.layout import Environment, Imports, Layout, Locked
from eggcarton.core.options import read_options
from eggcarton.core.plan import Plan
from eggcarton.core.records import read_record
from eggcarton.packages import by_part, closed

logger = logging.getLogger("eggcarton")
_DIGEST = "eggcarton-plan"
_Result = TypeVar("_Result")


def _kept(method: Callable[[Part], _Result]) -> Callable[[Part], _Result]:
    """End the run itself on whatever a method that writes raises: zc.buildout would delete the part's files."""

    @wraps(method)
    def wrapper(part: Part) -> _Result:
        with told(), refusals(part.name):
            try:
                return method(part)
            except (EggcartonError, OSError, UserError):
                raise
            except Exception as error:
                sys.stdout.flush()
                traceback.print_exc()
                sentence = "this is a fault in eggcarton itself: please report it, with the lines above"
                raise EggcartonError(f"[{part.name}] {sentence}; what the part had written is still there") from error

    return wrapper


@contextmanager
def _told_of(part: str, section: str) -> Iterator[None]:
    """Tell what is wrong with a section as that of the part that it has its options from."""
    try:
        yield
    except OptionProblems as error:
        if error.section != section:
            raise
        raise OptionProblems(part, error.problems) from error


class Part:
    """One part of a buildout, whatever its recipe.

    Everything that can fail is done here at the start, before zc.buildout takes anything away.
    """

    def __init__(self, recipe: str | ModuleType, buildout: Any, name: str, options: Any) -> None:
        self.name, self.buildout = name, buildout
        self.session = current.session(buildout)
        # This may bring other parts to life, whose errors are their own.
        values = {key: options[key] for key in options if key != _DIGEST}
        with told(), refusals(name), _told_of(self._configured, name):
            self._prepare(RECIPES[recipe] if isinstance(recipe, str) else recipe, values)
            if hasattr(self.options, "requirements"):
                egg_sections.write(buildout, name, options)
        options[_DIGEST] = self.plan.digest
        for output, value in self.plan.outputs.items():
            options[output] = value

    def _prepare(self, module: ModuleType, values: Mapping[str, str]) -> None:
        whole = variables.in_place(module, self.name, values, self._section)
        of_others = inherited.options_of_others(Sections(self.buildout), self.name)
        reading = read_options(module.Options, self.name, whole, of_others=of_others)
        self._warn(reading.warnings)
        self.options = reading.options
        self.layout = replace(layout_of(self.buildout, self.name), relative=self._is_relative(), locked=self._locked())
        if self.session is not None:
            self.layout = self.session.rows.placed(self.layout, partial(environments.imported, self.session))
        if wanted := getattr(self.options, "downloads", None):
            records = records_of(self.buildout)
            found = downloads.fetched(self.buildout, self.session, records, self.name, wanted)
            self.layout = replace(self.layout, fetched=found)
        if getattr(self.options, "asks_for_indexes", False):
            self.layout = replace(self.layout, indexes=outside.indexes(self.buildout, self.session))
        if named := getattr(self.options, "services", ()):
            served = services.read(self._configured, named, self._service_section, tuple(self.buildout))
            self._warn(served.warnings)
            self.layout = replace(self.layout, services=served.services)
        self.environment = self._environment()
        self.plan = self._with_link(module.plan(self.options, self.layout, self.environment), self.environment)
        if self.session is None or not self.session.reading:
            self._check()

    @property
    def _configured(self) -> str:
        """The part that the configuration has: of a row that whose row it is."""
        row = self.session.rows.get(self.name) if self.session is not None else None
        return row.part if row else self.name

    def _warn(self, warnings: Sequence[str]) -> None:
        # What a row has it has from its part, which is told.
        for warning in warnings if self._configured == self.name else ():
            logger.warning("%s", warning)

    def _section(self, name: str) -> Mapping[str, str] | None:
        return dict(self.buildout[name]) if name in self.buildout else None

    def _service_section(self, name: str) -> Mapping[str, str] | None:
        found = self._section(name)
        return found and variables.in_place(services, name, found, self._section)

    def _with_link(self, plan: Plan, environment: Environment | None) -> Plan:
        """Have the part's environment found under a path that stays when another one takes its place."""
        if environment is None:
            return plan
        link = by_part.link(records_of(self.buildout), self.name, environment.prefix)
        return replace(plan, items=(*plan.items, link))

    def _check(self) -> None:
        """Refuse a plan that must not be carried out, before anything is.

        Raises:
            Drift: with all that is wrong.
        """
        wrong = unmet(self.plan, self.layout.root)
        if wrong:
            raise Drift(f"[{self.name}] what stands is not what it should be; nothing was changed:", differences=wrong)

    def _locked(self) -> Locked | None:
        kinds = getattr(self.options, "exports", None)
        if kinds is None:
            return None
        if self.session is not None:
            return locked.of_session(self.session, self.name, kinds, self.options.lock)
        return locked.unlocked(self.buildout, self.name, kinds, self.options.lock)

    def _environment(self) -> Environment | None:
        requirements = tuple(getattr(self.options, "requirements", ()))
        imports = Imports(
            extra_paths=tuple(self.layout.root / path for path in getattr(self.options, "extra_paths", ())),
            site_packages=getattr(self.options, "include_site_packages", False),
            allowed=getattr(self.options, "allowed_eggs_from_site_packages", ()),
            always=getattr(self.options, "always_has_environment", False),
        )
        if self.session is not None:
            return environments.of_part(self.session, self.name, imports, self.layout.movable)
        if not requirements and not imports:
            return None
        return unlocked.environment(self.buildout, self.name, requirements, imports, self.layout.movable)

    def _is_relative(self) -> bool:
        own: bool | None = getattr(self.options, "relative_paths", None)
        return self.buildout["buildout"].get("relative-paths", "false") == "true" if own is None else own

    @_kept
    def install(self) -> tuple[str, ...]:
        """Make the plan true for the first time, or again after zc.buildout gave its files up."""
        transaction = current.transaction(self.buildout)
        if transaction is not None:
            transaction.adopt(self.name, [item.path for item in self.plan.items])
        owned = self._apply(replace=transaction is not None)
        for remark in self.plan.remarks:
            logger.info("[%s] %s", self.name, remark)
        return owned

    @_kept
    def update(self) -> tuple[str, ...]:
        """Make the plan true once more; what is right already is not touched."""
        return self._apply(replace=True)

    def _apply(self, *, replace: bool) -> tuple[str, ...]:
        render = partial(closed.render, self.session.child) if self.session else unlocked.renderer(self.buildout)
        transaction = current.transaction(self.buildout)
        # Under a transaction what the part gives up stays until the run has succeeded, and goes with the rest then.
        clear = transaction is None
        restored: list[Path] = []
        records = records_of(self.buildout)
        owned = apply(
            self.plan,
            self.name,
            records,
            replace=replace,
            clear=clear,
            # Without a transaction zc.buildout has removed everything before it installs a part anew.
            restored=restored.append if replace else lambda path: None,
            renewed=lambda path: logger.info("[%s] %s written", self.name, path),
            laid_beside=lambda path, beside: logger.info(
                "[%s] %s has been edited and is kept; what it would hold now is in %s", self.name, path, beside
            ),
            render=render,
        )
        for path in restored:
            logger.info("[%s] %s was not as this part had written it, and is again", self.name, path)
        if restored and self.session is not None:
            self.session.done.restored.append(self.name)
        if transaction is not None:
            has = {*read_record(records, self.name).known, *(item.path for item in self.plan.items)}
            transaction.take(self.name, map(str, has))
        return owned


def records_of(buildout: Any) -> Path:
    """Return where it is recorded which part owns which path."""
    return Path(buildout["buildout"]["parts-directory"]) / ".eggcarton"


def layout_of(buildout: Any, part: str) -> Layout:
    """Return the directories of a buildout as one part sees them."""
    section = buildout["buildout"]
    root = Path(section["directory"])
    var = root / "var"
    return Layout(
        part=part,
        root=root,
        # zc.buildout puts what is relative behind its own directory as it stands.
        bin=Path(os.path.normpath(section["bin-directory"])),
        etc=root / "etc",
        parts=Path(os.path.normpath(section["parts-directory"])),
        var=var,
        log=var / "log",
        run=var / "run",
    )
