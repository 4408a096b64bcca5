"""The scripts in the ``bin`` of an environment, as an installer would put them there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from eggcarton.core.layout import EntryPoint, ScriptFile
from eggcarton.core.script import Start, entry_point_body, python_file_body, script
from eggcarton.packages.member import Member, script_files
from eggcarton.packages.merging import folded
from eggcarton.packages.same_names import SameName

_PLACEHOLDER = b"#!python"
_GROUPS = ("console_scripts", "gui_scripts")


def write(
    directory: Path,
    start: Start,
    members: Sequence[Member],
    points: Iterable[EntryPoint],
    link: Callable[[Path, Path], None],
    taken: Collection[str],
    *,
    folds: bool,
) -> list[SameName]:
    """Write what an installer would put into ``bin``, so that the environment is an ordinary one for other tools.

    Args:
        directory: to be filled; the scripts will stand beside the interpreter in the end.
        members: the first one wins.
        link: lets a place, the second, lead to a target.
        taken: the names of the interpreter.
        folds: whether the file system takes names for the same that differ only in case.

    Returns:
        the names that several distributions want to own.
    """
    beside = start.python.parent
    own = [item for member in members for item in _script_files(member, start)]
    made = [
        (point.distribution, point.name, script(start, beside / point.name, entry_point_body(point)).encode())
        for point in points
        if point.group in _GROUPS and point.attribute
    ]
    rank = {member.name: number for number, member in enumerate(members)}
    found: dict[str, tuple[str, str, bytes | Path]] = {}
    same_names: dict[tuple[str, str], SameName] = {}
    for owner, name, content in sorted((*own, *made), key=lambda item: rank[item[0]]):
        if name in taken or (folds and folded(name) in taken):
            same_names[name, owner] = SameName("interpreter", f"bin/{name}", "", (owner,))
            continue
        used, first, kept = found.setdefault(folded(name) if folds else name, (owner, name, content))
        if first != name:
            same_names[name, owner] = SameName("case", f"bin/{first}", used, (owner,), f"bin/{name}")
        elif used != owner and _bytes(kept) != _bytes(content):
            others = same_names[name, used].others if (name, used) in same_names else ()
            same_names[name, used] = SameName("file", f"bin/{name}", used, (*others, owner))
    for _, name, content in found.values():
        path = directory / name
        if isinstance(content, Path):
            link(content, path)
        else:
            path.write_bytes(content)
            path.chmod(0o755)
    return list(same_names.values())


def files(members: Sequence[Member], points: Iterable[EntryPoint]) -> Iterator[ScriptFile]:
    """Give the scripts that members bring as files; hidden is what ``bin`` has no place for, on any file system.

    Args:
        members: the first one wins.
    """
    declared: dict[str, list[str]] = {}
    for point in points:
        if point.group in _GROUPS and point.attribute:
            declared.setdefault(point.distribution, []).append(point.name)
    first: dict[str, str] = {}
    for member in members:
        own = list(script_files(member))
        for name in (*declared.get(member.name, ()), *(file.name for file, _ in own)):
            first.setdefault(folded(name), member.name)
        for file, path in own:
            yield file if first[folded(file.name)] == member.name else replace(file, hidden=str(path))


def _script_files(member: Member, start: Start) -> Iterator[tuple[str, str, bytes | Path]]:
    """Give the scripts that a member brings: those that an installer has to start in Python, and others as they lie."""
    for file, path in script_files(member):
        with path.open("rb") as stream:
            first = stream.readline()
        if not first.startswith(_PLACEHOLDER):
            yield member.name, file.name, path
            continue
        # Not its text behind lines of ours: those that start a shell are none that may come before a docstring, or what
        # is to be imported from __future__; and whether they do hangs on the directory.
        body = python_file_body(start.in_python(start.python.parent / file.name, path))
        yield member.name, file.name, script(start, start.python.parent / file.name, body).encode()


def _bytes(content: bytes | Path) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content
