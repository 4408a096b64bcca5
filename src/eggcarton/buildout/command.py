"""``bin/buildout``: zc.buildout's own command with the patches in place from its first line on."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from zc.buildout import UserError, buildout

from eggcarton.buildout import patches

ConfigurationProblem = UserError
"""What zc.buildout raises when a configuration is wrong, in words of its own."""

INTERRUPTED = "Interrupted: parts that were done by then stay as they are now, the others wait for the next run.\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run zc.buildout with these arguments, or those of the command line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with patches.seated(own_toolchain=True):
        try:
            buildout.main(given)
        except KeyboardInterrupt:
            sys.stderr.write(INTERRUPTED)
            sys.exit(130)
