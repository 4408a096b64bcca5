"""The closed set: our own libraries, at versions and hashes that we ship, and the one process that runs in them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import util
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import eggcarton
from eggcarton.core import errors
from eggcarton.core.errors import EggcartonError
from eggcarton.core.locks import scratch, sweep
from eggcarton.core.standing import give_place

if TYPE_CHECKING:
    from eggcarton.core.plan import Rendered

PINS = Path(__file__).with_name("closed-set.txt")
_SOURCE = Path(eggcarton.__file__).parent.parent
# Ctrl-C reaches the child too; the parent tells of it, so that the child ends without a word.
_START = (
    "import os, signal, sys; "
    "signal.getsignal(signal.SIGINT) == signal.SIG_IGN or signal.signal(signal.SIGINT, lambda *_: os._exit(130)); "
    "sys.path[:0] = sys.argv[1:]; "
    "from eggcarton.child.__main__ import main; main()"
)
_PIP = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)
_KINDS = (errors.UsageProblem, errors.Drift, errors.Unavailable, errors.IntegrityProblem)


def directory_name() -> str:
    """Return the name of the closed set's directory: it changes with the pins, the Python and the platform."""
    content = PINS.read_bytes() + f"{sys.version_info[:2]} {sysconfig.get_platform()}".encode()
    return f"closed-set-{hashlib.sha256(content).hexdigest()[:16]}"


def cached_name() -> str:
    """Return the name of the closed set's directory in a cache, where bootstrap.py looks for it, too."""
    found = sys.version_info[:2], sys.implementation.name, sysconfig.get_platform()
    return hashlib.sha256(f"{PINS.read_text('utf-8')} {' '.join(map(str, found))}".encode()).hexdigest()[:16]


def ensure(
    store: Path,
    *,
    index: str | None,
    cache: Callable[[], Path] | None = None,
    say: Callable[[str], None] = lambda line: None,
    offline: bool = False,
) -> Path:
    """Return the closed set of a store; where bootstrap.py has not put it there, pip does, by the same hashes.

    Args:
        store: the eggs directory.
        index: where pip asks; None leaves that to what is configured for pip.
        cache: tells where fetched files are kept, from where other stores have it without being fetched again.
        say: is told when something has to be fetched.
        offline: whether nothing may be.

    Raises:
        UsageProblem: the index, or the proxy, cannot be one.
        Unavailable: pip could not fetch it, or must not.
        IntegrityProblem: what pip fetched is not what the pins name.
    """
    place = store / ".eggcarton" / directory_name()
    if place.is_dir():
        return place
    kept = cache() / "closed-set" / cached_name() if cache is not None else None
    if kept is not None and kept.is_dir():
        return copied(kept, place)
    if offline:
        nor = f", nor in the cache, as {kept}" if kept is not None else ""
        raise errors.Unavailable(
            f"offline, and the libraries that eggcarton itself works with are not in {place.parent}{nor}; run "
            "bin/buildout once where it may fetch them"
        )
    say(f"Getting the libraries that eggcarton itself works with into {place}")
    place.parent.mkdir(parents=True, exist_ok=True)
    sweep(place.parent, ".closed-")
    with scratch(place.parent, ".closed-") as staging:
        target = staging / place.name
        _fetch(target, index)
        give_place(target, place)
    if kept is not None:
        # A build does not depend on it.
        with suppress(OSError):
            copied(place, kept)
    return place


def copied(source: Path, place: Path) -> Path:
    """Return a place that has a copy of a closed set, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    sweep(place.parent, ".closed-")
    with scratch(place.parent, ".closed-") as staging:
        copy = staging / place.name
        shutil.copytree(source, copy, symlinks=True)
        give_place(copy, place)
    return place


def _fetch(target: Path, index: str | None) -> None:
    """Have pip install what is pinned; of what is configured for it, only the way to the index counts."""
    home = Path(os.path.expanduser("~"))
    from eggcarton.indexes import configured

    settings = configured.pip_settings(_variables(), home, index=index)
    clean = {name: value for name, value in _variables().items() if not name.startswith(("PIP_", "PYTHON"))}
    # Whatever pip leaves when it is killed lies where it is cleared away.
    clean |= settings.variables() | {"TMPDIR": str(target.parent)}
    command = [*_pip(), "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(target)]
    command += ["--requirement", str(PINS)]
    try:
        done = subprocess.run(
            command, env=clean, stdin=subprocess.DEVNULL, capture_output=True, timeout=1800, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise errors.Unavailable("the libraries that eggcarton works with were not there in half an hour") from error
    if b"DO NOT MATCH THE HASHES" in done.stderr:
        raise errors.IntegrityProblem(
            f"a file from the index has another sha256 than {PINS.name} pins; nothing was installed"
        )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()[-10:]
        raise errors.Unavailable("the libraries that eggcarton works with could not be fetched:", tried=lines)


def _pip() -> list[str]:
    found = util.find_spec("pip")
    if found is None or found.origin is None:
        raise EggcartonError("there is no pip to fetch eggcarton's own libraries with; run its bootstrap.py instead")
    return [sys.executable, "-IS", "-c", _PIP, str(Path(found.origin).parent.parent)]


_outside: list[Mapping[str, str]] = []


def start_with(variables: Mapping[str, str] | None) -> None:
    """Start children with these variables from now on, whatever this process's own become; None ends that."""
    _outside[:] = [] if variables is None else [variables]


