"""What recipes find while they run: the eggs of their own part's lock group, and no working set of another's.

What one asks for beyond its section is locked then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import asking, needs
from eggcarton.core.names import canonical_name

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

logger = logging.getLogger("eggcarton")
# The name that zc.recipe.egg gives it, which need not be importable yet.
_CACHE = "_zc_recipe_egg_working_set_cache"
_OF_GROUPS = "_eggcarton_working_sets"


@contextmanager
def at_work(session: Session, options: Any) -> Iterator[None]:
    """Know whose recipe runs in the block, so that what it asks for can be told as that part's.

    zc.recipe.egg keeps a working set by the requirements that it was asked for, which mean one in each lock group.

    Args:
        options: the part's section.
    """
    # No recipe of others reads this option, and of what nobody has read zc.buildout says that it may be an error.
    group = needs.group_of(options.name, options)
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


def answer(session: Session, specs: Iterable[str]) -> bool:
    """Have the lock answer what a recipe asks for beyond what its section says; tell whether it did."""
    group = session.group_of(session.asked.part_at_work)
    if group not in session.selected:
        return False
    beyond = [spec for spec in specs if not _is_answered(session, spec, group, asked=False)]
    if not beyond:
        return False
    new = [spec for spec in beyond if not _is_answered(session, spec, group, asked=True)]
    session.asked.add(beyond)
    if new:
        before = session.selected[group].pins()
        session.select_group(group)
        after = session.selected[group].pins()
        changed = sorted(name for name, version in before.items() if after.get(name, version) != version)
        if changed:
            # Parts that were built before this was asked have what was locked then.
            logger.warning("%s changed while parts were being built; run bin/buildout again", ", ".join(changed))
    return bool(new)


def for_namespaces(session: Session) -> str:
    """Return the requirement of what namespaces import in the style of pkg_resources: a setuptools that has it.

    zc.buildout adds that to the working set of who has such a package and does not require it; where something else
    has a later one locked, it takes what there is.
    """
    chosen = session.selected.get(session.group_of(session.asked.part_at_work))
    found = chosen.distributions.get("setuptools") if chosen is not None else None
    with_it = pkg_resources.Requirement.parse("setuptools<82")
    return str(with_it) if found is None or found["version"] in with_it else "setuptools"


def _is_answered(session: Session, spec: str, group: str, *, asked: bool) -> bool:
    """Tell whether a requirement is part of what was locked, with its extras, and in a version that suits.

    Args:
        asked: whether what recipes asked for while they ran counts too.
    """
    wanted, chosen = pkg_resources.Requirement.parse(spec), session.selected[group]
    name = canonical_name(wanted.project_name)
    if not any(name in names for key, names in chosen.sets.items() if asked or key != asking.BY_RECIPES):
        return False
    found = chosen.distributions.get(name)
    if found is not None and found["version"] not in wanted:
        return False
    if not wanted.extras:
        return True
    parts = [part for part in needs.of_parts(session.sections) if part.group == group]
    lines = [line for part in parts for line in asking.lines_of(session, part)]
    lines += [line for line, _ in session.asked.pairs({"", *(part.part for part in parts)})] if asked else []
    known = [pkg_resources.Requirement.parse(line) for line in lines]
    extras = {extra for requirement in known if requirement.key == wanted.key for extra in requirement.extras}
    return extras.issuperset(wanted.extras)
