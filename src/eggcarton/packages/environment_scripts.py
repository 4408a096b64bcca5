"""The scripts in the ``bin`` of an environment, as an installer would put them there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from eggcarton.core.layout import EntryPoint
from eggcarton.core.script import entry_point_script, first_lines
from eggcarton.packages.member import Member
from eggcarton.packages.merging import shared


def write(directory: Path, prefix: Path, members: Sequence[Member], points: Iterable[EntryPoint]) -> list[str]:
    """Write what an installer would put into ``bin``, so that the environment is an ordinary one for other tools.

    Returns:
        a remark for every script that two distributions both want to own.
    """
    remarks: list[str] = []
    python = prefix / "bin" / "python"
    found: dict[str, tuple[str, bytes | Path]] = {}
    own = [item for member in members for item in _own_scripts(member, python)]
    made = [
        (point.distribution, point.name, entry_point_script(python, point).encode())
        for point in points
        if point.group == "console_scripts" and point.attribute
    ]
    for owner, name, content in (*own, *made):
        first, kept = found.setdefault(name, (owner, content))
        if first != owner and kept != content:
            remarks.append(shared(f"bin/{name}", first, owner))
    for name, (_, content) in found.items():
        path = directory / name
        if path.is_symlink() or path.exists():
            continue
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
            path.chmod(0o755)
    return remarks


def _own_scripts(member: Member, python: Path) -> Iterator[tuple[str, str, bytes | Path]]:
    """Give the scripts that a wheel itself brought: those in Python as text, others as they lie in the store."""
    source = member.place / "bin"
    if member.files or not source.is_dir() or (source / "__init__.py").exists():
        return
    for path in sorted(source.iterdir()):
        if _begins_with_placeholder(path):
            rest = path.read_bytes().partition(b"\n")[2]
            yield member.name, path.name, first_lines(python, "-I").encode() + rest
        else:
            yield member.name, path.name, path


def _begins_with_placeholder(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(8) == b"#!python"
