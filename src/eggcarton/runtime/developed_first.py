"""Lets an interpreter import develop packages before all that is installed, and after the standard library.

Each environment with develop packages has a copy of this file, which a ``.pth`` line calls when Python starts.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder


class DevelopedFirst:
    """Finds what develop packages import by finders of their own, and namespaces, before the path is searched.

    Args:
        packages: the directories that a develop package has on the path, and its finders; the first package wins.
        namespaces: the directories of packages that say of themselves, by pkg_resources or pkgutil, that others share
            them. They are imported as Python's own namespaces are, whoever else shares them and in whatever way.
    """

    def __init__(self, packages: list[tuple[list[str], list[object]]], namespaces: dict[str, list[str]]) -> None:
        self._packages, self._namespaces = packages, namespaces

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the spec of a develop package's module, or None."""
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        if name in self._namespaces:
            return self._namespace(name)
        before: list[str] = []
        for directories, finders in self._packages:
            for finder in finders:
                found: ModuleSpec | None = finder.find_spec(name, path, target)  # type: ignore[attr-defined]
                if found is not None:
                    return _regular(name, before) or found
            before += directories
        return None

    def _namespace(self, name: str) -> ModuleSpec:
        parts = name.split(".")
        found = [*self._namespaces[name], *(os.path.join(entry, *parts) for entry in sys.path)]
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [path for path in dict.fromkeys(found) if os.path.isdir(path)]
        return spec


def _regular(name: str, directories: list[str]) -> ModuleSpec | None:
    """Return the spec of a module or package in directories of the path, None for a namespace and for nothing."""
    parents = name.split(".")[:-1]
    found = PathFinder.find_spec(name, [os.path.join(directory, *parents) for directory in directories])
    return found if found is not None and found.loader is not None else None


def install(packages: list[tuple[list[str], list[str]]], namespaces: dict[str, list[str]]) -> None:
    """Put develop packages first.

    Args:
        packages: a develop package each: its directories, which may be relative to that of this file, and the names of
            the modules that have put a finder of it into ``sys.meta_path``.
        namespaces: as for `DevelopedFirst`.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [[_whole(here, path) for path in directories] for directories, _ in packages]
    first = [path for directories in paths for path in directories if os.path.isdir(path)]
    others = [path for path in sys.path if path not in first]
    at = others.index(here) if here in others else len(others)
    sys.path[:] = [*others[:at], *dict.fromkeys(first), *others[at:]]
    for name in namespaces:
        # A line as setuptools writes it has put there what knows of one of its directories only.
        sys.modules.pop(name, None)
    finders = [[one for one in sys.meta_path if getattr(one, "__module__", "") in modules] for _, modules in packages]
    # Python reads the lines of an environment twice.
    is_there = any(isinstance(one, DevelopedFirst) for one in sys.meta_path)
    if not is_there and (namespaces or any(finders)):
        # A PIE file has put one of another class in its place.
        of_path = (isinstance(one, type) and issubclass(one, PathFinder) for one in sys.meta_path)
        at = next((place for place, is_it in enumerate(of_path) if is_it), len(sys.meta_path))
        shared = {name: [_whole(here, path) for path in directories] for name, directories in namespaces.items()}
        sys.meta_path.insert(at, DevelopedFirst(list(zip(paths, finders, strict=True)), shared))  # type: ignore[arg-type]


def _whole(here: str, path: str) -> str:
    spelled = os.path.normpath(os.path.join(here, path))
    # A relative path starts from where this file lies, also where a link leads to that.
    lies = os.path.normpath(os.path.join(os.path.realpath(here), path))
    return spelled if os.path.realpath(spelled) == os.path.realpath(lies) else lies
