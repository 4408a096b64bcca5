"""Facts about tests that take too long: real hangs, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from eggcarton.runtime.testing import timeouts
from eggcarton.runtime.testing.timeouts import FixtureTookTooLong, Limit, TookTooLong, stacks
from support.buildouts import CHECKOUT
from support.junit import kinds, read
from support.tested import Project

HANGS = """
    import signal
    import sys
    import threading
    import time
    import unittest

    BEFORE = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)

    class TestHang(unittest.TestCase):
        def test_1_hangs(self):
            other = threading.Thread(target=time.sleep, args=(30,), name="the other", daemon=True)
            other.start()
            try:
                time.sleep(60)
            except Exception:
                pass  # a loop that tries again keeps any Exception to itself

        def test_2_next(self):
            self.assertIs(signal.SIG_DFL, BEFORE[0])

        if sys.version_info >= (3, 11):  # Before, subTest keeps any exception to itself.

            def test_3_subtests(self):
                for number in range(60):
                    with self.subTest(number=number):
                        time.sleep(60)

    class TestSetUp(unittest.TestCase):
        def setUp(self):
            time.sleep(60)

        def test_hangs(self):
            pass

    class TestShared(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            time.sleep(60)

        def test_never(self):
            pass

    class TestZ(unittest.TestCase):
        def test_last(self):
            pass
    """
SHARED_IN = {"pytest": ("TestShared.test_never", "error"), "unittest": ("TestShared.setUpClass", "error")}
LIMIT = 3.0
"""Long enough for a test that does nothing on a machine that is busy; only what hangs for a minute takes longer."""

RUNNERS: dict[str, dict[str, Any]] = {
    "pytest": {},
    "pytest side by side": {"runner": "pytest", "parallel": "2"},
    "unittest": {},
}
"""The runners, each with the settings that it needs beside its name."""


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_hang_fails_and_the_next_test_begins(project: Project, runner: str) -> None:
    """Whatever hangs in a test or in what is set up for it is told with all stacks, and the others run."""
    project.write("pytest.ini", "[pytest]\npythonpath = .\naddopts = -p no:cacheprovider\n")
    project.write("test_hang.py", HANGS)
    report = project.root / "junit.xml"
    settings = {"runner": runner, "packages": ["test_hang"], "junit": str(report), "timeout": LIMIT, **RUNNERS[runner]}
    done = project.test(**settings)
    shared, kind = SHARED_IN[settings["runner"]]
    expected = {
        "TestHang.test_1_hangs": "failed",
        "TestHang.test_2_next": "passed",
        **({"TestHang.test_3_subtests": "failed"} if sys.version_info >= (3, 11) else {}),
        "TestSetUp.test_hangs": "failed",
        shared: kind,
        "TestZ.test_last": "passed",
    }
    assert {f"test_hang.{name}": kind for name, kind in expected.items()} == kinds(report), done.stdout + done.stderr
    assert 1 == done.returncode
    told = next(test for test in read(report) if test.name.endswith("test_1_hangs"))
    assert "took longer than the 3 s that a test may take" in told.message
    words = done.stdout + done.stderr
    assert "Thread the other:" in words
    assert "time.sleep(60)" in words


KEPT = """
    import time

    def test_before():
        pass

    def test_swallows():
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

    def test_after():
        pass
    """
IN_C = """
    import ctypes

    def test_before():
        pass

    def test_in_c():
        # A lock that nobody gives back; PyDLL keeps the interpreter's own meanwhile, so that no signal is heard.
        lock = ctypes.create_string_buffer(256)
        for _ in range(2):
            ctypes.PyDLL(None).pthread_mutex_lock(lock)

    def test_after():
        pass
    """


@pytest.mark.slow
@pytest.mark.parametrize(("text", "name"), [(KEPT, "test_swallows"), (IN_C, "test_in_c")], ids=["swallows", "in-c"])
def test_the_process_is_ended(project: Project, text: str, name: str) -> None:
    """A test that does not stop takes the process with it, the stacks told; the report has it as an error."""
    project.write("src/shop/tests/test_stuck.py", text)
    report = project.root / "junit.xml"
    done = project.test("-k", "stuck", timeout=LIMIT, junit=str(report))
    assert 1 == done.returncode, done.stdout + done.stderr
    assert f"in {name}" in done.stderr
    assert {
        "shop.tests.test_stuck.test_before": "passed",
        f"shop.tests.test_stuck.{name}": "error",
    } == kinds(report)
    assert "the process ended while this test ran" == read(report)[-1].message


@pytest.mark.slow
def test_a_worker_is_ended(project: Project) -> None:
    """Of pytest-xdist only the worker ends, and another one runs the rest."""
    project.write("src/shop/tests/test_stuck.py", KEPT)
    report = project.root / "junit.xml"
    done = project.test("-k", "stuck", timeout=LIMIT, junit=str(report), parallel="1")
    assert 1 == done.returncode, done.stdout + done.stderr
    assert {
        "shop.tests.test_stuck.test_before": "passed",
        "shop.tests.test_stuck.test_swallows": "error",
        "shop.tests.test_stuck.test_after": "passed",
    } == kinds(report)
    assert "in test_swallows" in done.stderr


@pytest.mark.slow
def test_debuggers(project: Project) -> None:
    """Who debugs a test may take any time."""
    project.write("src/shop/tests/test_slow.py", "import time\n\ndef test_slow():\n    assert not time.time()\n")
    script = project.script({}, {"timeout": LIMIT})
    words = f"import time\ntime.sleep({3 + 2 * LIMIT})\np 'still ' + 'here'\nq\n"
    done = project.run(script, "-k", "slow", "--pdb", input=words)
    assert "still here" in done.stdout, done.stdout + done.stderr
    assert 2 == done.returncode
    project.write(
        "slow.py", "import unittest\n\nclass T(unittest.TestCase):\n    def test(self):\n        breakpoint()\n"
    )
    script = project.script({}, {"timeout": LIMIT, "runner": "unittest", "packages": ["slow"]})
    done = project.run(script, input=words.replace("q\n", "c\n"))
    assert (0, True) == (done.returncode, "still here" in done.stdout), done.stdout + done.stderr
    assert "took longer" not in done.stdout + done.stderr


def test_signals_are_left_as_they_were() -> None:
    """The handler and the timer that were there before a test are there again after it."""
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    try:
        mine = signal.getsignal(signal.SIGALRM)
        signal.setitimer(signal.ITIMER_REAL, 60.0)
        limit = Limit(30.0)
        limit.arm("a.test")
        assert mine is not signal.getsignal(signal.SIGALRM)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        limit.disarm()
        assert mine is signal.getsignal(signal.SIGALRM)
        assert 30 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert [] == heard


def test_a_handler_that_a_test_leaves_stays() -> None:
    """What the test itself has done to the signal is not undone."""
    before = signal.getsignal(signal.SIGALRM)
    limit = Limit(30.0)
    limit.arm("a.test")
    try:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        limit.disarm()
        assert signal.SIG_IGN == signal.getsignal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_the_signal_goes_back_when_no_other_test_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread and one handler serve tests that follow each other, and soon after the last one both are gone."""
    monkeypatch.setattr(timeouts, "_SHARED", 600.0)
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    limit = Limit(30.0)
    limit.arm("first.test")
    armed = limit._armed
    limit.disarm()
    limit.arm("second.test")
    assert armed == limit._armed
    # As if that of the first test came late.
    signal.raise_signal(signal.SIGALRM)
    limit.disarm()
    while limit._armed is not None:
        time.sleep(0.01)
    assert before == (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL))


