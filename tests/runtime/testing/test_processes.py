"""Facts about measuring the processes that tests start: real ones, in an environment with its startup hook."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

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
import concurrent.futures, multiprocessing, os, signal, subprocess, sys
os.environ["PYTHONPATH"] = os.path.abspath("src")
PATHS = f"import sys; sys.path.insert(0, {os.path.abspath('src')!r}); "
THREAD = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); "
WAIT = "; print('ready', flush=True); import time; time.sleep(60)"

def terminate(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\\n"
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
