"""Facts about measuring the processes of Django's runner and of zope.testrunner, in one real buildout."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildouts import WAIT, Buildout, Shared, downloaded, fresh, locked
from support.index import Index

pytestmark = pytest.mark.slow

SUPPORT = Path(__file__).with_name("support")
CONFIG = """
    [buildout]
    extensions = eggcarton
    develop = lib
    parts = django zope

    [eggcarton]
    compile = true

    [measured]
    recipe = eggcarton:coverage
    source = shop
    omit =
        */tests/*
        */settings.py
    branch = true
    contexts = true
    report = json
    initialization =
        import multiprocessing
        multiprocessing.set_start_method(os.environ.get("START", "fork"), force=True)

    [django]
    <= measured
    eggs = shop
    runner = django
    settings = shop.settings
    packages = shop.tests
    parallel = 2

    [zope]
    <= measured
    eggs =
        shop
        zope.testrunner
    runner = zope.testrunner
    packages = layered
    parallel = 2
    """

FILES = {
    "lib/setup.py": """
        from setuptools import setup

        setup(name="shop", version="1.0", packages=["shop", "layered"])
        """,
    "lib/shop/__init__.py": "",
    "lib/shop/settings.py": """
        SECRET_KEY = "none"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        INSTALLED_APPS = ["shop"]
        USE_TZ = True
        """,
    "lib/shop/price.py": """
        import os
        import subprocess
        import sys
        import threading

        def one(count):
            with open(os.environ["PIDS"], "a") as stream:
                stream.write(f"{os.getpid()}\\n")
            if count > 10:
                return "many"
            return "few"

        def two():
            return "two"

        def started():
            return "started"

        def start():
            code = "import shop.price; shop.price.started()"
            subprocess.run([sys.executable, "-c", code], check=True)
            return "done"

        def threaded():
            thread = threading.Thread(target=in_thread)
            thread.start()
            thread.join()

        def in_thread():
            return "thread"

        def never():
            return "never"
        """,
    "lib/shop/tests/__init__.py": "",
    "lib/layered/__init__.py": "",
    "lib/layered/tests.py": """
        import unittest
        from shop import price

        class First:
            @classmethod
            def setUp(cls):
                price.two()

            @classmethod
            def tearDown(cls):
                raise NotImplementedError

        class Second(First):
            pass

        class TestPlain(unittest.TestCase):
            def test_few(self):
                self.assertEqual("few", price.one(1))

        class TestFirst(unittest.TestCase):
            layer = First

            def test_many(self):
                self.assertEqual("many", price.one(20))

            def test_start(self):
                self.assertEqual("done", price.start())

        class TestSecond(unittest.TestCase):
            layer = Second

            def test_threaded(self):
                price.threaded()
        """,
    "lib/shop/tests/test_price.py": """
        import os
        import signal
        from django.test import SimpleTestCase
        from shop import price

        class Few(SimpleTestCase):
            def test_few(self):
                self.assertEqual("few", price.one(1))

        class Many(SimpleTestCase):
            @classmethod
            def setUpClass(cls):
                super().setUpClass()
                price.two()

            def test_many(self):
                if os.environ.get("WHAT") == "crash":
                    os.kill(os.getpid(), signal.SIGKILL)
                self.assertEqual("many", price.one(20))

        class Started(SimpleTestCase):
            def test_start(self):
                self.assertEqual("done", price.start())

        class Threaded(SimpleTestCase):
            def test_threaded(self):
                price.threaded()
        """,
}


@pytest.fixture(scope="module")
def build(
    tmp_path_factory: pytest.TempPathFactory, template: Path, shared: Shared, wheels: Path, zope_testrunner: Path
) -> Iterator[Buildout]:
    place = tmp_path_factory.mktemp("my place")
    sources = [wheels, zope_testrunner]
    for name in ("django", "pytest-plugin"):
        with locked(shared.directory / name):
            sources.append(downloaded(SUPPORT / f"{name}.txt"))
    (place / "index").mkdir()
    for path in {path.name: path for source in sources for path in source.glob("*.whl")}.values():
        (place / "index" / path.name).symlink_to(path)
    with Index(place / "index") as index:
        made = fresh(place, template, index)
        for name, text in FILES.items():
            made.write(name, text)
        made.configure(CONFIG)
        made.build()
        yield made


def covered(build: Buildout, part: str) -> dict[str, list[str]]:
    """Return the lines that ran, in the order of the file, each with the tests that ran it."""
    [found] = [
        file
        for name, file in json.loads((build.root / f"var/{part}/coverage.json").read_text())["files"].items()
        if name == "lib/shop/price.py"
    ]
    lines = (build.root / "lib/shop/price.py").read_text().splitlines()
    assert [len(lines)] == found["missing_lines"]
    assert [] == found["missing_branches"]
    return {
        lines[int(number) - 1].strip(): sorted(name.rpartition(".")[2] for name in contexts)
        for number, contexts in found["contexts"].items()
    }


EXPECTED = {
    'return "many"': ["test_many"],
    'return "few"': ["test_few"],
    'return "two"': [""],
    'return "started"': ["test_start"],
    'return "done"': ["test_start"],
    "thread.join()": ["test_threaded"],
    'return "thread"': ["test_threaded"],
    "def never():": ["", "test_start"],
}


@pytest.mark.parametrize(
    ("part", "start", "arguments"),
    [
        ("django", "fork", []),
        ("django", "spawn", []),
        ("django", "fork", ["--parallel=1"]),
        ("zope", "fork", []),
        ("zope", "fork", ["-j1"]),
    ],
)
def test_in_one_report(build: Buildout, tmp_path: Path, part: str, start: str, arguments: list[str]) -> None:
    """Lines that ran in several processes are in one report with the tests that ran them, as of one process."""
    build.variables.update(START=start, PIDS=str(tmp_path / "pids"))
    process = build.start(*arguments, program=part)
    output, _ = process.communicate(timeout=WAIT)
    assert 0 == process.returncode, output
    found = covered(build, part)
    assert EXPECTED == {line: found[line] for line in EXPECTED}
    of_script = str(process.pid) in (tmp_path / "pids").read_text().splitlines()
    assert bool(arguments) == of_script
    last = json.loads((build.root / f"var/{part}/history.jsonl").read_text().splitlines()[-1])
    assert (4, 0, [2, 2], [25, 26]) == (last["tests"], last["status"], last["branches"], last["lines"])
    assert ["coverage.data", "coverage.json", "history.jsonl", "run.lock"] == sorted(
        os.listdir(build.root / f"var/{part}")
    )


def test_a_process_that_is_killed(build: Buildout, tmp_path: Path) -> None:
    """Where one of the processes is killed, the report is made of what the others ran, and the run has failed."""
    shutil.rmtree(build.root / "var/django", ignore_errors=True)
    build.variables.update(START="fork", WHAT="crash", PIDS=str(tmp_path / "pids"))
    try:
        status, output = build.run(program="django")
    finally:
        del build.variables["WHAT"]
    assert (1, True) == (status, "coverage report: " in output), output
    [run] = (build.root / "var/django/history.jsonl").read_text().splitlines()
    assert not json.loads(run)["whole"]
    assert ["coverage.data", "coverage.json", "history.jsonl", "run.lock"] == sorted(
        os.listdir(build.root / "var/django")
    )
