"""``bin/buildout``: zc.buildout's own command with the patches in place from its first line on."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from zc.buildout import UserError, buildout, configparser

from eggcarton.buildout import patches

ConfigurationProblem = (UserError, configparser.Error)
"""What zc.buildout raises when a configuration is wrong."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run zc.buildout with these arguments, or those of the command line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with patches.seated(own_toolchain=True):
        try:
            buildout.main(given)
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted; everything is as it was before.\n")
            sys.exit(130)
