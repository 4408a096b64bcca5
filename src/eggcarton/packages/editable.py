"""Where the modules of a develop package are."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eggcarton.core.pth import named_by


@dataclass(frozen=True, slots=True)
class Places:
    """Where a develop package's modules are.

    Args:
        directories: what its ``.pth`` files put on the path.
        found: for what a finder imports, the directory or file of each module by its dotted name.
    """

    directories: tuple[Path, ...] = ()
    found: Mapping[str, Path] = field(default_factory=dict)


def places(directory: Path, files: Sequence[str]) -> Places:
    """Return where the modules of a develop package are.

    A finder is read, never run. Source: ``MAPPING`` in setuptools' template of one, and calls of ``map_module`` as
    ``editables`` writes them.

    Args:
        directory: what holds its metadata.
        files: its entries there.
    """
    paths = [directory / name for name in files]
    named = [path for file in paths if file.suffix == ".pth" and file.is_file() for path in named_by(file)]
    found: dict[str, Path] = {}
    for file in paths:
        if file.suffix == ".py" and file.is_file():
            found.update(_finder(file))
    return Places(tuple(path for path in dict.fromkeys(named) if path.is_dir()), found)


def _finder(file: Path) -> Iterator[tuple[str, Path]]:
    """Give the modules that a finder leads to, with their directories or files."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError):
        return
    for statement in body:
        if isinstance(statement, ast.AnnAssign | ast.Assign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if [target.id for target in targets if isinstance(target, ast.Name)] == ["MAPPING"]:
                yield from ((name, _module(Path(path))) for name, path in _literal(statement.value, {}).items())
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "map_module":
            name, path = (_literal(argument, "") for argument in call.args[:2])
            yield name, _module(Path(path)).parent if Path(path).name == "__init__.py" else _module(Path(path))


def _literal(node: ast.expr, default: object) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return default


def _module(path: Path) -> Path:
    """Return a module's file where a finder names it without its end."""
    file = path.with_name(f"{path.name}.py")
    return file if not path.exists() and file.is_file() else path
