"""``bin/eggcarton``: look at a build and steer its lock."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

from eggcarton.buildout.command import ConfigurationProblem
from eggcarton.buildout.ending import Stop
from eggcarton.commands import (
    diff,
    doctor,
    editor,
    environment,
    export,
    fetch,
    freeze,
    import_,
    init,
    lock,
    mirrors,
    outdated,
    plan,
    store,
    vendor,
    verify,
    why,
)
from eggcarton.commands.call import Call
from eggcarton.core.errors import EggcartonError

COMMANDS: Mapping[str, ModuleType] = {
    "diff": diff,
    "doctor": doctor,
    "editor": editor,
    "environment": environment,
    "export": export,
    "fetch": fetch,
    "freeze": freeze,
    "import": import_,
    "init": init,
    "lock": lock,
    "mirrors": mirrors,
    "outdated": outdated,
    "plan": plan,
    "store": store,
    "vendor": vendor,
    "verify": verify,
    "why": why,
}

# A requirement, such as name==1.0, is none: --upgrade would lose it, and take everything anew instead.
_SETTING = re.compile(r"[^-=][^=]*(?<![<>!~])=(?!=)")


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line; the reference page is made of it too."""
    top = argparse.ArgumentParser(
        prog="eggcarton",
        allow_abbrev=False,
        description="Look at a build and steer its lock.",
        epilog="exit codes: 0 done, 1 error, 2 usage, 3 drift or finding, 4 unavailable, 5 integrity",
    )
    top.add_argument(
        "-c", dest="config", default="buildout.cfg", metavar="FILE", help="the configuration (buildout.cfg)"
    )
    top.add_argument("-U", dest="defaults", action="store_false", help="do not read user defaults")
    top.add_argument("-o", dest="offline", action="store_true", help="open no socket")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        module.arguments(commands.add_parser(name, help=module.HELP, allow_abbrev=False))
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    after = zip(["", *given], given, strict=False)
    settings = [word for before, word in after if before != "-c" and _SETTING.match(word)]
    options = parser().parse_args([word for word in given if word not in settings])
    try:
        sys.exit(COMMANDS[options.command].run(Call(options, _assignments(settings))))
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