@pytest.mark.slow
def test_between_and_after_tests_there_is_time(project: Project) -> None:
    """What takes longer than a test may, when none runs, is not ended, nor is a test that comes after it."""
    project.write(
        "conftest.py",
        """
        import ctypes
        import time

        def pytest_runtest_logfinish(nodeid):
            if "one" in nodeid:
                time.sleep(9)

        def pytest_sessionfinish():
            # In C, with the interpreter's lock kept, so that no signal is heard.
            lock, until = ctypes.create_string_buffer(256), (ctypes.c_long * 2)(int(time.time()) + 10, 0)
            for _ in range(2):
                ctypes.PyDLL(None).pthread_mutex_timedlock(lock, until)
        """,
    )
    project.write("src/shop/tests/test_two.py", "def test_one():\n    pass\n\ndef test_two():\n    pass\n")
    done = project.test("-k", "test_two", timeout=LIMIT)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_end_of_a_worker(project: Project) -> None:
    """A process of pytest-xdist that ends right after its last test is not ended before."""
    project.write(
        "src/shop/tests/test_end.py",
        """
        import time

        class Last:
            def __del__(self, open=open, sleep=time.sleep):
                sleep(2)
                open("last", "w").close()

        LAST = Last()

        def test_end():
            pass
        """,
    )
    done = project.test("-k", "test_end", timeout=30.0, parallel="1")
    assert (0, True) == (done.returncode, (project.root / "last").exists()), done.stdout + done.stderr


@pytest.mark.parametrize("raised", [TookTooLong, FixtureTookTooLong])
def test_what_is_raised(raised: type[BaseException], capfd: pytest.CaptureFixture[str]) -> None:
    """The exception names the test and the time, and the stacks are told."""
    limit = Limit(0.05)

    def hangs() -> None:
        limit.arm("a.test", raised)
        time.sleep(60)

    try:
        with pytest.raises(raised, match=r"^a\.test took longer than the 0\.05 s that a test may take$"):
            hangs()
    finally:
        limit.disarm()
    assert "test_what_is_raised" in capfd.readouterr().err


def test_a_child_has_no_limit(tmp_path: Path) -> None:
    """A process that a test forks is not ended, and nothing warns of a thread that lives while it forks."""
    limit = Limit(30.0)
    limit.arm("a.test")
    try:
        child = os.fork()
        if child == 0:
            try:
                (tmp_path / "armed").write_text(repr((limit._test, signal.getitimer(signal.ITIMER_REAL)[0])))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert "(None, 0.0)" == (tmp_path / "armed").read_text()
        assert "a.test" == limit._test
    finally:
        limit.disarm()


def test_without_the_signal() -> None:
    """Where the system has no SIGALRM, as Windows, all that is not about time limits can still be had."""
    code = "import signal; del signal.SIGALRM; import eggcarton.runtime.testing"
    variables = {"PYTHONPATH": str(CHECKOUT / "src")}
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)


def test_stacks_of_this_thread() -> None:
    """The stacks name this thread and this line."""
    text = stacks(None)
    assert "Thread MainThread:" in text
    assert "test_stacks_of_this_thread" in text
