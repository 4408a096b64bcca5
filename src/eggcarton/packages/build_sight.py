"""Have a watch of a build see what Python has no audit events for: a file that works alone, in the build's own process.

These are looking whether a file is there, and reading variables.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any


def widen(watch: Any) -> None:
    """Have a `build_watch.Watch` told of each look at a file, and of each variable that is read."""
    # Popen tells of itself before it starts anything; with this, it starts all in the same way.
    subprocess._USE_POSIX_SPAWN = False  # type: ignore[misc]
    originals = {name: getattr(os, name) for name in ("stat", "lstat", "access")}
    for name, original in originals.items():
        setattr(os, name, _told(watch, name, original))
    accessor = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)
    for name in originals:
        if accessor is not None and hasattr(accessor, name):
            setattr(accessor, name, getattr(os, name))
    for variables in (os.environ, os.environb):
        variables.__class__ = _variables(watch)


def _told(watch: Any, name: str, original: Callable[..., Any]) -> Any:
    def look(path: Any, *arguments: Any, **named: Any) -> Any:
        if named.get("dir_fd") is None:
            watch.look(path, name)
        return original(path, *arguments, **named)

    # Static, so that it does not become a method where a class has it, as pathlib's does in Python 3.10.
    return staticmethod(look)


def _variables(watch: Any) -> type:
    """Return the class of the process's variables, which tells a watch what is read of them."""
    copied: list[Any] = []

    class Variables(os._Environ):  # type: ignore[type-arg]
        """The variables of the process."""

        def __getitem__(self, key: Any) -> Any:
            # What copies all of them asks for each by its name, in their order.
            if copied and copied[-1] == key:
                copied.pop()
            else:
                watch.ask_variable(os.fsdecode(key))
            return super().__getitem__(key)

        def __iter__(self) -> Iterator[Any]:
            watch.ask_variable("*")
            for key in super().__iter__():
                copied[:] = [key]
                yield key
            copied.clear()

        def keys(self) -> Any:
            watch.ask_variable("*")
            names = list(super().__iter__())
            copied[:] = reversed(names)
            return dict.fromkeys(names).keys()

        def copy(self) -> Any:
            names = list(super().__iter__())
            return _copy(watch)({name: super(Variables, self).__getitem__(name) for name in names})

    return Variables


def _copy(watch: Any) -> type:
    """Return the class of a copy of all variables, which tells a watch what is read of it by name."""

    class Copy(dict):  # type: ignore[type-arg]
        """A copy of all variables."""

        def __getitem__(self, key: Any) -> Any:
            watch.ask_variable(os.fsdecode(key))
            return super().__getitem__(key)

        def __contains__(self, key: Any) -> bool:
            watch.ask_variable(os.fsdecode(key))
            return super().__contains__(key)

        def get(self, key: Any, default: Any = None) -> Any:
            watch.ask_variable(os.fsdecode(key))
            return super().get(key, default)

    return Copy
