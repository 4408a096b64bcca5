"""Facts about the report in XML, the totals, and the pieces that processes write, without any runner."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eggcarton.runtime.testing import pieces, totals
from eggcarton.runtime.testing.junit import Report
from eggcarton.runtime.testing.watch import ERROR, FAILED, PASSED, SKIPPED, Outcome, Watch, merged
from support.junit import kinds, read

BAD = Outcome("a.B", "test_bad", FAILED, 0.25, "not so", "Traceback\n  here\n", "out", "err")
GOOD = Outcome("a.B", "test_good", PASSED, 0.5)

# In the end there is only room for the report once what stands in its place is gone.
FULL = """
import resource, sys
from eggcarton.runtime.testing.junit import Report
from eggcarton.runtime.testing.watch import FAILED, Outcome, Watch

def freed(event, arguments):
    if event == "os.remove" and arguments[0] == sys.argv[1]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

watch = Watch()
report = Report(sys.argv[1], watch)
watch.opened()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
sys.addaudithook(freed)
watch.ended(Outcome("a.B", "test_bad", FAILED, 0.25, "not so", "x" * 10_000))
report.closed()
"""


@contextmanager
def room(size: int) -> Iterator[None]:
    """Let this process write no file that is longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_report_is_whole_at_any_time(tmp_path: Path) -> None:
    """After each word of a runner the file is a report, in which the test that runs is an error."""
    path = tmp_path / "of tests/junit.xml"
    watch = Watch()
    report = Report(str(path), watch)
    assert not path.exists()
    watch.begun("a.B", "test_bad")
    assert {"a.B.test_bad": "error"} == kinds(path)
    assert totals.DIED == read(path)[0].message
    watch.ended(BAD)
    assert {"a.B.test_bad": "failed"} == kinds(path)
    watch.begun("a.B", "test_good")
    assert {"a.B.test_bad": "failed", "a.B.test_good": "error"} == kinds(path)
    watch.ended(GOOD)
    whole = read(path)
    report.closed()
    assert whole == read(path)
    assert [("a.B.test_bad", "failed", "not so", BAD.details, "out", "err")] == [whole[0]]
    assert 'tests="2" failures="1" errors="0" skipped="0" time="0.750"' in path.read_text()
    assert ["junit.xml"] == os.listdir(path.parent)
    assert 0o644 == path.stat().st_mode & 0o777


def test_texts(tmp_path: Path) -> None:
    """Any text can be written, however odd and however long; what XML has no way to hold is escaped."""
    watch = Watch()
    report = Report(str(tmp_path / "junit.xml"), watch)
    odd = "\t\r\n\x00\x1b[1m <&>\"' ]]> \ud800 é \U0001f95a \ufffe \x85"
    told = "\t\r\n\\x00\\x1b[1m <&>\"' ]]> \\ud800 é \U0001f95a \\ufffe \x85"
    watch.ended(Outcome("grüße.T", odd, ERROR, 0.0, odd, odd * 200_000, odd, odd))
    report.closed()
    (found,) = read(tmp_path / "junit.xml")
    assert (f"grüße.T.{told}", told, told, told) == (found.name, found.message, found.stdout, found.stderr)
    assert told * 200_000 == found.details


def test_nothing_is_tested(tmp_path: Path) -> None:
    """Where no runner has begun, what stands there stays; where one finds no test, the report has none."""
    path = tmp_path / "junit.xml"
    path.write_text("of the last run")
    Report(str(path), Watch()).closed()
    assert "of the last run" == path.read_text()
    watch = Watch()
    report = Report(str(path), watch)
    watch.opened()
    report.closed()
    assert [] == read(path)


def test_a_child_does_not_write(tmp_path: Path) -> None:
    """A process that a test forks, and that goes on as if it were the runner, leaves the report alone."""
    path = tmp_path / "junit.xml"
    watch = Watch()
    report = Report(str(path), watch)
    watch.begun("a.B", "test_bad")
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        try:
            watch.ended(GOOD)
            report.closed()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert before == path.read_bytes()


def test_places_that_do_not_do(tmp_path: Path) -> None:
    """A place that is a directory is refused at once."""
    with pytest.raises(OSError, match="Is a directory") as caught:
        Report(str(tmp_path), Watch())
    assert errno.EISDIR == caught.value.errno


