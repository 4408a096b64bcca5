"""What parts take from the machine's own Python: found once a run, and only where a part may take anything."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout.needs import PartNeeds
from eggcarton.core.errors import OptionProblems
from eggcarton.core.names import canonical_name
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member

if TYPE_CHECKING:
    from eggcarton.packages.machine import Distribution

logger = logging.getLogger("eggcarton")
OPTION = "allowed-eggs-from-site-packages"


class Machine:
    """The distributions of the Python that environments are made for.

    Args:
        python: that Python.
    """

    def __init__(self, python: Interpreter) -> None:
        self._python = python
        self._said: set[str] = set()

    @cached_property
    def _found(self) -> dict[str, Distribution]:
        from eggcarton.packages import machine

        return machine.find(machine.directories(self._python.executable), ["*"])

    def allowed(self, part: PartNeeds, known: Iterable[str] = ()) -> dict[str, Distribution]:
        """Return what a part may take from the machine, by canonical name.

        Args:
            part: the part.
            known: the canonical names of develop packages, which are never taken from there.

        Raises:
            OptionProblems: what a name stands for cannot be understood.
        """
        if not part.allowed:
            return {}
        from eggcarton.packages import machine

        names = named(part)
        found = {name: there for name, there in self._found.items() if machine.allows(part.allowed, name)}
        problems = {name: problem for name, there in found.items() if (problem := _problem(there))}
        if told := [f"option '{OPTION}': {problems[name]}" for name in names if name in problems]:
            raise OptionProblems(part.part, told)
        hidden = {*known, *problems}
        return {name: there for name, there in found.items() if name not in hidden}

    def lines(self, part: PartNeeds, known: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the names that a part imports from the machine whether or not anything requires them."""
        there = self.allowed(part, known)
        return tuple(name for name in named(part) if name in there)

    def lost(self, parts: Sequence[PartNeeds]) -> list[str]:
        """Return a remark for each name that a part would take from the machine, which does not have it."""
        pairs = [(part.part, name) for part in parts for name in named(part) if name not in self._found]
        return [
            f"[{part}] option '{OPTION}': {self._python.executable} does not have {name}; what requires it gets "
            "it from the lock"
            for part, name in pairs
        ]

    def members(self, part: PartNeeds, names: Sequence[str], developed: Iterable[str]) -> tuple[Member, ...]:
        """Return what a part's environment has from the machine.

        Args:
            part: the part.
            names: all that its requirements lead to.
            developed: the canonical names of develop packages.

        Raises:
            OptionProblems: a name is neither on the machine nor required by anything.
            UsageProblem: it cannot be told which files are a distribution's own.
        """
        missing = [name for name in named(part) if name not in names]
        if missing:
            problems = [
                f"option '{OPTION}': {self._python.executable} does not have {name}, and nothing that the part "
                "installs requires it: install it on the machine, or leave it out"
                for name in missing
            ]
            raise OptionProblems(part.part, problems)
        there = self.allowed(part, developed)
        return tuple(there[name].member() for name in names if name in there)

    def told(self, part: str, members: Iterable[Member], *, everything: bool) -> list[str]:
        """Return in a sentence what of a part is not locked, and was not told of another part before."""
        places: dict[str, list[str]] = {}
        for one in members:
            if one.is_of_machine and one.name not in self._said:
                self._said.add(one.name)
                places.setdefault(str(one.place), []).append(f"{one.name} {one.version}")
        new = [f"{', '.join(names)} in {place}" for place, names in places.items()]
        lines = [f"[{part}] taken from the machine, so neither locked nor verified: {'; '.join(new)}"] if new else []
        if everything:
            lines.append(
                f"[{part}] include-site-packages = true: all that {self._python.executable} has installed is seen too, "
                "and nothing locks that"
            )
        return lines


def named(part: PartNeeds) -> list[str]:
    """Return the canonical names that a part's option spells out; patterns only allow what something requires."""
    if not part.allowed:
        return []
    from eggcarton.packages import machine

    return list(dict.fromkeys(canonical_name(word) for word in part.allowed if not machine.is_pattern(word)))


def stubs(allowed: Iterable[dict[str, Distribution]]) -> list[dict[str, Any]]:
    """Return what parts may take from the machine, each once, as a resolution knows it."""
    return [there.stub() for there in {name: there for found in allowed for name, there in found.items()}.values()]


def _problem(found: Distribution) -> str | None:
    """Return why a distribution cannot be reckoned with; versions and requirements may be older than their rules."""
    try:
        pkg_resources.parse_version(found.version)
        for line in found.requires:
            pkg_resources.Requirement.parse(line)
    except ValueError as error:
        words = " ".join(str(error).split())
        return f"the metadata of {found.name} {found.version} in {found.place} is not valid: {words}; leave it out"
    return None
