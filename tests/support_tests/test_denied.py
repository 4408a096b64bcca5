"""What is run without a network is killed when it asks for a connection, and may do all else."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from support import denied


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("socket.create_connection(('127.0.0.1', 9))", -signal.SIGSYS),
        ("socket.getaddrinfo('index.example', 80)", -signal.SIGSYS),
        ("socket.socket(socket.AF_INET6).connect(('::1', 9))", -signal.SIGSYS),
        ("socket.socket().bind(('127.0.0.1', 0))", 0),
        ("socket.socket(socket.AF_UNIX).connect_ex('/nowhere')", 0),
    ],
)
def test_connections(code: str, status: int) -> None:
    """Who connects, or asks for the address of a name, is killed, in a process that the command has started too."""
    if told := denied.reason("network"):
        pytest.skip(told)
    command = [sys.executable, "-c", f"import socket; {code}"]
    assert status == subprocess.call([*denied.command("network"), *command])
    outer = f"import subprocess, sys; sys.exit(subprocess.call({command!r}) != {int(status)})"
    assert 0 == subprocess.call([*denied.command("network"), sys.executable, "-c", outer])
