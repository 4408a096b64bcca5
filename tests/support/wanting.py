"""Something that wants services, in a process of its own, and services of several kinds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from support.buildouts import CHECKOUT, WAIT

PROGRAM = """
import json, os, sys

sys.path.insert(0, {source!r})
from eggcarton.runtime.services import during

SETTINGS = json.loads({settings!r})

def run():
    from pathlib import Path
    here = Path({here!r})
{body}

if __name__ == "__main__":
    status = during(run, SETTINGS)
    print("ended with", status)
    sys.exit(status)
"""

SERVES = """
import http.server, sys

print("serving", sys.argv[1], flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Wanting:
    """A directory with services, and a program that wants them."""

    def __init__(self, root: Path) -> None:
        self.root, self.services = root, list[dict[str, Any]]()
        root.mkdir(parents=True)
        self.marker = f"MARKER={root}"

    def program(self, name: str, text: str) -> list[str]:
        """Write a program and return its command."""
        path = self.root / name
        path.write_text(textwrap.dedent(text), "utf-8")
        return [sys.executable, str(path)]

    def service(self, name: str, text: str, *arguments: str, **changes: Any) -> None:
        """Add a service."""
        told = {
            "name": name,
            "prefix": name.upper(),
            "command": [*self.program(f"{name} ü.py", text), *arguments],
            "port": None,
            "file": None,
            "log": str(self.log(name)),
            "working_directory": str(self.root),
            "environment": {},
            "environment_file": None,
            "timeout": float(WAIT),
            "stop_timeout": float(WAIT),
            "stop_signal": "TERM",
        }
        self.services.append({**told, **changes})

    def server(self, name: str, **changes: Any) -> None:
        """Add a service that answers on a port that is chosen for it."""
        self.service(name, SERVES, "{port}", **{"port": 0, **changes})

    def log(self, name: str) -> Path:
        """Return where the log of a service is."""
        return self.root / f"var/log/{name}.log"

    def command(self, body: str, **settings: Any) -> list[str]:
        """Write the program that wants the services, and return its command."""
        whole = {"part": "test", "root": str(self.root), "reader": None, "services": self.services, **settings}
        text = PROGRAM.format(
            source=str(CHECKOUT / "src"),
            here=str(self.root),
            body=textwrap.indent(textwrap.dedent(body), "    "),
            settings=json.dumps(whole),
        )
        return self.program("wants.py", text)

    def variables(self) -> dict[str, str]:
        """Return the environment of the program; the marker tells all that comes of it."""
        return {"PATH": os.defpath, "MARKER": str(self.root)}

    def start(self, body: str, more: Mapping[str, str] | None = None, **settings: Any) -> subprocess.Popen[str]:
        """Start the program in a process group of its own.

        Args:
            more: environment variables.
        """
        return subprocess.Popen(
            self.command(body, **settings),
            env={**self.variables(), **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, body: str, more: Mapping[str, str] | None = None, **settings: Any) -> tuple[int, str, str]:
        """Run the program to its end and return its status and what it said."""
        with self.start(body, more, **settings) as process:
            output, errors = process.communicate(timeout=WAIT)
            return process.returncode, output, errors

    def left(self) -> list[str]:
        """Return what still runs of all that came of the program."""
        return left(self.marker)

    def is_soon_clear(self) -> bool:
        """Wait until nothing is left, and tell whether that came."""
        return is_soon_clear(self.marker)


def left(marker: str) -> list[str]:
    """Return the commands of all processes that have a variable, NAME=VALUE, in their environment."""
    return list(_left(marker.encode()))


def _left(marker: bytes) -> Iterator[str]:
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdigit() and marker in (place / "environ").read_bytes().split(b"\0"):
                yield (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue


def is_soon_clear(marker: str) -> bool:
    """Wait until nothing is left that has a variable, and tell whether that came."""
    deadline = time.monotonic() + WAIT
    while found := left(marker):
        if time.monotonic() > deadline:
            raise AssertionError(found)
        time.sleep(0.02)
    return True
