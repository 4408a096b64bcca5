"""The links of one environment, and its ``.pth`` lines: relative where both ends lie in a tree that may be moved."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Collection
from pathlib import Path

from eggcarton.core.linking import Kind, link
from eggcarton.core.pth import is_path, named_by
from eggcarton.core.standing import below
from eggcarton.packages.merging import is_lasting

# Where setuptools puts its tree of links, when it is asked for a strict editable installation.
_STRICT = "__editable__."


class Links:
    """Makes the links of an environment that is prepared elsewhere than where it is to stand.

    Args:
        staging: where it is prepared.
        prefix: where it is to stand.
        root: the tree that is to be movable; None where paths may be absolute.
        developed: what of develop packages is to be linked; a ``.pth`` file or a finder with absolute paths of the tree
            in it is written anew instead.
        symlink: makes a symbolic link.
        hardlink: makes a hard link.

    ``kinds`` are the kinds of links that were made, ``remarks`` tell what will not work after a move.
    """

    def __init__(
        self,
        staging: Path,
        prefix: Path,
        root: Path | None,
        developed: Collection[Path],
        symlink: Callable[[str | Path, Path], None] = os.symlink,
        hardlink: Callable[[Path, Path], None] = os.link,
    ) -> None:
        self._staging, self._prefix, self._developed = staging, prefix, frozenset(developed)
        self._symlink, self._hardlink = symlink, hardlink
        self._stands = _real(prefix)
        real_root = _real(root) if root is not None else None
        # From outside no relative path leads into a tree that moves.
        self._root = real_root if real_root and self._stands.is_relative_to(real_root) else None
        # Python joins .pth lines to the path that it was started by, and looks for no link in it.
        self._is_plain = bool(root and prefix.is_relative_to(root) and real_root) and (
            prefix.relative_to(root or prefix) == self._stands.relative_to(real_root or prefix)
        )
        self.kinds: set[Kind] = set()
        self.remarks: list[str] = []

    def is_inside(self, path: Path) -> bool:
        """Tell whether a path really lies in the tree that is to be movable."""
        return self._root is not None and _real(path).is_relative_to(self._root)

    def __call__(self, target: Path, place: Path) -> None:
        """Let a place in the staged environment lead to a target."""
        directory = self._stands / place.parent.relative_to(self._staging)
        if self._root is not None and target in self._developed and target.is_file():
            text = target.read_bytes().decode("utf-8", "surrogateescape")
            written = self._rewritten(target, text, directory)
            if self._is_movable(target, written) and written != text:
                place.write_bytes(written.encode("utf-8", "surrogateescape"))
                return
        self.make(self._from(directory, target), place, source=target)

    def make(self, target: str | Path, place: Path, source: Path | None = None) -> None:
        """Make one link with this text in it."""
        kind = link(target, place, source=source, symlink=self._symlink, hardlink=self._hardlink, is_wanted=is_lasting)
        self.kinds.add(kind)

    def pth_line(self, path: Path, site_packages: Path) -> str:
        """Return the line of a ``.pth`` file in the staged site-packages that adds a directory to the path.

        Source: site.addpackage, which joins a line to the directory of its file, and runs what begins with import.
        """
        line = self._from(self._stands / site_packages.relative_to(self._staging), path)
        if os.path.isabs(line) or self._is_plain:
            return line
        return f"import os, sys; sys.path.append(os.path.normpath(os.path.join(os.path.realpath(sitedir), {line!r})))"

    def _from(self, directory: Path, target: Path) -> str:
        """Return how a target is written in a directory of the environment where it is to stand."""
        return os.path.relpath(_real(target), directory) if self.is_inside(target) else str(target)

    def _rewritten(self, target: Path, text: str, directory: Path) -> str:
        if target.suffix == ".pth":
            lines = [
                self.pth_line(path, self._staging / directory.relative_to(self._stands))
                if is_path(line) and self.is_inside(path := Path(os.path.normpath(target.parent / line.strip())))
                else line
                for line in text.splitlines()
            ]
            return "".join(f"{line}\n" for line in lines) if lines != text.splitlines() else text
        return self._finder(text, directory) if target.suffix == ".py" else text

    def _finder(self, text: str, directory: Path) -> str:
        """Return a module in which each absolute path of the tree is told from where the module itself lies."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            return text
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
        lines = [line.encode("utf-8", "surrogateescape") for line in text.splitlines(keepends=True)]
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in inner]
        # From the end on, so that what was replaced moves nothing that is still to be.
        for node in sorted(found, key=lambda node: (node.lineno, node.col_offset), reverse=True):
            value = node.value
            if not isinstance(value, str) or not os.path.isabs(value) or not self.is_inside(Path(value)):
                continue
            beside = f"/../{self._from(directory, Path(value))}"
            code = f'__import__("os").path.normpath(__import__("os").path.realpath(__file__) + {beside!r})'
            first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
            lines[first : last + 1] = [
                lines[first][: node.col_offset]
                + code.encode("utf-8", "surrogateescape")
                + lines[last][node.end_col_offset :]
            ]
        return b"".join(lines).decode("utf-8", "surrogateescape")

    def _is_movable(self, target: Path, text: str) -> bool:
        """Tell whether a file works after a move, and remark on it where that cannot be brought about."""
        named = [path for path in named_by(target) if path.name.startswith(_STRICT)] if target.suffix == ".pth" else []
        absolute = [path for place in named for path in below(place) if os.path.isabs(_led_to(path))]
        name = target.name.removeprefix(_STRICT).removesuffix(target.suffix)
        after = f"is not found after {self._root} is moved, until bin/buildout has run there"
        if absolute:
            self.remarks.append(f"{name} {after}: its build made links to absolute paths in {absolute[0].parent}")
        if f"{self._root}{os.sep}" not in text:
            return True
        self.remarks.append(f"{name} {after}: {target} holds an absolute path that cannot be made relative")
        return False


def _real(path: Path) -> Path:
    """Return where a path really lies; a link at its end is not followed, since it may lie in the tree itself."""
    return Path(os.path.realpath(path.parent), path.name) if path.name else path


def _led_to(path: Path) -> str:
    return os.readlink(path) if path.is_symlink() else ""
