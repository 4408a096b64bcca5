"""Facts about measuring the processes that tests start: real ones, in an environment with its startup hook."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.runtime.testing import processes
from support import environments
from support.tested import INSTALLED, Project

pytestmark = pytest.mark.slow

# Each way of being started and of ending runs one function of its own.
SHOP = """
    import os

    def {ways}

    def main(way):
        globals()[way]()
    """
START = "import {module}; {module}.{way}()"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that imports what this one does."""
    place = tmp_path_factory.mktemp("environment")
    return environments.made(place, [], *map(Path, INSTALLED)).python


@pytest.fixture
def project(tmp_path: Path, python: Path) -> Project:
    return Project(tmp_path / "my project", python)


WAYS = {
    "subprocess": "subprocess.run([sys.executable, '-c', CODE], check=True)",
    "isolated": "subprocess.run([sys.executable, '-I', '-c', PATHS + CODE], check=True)",
    "elsewhere": "subprocess.run([sys.executable, '-c', CODE], cwd='/', check=True)",
    "shell": "subprocess.run(['/bin/sh', '-c', 'exec \"$0\" -c \"$1\"', sys.executable, CODE], check=True)",
    "daemonic_thread": "subprocess.run([sys.executable, '-c', THREAD + CODE], check=True)",
    "exits": "subprocess.run([sys.executable, '-c', CODE + '; import os; os._exit(0)'], check=True)",
    "becomes_another": "subprocess.run([sys.executable, '-c', CODE + '; import os; os.execv(\"/bin/true\", [\"t\"])'])",
    "terminated": "terminate([sys.executable, '-c', CODE + WAIT])",
    "deaf": "terminate([sys.executable, '-c', CODE + DEAF + WAIT])",
    "forked": "fork()",
    "pool": "with multiprocessing.get_context('fork').Pool(2) as pool: pool.map(work, [1, 2])",
    "spawned": "started('spawn')",
    "served": "started('forkserver')",
    "executor": "with concurrent.futures.ProcessPoolExecutor(1) as pool: pool.submit(work, 1).result()",
}


def files_of(ways: dict[str, str]) -> dict[str, str]:
    """Return a module for each way, and tests that go it."""
    found = {f"src/shop/{way}.py": "def work(number=1):\n    done = number + 1\n    return done\n" for way in ways}
    head = """
import concurrent.futures, multiprocessing, os, pathlib, signal, subprocess, sys
os.environ["PYTHONPATH"] = os.path.abspath("src")
PATHS = f"import sys; sys.path.insert(0, {os.path.abspath('src')!r}); "
THREAD = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); "
WAIT = "; print('ready', flush=True); import time; time.sleep(600)"
# Another thread takes the signal, so that it wakes not this one: as if it came just before this one begins to wait.
DEAF = "; import signal, threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
DEAF += "; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})"

def terminate(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\\n"
    # Where it does not sleep yet, it hears of the signal anyway.
    while " S " not in pathlib.Path(f"/proc/{process.pid}/stat").read_text():
        pass
    process.terminate()
    assert process.wait() == -signal.SIGTERM
"""
    for way, statement in ways.items():
        found[f"src/shop/tests/test_{way}.py"] = f"""{head}
CODE = "from shop.{way} import work; work()"

def work(number):
    import shop.{way}
    return shop.{way}.work(number)

def started(method):
    process = multiprocessing.get_context(method).Process(target=work, args=(1,))
    process.start()
    process.join()
    assert process.exitcode == 0

def fork():
    process = os.fork()
    if not process:
        work(1)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0

def test_{way}():
    {statement}
"""
    return found


def test_each_way_to_start_and_to_end(project: Project) -> None:
    """What runs in a process that a test starts, whatever way that starts and ends, is measured; nothing stays."""
    for name, text in files_of(WAYS).items():
        project.write(name, text)
    before = set(os.listdir(project.root))
    done = project.cover(report=["json"], omit=["*/tests/*"])
    assert 0 == done.returncode, done.stdout + done.stderr
    files = json.loads((project.root / "var/coverage.json").read_text())["files"]
    missing = {Path(name).stem: file["missing_lines"] for name, file in files.items() if Path(name).stem in WAYS}
    assert {way: [] for way in WAYS} == missing
    assert {"var"} == set(os.listdir(project.root)) - before - {"bin"}
    assert not list((project.root / "var").glob("run-*"))


