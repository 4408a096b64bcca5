"""Run one hook of a build backend and write down everything it read: a file that works alone, in a process of its own.

Argument: a JSON file that says what to build, and where to write the answer. Whatever decides a develop
package's metadata (``setup.py`` may read any file) is found out by watching, not by guessing: a build that starts a
process or opens a socket may depend on things that cannot be watched, and its answer says so.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

_OUT_OF_SIGHT = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "socket.connect")


class Watch:
    """An audit hook that collects the files read and the directories listed below one directory."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root) + os.sep
        self.files: set[str] = set()
        self.directories: set[str] = set()
        self.out_of_sight: set[str] = set()
        self.active = True

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            path, mode = arguments[0], arguments[1]
            if isinstance(path, (str, bytes)) and (
                mode is None or (isinstance(mode, str) and "r" in mode and "+" not in mode)
            ):
                self._note(self.files, os.fsdecode(path))
        elif event in ("os.listdir", "os.scandir"):
            path = arguments[0]
            if isinstance(path, (str, bytes)) or path is None:
                self._note(self.directories, os.fsdecode(path) if path else os.getcwd())
        elif event in _OUT_OF_SIGHT:
            self.out_of_sight.add(event)

    def _note(self, found: set[str], path: str) -> None:
        full = os.path.abspath(path)
        if (full + os.sep).startswith(self.root):
            found.add(os.path.relpath(full, self.root))


class Sorted:
    """What ``os.scandir`` returns, in an order that does not depend on the file system."""

    def __init__(self, entries: Any) -> None:
        with entries:
            self._entries = iter(sorted(entries, key=lambda entry: os.fsencode(entry.name)))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> Sorted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give nothing more."""
        self._entries = iter(())


def in_order() -> None:
    """Have directories listed in the same order everywhere: wheels are made in the order in which files are found."""
    listdir, scandir = os.listdir, os.scandir

    def listed(*arguments: Any, **named: Any) -> list[Any]:
        return sorted(listdir(*arguments, **named), key=os.fsencode)

    def scanned(*arguments: Any, **named: Any) -> Sorted:
        return Sorted(scandir(*arguments, **named))

    # Static, so that they do not become methods where a class has them, as pathlib's does in Python 3.10.
    os.listdir = staticmethod(listed)
    os.scandir = staticmethod(scanned)  # type: ignore[assignment]


def main() -> None:
    """Build what the first argument's file describes."""
    # What lies beside this file is none of the build's business.
    sys.path.pop(0)
    with open(sys.argv[1], encoding="utf-8") as stream:
        wanted = json.load(stream)
    in_order()
    if wanted["same_names"]:
        import tempfile

        # Names of temporary directories come into results; these are tried one after the other, as random ones are.
        tempfile._name_sequence = map("{:08d}".format, itertools.count())  # type: ignore[attr-defined]
    os.chdir(wanted["source"])
    sys.path[:0] = [os.path.join(wanted["source"], path) for path in wanted["backend_path"]]
    sys.argv[:] = ["setup.py"]
    watch = Watch(wanted["source"])
    sys.addaudithook(watch)
    module, _, attributes = wanted["backend"].partition(":")
    backend = importlib.import_module(module)
    for name in filter(None, attributes.split(".")):
        backend = getattr(backend, name)
    told: list[str] = []
    answer: dict[str, object] = {"requires": told, "wheel": None}
    hook = getattr(backend, f"build_{wanted['kind']}", None)
    requires = getattr(backend, f"get_requires_for_build_{wanted['kind']}", None)
    if hook is not None and requires is not None and wanted["ask_requires"]:
        told = answer["requires"] = list(requires(None))
    is_due = wanted["answered"] is not None and set(told) <= set(wanted["answered"])
    if hook is not None and is_due:
        answer["wheel"] = hook(wanted["out"], None, None)
    watch.active = False
    answer["files"] = sorted(watch.files)
    answer["directories"] = sorted(watch.directories)
    answer["out_of_sight"] = sorted(watch.out_of_sight)
    with open(wanted["answer"], "w", encoding="utf-8") as stream:
        json.dump(answer, stream)


if __name__ == "__main__":
    main()
