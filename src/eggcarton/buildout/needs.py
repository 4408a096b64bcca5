"""Collect what a configuration asks for: by parts, recipes, extensions and develop packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eggcarton.buildout.recipes import RECIPES
from eggcarton.buildout.sections import NOT_YET, Sections
from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import canonical_name
from eggcarton.core.options import read_options
from eggcarton.core.readers import requirements, shortened

OURS = "eggcarton"
# Recipes that take a part's name for its eggs when the option is missing, and what else they install.
_NAMED_BY_PART: Mapping[str, tuple[str, ...]] = {
    "zc-recipe-egg": (),
    "zc-recipe-testrunner": ("zope.testrunner",),
}


@dataclass(frozen=True, slots=True)
class PartNeeds:
    """One part: its section, the distribution of its recipe, and what it wants to import."""

    part: str
    recipe: str
    requirements: tuple[str, ...]


def requirements_of(module: Any, part: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what one of our own recipes needs for a section.

    Raises:
        OptionProblems: the section is wrong.
    """
    options = read_options(module.Options, part, values).options
    return tuple(getattr(options, "requirements", ()))


def of_parts(sections: Sections) -> list[PartNeeds]:
    """Return the needs of every part that a run will initialise.

    Raises:
        OptionProblems: a section is wrong.
    """
    found = []
    for part in sections.parts():
        values = sections.section(part)
        recipe, entry = _recipe(part, values["recipe"].strip())
        if canonical_name(recipe) == OURS:
            module = RECIPES.get(entry or "default")
            if module is None:
                raise OptionProblems(part, [f"option 'recipe': eggcarton has no '{entry}', but {', '.join(RECIPES)}"])
            if pending := sections.set_while_running(part, "eggs"):
                problem = (
                    f"option 'eggs': a recipe sets {', '.join(pending)} only while it runs, and the lock must know "
                    "before; write the requirements themselves"
                )
                raise OptionProblems(part, [problem])
            wanted = requirements_of(module, part, values)
        else:
            if sections.set_while_running(part, "eggs"):
                # The recipe asks for them when they are known.
                known = [line for line in values["eggs"].split("\n") if line.strip() != NOT_YET]
                values = {**values, "eggs": "\n".join(known)}
            wanted = _foreign(canonical_name(recipe), part, values)
        found.append(PartNeeds(part, recipe, wanted))
    return found


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


def _foreign(recipe: str, part: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the eggs of a recipe that is not ours; what more it asks for while it runs is answered then.

    Raises:
        OptionProblems: they are no requirements.
    """
    eggs = values.get("eggs", part if recipe in _NAMED_BY_PART else "")
    try:
        return (*requirements(eggs), *_NAMED_BY_PART.get(recipe, ()))
    except ValueError as error:
        raise OptionProblems(part, [f"option 'eggs': {eggs.strip()!r} {error}"]) from error


def pairs(parts: Sequence[PartNeeds]) -> list[list[str]]:
    """Return each requirement with who asks for it, for the resolver and its messages."""
    return [[requirement, f"part {part.part}"] for part in parts for requirement in part.requirements]
