"""The names that eggs have where zc.buildout looks for them; each leads to content that lies under its sha256."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eggcarton.core.standing import discard

if TYPE_CHECKING:
    from eggcarton.core.linking import Kind

HIDDEN = ".eggcarton"
MARK = ".eggcarton-of"
"""In an egg that stands in the place of a link: a file that holds what the link would."""


def leads_to(name: Path, egg: Path) -> bool:
    """Tell whether a name in the store leads to an egg, or stands in the place of a link to it."""
    try:
        return os.path.samefile(name, egg) or (not name.is_symlink() and _target_of(name) == _written(egg, name.parent))
    except OSError:
        return False


def show(
    directory: Path,
    eggs: Iterable[Path],
    *,
    symlink: Callable[[str | Path, Path], None] = os.symlink,
    hardlink: Callable[[Path, Path], None] = os.link,
) -> list[str]:
    """Give eggs their names in buildout's layout, as relative links.

    Args:
        directory: the store; the eggs lie in it.
        symlink: makes a symbolic link.
        hardlink: makes a hard link, where that cannot.

    Returns:
        a remark on the strangers that were moved aside, and one where there are no symbolic links.
    """
    # Nearly every run finds all names as they should be.
    from eggcarton.core import linking
    from eggcarton.packages.merging import is_lasting

    strangers: list[tuple[Path, Path]] = []
    kinds: set[Kind] = set()
    for egg in eggs:
        name, target = directory / egg.name, _written(egg, directory)
        stands = _target_of(name)
        if stands == target:
            continue
        if stands is None and os.path.lexists(name):
            aside = Path(tempfile.mkdtemp(prefix=f"{egg.name}.", dir=_made(directory / HIDDEN / "replaced")))
            try:
                name.rename(aside / egg.name)
            except FileNotFoundError:
                # Another build that shares the store was faster.
                aside.rmdir()
            else:
                strangers.append((name, aside))
        temporary = directory / HIDDEN / f".link-{os.getpid()}-{egg.name}"
        discard(temporary)
        kind = linking.link(target, temporary, source=egg, symlink=symlink, hardlink=hardlink, is_wanted=is_lasting)
        kinds.add(kind)
        if kind != "symbolic":
            (temporary / MARK).write_text(target, "utf-8")
        _replace(name, temporary)
    return list(filter(None, [_told(directory, strangers), linking.sentence(directory, kinds)]))


def plain(directory: Path, eggs: Iterable[Path]) -> None:
    """Have the names of eggs be directories of hard links, where they are links.

    What a link leads to is a develop package to zc.buildout, which then asks for no newer one; it does so for these.

    Args:
        directory: the store; the eggs lie in it.
    """
    from eggcarton.core import linking
    from eggcarton.packages.merging import is_lasting

    for egg in eggs:
        name, target = directory / egg.name, _written(egg, directory)
        if name.is_symlink() and _target_of(name) == target:
            temporary = directory / HIDDEN / f".link-{os.getpid()}-{egg.name}"
            discard(temporary)
            linking.link(target, temporary, source=egg, symlink=linking.refused, is_wanted=is_lasting)
            (temporary / MARK).write_text(target, "utf-8")
            _replace(name, temporary)


def _told(directory: Path, strangers: Sequence[tuple[Path, Path]]) -> str:
    """Return one remark on all eggs that were moved aside: the first run in an old store finds hundreds."""
    if len(strangers) > 1:
        names = ", ".join(name.name for name, _ in strangers[:3]) + (", ..." if len(strangers) > 3 else "")
        aside = directory / HIDDEN / "replaced"
        return f"{len(strangers)} eggs in {directory} had not come from the lock and were moved to {aside}: {names}"
    return "".join(f"{name} had not come from the lock and was moved to {aside}" for name, aside in strangers)


def _written(egg: Path, directory: Path) -> str:
    return os.path.relpath(egg, directory)


def _target_of(name: Path) -> str | None:
    """Return what a name leads to as it is written there; None for what is not ours, and for nothing."""
    try:
        return os.readlink(name) if name.is_symlink() else (name / MARK).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _replace(name: Path, new: Path) -> None:
    if name.is_dir() and not name.is_symlink():
        # No directory takes the place of a full one in one step.
        old = new.with_name(f"{new.name}.old")
        discard(old)
        name.rename(old)
        new.rename(name)
        discard(old)
    elif new.is_symlink():
        os.replace(new, name)
    else:
        discard(name)
        new.rename(name)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
