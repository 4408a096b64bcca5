"""Facts about running tests with Django: a released one, in a real buildout."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildouts import WAIT, Buildout, Result, Shared, downloaded, fresh, locked, run, start, wait_for
from support.index import Index
from support.junit import kinds, read

pytestmark = pytest.mark.slow

PINS = Path(__file__).parents[2] / "support/django.txt"

CONFIG = """
    [buildout]
    extensions = eggcarton
    parts = test parallel limited py

    [eggcarton]
    compile = true

    [test]
    recipe = eggcarton:test
    eggs = parameterized
    runner = django
    packages = shop
    project = shop
    settings = settings
    junit = var/junit.xml
    initialization =
        import multiprocessing
        multiprocessing.set_start_method(os.environ.get("START", "fork"), force=True)

    [parallel]
    <= test
    parallel = 2
    script = parallel

    [limited]
    <= parallel
    timeout = 3s
    script = limited

    [py]
    recipe = eggcarton:scripts
    eggs =
        Django
        parameterized
        tblib
    interpreter = py
    scripts =
    isolation = none
    """

FILES = {
    "manage.py": """
        import os
        import sys

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
        """,
    "shop/__init__.py": "",
    "shop/settings.py": """
        import multiprocessing
        import os

        SECRET_KEY = "none"
        DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite"}}
        INSTALLED_APPS = ["shop", *os.environ.get("APPS", "").split()]
        USE_TZ = True
        if os.environ.get("WORKERS") == "die" and "MainProcess" != multiprocessing.current_process().name:
            os._exit(1)
        if os.environ.get("RUNNER"):
            TEST_RUNNER = os.environ["RUNNER"]
        """,
    "shop/broken.py": "import no_such_module\n",
    "shop/models.py": """
        from django.db import models

        class Egg(models.Model):
            name = models.CharField(max_length=9)
        """,
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
        import os
        from django.db import migrations, models

        class Migration(migrations.Migration):
            operations = [
                migrations.CreateModel("Egg", [
                    ("id", models.AutoField(primary_key=True)),
                    ("name", models.CharField(max_length=9)),
                ]),
                *([migrations.RunSQL("no sql")] if "NO_SQL" in os.environ else []),
            ]
        """,
    "shop/runner.py": """
        import unittest
        from django.test.runner import DiscoverRunner

        class Result(unittest.TextTestResult):
            def addSuccess(self, test):
                super().addSuccess(test)
                self.stream.write("<fine>")

        class Runner(DiscoverRunner):
            @classmethod
            def add_arguments(cls, parser):
                super().add_arguments(parser)
                parser.add_argument("--greeting")

            def __init__(self, greeting=None, **options):
                super().__init__(**options)
                self.log(f"The runner says {greeting}.")

            def get_resultclass(self):
                return Result

        class Other:
            def __init__(self, **options):
                pass

            def run_tests(self, labels, **options):
                print(f"Nothing is run of {labels}.")
                return 3
        """,
    "shop/tests/__init__.py": "",
    "shop/tests/test_eggs.py": """
        import os
        import unittest
        from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag
        from parameterized import parameterized
        from shop.models import Egg

        class Stored(TestCase):
            @classmethod
            def setUpTestData(cls):
                Egg.objects.create(name="œuf 🥚")

            def test_one(self):
                self.assertEqual("œuf 🥚", Egg.objects.get().name)

            @tag("odd")
            def test_grüße(self):
                Egg.objects.create(name="b")
                self.assertEqual(2, Egg.objects.count())

        class Mixin:
            def test_mixed_in(self):
                self.assertTrue(self.size)

        class Small(Mixin, SimpleTestCase):
            size = "S"

        class Large(Mixin, unittest.TestCase):
            size = "L"

            @parameterized.expand([("a", 1), ("b c", 2)])
            def test_many(self, name, number):
                self.assertTrue(number)

            def test_subtests(self):
                for number in range(4):
                    with self.subTest(number=number):
                        self.assertTrue("BAD" not in os.environ or number % 2 == 0)

            def test_partly(self):
                with self.subTest("only this"):
                    self.skipTest("not this")

            @unittest.skip("not today")
            def test_skipped(self):
                pass

            @unittest.expectedFailure
            def test_expected(self):
                self.fail("as it should")

        class Rolled(TransactionTestCase):
            def test_none(self):
                self.assertEqual(0, Egg.objects.count())
                if "BAD" in os.environ:
                    raise ValueError("bäd egg")

        class Broken(TestCase):
            @classmethod
            def setUpClass(cls):
                if "BAD" in os.environ:
                    raise OSError("no nest")
                super().setUpClass()

            def test_needs_it(self):
                pass
        """,
    "inner/__init__.py": "",
    "inner/tests.py": """
        from django.core.management import call_command
        from django.test import SimpleTestCase

        class Outer(SimpleTestCase):
            def test_inner(self):
                with self.assertRaises(SystemExit):
                    call_command("test", testrunner="shop.runner.Other")
        """,
    "ends/__init__.py": "",
    "ends/tests.py": """
        import os
        import signal
        import time
        from django.test import SimpleTestCase

        WHAT = os.environ.get("WHAT")

        class Ends(SimpleTestCase):
            def test_a_before(self):
                pass

            def test_b_at_it(self):
                if WHAT == "crash":
                    os.kill(os.getpid(), signal.SIGSEGV)
                elif WHAT == "exit":
                    os._exit(0)
                elif WHAT == "hang":
                    time.sleep(600)
                elif WHAT == "hang for good":
                    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
                    time.sleep(600)
                elif WHAT == "wait":
                    open("waits", "w").close()
                    began = time.monotonic()
                    while not os.path.exists("told") and time.monotonic() < began + 60:
                        time.sleep(0.01)

            def test_c_after(self):
                pass

        class Other(SimpleTestCase):
            def test_other(self):
                pass
        """,
}

