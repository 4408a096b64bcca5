"""A ``bin/buildout`` that is not ours: what it has loaded before the extension was is brought in line with the lock.

A stock zc.buildout asks its index for the extensions, and loads whatever is newest there, before any of them can say
a word. So a run goes on with what the lock names, and one whose extensions lie in the store asks no index for them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from zc.buildout import easy_install
from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import needs, toolchain
from eggcarton.buildout.ending import refusals, told
from eggcarton.buildout.recipes import OURS
from eggcarton.buildout.session import Session
from eggcarton.core import linking, writing
from eggcarton.core.errors import UsageProblem
from eggcarton.core.locks import scratch
from eggcarton.core.names import canonical_name
from eggcarton.core.standing import give_place
from eggcarton.packages.store_names import HIDDEN, plain

logger = logging.getLogger("eggcarton")
LEAST = "5.2"
"""The oldest zc.buildout that the patches are tried on."""
RESTARTED = "EGGCARTON_RESTARTED"
"""The variable by which a run knows that it goes on for another one."""
_PROGRAM = ("eggcarton", "eggcarton.buildout.start", "eggcarton")


def check(least: str = LEAST) -> None:
    """Refuse a zc.buildout that is too old; were it required, a newer one would be fetched, and not be what runs.

    Raises:
        UsageProblem: with what to paste.
    """
    found = toolchain.running()["zc-buildout"].version
    if pkg_resources.parse_version(found) < pkg_resources.parse_version(least):
        raise UsageProblem(
            f"zc.buildout {found} runs here, and the extension eggcarton works with {least} and later; upgrade it:\n"
            f"{sys.executable} -m pip install --upgrade 'zc.buildout>={least}'"
        )


def config(arguments: Sequence[str]) -> str:
    """Return the configuration's name in a command line, read as zc.buildout's main reads it.

    >>> config(["-vc", "site.cfg", "install"]), config(["-t", "5", "-Ncother.cfg"]), config(["buildout:parts=app"])
    ('site.cfg', 'other.cfg', 'buildout.cfg')
    """
    return _read(arguments)[0]


def config_of(buildout: Any, arguments: Sequence[str]) -> str:
    """Return the address, or the absolute path, of the configuration that a stock main has read.

    Args:
        buildout: has gone to its own directory since, which paths of the command line are not relative to.
        arguments: the command line.
    """
    name = config(arguments)
    if "://" in name:
        return name
    known = buildout._annotated["buildout"]["directory"].history
    # Until something says otherwise, the directory is the one that the file lies in.
    directory = next(item.value for item in known if item.source == "COMPUTED_VALUE")
    return os.path.join(directory, os.path.basename(name))


def _read(arguments: Sequence[str]) -> tuple[str, int]:
    """Return the configuration's name in a command line, and how many words of that stand before its command."""
    queue, name = list(arguments), "buildout.cfg"
    while queue and (queue[0].startswith("-") or "=" in queue[0]):
        word = queue.pop(0)
        option = word[1:].lstrip("vqhWUoOnNDA") if word.startswith("-") else ""
        if option[:1] in ("c", "t") and option:
            value = option[1:] if option[0] == "c" and option[1:] else queue.pop(0) if queue else ""
            name = value if option[0] == "c" else name
    return name, len(arguments) - len(queue)


def settle(buildout: Any, session: Session) -> list[str]:
    """Have a run under a stock main leave behind what the next one needs to ask for less.

    Returns:
        assignments that the run has to be started anew with, since other versions of extensions, or of what they need,
        were loaded than are locked; none where all is well.
    """
    _keep_ours(session.store)
    buildout._develop = partial(_develop, session, set(session.sections.parts()), buildout._develop)
    found = session.selected.get(needs.RECIPES)
    loaded = {name: has for name, has in _loaded(session.store).items() if found and found.pins().get(name, has) != has}
    if not found or not loaded:
        return []
    pins = {name: found.pins()[name] for name in sorted(loaded)}
    are = ", ".join(f"{name} {pin}" for name, pin in pins.items())
    were = ", ".join(f"{name} {loaded[name]}" for name in pins)
    section = buildout["buildout"].get("versions", "versions")
    if RESTARTED in os.environ:
        logger.warning("%s run here, and %s are locked; pin these in [%s]", were, are, section)
        return []
    logger.info(
        "%s: zc.buildout had taken %s, so this run starts anew; a pin in [%s] saves that",
        f"locked are {are}",
        were,
        section,
    )
    return [f"{section}:{name}={pin}" for name, pin in pins.items()]


def start_anew(buildout: Any, assignments: Sequence[str]) -> None:
    """Replace this process by one with more assignments on its command line; it does not return."""
    run_instead(buildout, [sys.executable, *_program()], assignments, {RESTARTED: "1"})


