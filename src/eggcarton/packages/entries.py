"""The entries of a store, each put in place whole and sealed; one that was cut off gives way."""

from __future__ import annotations

import os
from pathlib import Path

from eggcarton.packages import seals


def put(egg: Path, final: Path) -> None:
    """Give an egg that is complete its place, and seal it.

    What stands there stays where it is whole; else it goes where the egg was made, and is removed with that.

    Raises:
        OSError: it cannot be put there.
    """
    final.parent.mkdir(exist_ok=True)
    if os.path.lexists(final):
        if seals.is_whole(final):
            return
        # Without its seal before it is moved: at no moment may another egg have that.
        seals.unseal(final)
        final.rename(egg.with_name(f"{egg.name}.cut-off"))
    else:
        seals.unseal(final)
    try:
        egg.rename(final)
    except OSError:
        # Another build was faster, where no locks keep two from one egg; what it put there was renamed whole, too.
        if not final.is_dir():
            raise
    seals.seal(final)
