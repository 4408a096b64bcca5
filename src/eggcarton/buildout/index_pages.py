"""Have zc.buildout import pip when it reads the first page of an index, and not when it starts.

It reads pages with pip, which takes longer to import than all else; a locked build reads none.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

_PIP = "pip._internal.index.collector"
_PATCHES = "zc.buildout.patches"


@contextmanager
def later() -> Iterator[None]:
    """Let zc.buildout be imported in the block as where there is no pip, and patched as it wants when that is due."""
    if _PIP in sys.modules or _PATCHES in sys.modules:
        yield
        return
    # It would warn that it goes without.
    logger = logging.getLogger(_PATCHES)
    logger.disabled = True
    sys.modules[_PIP] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_PIP]
        logger.disabled = False
    _seat(import_module(_PATCHES).patch_PackageIndex, import_module("zc.buildout._package_index").PackageIndex)


def _seat(patch: Any, index: Any) -> None:
    """Have a class that reads pages patched when it reads one; who has put something over that by then keeps it."""
    unpatched, reads = index.process_url, None

    def process_url(self: Any, url: str, retrieve: bool = False) -> Any:
        nonlocal reads
        if reads is None:
            now, index.process_url = index.process_url, unpatched
            patch()
            reads = index.process_url
            if now is not process_url:
                index.process_url = now
        return reads(self, url, retrieve)

    index.process_url = process_url
