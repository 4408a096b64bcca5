"""Read sections of a configuration before any recipe has seen them, and add some.

zc.buildout initialises a section's recipe the moment somebody looks at the section. What is to be locked must be
known before that, so substitutions are done here on the raw text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zc.buildout.buildout import Options

_REFERENCE = re.compile(r"(?<!\$)\$\{([-a-zA-Z0-9 ._]*):([-a-zA-Z0-9 ._]+)\}")
NOT_YET = "0"
"""What stands for an option that a recipe will only set while it runs."""
_DEPENDENCIES = "<part-dependencies>"
_ADDED = "_eggcarton_added"


@dataclass(frozen=True, slots=True)
class Added:
    """What a section was made of that stands in no file.

    Args:
        part: the part whose options it has.
        requirements: what it requires beside what that part does.
    """

    part: str
    requirements: tuple[str, ...]


class Sections(Mapping[str, dict[str, str]]):
    """The raw sections of one buildout, with ``<`` and ``${section:option}`` carried out."""

    def __init__(self, buildout: Any) -> None:
        self._buildout = buildout
        self._raw: dict[str, dict[str, str]] = buildout._raw

    def __getitem__(self, name: str) -> dict[str, str]:
        if name not in self._raw:
            raise KeyError(name)
        return self.section(name)

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def section(self, name: str) -> dict[str, str]:
        """Return a section's options as its recipe will see them."""
        raw = self._inherited(name)
        return {option: self._substituted(name, option, ((name, option),)) for option in raw if option != "<"}

    def raw(self, name: str) -> dict[str, str]:
        """Return a section's options with ``<`` carried out, and no substitution."""
        return dict(self._inherited(name))

    def own(self, name: str) -> dict[str, str]:
        """Return the options that a section has itself, whatever it has from others by ``<``."""
        return dict(self._raw.get(name, {}))

    def above(self, name: str) -> list[str]:
        """Return the sections that a section has options from by ``<``, and those that these have some from."""
        found = dict[str, None]()
        queue = [name]
        while queue:
            lines = self._raw.get(queue.pop(0), {}).get("<", "").split("\n")
            new = [line for line in map(str.strip, lines) if line and line not in found]
            found |= dict.fromkeys(new)
            queue += new
        return list(found)

    def add(self, name: str, options: Mapping[str, str], made_of: Added) -> None:
        """Have the configuration hold one more section."""
        self._raw[name] = dict(options)
        setattr(self._buildout, _ADDED, {**self._added, name: made_of})

    def made_of(self, name: str) -> Added | None:
        """Return what a section was made of, None for one that stands in a file."""
        return self._added.get(name)

    @property
    def _added(self) -> Mapping[str, Added]:
        found: Mapping[str, Added] = getattr(self._buildout, _ADDED, {})
        return found

    def depend(self, part: str, others: Sequence[str]) -> None:
        """Have a part be built after others, and whenever it is built, these too; what inherits from it does not."""
        concerned = [name for name in self if name == part or part in self.above(name)]
        before = {name: self._inherited(name).get(_DEPENDENCIES, "").split() for name in concerned}
        for name, dependencies in before.items():
            # All that these add up to stands in the one.
            for spelling in (f"{_DEPENDENCIES} +", f"{_DEPENDENCIES} -"):
                self._raw[name].pop(spelling, None)
            self._raw[name][_DEPENDENCIES] = "\n".join([*dependencies, *(others if name == part else ())])

    def _inherited(self, name: str) -> dict[str, str]:
        raw = self._raw.get(name)
        if raw is None:
            return {}
        if "<" not in raw:
            return raw
        extended: dict[str, str] = Options(self._buildout, name, raw)._do_extend_raw(name, raw, [])
        return extended

    def _substituted(self, name: str, option: str, seen: tuple[tuple[str, str], ...]) -> str:
        if name == "buildout":
            value: str | None = self._buildout["buildout"].get(option)
        else:
            value = self._inherited(name).get(option)
        if value is None:
            return NOT_YET

        def replacement(match: re.Match[str]) -> str:
            reference = (match[1] or name, match[2])
            if reference in seen:
                return NOT_YET
            return self._substituted(*reference, (*seen, reference))

        return _REFERENCE.sub(replacement, value)

    def origin(self, name: str, option: str, line: str = "") -> str | None:
        """Return the file, relative to the buildout directory, that gives an option its value, None where none does.

        Args:
            line: a line of the value; of several files that add to it, the one with this line is told.
        """
        known = self._buildout._annotated.get(name, {}).get(option)
        if known is None:
            above = reversed(self._raw.get(name, {}).get("<", "").split())
            return next((found for parent in above if (found := self.origin(parent, option, line))), None)
        first = max(number for number, item in enumerate(known.history) if item.operation not in ("ADD", "REMOVE"))
        added = [item for item in known.history[first:] if item.operation != "REMOVE"]
        with_line = [item for item in added if line in map(str.strip, item.value.split("\n"))]
        source: str = (with_line or added)[-1].source
        if source == "COMMAND_LINE_VALUE":
            return "the command line"
        if os.path.isabs(source):
            return os.path.relpath(source, self._buildout["buildout"]["directory"])
        # An address may hold a password; a default is in no file.
        return source.rpartition("/")[2] if "://" in source else None

    def set_while_running(self, name: str, option: str) -> list[str]:
        """Return the references in an option to what a recipe will only set while it runs."""
        found = _REFERENCE.finditer(self._inherited(name).get(option, ""))
        pairs = [(match[1] or name, match[2]) for match in found]
        return [f"${{{section}:{key}}}" for section, key in pairs if self._is_pending(section, key, ((name, option),))]

    def _is_pending(self, name: str, option: str, seen: tuple[tuple[str, str], ...]) -> bool:
        if name == "buildout":
            return option not in self._buildout["buildout"]
        value = self._inherited(name).get(option)
        if value is None or (name, option) in seen:
            return True
        further = [(match[1] or name, match[2]) for match in _REFERENCE.finditer(value)]
        return any(self._is_pending(*reference, (*seen, (name, option))) for reference in further)

    def find_links(self) -> list[str]:
        """Return what ``find-links`` names, in ``[buildout]`` and in the parts: one lock is made from all of them."""
        named = [self.section(name).get("find-links", "") for name in ("buildout", *self.parts())]
        return list(dict.fromkeys(link for links in named for link in links.split() if link != NOT_YET))

    def parts(self) -> Iterator[str]:
        """Give every section with a recipe that a run will initialise: the parts, and what they refer to."""
        queue = self._buildout["buildout"].get("parts", "").split()
        seen: set[str] = set()
        while queue:
            name = queue.pop(0)
            if name in seen or name not in self._raw:
                continue
            seen.add(name)
            raw = self._inherited(name)
            queue += [match[1] for value in raw.values() for match in _REFERENCE.finditer(value) if match[1]]
            queue += raw.get(_DEPENDENCIES, "").split()
            if "services" in raw:
                # What a section of a service refers to is initialised with it.
                named = self._substituted(name, "services", ((name, "services"),)).split()
                queue += [service for service in named if "recipe" not in self._inherited(service)]
            if "recipe" in raw:
                yield name
