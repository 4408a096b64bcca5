"""Collect what a configuration asks for: by parts, recipes, extensions and develop packages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from eggcarton.buildout import inherited, variables
from eggcarton.buildout.recipes import OURS, ours
from eggcarton.buildout.recipes import RECIPES as MODULES
from eggcarton.buildout.sections import NOT_YET, Sections
from eggcarton.core.errors import OptionProblems
from eggcarton.core.names import canonical_name
from eggcarton.core.options import read_options
from eggcarton.core.readers import requirements, shortened

# Recipes that take a part's name for its eggs when the option is missing, and what else they install.
_NAMED_BY_PART: Mapping[str, tuple[str, ...]] = {
    "zc-recipe-egg": (),
    "zc-recipe-testrunner": ("zope.testrunner",),
}
# Recipes that build what they name from source, with options of their own.
_FROM_SOURCE = frozenset({("zc-recipe-egg", "custom"), ("zc-recipe-egg", "develop")})


PARTS, RECIPES = "parts", "recipes"
"""The lock group of parts that name none, and that of recipes and extensions."""
_GROUP = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class PartNeeds:
    """One part: its section, the distribution of its recipe, what it wants to import, and from which lock.

    ``imports`` tells whether it has an environment of ours; ``files`` are the requirements files that it names, None
    where it takes what is common to all. ``allowed`` are names and patterns of what it may take from the machine.
    ``downloads`` are the address and the sha256 of each file that it fetches.
    """

    part: str
    recipe: str
    requirements: tuple[str, ...]
    group: str = PARTS
    imports: bool = False
    files: tuple[str, ...] | None = None
    allowed: tuple[str, ...] = ()
    downloads: tuple[tuple[str, str], ...] = ()


def group_of(part: str, values: Mapping[str, str]) -> str:
    """Return the lock group of a part.

    Raises:
        OptionProblems: its name cannot be part of a lock's.
    """
    name = values.get("lock-group", values.get("lock_group", "")).strip()
    if name in (PARTS, RECIPES) or (name and not _GROUP.fullmatch(name)):
        problem = (
            f"option 'lock-group': {shortened(name)!r} cannot be that of a lock called pylock.NAME.toml; use letters, "
            f"digits, - and _, and neither {PARTS} nor {RECIPES}"
        )
        raise OptionProblems(part, [problem])
    return name or PARTS


def lock_of(lock: Path, group: str) -> Path:
    """Return the path of the lock of a group, beside that of the parts that name none."""
    return lock if group == PARTS else lock.with_name(f"{lock.stem}.{group}{lock.suffix}")


def of_parts(sections: Sections) -> list[PartNeeds]:
    """Return the needs of every part that a run will initialise.

    Raises:
        OptionProblems: a section is wrong.
    """
    return [of_part(sections, part) for part in sections.parts()]


def of_part(sections: Sections, part: str) -> PartNeeds:
    """Return the needs of one part.

    Raises:
        OptionProblems: its section is wrong.
    """
    values = sections.section(part)
    group = group_of(part, values)
    name = ours(values)
    if name is None:
        recipe, entry = _recipe(part, values["recipe"].strip())
        if sections.set_while_running(part, "eggs"):
            # The recipe asks for them when they are known.
            known = [line for line in values["eggs"].split("\n") if line.strip() != NOT_YET]
            values = {**values, "eggs": "\n".join(known)}
        return PartNeeds(part, recipe, _foreign(canonical_name(recipe), entry, part, values), group)
    module = MODULES.get(name)
    if module is None:
        names = [each for each in MODULES if each != "default"]
        near = get_close_matches(name, names, n=1)
        meant = f": did you mean '{near[0]}'?" if near else f", but {', '.join(names)}"
        raise OptionProblems(part, [f"option 'recipe': {OURS} has no '{name}'{meant}"])
    if pending := sections.set_while_running(part, "eggs"):
        problem = (
            f"option 'eggs': a recipe sets {', '.join(pending)} only while it runs, and the lock must know "
            "before; write the requirements themselves"
        )
        raise OptionProblems(part, [problem])
    imports = hasattr(module.Options, "requirements")
    files = tuple(values["requirements"].split()) if imports and "requirements" in values else None
    of_others = inherited.options_of_others(sections, part)
    options = read_options(module.Options, part, _whole(sections, module, part, values), of_others=of_others).options
    wanted, allowed = getattr(options, "requirements", ()), getattr(options, "allowed_eggs_from_site_packages", ())
    if made_of := sections.made_of(part):
        wanted = (*wanted, *made_of.requirements)
    downloads = tuple((url, sha256) for sha256, url in getattr(options, "downloads", {}).items())
    return PartNeeds(part, OURS, tuple(wanted), group, imports, files, tuple(allowed), downloads)


def _whole(sections: Sections, module: ModuleType, part: str, values: Mapping[str, str]) -> Mapping[str, str]:
    return variables.in_place(module, part, values, lambda name: sections.section(name) if name in sections else None)


def entry_of(part: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the canonical name of the distribution of a section's recipe, and the name after the colon.

    Raises:
        OptionProblems: it is none.
    """
    recipe, entry = _recipe(part, values["recipe"].strip())
    return canonical_name(recipe), entry


def _recipe(part: str, text: str) -> tuple[str, str]:
    """Return the distribution of a recipe and the name after the colon.

    Raises:
        OptionProblems: it is none.
    """
    recipe, _, entry = text.partition(":")
    try:
        [recipe] = requirements(recipe)
    except ValueError:
        problem = f"option 'recipe': {shortened(text)!r} is neither a distribution nor distribution:name"
        raise OptionProblems(part, [problem]) from None
    return recipe, entry


def _foreign(recipe: str, entry: str, part: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the eggs of a recipe that is not ours; what more it asks for while it runs is answered then.

    Raises:
        OptionProblems: they are no requirements.
    """
    if (recipe, entry) in _FROM_SOURCE:
        return ()
    eggs = values.get("eggs", part if recipe in _NAMED_BY_PART else "")
    try:
        return (*requirements(eggs), *_NAMED_BY_PART.get(recipe, ()))
    except ValueError as error:
        raise OptionProblems(part, [f"option 'eggs': {eggs.strip()!r} {error}"]) from error


def pairs(parts: Sequence[PartNeeds]) -> list[list[str]]:
    """Return each requirement with who asks for it, for the resolver and its messages."""
    return [[requirement, f"part {part.part}"] for part in parts for requirement in part.requirements]
