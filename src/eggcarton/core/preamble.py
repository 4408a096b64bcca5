"""What scripts do before they call what they are for: variables, a time limit, statements of the user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.plan import File, runtime_source
from eggcarton.core.script import Start, assignments


@dataclass(frozen=True, kw_only=True, slots=True)
class Preamble:
    """What scripts do first, in this order.

    Args:
        environment: environment variables that are set.
        environment_file: a file of more of them, which is read whenever a script starts.
        socket_timeout: how many seconds sockets wait that are told nothing else; None for no limit.
        initialization: Python statements.
        directory: a directory of the part, for what scripts need besides.
    """

    environment: tuple[tuple[str, str], ...] = ()
    environment_file: Path | None = None
    socket_timeout: float | None = None
    initialization: str = ""
    directory: Path

    def statements(self, start: Start, place: Path) -> str:
        """Return the Python statements for a script at a place; `os` is imported already."""
        lines = assignments(start, place, self.environment)
        if self.environment_file is not None:
            reader, file = (start.in_python(place, path) for path in (self._reader, self.environment_file))
            lines += ["import runpy", "", f'runpy.run_path({reader})["read_into_environment"]({file})']
        if self.socket_timeout is not None:
            lines += ["import socket", "", f"socket.setdefaulttimeout({self.socket_timeout!r})"]
        return "\n".join([*lines, self.initialization]).strip("\n")

    def __bool__(self) -> bool:
        return bool(
            self.environment
            or self.environment_file is not None
            or self.socket_timeout is not None
            or self.initialization
        )

    @property
    def files(self) -> tuple[File, ...]:
        """The files that the statements need."""
        if self.environment_file is None:
            return ()
        return (File(self._reader, runtime_source(self._reader.stem)),)

    @property
    def _reader(self) -> Path:
        return self.directory / "environment_file.py"
