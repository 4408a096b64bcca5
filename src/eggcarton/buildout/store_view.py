"""The store as zc.buildout searches it: an egg is looked at when its project is asked for, not all eggs each time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zc.buildout import easy_install

from eggcarton.buildout import read_once
from eggcarton.core.names import canonical_name
from eggcarton.packages.store_names import leads_to

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session


class StoreView(easy_install.Environment):  # type: ignore[misc]
    """The distributions below some paths, and those of a store.

    What lies in a store is found by the names of its eggs, as zc.buildout and we give them. Two lock groups may have
    eggs of one name, of which that name leads to one only.

    Args:
        path: what is searched at once.
        store: the eggs directory.
        look: returns the distributions of an egg, as eggs.
    """

    def __init__(self, path: Sequence[str], store: Path, look: Callable[[str], Sequence[Any]]) -> None:
        self._store, self._look = store, look
        self._unseen: dict[str, list[str]] = {}
        self._held: dict[str, str] = {}
        super().__init__(path)
        self.look_again()

    def hold(self, eggs: Iterable[str], *, anew: bool) -> None:
        """Hold to these eggs, whatever their names in the store lead to.

        Args:
            anew: whether there may be others by now than at first.
        """
        self._held = {os.path.basename(egg): egg for egg in eggs}
        if anew:
            self.look_again()

    def look_again(self) -> None:
        """Note what lies in the store by now."""
        self._unseen = {}
        others = []
        for name in os.listdir(self._store) if self._store.is_dir() else ():
            path = os.path.join(self._store, name)
            if name.startswith("."):
                continue
            if name.endswith(".egg"):
                self._unseen.setdefault(canonical_name(name.partition("-")[0]), []).append(path)
            elif os.path.isdir(path) and any(entry.endswith(".dist-info") for entry in os.listdir(path)):
                others.append(path)
        self._see(others)

    def __getitem__(self, project_name: str) -> Any:
        """Return a project's distributions, the newest first."""
        paths = self._unseen.pop(canonical_name(project_name), ())
        # Beside a locked egg there may be a stranger of the same version by another name.
        self._see([path for path in paths if os.path.basename(path) in self._held] or paths)
        return super().__getitem__(project_name)

    def _see(self, paths: Iterable[str]) -> None:
        for path in map(self._meant, paths):
            for dist in self._look(path):
                self.add(dist)

    def _meant(self, path: str) -> str:
        held = self._held.get(os.path.basename(path), path)
        return path if held == path or leads_to(Path(path), Path(held)) else held


def of(session: Session, dest: str | None, path: Sequence[str]) -> StoreView | None:
    """Return what zc.buildout's installer searches, None where that does not hold the store.

    Offline, recipes name the store as a path only, and there zc.buildout does not see its own eggs.

    Args:
        session: the run, which has a store.
        dest: where zc.buildout puts what it installs.
        path: what it searches besides.
    """
    store = session.store
    found = [place for place in (dest, *path) if place and os.path.realpath(place) == os.path.realpath(store)]
    others = [place for place in path if place not in found]
    return StoreView(others, Path(found[0]), partial(read_once.as_eggs, session)) if found else None
