"""The entries of a store, each put in place whole and sealed; one that was cut off gives way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eggcarton.core.errors import EggcartonError
from eggcarton.core.standing import give_place
from eggcarton.packages import seals


class StoreProblem(EggcartonError):
    """The store cannot be written: the disk is full, or it is not ours."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(
            f"the eggs directory {directory} cannot be written: {reason.lower()}; make room or give the right to write "
            "there, or name another one with 'eggs-directory' in [buildout]"
        )
        self.directory = directory


@contextmanager
def storing(directory: Path) -> Iterator[None]:
    """Tell what the operating system refuses in the block as a fault of the store in this directory.

    Raises:
        StoreProblem: it refused something there.
    """
    try:
        yield
    except OSError as error:
        # What cannot be read elsewhere, such as a wheel, has its name with it; a disk without room has none.
        if error.filename is not None and not Path(os.fsdecode(error.filename)).is_relative_to(directory):
            raise
        raise StoreProblem(directory, error.strerror or str(error)) from error


def put(egg: Path, final: Path) -> bool:
    """Give an egg that is complete its place, seal it, and tell whether one that was cut off had to go for it.

    What stands there stays where it is whole; else it goes where the egg was made, and is removed with that.

    Raises:
        OSError: it cannot be put there.
    """
    final.parent.mkdir(exist_ok=True)
    was_cut_off = False
    if os.path.lexists(final):
        if seals.is_whole(final):
            return False
        # Without its seal before it is moved: at no moment may another egg have that.
        seals.unseal(final)
        final.rename(egg.with_name(f"{egg.name}.cut-off"))
        was_cut_off = True
    else:
        seals.unseal(final)
    # Where no locks keep two builds from one egg, another one may be faster; what it puts there is whole, too.
    give_place(egg, final)
    seals.seal(final)
    return was_cut_off
