"""What zc.buildout reads of an egg is read once in a run, not once for each part that has it.

Every part makes an environment of its own, looks at each of its eggs three times and parses the metadata of each, and
holds each requirement of each to the pins. What a store has under one path is the same all the time but when something
is locked or built anew in between; then all of it is read again.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from zc.buildout.easy_install import pkg_resources

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session


@dataclass(slots=True)
class _Known:
    """What one run has read: distributions by path, as found and as eggs; and requirements by what held them."""

    store: str
    found: dict[tuple[str, bool], tuple[Any, ...]] = field(default_factory=dict)
    eggs: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    pins: list[Mapping[str, str]] = field(default_factory=list)
    constrained: dict[tuple[int, str, Any], Any] = field(default_factory=dict)


_known: WeakKeyDictionary[Session, _Known] = WeakKeyDictionary()


def _of(session: Session) -> _Known:
    if session not in _known:
        _known[session] = _Known(os.path.join(session.store, ""))
    return _known[session]


def forget(running: Sequence[Session]) -> None:
    """Read all of the store anew: something in it may have changed."""
    for session in running:
        _known.pop(session, None)


def find_distributions(
    running: Sequence[Session], original: Callable[..., Iterator[Any]], path: str, only: bool = False
) -> Iterator[Any]:
    """Give the distributions at a path, those of the store as they were found before.

    Args:
        running: the session, where there is one.
        original: the way of pkg_resources.
        path: a directory, or what else can stand in ``sys.path``.
        only: whether it is not looked for what a path leads to.
    """
    known = _of(running[-1]) if running else None
    if known is None or not path.startswith(known.store):
        return original(path, only)
    if (path, only) not in known.found:
        known.found[path, only] = tuple(original(path, only))
    return iter(known.found[path, only])


def as_eggs(session: Session, path: str) -> Sequence[Any]:
    """Return the distributions of an egg of the store, which are none of those that are developed.

    Elsewhere zc.buildout takes those with metadata as wheels have it for developed, so these are others.
    """
    known = _of(session)
    if path not in known.eggs:
        found = tuple(map(duplicate, pkg_resources.find_distributions(path)))
        for dist in found:
            dist.precedence = pkg_resources.EGG_DIST
        known.eggs[path] = found
    return known.eggs[path]


def duplicate(dist: Any, memo: object = None) -> Any:
    """Return a distribution that may be changed alone; what was read of it is not read again.

    zc.recipe.egg copies every distribution of each working set that it gives to a recipe, metadata and all.
    """
    found = object.__new__(type(dist))
    found.__dict__.update(dist.__dict__)
    return found


def pins(session: Session, asked: Mapping[str, str]) -> Mapping[str, str]:
    """Return pins as they were given before, where they are the same, so that what they hold is known by them."""
    known = _of(session).pins
    for before in known:
        if before == asked:
            return before
    known.append(asked)
    return asked


def constrained(session: Session, asked: Any, held: Mapping[str, str], constrain: Callable[[Any], Any]) -> Any:
    """Return a requirement with what the pins add to it.

    What is asked for by its address zc.buildout looks for by its name here: it cannot give such a one a version.

    Args:
        session: the run.
        asked: the requirement.
        held: the pins, which `pins` has returned.
        constrain: zc.buildout's own way.
    """
    known = _of(session)
    # Of two spellings of a name, which are equal, each is told as it was asked.
    key = (id(held), asked.project_name, asked)
    if not any(held is one for one in known.pins):
        return constrain(_named(asked))
    if key not in known.constrained:
        known.constrained[key] = constrain(_named(asked))
    return known.constrained[key]


def _named(asked: Any) -> Any:
    if not asked.url:
        return asked
    named = copy.deepcopy(asked)
    named.url = None
    return type(named).parse(str(named))
