"""What a part has from other sections by ``<``.

An option that it has from a section whose recipe reads it is no mistake, though its own recipe does not.
"""

from __future__ import annotations

from collections.abc import Mapping

from eggcarton.buildout.recipes import RECIPES, ours
from eggcarton.buildout.sections import Sections
from eggcarton.core.options import declared


def options_of_others(sections: Sections, part: str) -> frozenset[str]:
    """Return the options that a part has from sections whose recipe reads them, or undoes with nothing behind them.

    What was made of a part has as its own what that has itself.
    """
    if made_of := sections.made_of(part):
        part = made_of.part
    values = sections.section(part)
    own = {name for name in sections.own(part) if values.get(name, "").strip()}
    above = [sections.section(name) for name in sections.above(part)]
    return frozenset(name for values in above for name in values if name not in own and _reads(values, name))


def _reads(values: Mapping[str, str], option: str) -> bool:
    """Tell whether the recipe of a section reads an option; what those of others read is not known."""
    name = ours(values)
    if name is None:
        return "recipe" in values
    module = RECIPES.get(name)
    known = declared(module.Options) if module else ()
    return any(one.is_rest or option.replace("_", "-") in (one.name, *one.aliases) for one in known)
