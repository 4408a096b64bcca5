"""Write down everything that a build reads, asks and makes: a file that works alone, in the build's own process.

Whatever decides a develop package's metadata (``setup.py`` may read any file) is found out by watching, not by
guessing. What cannot be watched, such as another program or the network, is named, and has the
package built in each run.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

_OUT_OF_SIGHT = {
    "os.system": "runs a program by os.system",
    "os.posix_spawn": "runs a program by os.posix_spawn",
    "os.spawn": "runs a program by os.spawn",
    "os.exec": "becomes another program",
    "os.fork": "forks",
    "os.forkpty": "forks",
    "pty.spawn": "runs a program by pty.spawn",
    "socket.connect": "opens a connection",
    "socket.getaddrinfo": "asks for an address",
    "socket.gethostname": "asks for the name of the machine",
    "sqlite3.connect": "reads a database",
    "ctypes.dlopen": "calls a library by ctypes",
}
# What a project's own code gets from these is different each time, or nobody can tell.
_BY_CHANCE = frozenset(
    {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime", "strftime", "ctime", "random", "randint"}
    | {"uuid1", "uuid4", "urandom", "token_hex", "getuser", "getlogin", "getuid", "getpid", "gethostname", "node"}
)
# Of these, only whether something is there matters; the content of what is copied is watched when it is read.
_LOOKS = frozenset({"exists", "lexists", "isfile", "isdir", "islink", "is_file", "is_dir", "is_symlink", "realpath"})
_LOOKS |= {"access", "samefile", "_samefile", "copyfile", "copymode", "copystat", "rmtree"}
_LEFT = (".egg-info", ".dist-info", "__pycache__")
_WORKSHOPS = frozenset({"build", ".pdm-build"})
_TEMPORARY = frozenset({"TMPDIR", "TEMP", "TMP"})
_COMPILED = re.compile(r"^(.*?)__pycache__[\\/]([^\\/.]+)\.[^\\/]*\.pyc$")
# What these modules copy all variables for looks at none of them but by name: they replace $NAME, or start git.
_COPYING = frozenset({"distutils.util", "setuptools._distutils.util", "vcs_versioning._run_cmd", "dunamai"})
_COPYING |= {"vcs_versioning._overrides", "setuptools_scm._run_cmd", "pdm.backend.hooks.version.scm"}
_BEHIND = 10_000_000
"""Nanoseconds by which the times that a file system gives may lie behind the clock."""


class Watch:
    """What a build of one project does, by what decides its result.

    Args:
        root: the project's directory; names below it are relative, all others absolute.
        own: directories that belong to the build: its tools, its result.
        questions: the module `build_questions`.
    """

    def __init__(self, root: str, own: Sequence[str], questions: Any) -> None:
        self._root = os.path.realpath(root) + os.sep
        standard = [os.path.dirname(os.__file__), *(path for path in sys.path if path.endswith(".zip"))]
        self._own = [os.path.join(path, "") for base in (*own, *standard) for path in {base, os.path.realpath(base)}]
        self._beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
        self._plumbing = [self._beside, *(os.path.join(path, "") for path in standard)]
        self._questions = questions
        self._begun = time.time_ns() - _BEHIND
        self._base = dict(os.environ)
        self._stat = os.stat
        self.files: set[str] = set()
        self.made: set[str] = set()
        self.probed: set[str] = set()
        self.measured: set[str] = set()
        self.listed: set[str] = set()
        self.exact: set[str] = set()
        self.variables: set[str] = set()
        self.programs: dict[str, dict[str, Any]] = {}
        self.out_of_sight: set[str] = set()
        self.active = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take notice of one event, as `sys.addaudithook` wants it."""
        if not self.active:
            return
        if event == "open":
            self._opened(*arguments)
        elif event in ("os.listdir", "os.scandir"):
            self._list(arguments[0])
        elif event in ("os.rename", "os.link", "os.symlink"):
            self._make(arguments[1])
        elif event == "os.mkdir":
            self._make_directory(arguments[0])
        elif event == "exec":
            self._run(arguments[0])
        elif event == "subprocess.Popen":
            self._start(*arguments)
        elif event in _OUT_OF_SIGHT:
            self.out_of_sight.add(_OUT_OF_SIGHT[event])

    def _name(self, path: Any) -> str | None:
        """Return how a path is spelled here, None where it belongs to the build itself."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return None
        full = os.path.abspath(os.fsdecode(path))
        if any((full + os.sep).startswith(own) for own in self._own):
            return None
        return os.path.relpath(full, self._root) if (full + os.sep).startswith(self._root) else full

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if (name := self._name(path)) is None:
            return
        access = flags & (os.O_WRONLY | os.O_RDWR) if isinstance(flags, int) else 0
        if access:
            self.made.add(name)
        if access != os.O_WRONLY and name not in self.made:
            # Python does not open the source of what it has compiled before.
            compiled = _COMPILED.match(name)
            self.files.add(f"{compiled[1]}{compiled[2]}.py" if compiled else name)

    def _make(self, path: Any) -> None:
        if (name := self._name(path)) is not None:
            self.made.add(name)

    def _make_directory(self, path: Any) -> None:
        name = self._name(path)
        if name is not None and os.path.isabs(name) and self._kind(name) == "-":
            self._own.append(os.path.join(name, ""))

    def _list(self, path: Any) -> None:
        if (name := self._name(os.getcwd() if path is None else path)) is None:
            return
        if self._asker()[0]:
            self.exact.add(name)
        elif not self._root.startswith(os.path.join(name, "")):
            # In the directories above tools look for a repository, and whoever else works there has files come and go.
            self.listed.add(name)

    def _run(self, code: Any) -> None:
        if isinstance(code, CodeType) and self._is_by_project(code):
            self.out_of_sight |= {f"uses {word}" for word in _names(code) & _BY_CHANCE}

    def _start(self, program: Any, words: Any, place: Any, variables: Mapping[Any, Any] | None) -> None:
        said = [words] if isinstance(words, (str, bytes, os.PathLike)) else list(words)
        spelled = [os.fsdecode(word) for word in said]
        if os.fsdecode(program) != spelled[0]:
            spelled[0] = os.fsdecode(program)
        self.active = False
        try:
            here = {os.fsdecode(k): os.fsdecode(v) for k, v in (os.environ if variables is None else variables).items()}
            where = self._name(os.getcwd() if place is None else place)
            given = {name: value for name, value in here.items() if self._base.get(name) != value}
            is_own = any(own in word for own in self._own for word in (*spelled, *given.values()))
            # The question is put before the build puts it, so that this is the answer which the build gets.
            asked = self._questions.instead(spelled)
            told = self._questions.ask(asked, os.path.join(self._root, where or ""), here)
        finally:
            self.active = True
        if where is None or is_own or told == self._questions.UNKNOWN:
            self.out_of_sight.add(f"runs {os.path.basename(spelled[0])}")
            return
        gone = sorted(set(self._base) - set(here))
        one = {"words": asked, "place": where, "given": sorted(given.items()), "gone": gone, "told": told}
        # Asked once more, it may have another answer by what the build itself has made; the first one tells of others.
        self.programs.setdefault(repr((asked, where, given, gone)), one)

    def look(self, path: Any, way: str) -> None:
        """Take notice that somebody wants to know whether a path is there, or more of it."""
        name = self._name(path) if self.active else None
        if name is None or any(own.startswith(os.path.join(name, "")) for own in self._own):
            return
        is_by_project, ways = self._asker()
        if is_by_project and not _LOOKS & {way, *ways}:
            self.measured.add(name)
        elif is_by_project or self._kind(os.path.join(self._root, name)) == "-":
            # What tools find there counts when it is read; what they do not find might be read the next time.
            self.probed.add(name)

    def ask_variable(self, name: str) -> None:
        """Take notice that somebody wants to know a variable, or with ``*`` that all are copied, to look at any."""
        if self.active and name not in _TEMPORARY and (name != "*" or not self._is_copied()):
            self.variables.add(name)

    def _is_copied(self) -> bool:
        frame = _asking(sys._getframe(2), self._plumbing)
        return frame is not None and frame.f_globals.get("__name__") in _COPYING

    def _kind(self, path: str) -> str:
        try:
            mode = self._stat(path).st_mode
        except (OSError, ValueError):
            return "-"
        return "directory" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"

    def _asker(self) -> tuple[bool, list[str]]:
        """Tell whether the project's own code is at work, not that of tools, and by which functions in between."""
        ways: list[str] = []
        frame = _asking(sys._getframe(1), self._plumbing, ways)
        return frame is not None and self._name(_file(frame)) is not None, ways

    def _is_by_project(self, code: CodeType) -> bool:
        """Tell whether code that is about to run belongs to the project."""
        if not code.co_filename.startswith("<"):
            return self._name(code.co_filename) is not None
        # setuptools has read setup.py itself, and its function of this name runs the text.
        return code.co_filename == "<string>" and (sys._getframe(3).f_code.co_name == "run_setup" or self._asker()[0])

    def told(self) -> dict[str, Any]:
        """Stop watching, and return all that was seen, for JSON."""
        self.active = False
        for name in sorted(self.files):
            full = os.path.join(self._root, name)
            kind = self._kind(full)
            if full != os.devnull and (kind == "other" or (kind == "file" and full.startswith(("/proc/", "/sys/")))):
                self.out_of_sight.add(f"reads {name}")
            elif kind == "file" and name not in self.made and self._stat(full).st_ctime_ns > self._begun:
                self.out_of_sight.add(f"reads {name}, which was changed meanwhile")
        made = {name for name in self.made if not os.path.isabs(name) and self._kind(self._root + name) == "file"}
        return {
            "files": sorted(name for name in self.files - self.made if not _is_left(name)),
            "made": sorted(name for name in made if not _is_left(name)),
            "probed": sorted(name for name in self.probed - self.made if not _is_left(name)),
            "measured": sorted(name for name in self.measured - self.made if not _is_left(name)),
            "listed": sorted(name for name in self.listed - self.exact if not _is_left(name)),
            "exact": sorted(name for name in self.exact if not _is_left(name)),
            "variables": sorted(self.variables),
            "programs": list(self.programs.values()),
            "out_of_sight": sorted(self.out_of_sight),
        }


