"""Facts about running tests with zope.testrunner, by our script and by the bare runner, in the same environment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from support.buildouts import wait_for
from support.junit import kinds, read
from support.zope_projects import ZopeProject, timeless

pytestmark = pytest.mark.slow

LAYERED = '''
    """Tests in layers, of which the first one cannot be torn down."""
    import unittest

    class Fixed:
        @classmethod
        def setUp(cls):
            pass

        @classmethod
        def tearDown(cls):
            raise NotImplementedError

    class Goes:
        @classmethod
        def setUp(cls):
            pass

        @classmethod
        def tearDown(cls):
            pass

    class Mixin:
        def test_mixed_in(self):
            pass

        def test_grüße(self):
            self.assertEqual("Grüße", "Gruesse")

    class TestPlain(Mixin, unittest.TestCase):
        @unittest.skip("no eggs today")
        def test_skipped(self):
            pass

    class TestStays(Mixin, unittest.TestCase):
        layer = Fixed

    class TestGoes(Mixin, unittest.TestCase):
        layer = Goes

        def test_errors(self):
            raise ValueError("no such egg")
    '''
DOCUMENTS = '''
    """Documents and docstrings."""
    import doctest
    import unittest

    def twice(number):
        """
        >>> twice(2)
        4
        """
        return 2 * number

    def wrong():
        """
        >>> twice(2)
        5
        """

    def test_suite():
        return unittest.TestSuite([doctest.DocFileSuite("docs/naïve.txt"), doctest.DocTestSuite()])
    '''


@pytest.fixture
def empty(tmp_path: Path, zope_path: str) -> ZopeProject:
    """A project without tests."""
    project = ZopeProject(tmp_path / "my project", zope_path)
    project.write("lib/shop/__init__.py", "")
    project.write("lib/shop/tests/__init__.py", "")
    return project


@pytest.fixture
def project(empty: ZopeProject) -> ZopeProject:
    """A project with tests of each kind."""
    empty.write("lib/shop/tests/test_layers.py", LAYERED)
    empty.write("lib/shop/tests/test_documents.py", DOCUMENTS)
    empty.write("lib/shop/tests/docs/naïve.txt", "A document in a directory of its own.\n\n>>> 1 + 1\n2\n")
    empty.write("lib/other/__init__.py", "")
    empty.write(
        "lib/other/tests.py", "import unittest\n\nclass TestOther(unittest.TestCase):\n    def test(self): pass\n"
    )
    return empty


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-vv"],
        ["-vvc", "--ndiff"],
        ["--auto-color", "--auto-progress"],
        ["--list-tests"],
        ["-m", "nothing"],
        ["-m", "layers", "-t", "mixed"],
        ["-s", "other", "-v"],
        ["test_layers", "mixed"],
        ["--stop-on-error", "-vv"],
        ["-D", "-t", "errors"],
        ["--subunit"],
        ["--no-such-option"],
        ["--version"],
        ["-s", "no_such_package"],
    ],
    ids=" ".join,
)
def test_it_is_the_bare_runner(project: ZopeProject, words: list[str]) -> None:
    """What is printed and the exit status are the bare runner's, but for how long things took."""
    bare, found = project.bare(*words), project.zope(*words, junit=str(project.root / "junit.xml"))
    if "no_such_package" in words:
        # What leads there is another way.
        assert "ModuleNotFoundError: No module named 'no_such_package'" == found.stderr.splitlines()[-1]
        assert bare.stderr.splitlines()[-1] == found.stderr.splitlines()[-1]
        assert (bare.returncode, bare.stdout) == (found.returncode, found.stdout)
        return
    assert timeless(bare.stdout) == timeless(found.stdout), found.stderr
    assert timeless(bare.stderr) == timeless(found.stderr)
    assert bare.returncode == found.returncode


KINDS = {
    "other.tests.TestOther.test": "passed",
    "shop.tests.docs.naïve.txt": "passed",
    "shop.tests.test_documents.twice": "passed",
    "shop.tests.test_documents.wrong": "failed",
    "shop.tests.test_layers.TestPlain.test_mixed_in": "passed",
    "shop.tests.test_layers.TestPlain.test_grüße": "failed",
    "shop.tests.test_layers.TestPlain.test_skipped": "skipped",
    "shop.tests.test_layers.TestStays.test_mixed_in": "passed",
    "shop.tests.test_layers.TestStays.test_grüße": "failed",
    "shop.tests.test_layers.TestGoes.test_mixed_in": "passed",
    "shop.tests.test_layers.TestGoes.test_grüße": "failed",
    "shop.tests.test_layers.TestGoes.test_errors": "error",
}


