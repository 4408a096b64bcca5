"""``bin/eggcarton``: look at a build and steer its lock."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Sequence

from eggcarton.buildout import current, patches, pinning
from eggcarton.buildout.command import ConfigurationProblem
from eggcarton.buildout.part import Stop
from eggcarton.buildout.preview import Preview
from eggcarton.buildout.session import Session
from eggcarton.core.errors import EggcartonError, UsageProblem

# A requirement, such as name==1.0, is none: --upgrade would lose it, and take everything anew instead.
_SETTING = re.compile(r"[^-=][^=]*(?<![<>!~])=(?!=)")


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
    plan = commands.add_parser(
        "plan", help="show what a run would write where eggs have not changed, and write nothing"
    )
    plan.add_argument("parts", nargs="*", metavar="PART", help="only these parts")
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    after = zip(["", *given], given, strict=False)
    settings = [word for before, word in after if before != "-c" and _SETTING.match(word)]
    options = parser().parse_args([word for word in given if word not in settings])
    try:
        sys.exit({"lock": _lock, "plan": _plan}[options.command](options, _assignments(settings)))
    except Stop:
        raise
    except (EggcartonError, ConfigurationProblem) as error:
        sys.stdout.flush()
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(getattr(error, "exit_code", 1))
    except OSError as error:
        sys.exit(f"Error: {error.filename or 'eggcarton'}: {error.strerror or error}")


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
    session, transaction = _session(options, settings, reading=False), None
    try:
        if not patches.is_named(session.buildout):
            raise UsageProblem("nothing is locked here: 'extensions = eggcarton' in [buildout] turns that on")
        transaction = patches.transaction_of(session)
        if options.upgrade:
            pinning.check_names(session, options.upgrade)
        changed = session.lock(options.upgrade) + pinning.lock_toolchain(session, options.upgrade)
    finally:
        session.close()
        if transaction is not None:
            transaction.undo()
    print("\n".join(changed) if changed else f"{session.settings.lock.name} is up to date.")
    return 0


def _plan(options: argparse.Namespace, settings: list[tuple[str, str, str]]) -> int:
    session = _session(options, settings, reading=True)
    try:
        if not patches.is_named(session.buildout):
            raise UsageProblem("no plan is known here: 'extensions = eggcarton' in [buildout] turns that on")
        for told in Preview(session).of(options.parts):
            print(told)
    finally:
        session.close()
    return 0