def _variables() -> Mapping[str, str]:
    return _outside[0] if _outside else os.environ


_warm: list[tuple[Path, subprocess.Popen[str]]] = []


def warm_up() -> None:
    """Start the child before it is known whether it is needed, while this process still imports zc.buildout.

    Only the closed set that stands beside the toolchain we run on can be known so early; where there is none, or
    another one is wanted later, nothing is gained and nothing lost.
    """
    place = _beside_toolchain()
    if place is not None:
        process = _start(place)
        assert process.stdin is not None
        process.stdin.write(json.dumps({"operation": "ready", "arguments": {}}) + "\n")
        process.stdin.flush()
        _warm.append((place, process))


def _beside_toolchain() -> Path | None:
    places = (Path(entry).parent.parent / directory_name() for entry in sys.path)
    return next((place for place in places if place.parent.name == ".eggcarton" and place.is_dir()), None)


def beside_toolchain() -> Path:
    """Return the closed set that bootstrap.py has put beside what runs here.

    Raises:
        EggcartonError: bootstrap.py has not put this together.
    """
    place = _beside_toolchain()
    if place is None:
        raise EggcartonError("the closed set that eggcarton works with is gone; run bootstrap.py again")
    return place


def cool_down() -> None:
    """End a child that was started early and that nobody took."""
    while _warm:
        _end(_warm.pop()[1])


def _start(place: Path, python: str = sys.executable) -> subprocess.Popen[str]:
    clean = {key: value for key, value in _variables().items() if not key.startswith("PYTHON")}
    return subprocess.Popen(
        [python, "-IS", "-c", _START, str(place), str(_SOURCE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean | {"PYTHONIOENCODING": "utf-8"},
        text=True,
        encoding="utf-8",
    )


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        # What it still fetches ahead is for a run that has ended; its own reason must not be hidden by this one.
        process.kill()
        process.communicate()


class Child:
    """The child process of a run: started at the first request, ended with the run.

    Args:
        closed_set: makes sure that there is one, and returns it.
        heed: is told what `child.run.Run.told` has of each request, and at once what cannot wait for its end.
        remedy: returns what else is told where something could not be had, None where there is nothing to tell.
        python: runs it, where another than this process's does; the closed set suits all.
    """

    def __init__(
        self,
        closed_set: Callable[[], Path],
        heed: Callable[[Mapping[str, Any]], None] = lambda told: None,
        remedy: Callable[[], str | None] = lambda: None,
        python: Path | None = None,
    ) -> None:
        self._closed_set, self._heed, self._remedy, self._python = closed_set, heed, remedy, python
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def started(self) -> bool:
        """Whether anything was asked of it in this run."""
        return self._process is not None

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Have one operation done and return its result.

        Raises:
            EggcartonError: what the operation raised, with its exit code.
        """
        process = self._running()
        assert process.stdin is not None
        request: Mapping[str, Any] = {"operation": operation, "arguments": arguments}
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass
        answer: dict[str, Any] = {}
        while not answer.keys() & {"result", "error"}:
            answer = self._answer(process, operation)
            if "told" in answer:
                self._heed(answer["told"])
        if "error" in answer:
            kinds = {kind.exit_code: kind for kind in _KINDS}
            kind = kinds.get(answer["exit_code"], EggcartonError)
            more = self._remedy() if kind is errors.Unavailable else None
            raise kind(f"{answer['error']}\n{more}" if more else answer["error"])
        return answer["result"]

    def _answer(self, process: subprocess.Popen[str], operation: str) -> dict[str, Any]:
        """Return the next line: an answer, or what is told before that."""
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
        except BaseException:
            # Interrupted: it may be in the middle of a long request, which nobody waits for any more.
            self._give_up(process)
            raise
        if not line.endswith("\n"):
            # Half a line is what a process leaves that was killed while it answered.
            self._process = None
            process.communicate()
            raise EggcartonError(
                f"the process that was to {operation} ended with status {process.returncode}; its last words are above"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            place = self._closed_set()
            if self._python is not None:
                self._process = _start(place, str(self._python))
            elif _warm and _warm[0][0] == place:
                self._process = _warm.pop()[1]
                assert self._process.stdout is not None
                self._process.stdout.readline()
            else:
                self._process = _start(place)
        return self._process

    def _give_up(self, process: subprocess.Popen[str]) -> None:
        self._process = None
        process.kill()
        process.wait()

    def close(self) -> None:
        """End the process, if it was ever started."""
        if self._process is not None:
            process, self._process = self._process, None
            _end(process)


def render(child: Child, item: Rendered) -> str:
    """Have a template filled in by a child process."""
    text: str = child.ask("render", template=item.template, name=item.name, variables=_plain(item.variables))
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value
