"""``bin/eggcarton``: look at a build and steer its lock."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from eggcarton.buildout import current, needs, patches, pinning
from eggcarton.buildout.command import ConfigurationProblem
from eggcarton.buildout.part import Part, Stop
from eggcarton.buildout.session import Session
from eggcarton.core.difference import difference
from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.core.plan import File, Plan, Rendered
from eggcarton.core.records import read_record


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line; the reference page is made of it too."""
    top = argparse.ArgumentParser(
        prog="eggcarton",
        description="Look at a build and steer its lock.",
        epilog="exit codes: 0 done, 1 error, 2 usage, 3 drift or finding, 4 unavailable, 5 integrity",
    )
    top.add_argument(
        "-c", dest="config", default="buildout.cfg", metavar="FILE", help="the configuration (buildout.cfg)"
    )
    top.add_argument("-U", dest="defaults", action="store_false", help="do not read user defaults")
    top.add_argument("-o", dest="offline", action="store_true", help="open no socket")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lock = commands.add_parser("lock", help="make the lock, and the pins beside bootstrap.py, answer the configuration")
    lock.add_argument("--upgrade", nargs="*", metavar="NAME", help="take these distributions anew; without a name, all")
    lock.add_argument("settings", nargs="*", metavar="section:option=value", help=argparse.SUPPRESS)
    plan = commands.add_parser("plan", help="show what a run would write, and write nothing")
    plan.add_argument("parts", nargs="*", metavar="PART", help="only these parts")
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    settings = [word for word in given if "=" in word and not word.startswith("-")]
    options = parser().parse_args([word for word in given if word not in settings])
    try:
        sys.exit({"lock": _lock, "plan": _plan}[options.command](options, _assignments(settings)))
    except Stop:
        raise
    except (EggcartonError, *ConfigurationProblem) as error:
        sys.stdout.flush()
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(getattr(error, "exit_code", 1))


def _assignments(words: Sequence[str]) -> list[tuple[str, str, str]]:
    found = []
    for word in words:
        name, _, value = word.partition("=")
        section, colon, option = name.rpartition(":")
        found.append((section if colon else "buildout", option, value))
    return found


def _session(options: argparse.Namespace, settings: list[tuple[str, str, str]], *, reading: bool) -> Session:
    if options.offline:
        settings.append(("buildout", "offline", "true"))
    buildout = patches.opened(options.config, settings, user_defaults=options.defaults)
    logging.getLogger().setLevel(logging.WARNING if reading else logging.INFO)
    session = Session(buildout, reading=reading)
    current.begin(buildout, session, None)
    return session


def _lock(options: argparse.Namespace, settings: list[tuple[str, str, str]]) -> int:
    session = _session(options, settings, reading=False)
    try:
        if not patches.is_named(session.buildout):
            raise UsageProblem("nothing is locked here: 'extensions = eggcarton' in [buildout] turns that on")
        changed = session.lock(options.upgrade)
        changed += pinning.lock_toolchain(session, upgrade=options.upgrade is not None)
    finally:
        session.close()
    print("\n".join(changed) if changed else f"{session.settings.lock.name} is up to date.")
    return 0


def _plan(options: argparse.Namespace, settings: list[tuple[str, str, str]]) -> int:
    session = _session(options, settings, reading=True)
    buildout = session.buildout
    try:
        session.prepare_recipes()
        session.prepare_parts()
        known = [part.part for part in needs.of_parts(session.sections)]
        for part in options.parts:
            if part not in known:
                raise UsageProblem(f"there is no part {part!r}; the parts are {', '.join(known)}")
        for part in options.parts or known:
            recipe = buildout[part].recipe
            if isinstance(recipe, Part):
                shown = _shown(recipe, session)
                print(f"[{part}]\n{shown}" if shown else f"[{part}] nothing to do")
            else:
                print(f"[{part}] is built by {buildout[part]['recipe']}, whose plan is not known")
    finally:
        session.close()
    return 0


def _shown(part: Part, session: Session) -> str:
    """Return the difference between a part's plan and what stands, what it would remove included."""
    rendered = [File(i.path, session.render(i), i.mode) if isinstance(i, Rendered) else i for i in part.plan.items]
    root = session.settings.root
    shown = difference(Plan(items=tuple(rendered)), root)
    planned = {item.path for item in part.plan.items}
    gone = sorted(path for path in read_record(session.records, part.name).known - planned if os.path.lexists(path))
    return shown + "".join(f"removed: {os.path.relpath(path, root)}\n" for path in gone)
