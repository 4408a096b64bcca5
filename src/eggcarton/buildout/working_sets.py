"""What recipes find while they run: the eggs of their own part's lock group, and no working set of another's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zc.recipe.egg.egg import Eggs

from eggcarton.buildout.needs import group_of

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

_CACHE = getattr(Eggs, "_WORKING_SET_CACHE_ATTR_NAME", "_zc_recipe_egg_working_set_cache")
_OF_GROUPS = "_eggcarton_working_sets"


@contextmanager
def at_work(session: Session, options: Any) -> Iterator[None]:
    """Know whose recipe runs in the block, so that what it asks for can be told as that part's.

    zc.recipe.egg keeps a working set by the requirements that it was asked for, which mean one in each lock group.

    Args:
        options: the part's section.
    """
    # No recipe of others reads this option, and of what nobody has read zc.buildout says that it may be an error.
    group = group_of(options.name, options)
    buildout = options.buildout
    before = getattr(buildout, _CACHE, None)
    if not hasattr(buildout, _OF_GROUPS):
        setattr(buildout, _OF_GROUPS, {})
    setattr(buildout, _CACHE, getattr(buildout, _OF_GROUPS).setdefault(group, {}))
    try:
        with session.asked.at_work(options.name):
            yield
    finally:
        setattr(buildout, _CACHE, before)
