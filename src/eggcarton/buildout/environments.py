"""The environment of a part in a locked build."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from eggcarton.buildout import asking, needs
from eggcarton.core.layout import Environment, Imports
from eggcarton.packages import environment
from eggcarton.packages.environment import Makeup

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

logger = logging.getLogger("eggcarton")


def imported(session: Session, part: str) -> tuple[str, ...]:
    """Return the canonical names of what a part imports."""
    wanted, session = needs.of_part(session.sections, part), session.of_part(part)
    return tuple(member.name for member in session.members(wanted))


def of_part(session: Session, part: str, imports: Imports, root: Path | None) -> Environment | None:
    """Return the environment of a part, None where it imports nothing and needs none all the same.

    It is made where it is missing, or only described while reading.

    Args:
        root: the tree that is to work wherever it is moved to, None where paths may be absolute.
    """
    session, wanted = session.of_part(part), needs.of_part(session.sections, part)
    if not asking.lines_of(session, wanted) and not imports:
        return None
    makeup = Makeup(
        python=session.python,
        members=tuple(session.members(wanted)),
        extra_paths=imports.extra_paths,
        site_packages=imports.site_packages,
        root=root,
    )
    place = session.records / "environments"
    if session.reading:
        return environment.describe(place, makeup, session.store)
    is_new = not (place / makeup.digest(place)[:16]).is_dir()
    made, remarks = environment.ensure(place, makeup, session.store)
    if is_new:
        for line in session.machine.told(part, makeup.members, everything=imports.site_packages):
            logger.info(line)
    session.used_environments.add(made.prefix.name)
    for remark in remarks:
        if remark not in session.said:
            session.said.add(remark)
            logger.warning(remark)
    return made