def test_full_before_the_tests(tmp_path: Path) -> None:
    """Where a file can be made, but nothing be written to it, the place is refused at once, and nothing left there."""
    with room(0), pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        Report(str(tmp_path / "junit.xml"), Watch())
    assert [] == os.listdir(tmp_path)


def test_full_when_the_tests_begin(tmp_path: Path) -> None:
    """A place that is full when tests begin keeps none from running, and has the report where it has room again."""
    path, watch = tmp_path / "junit.xml", Watch()
    report = Report(str(path), watch)
    with room(0):
        watch.begun("a.B", "test_bad")
        watch.ended(BAD)
    assert [] == os.listdir(tmp_path)
    report.closed()
    assert {"a.B.test_bad": "failed"} == kinds(path)


def test_full_while_tests_run(tmp_path: Path) -> None:
    """Where the whole report cannot be written in the end, none stays, also none that is cut short."""
    path, watch = tmp_path / "junit.xml", Watch()
    report = Report(str(path), watch)
    with room(4096):
        watch.ended(Outcome("a.B", "test_bad", FAILED, 0.25, "not so", "x" * 10_000))
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            report.closed()
    assert [] == os.listdir(tmp_path)


def test_room_for_one_report(tmp_path: Path) -> None:
    """Where there is no room for the whole report beside what stands in its place, it has that room."""
    path = tmp_path / "junit.xml"
    subprocess.run([sys.executable, "-c", FULL, path], check=True)
    assert {"a.B.test_bad": "failed"} == kinds(path)
    assert ["junit.xml"] == os.listdir(tmp_path)


def test_totals(tmp_path: Path) -> None:
    """The totals count each kind."""
    outcomes = [BAD, GOOD, Outcome("a", "b", SKIPPED, 0.0), Outcome("a", "c", ERROR, 0.0)]
    totals.write(str(tmp_path / "totals.json"), outcomes, 1.23456)
    expected = {"tests": 4, "failures": 1, "errors": 1, "skipped": 1, "seconds": 1.235}
    assert expected == json.loads((tmp_path / "totals.json").read_text())
    assert ["totals.json"] == os.listdir(tmp_path)


def test_pieces() -> None:
    """What processes have written is told in the first one, and what they were at when they died is an error."""
    watch = Watch()
    with pieces.gathered(watch) as directory:
        assert str(directory) == os.environ[pieces.VARIABLE]
        one, two = Watch(), Watch()
        pieces.write(one)
        pieces.write(two)
        one.begun("a.B", "test_bad")
        one.ended(BAD)
        two.begun("a.B", "test_good")
        # As a test may leave it.
        del os.environ[pieces.VARIABLE]
        assert (True, []) == (one.is_piece, watch.outcomes)
    assert sorted([BAD, Outcome("a.B", "test_good", ERROR, 0.0, totals.DIED)], key=str) == sorted(
        watch.outcomes, key=str
    )
    assert pieces.VARIABLE not in os.environ
    assert not directory.exists()


def test_a_piece_that_was_cut_short(tmp_path: Path) -> None:
    """A line that a process could not finish takes none of the others away."""
    text = json.dumps({"group": "a.B", "name": "test_1"})
    (tmp_path / "x.piece").write_text(f'{text}\n{{"group": "a.B", "na')
    assert [Outcome("a.B", "test_1", ERROR, 0.0, totals.DIED)] == pieces.read(tmp_path)


def test_merged() -> None:
    """Of two outcomes of a test the worse one counts, with all that both tell."""
    error = Outcome("a.B", "test_bad", ERROR, 0.5, "after", "Second", "more", "")
    both = Outcome("a.B", "test_bad", FAILED, 0.75, "not so", "Traceback\n  here\n\n\nSecond", "outmore", "err")
    assert both == merged(BAD, error)


def test_followers() -> None:
    """A function that follows the tests is called in other processes too, which hear of it by its name."""
    watch = Watch(timeout=5.0)
    watch.follow("watch:merged")
    there = Watch.handed(json.loads(json.dumps(watch.hand_on())))
    assert (5.0, [merged]) == (there.timeout, there.on_begun)