@pytest.mark.parametrize("parallel", [None, "2", "auto"])
def test_all_layers_are_told(project: ZopeProject, parallel: str | None) -> None:
    """The report has each test once, those in processes of a layer's own included; there are as many as bare."""
    report = project.root / "junit.xml"
    words = ["-j2"] if parallel else []
    bare, found = project.bare(*words), project.zope(parallel=parallel, junit=str(report))
    # Which layer is done first the machine decides.
    expected, got = (Counter(timeless(done.stdout).splitlines()) for done in (bare, found))
    assert (expected, bare.returncode) == (got, found.returncode), found.stderr
    assert KINDS == kinds(report)
    total = re.search(r"Total: (\d+) tests, (\d+) failures, (\d+) errors and (\d+) skipped", bare.stdout)
    assert total is not None
    # Of a layer in another process the runner does not learn what was skipped.
    number = Counter(KINDS.values())
    assert (len(KINDS), number["failed"], number["error"]) == tuple(map(int, total.groups()[:3]))
    told = {test.name.rpartition(".")[2]: test for test in read(report)}
    assert ("no eggs today", "ValueError: no such egg") == (told["test_skipped"].message, told["test_errors"].message)
    assert "Expected:\n    5\nGot:\n    4" in told["wrong"].details


def test_the_command_line_is_stronger(project: ZopeProject) -> None:
    """What the part says comes first, so that the command line may say something else."""
    found = project.zope("-j1", "-s", "other", "-v", parallel="2", packages=["shop"])
    assert "Ran 1 tests with 0 failures" in found.stdout, found.stdout + found.stderr
    assert "EmptyLayer" not in found.stdout


@pytest.mark.parametrize(
    ("packages", "number"),
    [
        (["other"], 1),
        (["shop.tests.test_layers", "other.tests"], 9),
        (["shop", "other"], 12),
        (["shop.tests"], 11),
    ],
)
def test_packages(project: ZopeProject, packages: list[str], number: int) -> None:
    """Packages of the part are searched, and of a module nothing but itself."""
    found = project.zope("--list-tests", packages=packages)
    assert number == len(re.findall("^  ", found.stdout, re.MULTILINE)), found.stdout + found.stderr


def test_defaults(project: ZopeProject) -> None:
    """Arguments of the part come before those of the command line, also where a layer is run by itself."""
    found = project.zope("-t", "mixed", defaults=["-v", "-m", "layers"])
    assert "Total: 3 tests, 0 failures" in found.stdout, found.stdout + found.stderr


def test_fail_fast(project: ZopeProject) -> None:
    """The first failure ends the run."""
    expected = project.bare("--stop-on-error")
    found = project.zope(fail_fast=True)
    assert (timeless(expected.stdout), 1) == (timeless(found.stdout), found.returncode)


def test_through_links(project: ZopeProject) -> None:
    """What is imported through links is found where it really lies, its own part of a namespace only."""
    store = project.root / "store"
    for name in ("shop", "other"):
        (store / f"{name}.egg/acme").mkdir(parents=True)
        (project.library / name).rename(store / f"{name}.egg/acme/{name}")
    (project.library / "acme").mkdir()
    for name in ("shop", "other"):
        (project.library / "acme" / name).symlink_to(store / f"{name}.egg/acme/{name}")
    places = [[str(store / "shop.egg"), "", False]]
    for words, number in (([], 11), (["-s", "acme"], 11), (["-s", "acme.shop"], 11), (["-s", "acme.other"], 0)):
        found = project.zope("--list-tests", *words, places=places)
        assert number == found.stdout.count("\n  "), (words, found.stdout + found.stderr)
        assert "acme.other" not in found.stdout
    found = project.zope("-t", "txt", places=places, junit=str(project.root / "junit.xml"))
    assert {"acme.shop.tests.docs.naïve.txt": "passed"} == kinds(project.root / "junit.xml"), found.stdout
    own = [[str(store / "other.egg/acme/other"), "acme.other", False]]
    found = project.zope("-v", places=own)
    assert "Ran 1 tests with 0 failures" in found.stdout, found.stdout + found.stderr