GOOD = {
    "Stored.test_one": "passed",
    "Stored.test_grüße": "passed",
    "Small.test_mixed_in": "passed",
    "Large.test_mixed_in": "passed",
    "Large.test_many_0_a": "passed",
    "Large.test_many_1_b_c": "passed",
    "Large.test_subtests": "passed",
    "Large.test_partly": "passed",
    "Large.test_skipped": "skipped",
    "Large.test_expected": "skipped",
    "Rolled.test_none": "passed",
    "Broken.test_needs_it": "passed",
}
BAD = {name: kind for name, kind in GOOD.items() if not name.startswith("Broken")} | {
    "Large.test_subtests": "failed",
    "Rolled.test_none": "error",
    "Broken.setUpClass": "error",
}
BOTH = pytest.mark.parametrize("script", ["test", "parallel"])


class Site:
    """A buildout with an application of Django in it, in a directory whose name has a space."""

    def __init__(self, build: Buildout) -> None:
        self.build, self.report = build, build.root / "var/junit.xml"

    def run(self, script: str, *arguments: str, **variables: str) -> Result:
        """Run a script from another directory, where no report is."""
        self.report.unlink(missing_ok=True)
        return run([self.build.bin / script, *arguments], cwd=Path("/"), variables=self.variables(**variables))

    def manage(self, *arguments: str, **variables: str) -> Result:
        """Run manage.py, as it would be without a part that runs tests."""
        words = [self.build.bin / "py", "manage.py", *arguments]
        return run(words, cwd=self.build.root, variables=self.variables(**variables))

    def variables(self, **more: str) -> dict[str, str]:
        return self.build.environment() | {"PYTHONUNBUFFERED": "1", **more}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, template: Path, shared: Shared) -> Iterator[Site]:
    with locked(shared.directory / "django"):
        wheels = downloaded(PINS)
    with Index(wheels) as index:
        build = fresh(tmp_path_factory.mktemp("my site"), template, index)
        for name, text in FILES.items():
            build.write(name, text)
        build.configure(CONFIG)
        build.build()
        yield Site(build)


def summary(output: str) -> list[str]:
    """Return the numbers that Django tells, without how long it took."""
    return sorted(re.findall(r"^(?:Found|Ran) \d+ test|^OK.*|^FAILED.*", output, re.MULTILINE))


@BOTH
@pytest.mark.parametrize(("variables", "expected"), [({}, GOOD), ({"BAD": "1"}, BAD)], ids=["good", "bad"])
def test_as_manage_py(site: Site, script: str, variables: dict[str, str], expected: dict[str, str]) -> None:
    """Numbers, words and exit code are those of manage.py, and the report has each test once, of its right kind."""
    bare = site.manage("test", "shop", *(["--parallel=2"] if script == "parallel" else []), **variables)
    status, output = site.run(script, **variables)
    assert (bare.status, summary(bare.output)) == (status, summary(output)), output
    assert {f"shop.tests.test_eggs.{name}": kind for name, kind in expected.items()} == kinds(site.report)
    told = {test.name.rpartition(".")[2]: test for test in read(site.report)}
    if variables:
        assert "ValueError: bäd egg" == told["test_none"].message
        assert ("Traceback" in told["test_none"].details, "no nest" in told["setUpClass"].details) == (True, True)
        assert 2 == told["test_subtests"].details.count("AssertionError")


