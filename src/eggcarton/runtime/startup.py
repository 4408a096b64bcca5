"""What a Python of an environment does when it starts, before anything else, where it was told to.

It runs the file that its option -X eggcarton names, in the namespace of what it is to run itself; where it is
started by a script that is fully isolated, it does not import from the directory it happens to work in; and where
tests that are measured have started it, it is measured too.
"""

from __future__ import annotations

import os
import sys

# Every start would wait for the real ones.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_begun = False


def begin() -> None:
    """Do what the process was told to do first, once: Python reads the .pth files of an environment twice."""
    global _begun
    if _begun:
        return
    _begun = True
    if os.environ.get("EGGCARTON_ISOLATION") == "full":
        _leave_working_directory_out()
        if sys.flags.isolated:
            # What is typed can be edited and completed here as in any other Python, which leaves that out with -I.
            sys.modules["site"].enablerlcompleter()
    if "EGGCARTON_COVERAGE" in os.environ:
        _be_measured(os.environ["EGGCARTON_COVERAGE"])
    file = sys._xoptions.get("eggcarton")
    if isinstance(file, str) and "sitecustomize" not in sys.modules:
        sys.meta_path.insert(0, _First(file))
    elif isinstance(file, str):
        _run(file)


def _be_measured(file: str) -> None:
    """Run the file that measures the process; where that is gone or fails, the process is what it is without.

    The run that wrote it may be over.
    """
    try:
        with open(file, "rb") as stream:
            code = compile(stream.read(), file, "exec")
        exec(code, {"__name__": "_eggcarton_measured", "__file__": file})
    except (Exception, SystemExit):
        return


def _run(file: str) -> None:
    try:
        with open(file, "rb") as stream:
            code = compile(stream.read(), file, "exec")
        namespace = vars(sys.modules["__main__"])
        namespace["__file__"] = file
        exec(code, namespace)
        namespace.pop("__file__", None)
    except SystemExit as end:
        _end(end.code)
    except BaseException:
        # Only here: most starts have no use for it, and all would wait for it.
        import traceback

        try:
            traceback.print_exc()
        finally:
            _end(1)


def _end(status: object) -> None:
    """End the process at once: an exception that is raised while Python starts would only be printed."""
    number = status if isinstance(status, int) else int(status is not None)
    try:
        if sys.stderr is not None and not isinstance(status, int | None):
            print(status, file=sys.stderr)
        for stream in (sys.stdout, sys.stderr):
            # Python has none where it was started without.
            if stream is not None:
                stream.flush()
    finally:
        os._exit(number & 0xFF)


def _leave_working_directory_out() -> None:
    """Have the working directory taken off the path with the first import, since Python adds it after this.

    A program in a file has its own directory in that place, and keeps it.
    """
    is_kept_out = sys.flags.isolated or getattr(sys.flags, "safe_path", False)
    if not is_kept_out and sys.argv[:1] in ([""], ["-"], ["-c"], ["-m"]):
        sys.meta_path.insert(0, _Guard())


class _Guard:
    """An importer that finds nothing, and goes with the first import after Python has added the directory.

    Before that, Python may import what customizes it.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not sys.path or sys.path[0] not in ("", _working_directory()):
            return None
        del sys.path[0]
        sys.meta_path.remove(self)
        return _found_by_others(name, path, target)


class _First:
    """An importer that finds nothing, and runs a file when Python looks for what customizes it.

    By then it knows all that it can import from: the directories of the machine come behind those of the environment.
    """

    def __init__(self, file: str) -> None:
        self._file = file

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "sitecustomize":
            return None
        sys.meta_path.remove(self)
        _run(self._file)
        return _found_by_others(name, path, target)


def _found_by_others(name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
    """Return what the importers find when one has just left their list.

    Python is walking along that, and steps over the importer that took its place.
    """
    found = (finder.find_spec(name, path, target) for finder in tuple(sys.meta_path))
    return next((spec for spec in found if spec is not None), None)


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None
