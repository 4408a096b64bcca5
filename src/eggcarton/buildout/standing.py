"""Whether what a run found installed stands still in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eggcarton.packages import selection

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session
    from eggcarton.packages.selection import Selection


def stands(session: Session, group: str, found: Selection) -> bool:
    """Tell whether the eggs of a lock group stand; another group may have other ones of the same names."""
    store = str(session.store)
    if found.stands(store):
        return True
    others = [other for other in session.groups() if other != group]
    noted = [selection.load(session.state / f"selection-{other}.json") for other in others]
    return found.stands(store, [egg for each in noted if each is not None for egg in each.eggs()])
