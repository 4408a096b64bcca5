"""One service that is kept up: how it is started, what it is awaited by, and what it said last."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .. import ports

# For this long a service stays alive that says in no way when it is up, or whose port another process may answer.
_MOMENT = 1.0
_LAST_LINES, _LONGEST_LINE, _LAST_BYTES = 20, 300, 16384


class NotUp(Exception):
    """A service does not come up; the sentence says why."""


class Service:
    """One service."""

    def __init__(self, told: Mapping[str, Any], port: int | None) -> None:
        self.told, self.name, self.port = told, told["name"], port
        texts = [*told["command"], *told["environment"].values(), told["file"] or ""]
        self.directory = ""
        if any("{directory}" in text for text in texts):
            self.directory = tempfile.mkdtemp(prefix=f"{re.sub('[^A-Za-z0-9]', '-', self.name)[:20]}-")
        self.command = [self._filled(word) for word in told["command"]]
        self.environment = {name: self._filled(value) for name, value in told["environment"].items()}
        self.file = self._filled(told["file"]) if told["file"] else None
        self.group, self._stood, self._offset, self._began = 0, _looked_at(self.file), 0, 0.0
        self._answered: float | None = None

    def _filled(self, text: str) -> str:
        return text.replace("{port}", str(self.port)).replace("{directory}", self.directory)

    def variables(self) -> dict[str, str]:
        """Return the environment variables that tell others of it."""
        told = {"PORT": str(self.port or ""), "DIRECTORY": self.directory}
        return {f"{self.told['prefix']}_{name}": value for name, value in told.items() if value}

    def start(self, variables: Mapping[str, str], before: Callable[[], None]) -> subprocess.Popen[bytes]:
        """Start it; what it writes is appended to its log."""
        log, directory = self.told["log"], self.told["working_directory"]
        environment = {**os.environ, **variables, **self.variables(), **self.environment}
        try:
            with suppress(FileExistsError):
                os.makedirs(os.path.dirname(log))
            stream = open(log, "ab")  # noqa: SIM115 - closed by the next with
        except OSError as error:
            raise self.problem(f"option 'log': {log} cannot be written: {error.strerror}") from error
        with stream:
            self._offset = stream.tell()
            try:
                process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    cwd=directory,
                    env=environment,
                    start_new_session=True,
                    preexec_fn=before,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise self.problem(self._refused(error, environment)) from error
        self.group, self._began = process.pid, time.monotonic()
        return process

    def problem(self, sentence: str) -> NotUp:
        """Return the error that says why it does not come up."""
        return NotUp(f"[{self.name}] {sentence}")

    def _refused(self, error: Exception, environment: Mapping[str, str]) -> str:
        program, directory = self.command[0], self.told["working_directory"]
        if not os.path.isdir(directory):
            return f"option 'working-directory': {directory} is no directory; make it, or name another one"
        if isinstance(error, FileNotFoundError) and "/" not in program:
            places = environment.get("PATH", os.defpath)
            return f"option 'command': no program '{program}' is in {places}; install it, or name it by its path"
        reason = error.strerror if isinstance(error, OSError) else error
        return f"option 'command': {program} cannot be started in {directory}: {reason}"

    def awaited(self) -> str | None:
        """Return what it still has to do to be up; None when it is up."""
        if self.port is None and self.file is None:
            return None if time.monotonic() - self._began >= _MOMENT else "it has only just been started"
        if self.port is not None and not self._is_answering(self.port):
            return f"nothing accepts connections on port {self.port}"
        if self.file is None:
            return None
        found = _looked_at(self.file)
        if found is None:
            return f"{self.file} has not appeared"
        if found == self._stood:
            return f"{self.file}, which stood there before, has not changed"
        return None

    def _is_answering(self, port: int) -> bool:
        if not ports.accepts(port):
            self._answered = None
            return False
        if any(_session(pid) == self.group for pid in ports.holders(port)):
            return True
        # It may be another process that answers: then this one is about to end.
        self._answered = self._answered or time.monotonic()
        return time.monotonic() - self._answered >= _MOMENT

    def last_lines(self) -> str:
        """Return the end of a sentence: what it wrote last, since it was started."""
        log = self.told["log"]
        try:
            with open(log, "rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                # Somebody else may have begun it anew.
                begin = self._offset if self._offset <= size else 0
                stream.seek(max(begin, size - _LAST_BYTES))
                lines = stream.read().decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
        except OSError as error:
            return f"; its log {log} cannot be read: {error.strerror}"
        text = "".join(f"\n  {line[:_LONGEST_LINE]}" for line in lines)
        return f"; the last lines of {log}:{text}" if lines else f"; it wrote nothing to {log}"


def _looked_at(file: str | None) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file) if file else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0