def run_instead(
    buildout: Any, program: Sequence[str], assignments: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> NoReturn:
    """Replace this process by a program that is given the same command line.

    Args:
        assignments: what stands before that.
        variables: what the program has in its environment beside what is there.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    arguments = sys.argv[1:]
    _, number = _read(arguments)
    options = [*assignments, *arguments[:number], "-c", config_of(buildout, arguments)]
    os.execve(program[0], [*program, *options, *arguments[number:]], {**os.environ, **(variables or {})})


def _program() -> list[str]:
    """Return the words by which Python was told what to run; a script by its absolute path."""
    words = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    if words[-1] == sys.argv[0]:
        # zc.buildout has changed the directory that it may be relative to; Python kept this before.
        words[-1] = sys.modules["__main__"].__file__ or words[-1]
    return words


def _loaded(store: Path) -> dict[str, str]:
    """Return the versions of what runs here and lies in the store, by canonical name."""
    place = os.path.realpath(store)
    return {
        canonical_name(dist.project_name): dist.version
        for dist in pkg_resources.working_set
        if os.path.realpath(dist.location).startswith(place + os.sep)
    }


def _keep_ours(store: Path) -> None:
    """Have eggcarton's own egg be a develop package to zc.buildout, which asks no index for such a one.

    It takes for one whatever does not lie among the eggs themselves.
    """
    dist = toolchain.running().get(OURS)
    if dist is None:
        return
    place = Path(dist.location)
    if os.path.realpath(place.parent) != os.path.realpath(store):
        return
    records = sorted(place.glob("*-info/RECORD"))
    if not records:
        return
    digest = hashlib.sha256(records[0].read_bytes()).hexdigest()
    kept = store / HIDDEN / f"own-{digest[:16]}" / place.name
    if not kept.exists():
        from eggcarton.packages.merging import is_lasting

        kept.parent.mkdir(parents=True, exist_ok=True)
        with scratch(kept.parent, ".own-") as staging:
            linking.link(place, staging / place.name, symlink=linking.refused, is_wanted=is_lasting)
            give_place(staging / place.name, kept)
    # As the next run finds it, so that what zc.buildout notes of the parts of our recipes is the same then.
    dist.location, dist.precedence = os.path.realpath(kept), pkg_resources.DEVELOP_DIST


def _develop(session: Session, parts: Set[str], original: Any) -> str:
    """Have what a stock main needs noted among the develop packages.

    So zc.buildout removes it as soon as the extension is not named any more.
    """
    if set(session.sections.parts()) - parts:
        # An extension that was loaded after ours has added some, whose recipes are locked too.
        with told():
            session.prepare_recipes()
    program = _write_program(session.buildout)
    developed = original().split("\n")
    with told(), refusals("buildout"):
        links = _write_links(session)
        # Without the extension zc.buildout takes them for what they are: eggs that a newer one may take the place of.
        plain(session.store, [Path(egg) for found in session.selected.values() for egg in found.eggs()])
    return "\n".join([*filter(None, [*developed, program]), *links])


def _write_links(session: Session) -> list[str]:
    """Have zc.buildout find the extensions that run among the develop packages, and return what it finds them by."""
    found = session.selected.get(needs.RECIPES)
    eggs = {} if found is None else {name: one["egg"] for name, one in found.distributions.items()}
    ours = toolchain.running().get(OURS)
    if ours is not None and Path(ours.location).parent.name.startswith("own-"):
        eggs[OURS] = ours.location
    links = []
    for spec in session.buildout["buildout"].get("extensions", "").split():
        egg = eggs.get(canonical_name(pkg_resources.Requirement.parse(spec).project_name))
        if egg is not None:
            place = session.develop_eggs / f"{Path(egg).name.partition('-')[0]}.egg-link"
            text = f"{egg}\n.\n"
            if not place.is_file() or place.read_text("utf-8") != text:
                writing.replace(place, text)
            links.append(str(place))
    return links


def _write_program(buildout: Any) -> str | None:
    """Write ``bin/eggcarton`` and return its path, None where somebody else has put one there."""
    section = buildout["buildout"]
    place = Path(section["bin-directory"], _PROGRAM[0])
    if os.path.lexists(place) and not _is_ours(place):
        return None
    dists = pkg_resources.WorkingSet([])
    for dist in toolchain.running().values():
        dists.add(dist)
    root = section["directory"] if section.get("relative-paths", "false") == "true" else ""
    easy_install.scripts([_PROGRAM], dists, sys.executable, str(place.parent), relative_paths=root)
    return str(place)


def _is_ours(program: Path) -> bool:
    """Tell whether a program is as zc.buildout writes it for us; pip's, and bootstrap.py's, look otherwise."""
    try:
        text = program.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return "sys.path[0:0] = [" in text and _PROGRAM[1] in text
