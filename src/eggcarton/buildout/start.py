"""What ``bin/buildout`` and ``bin/eggcarton`` run: it imports what takes time, and tells what may go wrong meanwhile.

Nothing but the little here is imported before Ctrl-C is seen to.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from os import _exit as leave
from types import FrameType

_LAST_RUN = os.path.join("parts", ".eggcarton", "state", "selection-parts.json")


def main() -> None:
    """Run bin/buildout; where no run has succeeded before, the child process will be needed."""
    _start("buildout", "eggcarton.buildout.command", early=not os.path.exists(_LAST_RUN))


def eggcarton() -> None:
    """Run bin/eggcarton."""
    _start("eggcarton", "eggcarton.cli")


def _start(program: str, module: str, *, early: bool = False) -> None:
    """Import a module, by name as the layer of one of them lies above this one, and run its main.

    Args:
        early: whether the child process is started before, beside the imports.
    """
    # What is imported lives to the end; looking through it for garbage is time lost.
    gc.disable()
    heeded = signal.getsignal(signal.SIGINT) != signal.SIG_IGN
    if heeded:
        signal.signal(signal.SIGINT, _interrupted)
    from eggcarton.buildout import index_pages
    from eggcarton.packages import closed

    try:
        if early:
            closed.warm_up()
        # Importing zc.buildout, with setuptools behind it, takes longer than anything else in most runs.
        try:
            with index_pages.later():
                run = import_module(module).main
        except ImportError as error:
            # Its package is a namespace, of whose name nobody has heard.
            gone = "zc.buildout" if error.name == "zc" else error.name or "something"
            sys.exit(f"Error: the eggs that bin/{program} starts from are gone ({gone}); run bootstrap.py again")
        if heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        gc.freeze()
        # So do most objects that a run makes.
        gc.set_threshold(50_000)
        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; what was finished before that stays.\n")
        sys.exit(130)
    finally:
        closed.cool_down()


def _interrupted(number: int, frame: FrameType | None) -> None:
    """End the process at once: it has only imported so far, and what it started ends with it."""
    os.write(2, b"Interrupted; nothing was changed.\n")
    leave(130)
