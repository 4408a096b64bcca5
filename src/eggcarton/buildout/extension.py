"""The extension: ``extensions = eggcarton`` makes a buildout locked, verified and fast.

Our own ``bin/buildout`` has the patches in place before zc.buildout begins; under a stock one they are put there
when the extension loads. zc.buildout loads every extension of the working set, named or not: this one does nothing
unless it is named.
"""

from __future__ import annotations

import atexit
import sys
from contextlib import ExitStack
from typing import Any

from eggcarton.buildout import current, patches, stock
from eggcarton.buildout.ending import told

_STACK = "_eggcarton_patches"


def load(buildout: Any) -> None:
    """Begin a locked run."""
    if not patches.is_named(buildout) or current.session(buildout) is not None:
        return
    with told():
        stock.check()
    stack = ExitStack()
    stack.enter_context(patches.seated())
    setattr(buildout, _STACK, stack)
    # A stock main calls no extension when a run fails, so the end of the process is what tells.
    atexit.register(_end, buildout)
    if current.config(buildout) is None:
        current.set_config(buildout, stock.config_of(buildout, sys.argv[1:]))
    other = stock.settle(buildout, patches.begin(buildout))
    if other:
        _end(buildout)
        stock.start_anew(buildout, other)


def unload(buildout: Any) -> None:
    """End a locked run that has succeeded, where our own main does not do it."""
    if hasattr(buildout, _STACK):
        patches.commit(buildout)
        _restore(buildout)


def _end(buildout: Any) -> None:
    if hasattr(buildout, _STACK):
        patches.abandon(buildout)
        _restore(buildout)


def _restore(buildout: Any) -> None:
    getattr(buildout, _STACK).close()
    delattr(buildout, _STACK)
