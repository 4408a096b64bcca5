"""Waiting for what the store does beside the work."""

from __future__ import annotations

import threading

from eggcarton.packages.store import CLEARING


def wait_for_clearing() -> None:
    """Wait until what uv left is thrown away."""
    for thread in threading.enumerate():
        if thread.name == CLEARING:
            thread.join(60)
