"""Where the modules of a develop package are, and what is imported from a directory."""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eggcarton.core.names import canonical_name
from eggcarton.core.pth import named_by

_DEEPEST_NAMESPACE = 3
# What of an egg is put beside site-packages, or is no module.
_BESIDE = frozenset({"bin", "share", "etc", "include", "man", "__pycache__", "EGG-INFO"})
_SETUP = frozenset({"setup", "conftest"})


@dataclass(frozen=True, slots=True)
class Modules:
    """Where a develop package's modules are.

    Args:
        directories: what its ``.pth`` files put on the path.
        found: for what a finder imports, the directory or file of each module by its dotted name.
    """

    directories: tuple[Path, ...] = ()
    found: Mapping[str, Path] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The directories that hold it, each once."""
        return tuple(dict.fromkeys((*self.directories, *(path.parent for path in self.found.values()))))


def find(directory: Path, files: Sequence[str]) -> Modules:
    """Return where the modules of a develop package are; nowhere, where a distribution is none.

    A finder is read, never run. Source: ``MAPPING`` in setuptools' template of one, and calls of ``map_module`` as
    ``editables`` writes them.

    Args:
        directory: what holds its metadata.
        files: its entries there.
    """
    paths = [directory / name for name in files]
    named = [path for file in paths if file.suffix == ".pth" and file.is_file() for path in named_by(file)]
    # Whatever writes a finder gives it such a name; other modules are not looked into.
    finders = [file for file in paths if file.suffix == ".py" and file.name[0] == "_" and file.is_file()]
    found = {module: path for file in finders for module, path in _finder(file)}
    return Modules(tuple(path for path in dict.fromkeys(named) if path.is_dir()), found)


def find_or_source(name: str, directory: Path, files: Sequence[str]) -> Modules:
    """Return where the modules of a develop package are; where that is not told, the source that zc.buildout notes.

    Args:
        name: its canonical name.
        directory, files: as for `find`.
    """
    found = find(directory, files)
    if found.directories or found.found:
        return found
    links = [path for path in directory.glob("*.egg-link") if canonical_name(path.stem) == name]
    return Modules(tuple(Path(path.read_text("utf-8").partition("\n")[0]) for path in links))


def _finder(file: Path) -> Iterator[tuple[str, Path]]:
    """Give the modules that a finder leads to, with their directories or files."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError):
        return
    for statement in body:
        if isinstance(statement, ast.AnnAssign | ast.Assign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if [target.id for target in targets if isinstance(target, ast.Name)] == ["MAPPING"]:
                mapping = _literal(statement.value)
                yield from _strings(mapping.items() if isinstance(mapping, dict) else ())
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            if isinstance(call.func, ast.Attribute) and call.func.attr == "map_module" and len(call.args) == 2:
                yield from _strings([(_literal(call.args[0]), _literal(call.args[1]))])


def _strings(pairs: Iterable[tuple[object, object]]) -> Iterator[tuple[str, Path]]:
    for name, path in pairs:
        if isinstance(name, str) and isinstance(path, str):
            yield name, _module(Path(path))


def _literal(node: ast.expr | None) -> object:
    try:
        return ast.literal_eval(node) if node else None
    except ValueError:
        return None


def _module(path: Path) -> Path:
    """Return the directory of a package, or the file of a module, which a finder may name without its end."""
    if path.name == "__init__.py":
        return path.parent
    file = path.with_name(f"{path.name}.py")
    return file if not path.exists() and file.is_file() else path


def names_in_egg(egg: Path) -> list[str]:
    """Return what an egg lets be imported: packages and modules, below a namespace by their dotted names."""
    names = (name for name in sorted(os.listdir(egg)) if name not in _BESIDE or _is_package(egg / name))
    return list(_importable(egg, names, _DEEPEST_NAMESPACE))


def names_of(found: Modules, directory: Path, files: Iterable[str]) -> list[str]:
    """Return what a distribution that has no directory to itself lets be imported.

    Args:
        found: where the modules of a develop package are.
        directory: what holds its metadata.
        files: its entries there, modules of its own among them where it is installed there.
    """
    if not found.sources:
        return list(_importable(directory, sorted(set(files) - _BESIDE), _DEEPEST_NAMESPACE))
    declared = _declared(directory, files)
    there = [
        name
        for place in found.directories
        for name in _importable(place, sorted(set(os.listdir(place)) - _BESIDE), _DEEPEST_NAMESPACE)
        if (name.partition(".")[0] in declared if declared else name not in _SETUP)
    ]
    return sorted({*there, *found.found})


def _declared(directory: Path, files: Iterable[str]) -> set[str]:
    """Return the top-level names that metadata declares, which those of setuptools does."""
    return {
        name
        for file in files
        if file.endswith((".dist-info", ".egg-info")) and (directory / file / "top_level.txt").is_file()
        for name in (directory / file / "top_level.txt").read_text("utf-8").split()
    }


def _importable(directory: Path, names: Iterable[str], depth: int) -> Iterator[str]:
    for name in names:
        path = directory / name
        if path.is_dir():
            # What only describes types is named so; it is for type checkers.
            if name.endswith("-stubs") or (name.isidentifier() and _is_package(path)):
                yield name
            elif name.isidentifier() and name not in _BESIDE and depth:
                yield from (f"{name}.{inner}" for inner in _importable(path, sorted(os.listdir(path)), depth - 1))
        elif (module := inspect.getmodulename(name)) and module.isidentifier():
            yield module


def _is_package(directory: Path) -> bool:
    return directory.is_dir() and any(
        inspect.getmodulename(name) == "__init__" or name == "__init__.pyi" for name in os.listdir(directory)
    )
