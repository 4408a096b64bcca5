"""Has services up while something runs, and stops them afterwards, however that ends.

A process of its own keeps them, so that nothing is left running whatever becomes of the one that wanted them: see
`keeper`. A plan copies this package and `ports` beside the script that calls `during`.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

UP = "EGGCARTON_SERVICES"
"""The variable that tells what runs meanwhile which services are up: lists of their names, by the buildout's root."""

_KEEPER = "import sys; sys.path.append(sys.argv[1]); from {package}.keeper import main; main()"


class _NotUp(Exception):
    """Services cannot be had; the sentence says why."""


def during(run: Callable[[], int], settings: Mapping[str, Any]) -> int:
    """Return the status of what runs while services are up, or 1 where one does not come up, 130 after Ctrl-C then.

    What runs is told of them by environment variables: `NAME_PORT`, `NAME_DIRECTORY`, and `UP`. Where it calls this
    too, by whatever process, services that are up are not started again.

    Args:
        settings: `part`, for messages; `root`, of the buildout; `reader`, the file that reads environment files; and
            `services`, in the order in which they start, each a mapping of `name prefix command port file log
            working_directory environment environment_file timeout stop_timeout stop_signal`. Port 0 has a free one
            chosen; None awaits none. In texts `{port}` and `{directory}` stand for what the service gets.
    """
    root = str(settings["root"])
    up: dict[str, list[str]] = json.loads(os.environ.get(UP, "{}"))
    services = [service for service in settings["services"] if service["name"] not in up.get(root, [])]
    if not services:
        return run()
    try:
        if os.name != "posix":
            raise _NotUp(f"[{settings['part']}] option 'services': they are started on POSIX systems only")
        order = [{**service, "environment": _variables(service, settings["reader"])} for service in services]
    except _NotUp as problem:
        return _say([str(problem)])
    names = [*up.get(root, []), *(service["name"] for service in services)]
    status, keeper, variables = 1, _Keeper(order), None
    try:
        try:
            variables = keeper.started()
        except KeyboardInterrupt:
            status = 128 + signal.SIGINT
            _say([f"[{settings['part']}] stopped while its services came up"])
        if variables is not None:
            with _environment({**variables, UP: json.dumps({**up, root: names})}):
                status = run()
    finally:
        _say(keeper.stopped())
    return status


def _say(sentences: Sequence[str]) -> int:
    if sentences:
        sys.stdout.flush()
        print("\n".join(sentences), file=sys.stderr, flush=True)
    return 1


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _variables(service: Mapping[str, Any], reader: str | None) -> dict[str, str]:
    """Return the environment variables that a service gets beside those that there are."""
    variables, path = dict(service["environment"]), service["environment_file"]
    if path and reader:
        try:
            variables |= runpy.run_path(reader)["read"](path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise _NotUp(f"[{service['name']}] the environment file {path} cannot be read: {reason}") from error
    return variables


class _Keeper:
    """The process that keeps services, as the one sees it that wants them."""

    def __init__(self, order: Sequence[Mapping[str, Any]]) -> None:
        self._owner, self._groups, self._told = os.getpid(), list[int](), list[str]()
        ours, self._wanted = os.pipe()
        # Whoever holds this end wants the services; what is forked does not.
        os.register_at_fork(after_in_child=self._let_go)
        package = __name__
        place = Path(__file__).resolve().parents[package.count(".") + 1]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _KEEPER.format(package=package), str(place)],
            stdin=ours,
            stdout=subprocess.PIPE,
            # Where this process is killed, who reads what it says is not to wait for the services.
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        os.close(ours)
        text = json.dumps({"wanted_by": self._owner, "services": order})
        with suppress(BrokenPipeError), open(os.dup(self._wanted), "wb") as stream:
            stream.write(f"{text}\n".encode())

    def started(self) -> dict[str, str] | None:
        """Return the variables that tell of the services when all are up; None where one is not."""
        for event, value in self._events():
            if event == "up":
                return dict(value)
            self._told.append(value)
        return None

    def stopped(self) -> list[str]:
        """Have all stopped, and return what is to be told of them; of what is forked, nothing does so."""
        if os.getpid() != self._owner:
            return []
        self._let_go()
        self._told += [value for _, value in self._events()]
        if self._process.wait() != 0:
            for group in self._groups:
                with suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
            self._told.append("the process that keeps the services was killed, and the services with it")
        return self._told

    def _events(self) -> Iterator[tuple[str, Any]]:
        assert self._process.stdout is not None
        for line in iter(self._process.stdout.readline, b""):
            event, value = json.loads(line)
            if event == "group":
                self._groups.append(value)
            else:
                yield event, value

    def _let_go(self) -> None:
        if self._wanted >= 0:
            os.close(self._wanted)
            self._wanted = -1