def test_spawned(site: Site) -> None:
    """Processes that are spawned and not forked are told of alike."""
    status, output = site.run("parallel", START="spawn", BAD="1")
    assert 1 == status, output
    assert {f"shop.tests.test_eggs.{name}": kind for name, kind in BAD.items()} == kinds(site.report)


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("test", ["shop.tests.test_eggs.Large.test_subtests"], "Found 1 test"),
        ("test", ["ends", "--reverse"], "Found 4 test"),
        ("test", ["./shop/tests"], "Found 12 test"),
        ("test", ["-k", "mixed", "-k", "none", "-k", "one", "--exclude-tag=odd", "--shuffle=3"], "Found 4 test"),
        ("test", ["--tag", "odd", "-v2", "--timing", "--keepdb"], "Total run took"),
        ("parallel", ["--parallel=1", "-v2"], "test_mixed_in (shop.tests.test_eggs.Small"),
        ("test", ["--parallel", "2", "--debug-sql"], "Cloning test database"),
        ("test", ["--settings", "shop.settings", "--pythonpath=/"], "Found 12 test"),
    ],
)
def test_command_line(site: Site, script: str, arguments: list[str], said: str) -> None:
    """The command line is Django's; a label takes the place of the packages, and what it says of processes wins."""
    status, output = site.run(script, *arguments)
    assert (0, True) == (status, said in output), output


def test_debugger(site: Site) -> None:
    """--pdb stops at a failure, whatever the part says of processes and of time."""
    status, output = site.run("parallel", "--pdb", "--failfast", "-k", "test_none", BAD="1")
    assert (1, True) == (status, "Opening PDB: ValueError('bäd egg')" in output), output


@BOTH
def test_runner_of_settings(site: Site, script: str) -> None:
    """The runner that the settings name makes the tests, the results and its own options; and it is heard."""
    status, output = site.run(script, "--greeting=hello", RUNNER="shop.runner.Runner")
    assert 0 == status, output
    assert ("The runner says hello." in output, output.count("<fine>")) == (True, 9), output
    assert 12 == len(read(site.report))


def test_any_runner(site: Site) -> None:
    """A runner that has but the one method that Django asks of it gets the packages, and what is missing is told."""
    status, output = site.run("test", "--testrunner=shop.runner.Other")
    assert (1, True) == (status, "Nothing is run of ('shop',)." in output), output
    assert "shop.runner.Other has no run_suite, as Django's runners do" in output


def test_tests_that_run_tests(site: Site) -> None:
    """A run that a test starts itself is Django's alone: it has no packages of ours, and its tests are not told."""
    status, output = site.run("test", "inner.tests.Outer")
    assert (0, True) == (status, "Nothing is run of ()." in output), output
    assert {"inner.tests.Outer.test_inner": "passed"} == kinds(site.report)


def test_settings_that_are_not_there(site: Site) -> None:
    """Settings that there are not are one sentence; DJANGO_SETTINGS_MODULE comes before the part, as with manage.py."""
    for module, missing in (("nest.settings", "nest"), ("shop.nest", "shop.nest")):
        status, output = site.run("test", DJANGO_SETTINGS_MODULE=module)
        sentence = (
            f"Django's settings are {module}, but there is no module {missing} in {site.build.root} or in the eggs"
        )
        assert Result(1, f"{sentence}\n") == Result(status, output)
    script = site.build.bin / "unnamed"
    script.write_text(re.sub(r"django_settings=.*", "", (site.build.bin / "test").read_text()))
    script.chmod(0o755)
    status, output = site.run("unnamed")
    sentence = "Django's settings are not named: say settings = MODULE in the part, or set DJANGO_SETTINGS_MODULE"
    assert Result(1, f"{sentence}\n") == Result(status, output)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DJANGO_SETTINGS_MODULE": "shop.broken"}, "ModuleNotFoundError: No module named 'no_such_module'"),
        ({"APPS": "no_such_app"}, "ModuleNotFoundError: No module named 'no_such_app'"),
        ({"NO_SQL": "1"}, 'django.db.utils.OperationalError: near "no": syntax error'),
    ],
    ids=["settings", "application", "migration"],
)
def test_broken_before_tests(site: Site, variables: dict[str, str], said: str) -> None:
    """What breaks before the tests is told as Django tells it, ends with 1, and is the one error of the report."""
    status, output = site.run("test", **variables)
    assert (1, True) == (status, f"\n{said}\n" in output), output
    assert [("django.test", "error", said)] == [(test.name, test.kind, test.message) for test in read(site.report)]


