"""A ``bin/buildout`` that is not ours: what it has loaded before the extension was is brought in line with the lock.

A stock zc.buildout asks its index for the extensions, and loads whatever is newest there, before any of them can say
a word. So a run goes on with what the lock names, and one whose extensions lie in the store asks no index for them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zc.buildout import easy_install
from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import installed, needs, toolchain
from eggcarton.buildout.recipes import OURS
from eggcarton.buildout.session import Session
from eggcarton.core.errors import UsageProblem
from eggcarton.core.layout import canonical_name

logger = logging.getLogger("eggcarton")
LEAST = "5.2"
"""The oldest zc.buildout that the patches are tried on."""
RESTARTED = "EGGCARTON_RESTARTED"
"""The variable by which a run knows that it goes on for another one."""
_PROGRAM = ("eggcarton", "eggcarton.buildout.start", "eggcarton")


def check() -> None:
    """Refuse a zc.buildout that is too old; an extension that requires a newer one would have that installed.

    Raises:
        UsageProblem: with what to paste.
    """
    found = toolchain.running()["zc-buildout"].version
    if pkg_resources.parse_version(found) < pkg_resources.parse_version(LEAST):
        raise UsageProblem(
            f"zc.buildout {found} runs here, and the extension eggcarton works with {LEAST} and later; upgrade it:\n"
            f"{sys.executable} -m pip install --upgrade 'zc.buildout>={LEAST}'"
        )


def settle(buildout: Any, session: Session) -> list[str]:
    """Have a run under a stock main leave behind what the next one needs to ask for less.

    Returns:
        assignments that the run has to be started anew with, since other versions of extensions, or of what they need,
        were loaded than are locked; none where all is well.
    """
    _keep_ours(session.store)
    buildout._develop = partial(_develop, buildout, buildout._develop)
    found = session.selected.get(needs.RECIPES)
    loaded = {name: has for name, has in _loaded(session.store).items() if found and found.pins().get(name, has) != has}
    if not found or not loaded:
        return []
    pins = {name: found.pins()[name] for name in sorted(loaded)}
    told = ", ".join(f"{name} {pin}" for name, pin in pins.items())
    were = ", ".join(f"{name} {loaded[name]}" for name in pins)
    section = buildout["buildout"].get("versions", "versions")
    if RESTARTED in os.environ:
        logger.warning("%s run here, and %s are locked; pin these in [%s]", were, told, section)
        return []
    logger.info(
        "%s: zc.buildout had taken %s, so this run starts anew; a pin in [%s] saves that",
        f"locked are {told}",
        were,
        section,
    )
    return [f"{section}:{name}={pin}" for name, pin in pins.items()]


def start_anew(assignments: Sequence[str]) -> None:
    """Replace this process by one with more assignments on its command line; it does not return."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    after = len(sys.orig_argv) - len(sys.argv) + 1
    command = [sys.executable, *sys.orig_argv[1:after], *assignments, *sys.argv[1:]]
    os.execve(sys.executable, command, {**os.environ, RESTARTED: "1"})


def _loaded(store: Path) -> dict[str, str]:
    """Return the versions of what runs here and lies in the store, by canonical name."""
    place = os.path.realpath(store)
    return {
        canonical_name(dist.project_name): dist.version
        for dist in pkg_resources.working_set
        if os.path.realpath(dist.location).startswith(place + os.sep)
    }


def _keep_ours(store: Path) -> None:
    """Have eggcarton's own egg lie where the locked ones lie, with a link to it in its place.

    What a link of the store leads to is a develop package to a stock zc.buildout, for which it asks no index.
    """
    dist = toolchain.running().get(OURS)
    if dist is None:
        return
    place = Path(dist.location)
    if place.is_symlink() or os.path.realpath(place.parent) != os.path.realpath(store):
        return
    records = sorted(place.glob("*-info/RECORD"))
    if not records:
        return
    kept = store / ".eggcarton" / f"own-{hashlib.sha256(records[0].read_bytes()).hexdigest()[:16]}" / place.name
    beside = store / f".{place.name}.{os.getpid()}"
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside.symlink_to(os.path.relpath(kept, store))
        os.rename(place, kept)
        os.replace(beside, place)
    except OSError as error:
        logger.debug("eggcarton's own egg stays where it is: %s", error)
        return
    # As the next run finds it, so that what zc.buildout notes of the parts of our recipes is the same then.
    dist.location, dist.precedence = os.path.realpath(kept), pkg_resources.DEVELOP_DIST


def _develop(buildout: Any, original: Any) -> str:
    """Write ``bin/eggcarton`` before the develop packages, and have it noted as if it were one of them.

    So zc.buildout removes it as soon as the extension is not named any more.
    """
    program = _write_program(buildout)
    return "\n".join([*original().split("\n"), *([program] if program else [])]).strip("\n")


def _write_program(buildout: Any) -> str | None:
    """Write ``bin/eggcarton`` and return its path, None where somebody else has put one there."""
    section = buildout["buildout"]
    place = Path(section["bin-directory"], _PROGRAM[0])
    if os.path.lexists(place) and place not in installed.of(buildout).develop_eggs:
        return None
    dists = pkg_resources.WorkingSet([])
    for dist in toolchain.running().values():
        dists.add(dist)
    root = section["directory"] if section.get("relative-paths", "false") == "true" else ""
    easy_install.scripts([_PROGRAM], dists, sys.executable, str(place.parent), relative_paths=root)
    return str(place)