def test_what_is_installed_is_kept(project: ZopeProject) -> None:
    """A compiled module without its source is removed from what is developed, as bare, but not from an egg."""
    for name in ("egg/kept.pyc", "lib/stale.pyc"):
        project.write(name, "")
    found = project.zope(
        "--list-tests", places=[[str(project.root / "egg"), "", False], [str(project.library), "", True]]
    )
    assert "Removing stale bytecode file" in found.stdout, found.stderr
    assert (True, False) == ((project.root / "egg/kept.pyc").exists(), (project.library / "stale.pyc").exists())


OF_MANUEL = """
    import doctest
    import unittest

    import manuel.doctest
    import manuel.testcase
    import manuel.testing

    def test_suite():
        \"\"\"
        >>> 1 + 1
        2
        >>> 1 + 2
        3
        \"\"\"
        parsed = manuel.doctest.Manuel() + manuel.testcase.MarkerManuel()
        documents = [manuel.testing.TestSuite(parsed, name) for name in ("a.txt", "b.txt", "c.txt")]
        return unittest.TestSuite([*documents, doctest.DocTestSuite(), doctest.DocFileSuite("a.txt", "b.txt")])
    """
EXAMPLES = "Examples.\n\n>>> 1 + 1\n2\n>>> 1 + 2\n3\n"


def test_documents(empty: ZopeProject) -> None:
    """Each document is one case, as it is listed, while the runner counts the examples of those of manuel."""
    empty.write("lib/shop/tests/test_documents.py", OF_MANUEL)
    empty.write("lib/shop/tests/a.txt", EXAMPLES)
    empty.write("lib/shop/tests/b.txt", EXAMPLES.replace("3", "4"))
    empty.write("lib/shop/tests/c.txt", f"{EXAMPLES}\n.. test-case: more\n\n{EXAMPLES}")
    report = empty.root / "junit.xml"
    found = empty.zope("-m", "test_documents", junit=str(report))
    listed = re.findall(r"^  (?! )\S", empty.zope("-m", "test_documents", "--list-tests").stdout, re.MULTILINE)
    assert "Ran 12 tests with 2 failures, 0 errors" in found.stdout, found.stdout + found.stderr
    assert [
        ("shop.tests.a.txt", "passed"),
        ("shop.tests.a.txt", "passed"),
        ("shop.tests.b.txt", "failed"),
        ("shop.tests.b.txt", "failed"),
        ("shop.tests.c.txt", "passed"),
        ("shop.tests.c.txt:more", "passed"),
        ("shop.tests.test_documents.test_suite", "passed"),
    ] == sorted((test.name, test.kind) for test in read(report))
    assert len(read(report)) == len(listed)


def test_broken_modules(empty: ZopeProject) -> None:
    """A module that cannot be imported is an error of its own, told once, however many processes import it."""
    empty.write("lib/shop/tests/test_layers.py", LAYERED)
    empty.write("lib/shop/tests/test_broken.py", "import no_such_module\n")
    report = empty.root / "junit.xml"
    bare, found = empty.bare("-vv"), empty.zope("-vv", junit=str(report))
    assert (timeless(bare.stdout), bare.returncode) == (timeless(found.stdout), found.returncode), found.stderr
    told = {test.name: test for test in read(report)}
    assert "Running in a subprocess." in found.stdout
    assert (9, 9, "error") == (len(told), len(read(report)), told["shop.tests.test_broken.collection"].kind)
    assert "ModuleNotFoundError: No module named 'no_such_module'" == told["shop.tests.test_broken.collection"].message


def test_broken_layers(empty: ZopeProject) -> None:
    """A layer that cannot be set up or torn down is an error."""
    broken = LAYERED.replace("def setUp(cls):\n            pass", "def setUp(cls):\n            {}['up']", 1)
    broken = broken.replace("def tearDown(cls):\n            pass", "def tearDown(cls):\n            {}['down']")
    empty.write("lib/shop/tests/test_layers.py", broken)
    report = empty.root / "junit.xml"
    bare, found = empty.bare(), empty.zope(junit=str(report))
    assert (timeless(bare.stdout), bare.returncode) == (timeless(found.stdout), found.returncode), found.stderr
    told = {test.name: test.message for test in read(report) if "TestCase" not in test.name and test.kind == "error"}
    assert "KeyError: 'up'" == told["shop.tests.test_layers.Fixed.setUp"]
    assert "KeyError: 'down'" == told["shop.tests.test_layers.Goes.tearDown"]