def test_no_tests(site: Site) -> None:
    """Where no test is, the exit code is Django's, and the report is empty; a label that is none fails."""
    bare, (status, output) = site.manage("test", "shop", "-k", "nothing"), site.run("test", "-k", "nothing")
    assert (bare.status, summary(bare.output)) == (status, summary(output)), output
    assert {} == kinds(site.report)
    assert 2 == site.run("test", "--no-such-option").status
    assert 1 == site.run("test", "shop.nothing").status
    assert {"nothing.collection": "error"} == kinds(site.report)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_takes_too_long(site: Site, processes: str) -> None:
    """A test that takes too long fails, in whichever process it runs, and the others go on."""
    status, output = site.run("limited", "ends", "--parallel", processes, WHAT="hang")
    assert (1, True) == (status, "took longer than the 3 s that a test may take" in output), output
    assert {"failed": 1, "passed": 3} == Counter(kinds(site.report).values())
    (seconds,) = re.findall(r'name="test_b_at_it" time="(.+?)"', site.report.read_text("utf-8"))
    assert 3.0 <= float(seconds)


@pytest.mark.parametrize("what", ["crash", "exit", "hang for good"])
def test_process_that_dies(site: Site, what: str) -> None:
    """A process that dies ends the run, which Django would let wait for it; its last test is the error."""
    status, output = site.run("limited" if "hang" in what else "parallel", "ends", WHAT=what)
    assert (1, True) == (status, "Died: the process ended while this test ran" in output), output
    found = kinds(site.report)
    assert ("passed", "error") == (found["ends.tests.Ends.test_a_before"], found["ends.tests.Ends.test_b_at_it"])
    assert "ends.tests.Ends.test_c_after" not in found


def test_process_that_cannot_begin(site: Site) -> None:
    """A process that dies before its first test ends the run too: Django would start it again for ever."""
    status, output = site.run("parallel", WORKERS="die", START="spawn")
    assert (1, True) == (status, "Died: a process that was to run tests has ended" in output), output
    assert {"django.test": "error"} == kinds(site.report)


def test_crash(site: Site) -> None:
    """Without other processes a crash is the exit status, and the report tells where it was."""
    status, output = site.run("test", "ends", WHAT="crash")
    assert -signal.SIGSEGV == status, output
    assert "error" == kinds(site.report)["ends.tests.Ends.test_b_at_it"]


@BOTH
def test_interrupted(site: Site, script: str) -> None:
    """Ctrl-C lets the tests that run come to their end, as Django does, and the report tells of those that ran."""
    waits, told = site.build.root / "waits", site.build.root / "told"
    waits.unlink(missing_ok=True)
    told.unlink(missing_ok=True)
    site.report.unlink(missing_ok=True)
    command = [str(site.build.bin / script), "ends.tests.Ends"]
    process = start(command, cwd=site.build.root, variables=site.variables(WHAT="wait"))
    wait_for(waits.exists, process)
    os.killpg(process.pid, signal.SIGINT)
    told.touch()
    output, _ = process.communicate(timeout=WAIT)
    assert (0, True) == (process.returncode, "Ran 2 tests" in output), output
    assert {"ends.tests.Ends.test_a_before", "ends.tests.Ends.test_b_at_it"} == kinds(site.report).keys()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_side_by_side(site: Site, number: signal.Signals) -> None:
    """Where tests of other processes are left out, or not told of, the report says so, whatever the exit code."""
    waits, told = site.build.root / "waits", site.build.root / "told"
    waits.unlink(missing_ok=True)
    told.unlink(missing_ok=True)
    command = [str(site.build.bin / "parallel"), "ends"]
    process = start(command, cwd=site.build.root, variables=site.variables(WHAT="wait"))
    wait_for(waits.exists, process)
    os.killpg(process.pid, number)
    told.touch()
    process.communicate(timeout=WAIT)
    assert "error" == kinds(site.report)["tests.processes"]