def test_workers_and_contexts(project: Project) -> None:
    """With pytest-xdist a line is told with each test that ran it, or whose process did, and not after its end."""
    project.write("src/shop/pool.py", "def work(number=1):\n    return number\n\ndef last():\n    return 1\n")
    project.write("src/shop/conftest.py", "def pytest_sessionfinish():\n    import shop.pool\n    shop.pool.last()\n")
    project.write(
        "src/shop/tests/test_started.py",
        """
        import os
        import subprocess
        import sys

        def test_subprocess():
            os.environ["PYTHONPATH"] = os.path.abspath("src")
            subprocess.run([sys.executable, "-c", "import shop.pool; shop.pool.work()"], check=True)

        def test_fork():
            import shop.pool

            process = os.fork()
            if not process:
                shop.pool.work()
                os._exit(0)
            os.waitpid(process, 0)
        """,
    )
    done = project.cover("-n", "2", report=["json", "html"], omit=["*/tests/*"], contexts=True)
    assert 0 == done.returncode, done.stdout + done.stderr
    files = json.loads((project.root / "var/coverage.json").read_text())["files"]
    started = ["shop.tests.test_started.test_fork", "shop.tests.test_started.test_subprocess"]
    assert started == sorted(files["src/shop/pool.py"]["contexts"]["2"])
    assert [""] == files["src/shop/pool.py"]["contexts"]["5"]
    assert ["shop.tests.test_many.test_many"] == files["src/shop/__init__.py"]["contexts"]["4"]
    [page] = [path for path in (project.root / "var/html").glob("*.html") if "pool_py" in path.name]
    assert started[0] in page.read_text()


def test_others_are_left_alone(project: Project, tmp_path: Path) -> None:
    """A Python without coverage, or one that outlives the run, does and prints what it would unmeasured.

    So does one that is measured by another core than the project's configuration names, as that cannot be had.
    """
    bare = environments.told(tmp_path / "bare", [])[0].python
    project.write(
        "src/shop/tests/test_others.py",
        f"""
        import os
        import subprocess
        import sys

        SAYS = "import sys; print('coverage' in sys.modules)"

        def said(*command, **keywords):
            done = subprocess.run(command, capture_output=True, text=True, **keywords)
            return done.returncode, done.stdout, done.stderr

        def test_without_coverage():
            assert said({str(bare)!r}, "-c", SAYS) == (0, "False\\n", "")

        def test_scrubbed():
            assert said(sys.executable, "-c", SAYS, env={{}}) == (0, "False\\n", "")

        def test_measured():
            assert said(sys.executable, "-I", "-c", SAYS) == (0, "True\\n", "")

        def test_outliving():
            os.mkfifo("said")
            subprocess.Popen([sys.executable, "-c", "import sys; sys.stderr = open('said', 'w')"])
        """,
    )
    # No Python up to 3.13 tells coverage of branches so.
    project.write(".coveragerc", "[run]\ncore = sysmon\nbranch = true\n")
    done = project.cover()
    assert 0 == done.returncode, done.stdout + done.stderr
    said = subprocess.run(["cat", project.root / "said"], capture_output=True, timeout=60, check=False)
    assert b"" == said.stdout
    assert not list((project.root / "var").glob("run-*"))


def test_of_a_run_itself(project: Project) -> None:
    """Where the script is started anew inside its own run, as runners do it, it only runs the tests, measured."""
    project.write(
        "other/test_again.py",
        """
        import os
        import subprocess
        import sys

        def test_again():
            script = [sys.executable, "-I", "bin/test", "-k", "many"]
            done = subprocess.run(script, capture_output=True, text=True)
            assert (done.returncode, "coverage report" in done.stdout) == (0, False)
        """,
    )
    done = project.cover("other", report=["json"])
    assert 0 == done.returncode, done.stdout + done.stderr
    files = json.loads((project.root / "var/coverage.json").read_text())["files"]
    assert 4 in files["src/shop/__init__.py"]["executed_lines"]


class Measured:
    """Stands for coverage, of which a test interrupts what is saved."""

    def __init__(self, directory: Path) -> None:
        self.data_file = str(directory / "data")
        (directory / processes.FILE).write_text("")

    def start(self) -> None:
        pass

    stop = start

    def get_option(self, name: str) -> str:
        return self.data_file

    def save(self) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_while_a_forked_process_saves(tmp_path: Path) -> None:
    """A forked process that is interrupted at its end ends all the same, and does not go on as its parent does."""
    end = processes.begin(Measured(tmp_path))
    try:
        child = os.fork()
        if not child:
            os._exit(3)
        assert 3 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        end()


def test_processes_are_told_to_terminate_whether_there_are_threads_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can be had to wake a process by, it has been told all the same, and others may fork off."""

    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    end = processes.begin(Measured(tmp_path))
    try:
        with monkeypatch.context() as patch:
            patch.setattr(processes._thread, "start_new_thread", no_thread)
            sleeper = subprocess.Popen(["sleep", "600"])
            sleeper.terminate()
            assert -signal.SIGTERM == sleeper.wait(60)
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
    finally:
        end()


def test_the_end_while_others_are_to_be_woken(tmp_path: Path) -> None:
    """Where measuring ends just after a process was told to terminate, no thread stays, nor does one complain."""
    code = f"""
import os, signal, subprocess, time
from eggcarton.runtime.testing import processes

class Measured:
    start = stop = save = lambda self: None
    get_option = lambda self, name: {str(tmp_path / "data")!r}

deaf = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; echo; exec sleep 600"], stdout=subprocess.PIPE)
deaf.stdout.readline()
for _ in range(20):
    end = processes.begin(Measured())
    deaf.terminate()
    time.sleep(0.01)
    end()
deaf.kill()
while len(os.listdir("/proc/self/task")) > 1:
    time.sleep(0.01)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert (0, "") == (done.returncode, done.stderr)