@pytest.mark.parametrize("layer", ["Goes", "UnitTests"])
def test_a_crash(empty: ZopeProject, layer: str) -> None:
    """A test that ends the interpreter is an error in the report, in whatever process it runs."""
    layered = (
        f"{LAYERED}\n    class TestCrash(unittest.TestCase):\n        def test_crash(self): __import__('os').abort()\n"
    )
    if layer == "Goes":
        layered += "        layer = Goes\n"
    empty.write("lib/shop/tests/test_layers.py", layered)
    report = empty.root / "junit.xml"
    words = [] if layer == "UnitTests" else ["-j2"]
    bare, found = empty.bare(*words), empty.zope(*words, junit=str(report))
    assert bare.returncode == found.returncode
    told = {test.name: test for test in read(report)}
    crash = told["shop.tests.test_layers.TestCrash.test_crash"]
    assert ("error", "the process ended while this test ran") == (crash.kind, crash.message)
    if layer == "Goes":
        assert Counter(timeless(bare.stdout).splitlines()) == Counter(timeless(found.stdout).splitlines())
        assert "the process that ran the layer ended" in told["shop.tests.test_layers.Goes.subprocess"].message


PARTS = """
    class TestParts(unittest.TestCase):
        def test_parts(self):
            for number in range(60):
                with self.subTest(number=number):
                    __import__("time").sleep(60)
"""
WAITS = """
    def wait():
        __import__('threading').Event().wait()

    def wait_in_c():
        import ctypes, time

        # The interpreter's lock is kept, so that no signal is heard.
        lock, until = ctypes.create_string_buffer(256), (ctypes.c_long * 2)(int(time.time()) + 10, 0)
        for _ in range(2):
            ctypes.PyDLL(None).pthread_mutex_timedlock(lock, until)
    """


def test_a_hang(empty: ZopeProject) -> None:
    """A test that takes longer than it may fails, and the next one begins; what a layer sets up may take any time."""
    slow = LAYERED.replace("def test_mixed_in(self):\n            pass", "def test_mixed_in(self):\n            wait()")
    slow = slow.replace("def setUp(cls):\n            pass", "def setUp(cls):\n            wait_in_c()", 1)
    parts = PARTS if sys.version_info >= (3, 11) else ""  # Before, subTest keeps any exception to itself.
    empty.write("lib/shop/tests/test_layers.py", f"{slow}{WAITS}{parts}")
    report = empty.root / "junit.xml"
    found = empty.zope("-t", "mixed|skipped|parts", timeout=3.0, junit=str(report))
    assert 1 == found.returncode, found.stdout + found.stderr
    names = {
        f"shop.tests.test_layers.{name}.test_mixed_in": "failed" for name in ("TestPlain", "TestStays", "TestGoes")
    }
    names |= {"shop.tests.test_layers.TestParts.test_parts": "failed"} if parts else {}
    assert names | {"shop.tests.test_layers.TestPlain.test_skipped": "skipped"} == kinds(report)


@pytest.mark.parametrize("words", [[], ["-j2"]])
def test_an_interrupt(empty: ZopeProject, words: list[str]) -> None:
    """Ctrl-C ends the run as it ends the bare runner, and the report tells what was known by then."""
    marker, report = empty.root / "marker", empty.root / "junit.xml"
    slow = f"open({str(marker)!r}, 'w').close()\n            __import__('time').sleep(60)"
    empty.write("lib/shop/tests/test_layers.py", LAYERED.replace('self.assertEqual("Grüße", "Gruesse")', slow))
    script = empty.script({}, {**empty.settings, "junit": str(report), "defaults": ["-t", "TestPlain"]})
    process = subprocess.Popen(
        [script, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    wait_for(marker.exists, process)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert -signal.SIGINT == process.returncode, output
    assert "KeyboardInterrupt" in output
    told = {test.name.rpartition(".")[2]: test.kind for test in read(report)}
    assert "error" == told["test_grüße"]


def test_killed_while_a_layer_has_a_process(empty: ZopeProject) -> None:
    """A run that is killed while a process of its own runs a layer leaves no report that says that all is well."""
    marker, report = empty.root / "marker", empty.root / "junit.xml"
    slow = f"def test_mixed_in(self):\n            open({str(marker)!r}, 'w').close(); __import__('time').sleep(60)"
    empty.write("lib/shop/tests/test_layers.py", LAYERED.replace("def test_mixed_in(self):\n            pass", slow))
    defaults = ["--layer", "Fixed", "--layer", "Goes", "-t", "mixed", "-j2"]
    script = empty.script({}, {**empty.settings, "junit": str(report), "defaults": defaults})
    process = subprocess.Popen(
        [script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    wait_for(marker.exists, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    assert {"tests.processes": "error"} == kinds(report)
