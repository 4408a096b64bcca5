"""Facts about running rows side by side, each of them a process of its own that a script starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eggcarton.runtime import matrix
from support.buildouts import wait_for

PASSES = "echo all went well, $EGGCARTON_TEST_ROW $*\n"
FAILS = "echo one went wrong >&2\nexit 1\n"
TOTALS = (
    """echo '{"tests": 12, "failures": 1, "errors": 2, "skipped": 3, "seconds": 0.5}' > "$EGGCARTON_TEST_TOTALS"\n"""
)
CRASHES = "echo before the crash\nkill -SEGV $$\n"
# Says that it is there, and goes on for ever; what it has started, too.
HANGS = 'sleep 1000 &\necho $$ $! > "$0.pids"\nwait\n'
DEAF = "trap '' INT TERM\n" + HANGS.replace("wait", "while :; do wait; done")


class Matrix:
    """Rows that are shell scripts, and a process that runs them."""

    def __init__(self, root: Path) -> None:
        self.root, self.log = root, root / "my log"
        self.variables: dict[str, str] = {}
        self.rows: dict[str, str] = {}
        root.mkdir()

    def row(self, name: str, text: str) -> Path:
        path = self.root / f"run {name}"
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)
        self.rows[name] = str(path)
        return path

    def start(self, *arguments: str, grace: object = ((2, 10.0), (15, 5.0)), **settings: Any) -> subprocess.Popen[str]:
        given = {"rows": self.rows, "left_out": {}, "aliases": {}, "log": str(self.log), "parallel": "2"}
        given |= {"timeout": None, **settings}
        script = f"import sys; sys.path.insert(0, {str(Path(matrix.__file__).parent)!r}); import matrix; "
        script += f"matrix._GRACE = {grace!r}; "
        return subprocess.Popen(
            [sys.executable, "-c", f"{script}sys.exit(matrix.main(sys.argv[1:], **{given!r}))", *arguments],
            env={**os.environ, **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **settings: Any) -> tuple[int, str]:
        process = self.start(*arguments, **settings)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output


def table(output: str) -> dict[str, list[str]]:
    """Return the words of each row of the table, without the time."""
    lines = output[output.rindex("\nrow ") :].strip().splitlines()[1:]
    words = {line.split()[0]: line.split()[1:] for line in lines}
    return {name: [word for word in cells if word != "s" and "." not in word] for name, cells in words.items()}


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has asked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_end(pids: Sequence[int]) -> None:
    """Wait until processes are gone that were killed: the system takes its time."""
    until = time.monotonic() + 60
    while any(map(is_alive, pids)):
        assert time.monotonic() < until, f"{pids} still run"
        time.sleep(0.01)


@pytest.fixture
def rows(tmp_path: Path) -> Matrix:
    return Matrix(tmp_path / "mätrix with blanks")


def test_all_pass(rows: Matrix) -> None:
    """Each row gets the arguments and its name, keeps what it prints, and is a line of the table, with the totals."""
    rows.row("default", PASSES + TOTALS)
    rows.row("new", PASSES)
    status, output = rows.run("-k", "few tests", left_out={"py3.13": "not found"})
    assert 0 == status, output
    expected = {"default": ["12", "3", "passed"], "new": ["-", "-", "passed"]}
    assert {**expected, "py3.13": ["-", "-", "-", "left", "out:", "not", "found"]} == table(output)
    assert "all went well, new -k few tests\n" == (rows.log / "new.log").read_text()
    assert "all went well" not in output


def test_failures(rows: Matrix) -> None:
    """What failing rows printed comes before the table; the status is the first one that is not 0, in their order."""
    rows.row("passes", PASSES)
    rows.row("crashes", CRASHES)
    rows.row("fails", FAILS)
    rows.row("nothing", "exit 5\n")
    rows.rows["gone"] = str(rows.root / "gone")
    status, output = rows.run()
    assert 128 + signal.SIGSEGV == status, output
    found = {name: " ".join(cells[2:]) for name, cells in table(output).items()}
    assert {
        "passes": "passed",
        "crashes": "crashed (SIGSEGV)",
        "fails": "failed",
        "nothing": "failed with status 5",
        "gone": "- not found: run bin/buildout, which makes it",
    } == found
    shown = output[: output.rindex("\nrow ")]
    assert shown.index("before the crash") < shown.index("one went wrong") < shown.index("gone cannot be started")
    assert f"fails: failed ({rows.log / 'fails.log'})" in shown
    assert (127, 1) == (rows.run("--rows", "gone")[0], rows.run("--rows", "passes,fails")[0])


def test_long_output(rows: Matrix) -> None:
    """Of what a row printed the end is shown, whatever bytes are in it, and the whole of it kept."""
    rows.row("long", "i=0; while [ $i -lt 500 ]; do echo line-$i; i=$((i+1)); done; printf 'caf\\351'; exit 1\n")
    _, output = rows.run()
    assert (False, True, True) == (
        "line-99\n" in output,
        "line-101\n" in output,
        "caf\N{REPLACEMENT CHARACTER}" in output,
    )
    assert "the last 400 of 501 lines" in output
    assert (rows.log / "long.log").read_bytes().startswith(b"line-0\n")


def test_old_totals(rows: Matrix) -> None:
    """What a row has left from another run is not taken for that of a run that leaves none."""
    path = rows.row("only", TOTALS)
    assert ["12", "3", "passed"] == table(rows.run()[1])["only"]
    path.write_text("#!/bin/sh\nexit 1\n")
    assert ["-", "-", "failed"] == table(rows.run()[1])["only"]
    path.write_text('#!/bin/sh\necho "{half" > "$EGGCARTON_TEST_TOTALS"\n')
    assert ["-", "-", "passed"] == table(rows.run()[1])["only"]


@pytest.mark.parametrize(
    ("arguments", "chosen", "rest"),
    [
        (["--rows", "a,b", "-x"], ["a", "b"], "-x"),
        (["--rows=b", "--rows=a"], ["a", "b"], ""),
        (["--rows", "b*", "--", "--rows", "x"], ["b", "b-py3.12"], "--rows x"),
        (["--rows", "py3.11"], ["a"], ""),
        (["--matrix-parallel=1", "--rows=b-*", "test.py", "--list"], ["b-py3.12"], "test.py --list"),
        (["-v", "--rows"], ["a", "b", "b-py3.12"], "-v --rows"),
    ],
)
def test_choice(rows: Matrix, arguments: list[str], chosen: list[str], rest: str) -> None:
    """The first words choose among the rows, by names, patterns and other names; the others go to the runners."""
    for name in ("a", "b", "b-py3.12"):
        rows.row(name, "echo $*\n")
    status, output = rows.run(*arguments, aliases={"py3.11": "a"})
    assert (0, chosen) == (status, list(table(output))), output
    assert {f"{rest}\n"} == {(rows.log / f"{name}.log").read_text() for name in chosen}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--rows", "c"], "there is no row c; the rows are a"),
        (["--rows", "py3.13"], "the row py3.13 is left out: it was not found"),
        (["--rows"], "--rows lacks its value"),
        (["--rows="], "--rows names no row; the rows are a"),
        (["--matrix-parallel", "0"], "--matrix-parallel: '0' is neither a number of rows nor auto"),
    ],
)
def test_wrong_choice(rows: Matrix, arguments: list[str], problem: str) -> None:
    """What there is not is told with status 2, before anything runs."""
    rows.row("a", PASSES)
    status, output = rows.run(*arguments, left_out={"py3.13": "it was not found"})
    assert (2, True) == (status, output.startswith(problem)), output
    assert not rows.log.exists()


def test_list(rows: Matrix) -> None:
    """The rows are told without being run."""
    rows.row("a", FAILS)
    assert (0, "a\npy3.13  left out: not found\n") == rows.run("--list", left_out={"py3.13": "not found"})


def test_side_by_side(rows: Matrix) -> None:
    """Rows run at the same time: here each waits for the other."""
    meet = 'touch "$0.here"; while [ ! -e "{}.here" ]; do sleep 0.01; done\n'
    first, second = rows.row("first", ""), rows.row("second", "")
    rows.row("first", meet.format(second))
    rows.row("second", meet.format(first))
    status, output = rows.run(timeout=30.0)
    assert 0 == status, output


def test_in_turn(rows: Matrix) -> None:
    """Where rows cannot run side by side that is said once, and each begins when the one before has ended."""
    alone = 'mkdir "$(dirname "$0")/only one" && sleep 0.1 && rmdir "$(dirname "$0")/only one"\n'
    for name in ("a", "b", "c"):
        rows.row(name, alone)
    status, output = rows.run(in_turn="One after another, since port 5432 is fixed.")
    assert (0, 1) == (status, output.count("One after another")), output
    rows.variables = {"EGGCARTON_MATRIX_PARALLEL": "1"}
    assert 0 == rows.run(parallel="3")[0]


def test_a_row_that_takes_too_long(rows: Matrix) -> None:
    """It is ended with all that it has started, and fails."""
    hanging = rows.row("hangs", HANGS)
    # It never ends by itself; on a machine that is slow it gets longer to come as far as it should.
    for seconds in (1, 4, 16, 64):
        status, output = rows.run(timeout=float(seconds))
        assert (True, f"ended after {seconds}") == (status > 0, " ".join(table(output)["hangs"][2:])), output
        if len(pids(hanging)) == 2:
            break
    assert 2 == len(pids(hanging))
    wait_for_end(pids(hanging))


def pids(row: Path) -> list[int]:
    """Return the processes of a row, as far as it came to tell them."""
    told = Path(f"{row}.pids")
    return [int(word) for word in told.read_text().split()] if told.exists() else []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(rows: Matrix, number: signal.Signals) -> None:
    """Ctrl-C, or what else ends a run, ends all rows and what they have started; the table is printed all the same."""
    hanging = [rows.row(name, HANGS) for name in ("a", "b")]
    rows.row("later", PASSES)
    process = rows.start()
    wait_for(lambda: all(len(pids(row)) == 2 for row in hanging), process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=300)
    assert 128 + number == process.returncode, output
    assert {"a": ["-", "-", "ended"], "b": ["-", "-", "ended"], "later": ["-", "-", "-", "not", "run"]} == table(output)
    wait_for_end([pid for row in hanging for pid in pids(row)])


def test_a_deaf_row(rows: Matrix) -> None:
    """What ignores that it is asked to end is killed after a while."""
    row = rows.row("deaf", DEAF)
    process = rows.start(grace=((signal.SIGINT.value, 0.1), (signal.SIGTERM.value, 0.1)))
    wait_for(lambda: len(pids(row)) == 2, process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=300)
    assert (128 + signal.SIGTERM, ["-", "-", "ended"]) == (process.returncode, table(output)["deaf"]), output
    wait_for_end(pids(row))


def test_a_log_that_cannot_be_written(rows: Matrix) -> None:
    """A row whose log has no place is not run, and fails; the others are run."""
    rows.row("a", PASSES)
    rows.row("b", PASSES)
    (rows.log / "a.log").mkdir(parents=True)
    status, output = rows.run()
    assert (1, ["-", "-", "passed"]) == (status, table(output)["b"]), output
    assert f"not run: {rows.log / 'a.log'} cannot be written: Is a directory" in output
    rows.log.rename(rows.root / "elsewhere")
    rows.log.write_text("a file")
    assert (2, f"{rows.log} is where rows keep what they print, but: File exists; let it be written\n") == rows.run()


def test_what_is_told_is_json(rows: Matrix) -> None:
    """The place for the totals is the row's own, beside its log."""
    rows.row("row", TOTALS)
    rows.run()
    assert 12 == json.loads((rows.log / "row.json").read_text())["tests"]
