"""Run one hook of a build backend and write down everything it read: a file that works alone, in a process of its own.

Arguments: a JSON file that says what to build, and a JSON file to write the answer to. Whatever decides a develop
package's metadata (``setup.py`` may read any file) is found out by watching, not by guessing: a build that starts a
process or opens a socket may depend on things that cannot be watched, and its answer says so.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

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


def main() -> None:
    """Build what the first argument's file describes."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        wanted = json.load(stream)
    os.chdir(wanted["source"])
    sys.path[:0] = [os.path.join(wanted["source"], path) for path in wanted["backend_path"]] + wanted["paths"]
    sys.argv[:] = ["setup.py"]
    watch = Watch(wanted["source"])
    module, _, attributes = wanted["backend"].partition(":")
    backend = importlib.import_module(module)
    for name in filter(None, attributes.split(".")):
        backend = getattr(backend, name)
    sys.addaudithook(watch)
    answer: dict[str, object] = {"requires": [], "wheel": None}
    requires = getattr(backend, f"get_requires_for_build_{wanted['kind']}", None)
    if requires is not None and wanted["ask_requires"]:
        answer["requires"] = list(requires(None))
    hook = getattr(backend, f"build_{wanted['kind']}", None)
    if hook is not None:
        answer["wheel"] = hook(wanted["out"], None, None)
    watch.active = False
    answer["files"] = sorted(watch.files)
    answer["directories"] = sorted(watch.directories)
    answer["out_of_sight"] = sorted(watch.out_of_sight)
    with open(wanted["answer"], "w", encoding="utf-8") as stream:
        json.dump(answer, stream)


if __name__ == "__main__":
    main()
