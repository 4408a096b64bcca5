"""Links where the platform has them; hard links, then copies, where it does not."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from eggcarton.core.standing import discard

Kind = Literal["symbolic", "hard", "copied"]
Make = Callable[[Path, Path], None]

_NOT_HERE = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
# A file system may know hard links, but none to another one, and none to a file that has very many.
_NO_HARD_LINK = _NOT_HERE | {errno.EXDEV, errno.EMLINK}
_PRIVILEGE_NOT_HELD = 1314


def link(
    target: str | Path,
    place: Path,
    *,
    source: Path | None = None,
    symlink: Callable[[str | Path, Path], None] = os.symlink,
    hardlink: Make = os.link,
    is_wanted: Callable[[Path], bool] = lambda path: True,
) -> Kind:
    """Make a link, or where the platform has none, a tree of hard links, or of copies.

    Args:
        target: what is written into a symbolic link.
        source: what that leads to, where it cannot be told from the place, which is only a staging one.
        is_wanted: whether something below the source belongs into a tree that is made of it.

    Raises:
        OSError: for any other reason than that such links are not possible here; nothing is left at the place.
    """
    try:
        symlink(target, place)
    except (OSError, NotImplementedError) as error:
        if not _is_impossible(error, _NOT_HERE):
            raise
    else:
        return "symbolic"
    tree = _Tree(hardlink, is_wanted)
    try:
        tree.make(os.path.realpath(source or place.parent / target, strict=True), place, ())
    except FileExistsError:
        raise
    except BaseException:
        discard(place)
        raise
    return tree.kind


def is_possible(directory: Path, *, symlink: Callable[[str | Path, Path], None] = os.symlink) -> bool:
    """Tell whether symbolic links can be made in a directory, which is made where it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".link-", dir=directory) as name:
            symlink("nothing", Path(name, "link"))
    except (OSError, NotImplementedError) as error:
        if not _is_impossible(error, _NOT_HERE):
            raise
        return False
    return True


def refused(target: object, place: object) -> None:
    """Make no link, as if the platform had none.

    Raises:
        OSError: always.
    """
    raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(place))


def sentence(directory: Path, kinds: set[Kind]) -> str:
    """Return the remark that there are no symbolic links, and what is made instead; nothing where there are."""
    if not kinds - {"symbolic"}:
        return ""
    instead = "copies" if "hard" not in kinds else "hard links, and copies where those cannot be made either,"
    return f"{directory}: symbolic links cannot be made here; {instead} are made instead"


class _Tree:
    """Makes one tree of hard links, and from the first one on that is refused, of copies."""

    def __init__(self, hardlink: Make, is_wanted: Callable[[Path], bool]) -> None:
        self._hardlink, self._is_wanted = hardlink, is_wanted
        self.kind: Kind = "hard"

    def make(self, source: str, place: Path, above: tuple[str, ...]) -> None:
        """Make what stands at a real path stand at a place too."""
        if not os.path.isdir(source):
            self._file(Path(source), place)
            return
        if source in above:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), source)
        os.mkdir(place)
        for name in sorted(os.listdir(source)):
            if self._is_wanted(Path(source, name)):
                self.make(os.path.realpath(Path(source, name), strict=True), place / name, (*above, source))

    def _file(self, source: Path, place: Path) -> None:
        if self.kind == "hard":
            try:
                self._hardlink(source, place)
                return
            except (OSError, NotImplementedError) as error:
                if not _is_impossible(error, _NO_HARD_LINK):
                    raise
                self.kind = "copied"
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place))
        shutil.copy2(source, place)


def _is_impossible(error: Exception, numbers: frozenset[int]) -> bool:
    """Tell whether an error means that no such link can be made here, whatever the names are."""
    if isinstance(error, NotImplementedError) or getattr(error, "winerror", None) == _PRIVILEGE_NOT_HELD:
        return True
    return isinstance(error, OSError) and error.errno in numbers
