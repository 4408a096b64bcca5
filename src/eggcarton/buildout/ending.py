"""How a run ends on an error: told once, in its own sentence, with its exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from eggcarton.core.errors import EggcartonError


class Stop(SystemExit):
    """The end of a run whose reason has been told.

    zc.buildout ends with status 1 on any exception but this kind; and an error that it catches while it updates a
    part makes it delete that part's files.
    """


def stop(error: EggcartonError) -> NoReturn:
    """Tell an error once, in its own sentence, and end the run with its exit code."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.write(f"Error: {error}\n")
    raise Stop(error.exit_code) from error


@contextmanager
def told() -> Iterator[None]:
    """End the run on one of our errors, told once, with its exit code."""
    try:
        yield
    except EggcartonError as error:
        stop(error)


@contextmanager
def refusals(part: str) -> Iterator[None]:
    """Turn what the operating system refuses a part into a sentence."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        raise EggcartonError(f"[{part}] {where}{error.strerror or error}; put that right, then run again") from error
