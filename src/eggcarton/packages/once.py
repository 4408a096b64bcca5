"""Each egg is unpacked once, however many builds that share a store need it at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from eggcarton.packages import claims
from eggcarton.packages.entries import storing
from eggcarton.packages.store import Store, Unpacked
from eggcarton.packages.store_names import HIDDEN


def unpacked(store: Store, files: Mapping[str, Path], wanted: Sequence[Unpacked]) -> dict[str, Path]:
    """Have a store hold distributions, and return every egg by the sha256 of its file, as `filling` does.

    Args:
        files: the wheels by sha256.
        wanted: what to have.
    """
    with filling(store, wanted) as take:
        for sha256, path in files.items():
            take(sha256, path)
    return store.eggs(wanted)


@contextmanager
def filling(store: Store, wanted: Sequence[Unpacked]) -> Iterator[Callable[[str, Path], None]]:
    """Give a function that takes a wheel, by its sha256 and path, and has the store hold what is wanted of it.

    What nobody else unpacks this process does, as `Store.filling` has it. What another one unpacks is waited for when
    the block has ended; where that one ends without having done it, this one does.

    Args:
        wanted: what to have.

    Raises:
        EggcartonError: as for `Store.filling`.
        StoreProblem: the store cannot be written.
    """
    files, hidden, missing = dict[str, Path](), store.directory / HIDDEN, _missing(store, wanted)
    if not missing:
        yield files.__setitem__
        return
    with storing(store.directory), ExitStack() as stack:
        hidden.mkdir(parents=True, exist_ok=True)
        mine = stack.enter_context(claims.taken(hidden, missing.keys()))
        # For another Python somebody may have unpacked the same file meanwhile.
        own = [item for sha256, item in missing.items() if sha256 in mine]
        store.share(own)
        take = stack.enter_context(store.filling(own))

        def both(sha256: str, path: Path) -> None:
            files[sha256] = path
            take(sha256, path)

        yield both
    while missing := {sha256: item for sha256, item in _missing(store, wanted).items() if sha256 in files}:
        with storing(store.directory), claims.taken(hidden, missing.keys()) as mine:
            own = [item for sha256, item in missing.items() if sha256 in mine]
            store.share(own)
            store.add(files, own)
        if not mine:
            claims.wait(hidden, missing.keys())


def _missing(store: Store, wanted: Sequence[Unpacked]) -> dict[str, Unpacked]:
    return {item.sha256: item for item in wanted if store.find(item.sha256) is None}