def _is_left(name: str) -> bool:
    """Tell whether a name is one of what builds leave behind and nobody needs."""
    parts = name.split(os.sep)
    is_thrown_away = parts[0] in _WORKSHOPS and len(parts) > 1 and not parts[1].startswith("__editable__")
    return is_thrown_away or name.endswith((".pyc", ".pyo")) or any(part.endswith(_LEFT) for part in parts)


def _file(frame: FrameType) -> str:
    """Return the file whose code a frame runs, empty where it has none."""
    file = frame.f_code.co_filename
    if file.startswith("<"):
        # setup.py is run as a text by setuptools, and knows its file by this name.
        file = frame.f_globals.get("__file__", "")
    return file if isinstance(file, str) else ""


def _asking(frame: FrameType | None, plumbing: Sequence[str], ways: list[str] | None = None) -> FrameType | None:
    """Return the innermost frame that is neither of the watch nor of the standard library; collect those passed."""
    while frame is not None:
        file = _file(frame)
        if file and not any(file.startswith(path) for path in plumbing):
            return frame
        if ways is not None:
            ways.append(frame.f_code.co_name)
        frame = frame.f_back
    return None


def _names(code: CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def start(root: str, own: Sequence[str], others: Mapping[str, Any]) -> Watch:
    """Watch what this process does from now on.

    Args:
        root, own: those of `Watch`.
        others: the modules ``build_questions`` and ``build_sight``.
    """
    watch = Watch(root, own, others["build_questions"])
    sys.addaudithook(watch)
    others["build_sight"].widen(watch)
    watch.active = True
    return watch
