"""How what stands differs from a plan, as a readable diff; nothing is changed and nothing rendered."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from eggcarton.core.plan import (
    EditableFile,
    ExpectedFile,
    File,
    Item,
    KeptDirectory,
    KeptFile,
    Link,
    OwnedDirectory,
    Plan,
    Produced,
    Rendered,
)
from eggcarton.core.standing import Standing, digest_of_tree, look

_ENOUGH = 20


def difference(plan: Plan, root: Path) -> str:
    """Return a unified diff from what stands to what is planned; empty when nothing would change.

    Args:
        root: paths below it are shortened.
    """
    return "".join(f"{line}\n" for item in plan.items for line in _lines(item, _short(item.path, root)))


def unmet(plan: Plan, root: Path) -> list[str]:
    """Return why a plan must not be carried out, a line each: its findings, and files that are not as expected.

    Args:
        root: paths below it are shortened.
    """
    found = list(plan.findings)
    for item in plan.items:
        if isinstance(item, ExpectedFile):
            lines = list(_lines(item, _short(item.path, root)))
            found += lines[:_ENOUGH]
            if len(lines) > _ENOUGH:
                found.append(f"... and {len(lines) - _ENOUGH} more lines of {_short(item.path, root)}")
    return found


def is_copy(item: Link, standing: Standing) -> bool:
    """Tell whether what stands in the place of a link, where there are none, is what it would lead to."""
    target = item.path.parent / item.target
    if standing.kind not in ("file", "directory") or not target.exists():
        return False
    # What Python compiles while it runs comes and goes on either side.
    return digest_of_tree(item.path, with_caches=False) == digest_of_tree(target.resolve(), with_caches=False)


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _lines(item: Item, name: str) -> Iterator[str]:
    try:
        standing = look(item.path)
    except OSError as error:
        yield f"cannot be read: {name} ({error.strerror})"
        return
    if isinstance(item, File):
        yield from _file_lines(item, name, standing, item.mode)
    elif isinstance(item, KeptFile | EditableFile | ExpectedFile):
        yield from _file_lines(item, name, standing, standing.mode or getattr(item, "mode", 0o644))
    elif isinstance(item, Link):
        found = os.readlink(item.path) if standing.kind == "link" else None
        if found != str(item.target) and not is_copy(item, standing):
            yield f"{_verb(standing, 'link')}: {name} -> {item.target}"
    elif isinstance(item, Rendered):
        if standing.kind != "file":
            yield f"{_verb(standing, 'rendered file')}: {name} from {item.name}"
        elif standing.mode != item.mode:
            yield f"mode: {name} {standing.mode:04o} -> {item.mode:04o}"
    elif isinstance(item, Produced):
        if standing.kind != "directory":
            yield f"{_verb(standing, 'produced directory')}: {name} by {' '.join(item.command)}"
    elif not (isinstance(item, KeptDirectory) and item.path.is_dir()):
        yield from _directory_lines(item, name, standing)


def _directory_lines(item: OwnedDirectory | KeptDirectory, name: str, standing: Standing) -> Iterator[str]:
    if standing.kind != "directory":
        kept = ", kept" if isinstance(item, KeptDirectory) else ""
        yield f"{_verb(standing, 'directory')}: {name} {item.mode:04o}{kept}"
    elif standing.mode != item.mode:
        yield f"mode: {name} {standing.mode:04o} -> {item.mode:04o}"


def _file_lines(
    item: File | KeptFile | EditableFile | ExpectedFile, name: str, standing: Standing, mode: int
) -> Iterator[str]:
    old = item.path.read_bytes() if standing.kind == "file" else b""
    if standing.kind != "file":
        yield f"{_verb(standing, 'file')}: {name} {mode:04o}"
    elif standing.mode != mode:
        yield f"mode: {name} {standing.mode:04o} -> {mode:04o}"
    if old == item.data:
        return
    try:
        before, after = old.decode(), item.data.decode()
    except UnicodeDecodeError:
        yield f"binary: {name} {len(old)} -> {len(item.data)} bytes"
        return
    source = name if standing.kind == "file" else os.devnull
    yield from difflib.unified_diff(_split(before), _split(after), source, name, lineterm="")


def _split(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _verb(standing: Standing, new: str) -> str:
    if standing.kind == "nothing":
        return f"new {new}"
    return f"{new} in place of {'something else' if standing.kind == 'other' else f'a {standing.kind}'}"
