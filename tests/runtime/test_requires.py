"""Facts about what has to be there before anything runs: real programs, ports, headers and files."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.core.prerequisites import prerequisites
from support.buildouts import CHECKOUT, WAIT

PROGRAM = """
import json, os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from eggcarton.runtime.requires import met
print(met(json.loads(sys.argv[2])))
if len(sys.argv) > 3:
    print(subprocess.run([sys.executable, *sys.argv[3:]], stdout=subprocess.PIPE, text=True).stdout, end="")
"""


class Asking:
    """A directory, a PATH of its own, and a process that asks what is there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bïn"
        self.bin.mkdir(parents=True)
        self.variables = {"PATH": str(self.bin)}

    def program(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def ask(self, *lines: str, within: list[str] | None = None) -> tuple[str, list[str]]:
        """Return what it says of some lines, and what is missing."""
        wanted = [each.setting() for each in prerequisites("\n".join(lines))]
        settings = json.dumps({"part": "test", "root": str(self.root), "requires": wanted})
        program = self.root / "asks.py"
        program.write_text(PROGRAM)
        command = [sys.executable, str(program), str(CHECKOUT / "src"), settings]
        more = [str(program), str(CHECKOUT / "src"), within[0]] if within else []
        done = subprocess.run(
            [*command, *more], env=self.variables, capture_output=True, text=True, timeout=WAIT, check=True
        )
        return done.stdout, done.stderr.splitlines()

    def missing(self, line: str) -> str:
        """Return what is said of the one line that is not met."""
        found, errors = self.ask(line)
        assert ("False\n", "[test] the one thing that it requires is not there, so nothing was run:") == (
            found,
            errors[0],
        )
        [told] = errors[1:]
        assert told.startswith(f"  {line}: ")
        return told.removeprefix(f"  {line}: ")


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path / "my sïte")


def test_all_is_there(asking: Asking) -> None:
    """Where all is there, nothing is said."""
    asking.program("db", "echo 'db (Some DB) 14.2 (Debian 14.2-1)'")
    asking.program("old", "echo 'old 3.1' >&2; exit 1")
    asking.program("odd", '[ "$1" = version ] && echo v2.0.1')
    asking.variables["SET"] = "yes"
    (asking.root / "a file").touch()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
        other.close()
        port = server.getsockname()[1]
        lines = ["db >= 14, < 15", "old", "old ~= 3.0", "odd == 2.*: version", f"port {port}", f"port localhost:{port}"]
        lines += [f"free-port {free}", "disk 1k", "disk 1k at not/there/yet", "file a file", "variable SET"]
        assert ("True\n", []) == asking.ask(*lines, f"{asking.bin}/db >= 1".replace(f"{asking.root}/", "./"))


def test_all_that_is_missing(asking: Asking) -> None:
    """All that is missing is told in one message, each with what was found and what to do."""
    asking.program("db", "echo db 13.4")
    found, errors = asking.ask("db >= 14", "db", "no-db", "variable NO_URL", "file no file")
    expected = [
        "[test] 4 of the 5 things that it requires are not there, so nothing was run:",
        f"  db >= 14: {asking.bin}/db is 13.4; install one that is >= 14, or put it first on PATH",
        f"  no-db: no such program is in {asking.bin}; install it, or add where it is to PATH",
        "  variable NO_URL: the environment variable is not set; set it in 'environment-file', or where this is"
        " started",
        f"  file no file: {asking.root}/no file is not there; make it, or correct the path",
    ]
    assert ("False\n", expected) == (found, errors)


def test_programs(asking: Asking) -> None:
    """A program that tells no version, cannot be run or is not there is told as what it is."""
    asking.program("mute", "exit 3")
    asking.program("talks", "echo 'unknown option'")
    asking.program("broken", "").write_text("#!/no/where\n")
    assert "'mute --version' tells no version, but: nothing; say how it tells its version" in asking.missing("mute > 1")
    assert "'talks -V' tells no version, but: unknown option; say" in asking.missing("talks >= 1: -V")
    assert "'broken --version' could not be run: No such file or directory; install" in asking.missing("broken >= 1")
    assert "that is no program; install it, or correct the path" == asking.missing("no/such >= 1")
    assert "'./bïn/mute --version' tells no version, but: nothing;" in asking.missing("./bïn/mute >= 1")


def test_a_variable_that_is_empty(asking: Asking) -> None:
    """A variable that is set to nothing, as where a secret was not handed over, is missing."""
    asking.variables["EMPTY"] = ""
    assert asking.missing("variable EMPTY").startswith("the environment variable is set to nothing;")


def test_ports(asking: Asking) -> None:
    """A port that has to answer and does not, and one that has to be free and is not, are told; so is who has it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = asking.missing(f"free-port {port}")
        assert told.startswith("it is held by "), told
        assert told.endswith(f" (process {os.getpid()}); end that"), told
    assert f"nothing accepts connections on port {port} here; start what does" == asking.missing(f"port {port}")
    assert asking.missing(f"port localhost:{port}").startswith("nothing accepts connections there; start it, or")
    assert asking.missing("port no-such-host.invalid:80").startswith("the host no-such-host.invalid is not known here")


def test_disk(asking: Asking) -> None:
    """Too little room is told with how much there is, and where."""
    told = asking.missing("disk 999999T at var/data")
    assert told.endswith(f" are free at {asking.root}; clear some of it, or name a place on another disk with 'at'")


def test_a_link_to_nothing(asking: Asking) -> None:
    """A link that leads nowhere is no file."""
    (asking.root / "link").symlink_to("nowhere")
    assert f"{asking.root}/link is a link to nothing; make it, or correct the path" == asking.missing("file link")


def test_header(asking: Asking) -> None:
    """The C compiler finds a header, by CC where that names one, and with the flags that it is usually given."""
    compiler = shutil.which("gcc")
    assert compiler is not None
    asking.variables["CC"] = f"{compiler} -pipe"
    asking.variables["PATH"] = os.defpath
    assert ("True\n", []) == asking.ask("header stdio.h", "header sys/types.h")
    (asking.root / "include").mkdir()
    (asking.root / "include/lib-x.h").write_text("int x;\n")
    told = asking.missing("header lib-x.h")
    expected = f"{compiler} does not find it (lib-x.h: No such file or directory); install the package that has it, "
    assert told.startswith(expected), told
    asking.variables["CPPFLAGS"] = f"'-I{asking.root}/include'"
    assert ("True\n", []) == asking.ask("header lib-x.h")


@pytest.mark.parametrize("variable", ["CC", "CPPFLAGS", "CFLAGS"])
def test_header_with_quotes_that_do_not_close(asking: Asking, variable: str) -> None:
    """A variable for the compiler that is no list of words is told by its name."""
    asking.variables[variable] = "gcc '-O"
    told = asking.missing("header stdio.h")
    expected = f"the environment variable {variable} is no list of words: no closing quotation; put its quotes right"
    assert expected == told


def test_header_without_a_compiler(asking: Asking) -> None:
    """Without a compiler the usual directories are looked into."""
    (asking.root / "include").mkdir()
    (asking.root / "include/lib-x.h").write_text("int x;\n")
    told = asking.missing("header lib-x.h")
    assert told.startswith("there is no C compiler, and it is not in /usr/include"), told
    asking.variables["CPATH"] = f"/no/where:{asking.root}/include"
    assert ("True\n", []) == asking.ask("header lib-x.h")


def test_not_again(asking: Asking) -> None:
    """What is found to be met is not looked for again by what is started meanwhile; anything else is."""
    asking.program("db", f"echo db 14.1; echo asked >> '{asking.root}/asked'")
    wanted = [each.setting() for each in prerequisites("db >= 14")]
    same = json.dumps({"part": "test", "root": str(asking.root), "requires": wanted})
    other = json.dumps({"part": "test", "root": "/elsewhere", "requires": wanted})
    assert ("True\nTrue\n", []) == asking.ask("db >= 14", within=[same])
    assert 1 == len((asking.root / "asked").read_text().splitlines())
    assert ("True\nTrue\n", []) == asking.ask("db >= 14", within=[other])
    assert 3 == len((asking.root / "asked").read_text().splitlines())
