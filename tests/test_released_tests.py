"""Suites that nobody here wrote: a part runs as many tests of a released plug-in as the bare runners do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.buildouts import Buildout, Shared, downloaded, locked
from support.distributions import wheel
from support.junit import kinds, read

pytestmark = pytest.mark.slow

CONFIG = """
    [buildout]
    extensions = eggcarton
    parts = test side-by-side by-unittest bare coverage

    [test]
    recipe = eggcarton:test
    eggs =
        pyfakefs
        pytest
        pytest-xdist
    packages = pyfakefs.pytest_tests
    defaults = -p no:cacheprovider
    junit = reports/test.xml
    timeout = 5m

    [side-by-side]
    <= test
    parallel = 2
    junit = reports/side by side.xml

    [by-unittest]
    <= test
    runner = unittest
    packages =
        pyfakefs.tests.fake_filesystem_glob_test
        pyfakefs.tests.fake_stat_time_test
        pyfakefs.tests.test_utils
    defaults =
    junit = reports/unittest.xml

    [coverage]
    recipe = eggcarton:coverage
    eggs = ${test:eggs}
    packages = ${test:packages}
    defaults = ${test:defaults}
    source = pyfakefs
    branch = true
    report = json

    [bare]
    recipe = eggcarton:scripts
    eggs =
        ${test:eggs}
        coverage
    scripts = pytest
    interpreter = py
    """

ELSEWHERE = {"colorama": "0.4.6", "exceptiongroup": "1.3.1", "tomli": "2.5.0", "typing_extensions": "4.16.0"}
"""What is needed on other platforms and Pythons only, and locked for them; nothing of it is installed here."""


@pytest.fixture(scope="session")
def plugin(shared: Shared) -> Path:
    """The wheels of a plug-in with its tests."""
    with locked(shared.directory / "pytest-plugin"):
        return downloaded(Path(__file__).parent / "support/pytest-plugin.txt")


def test_as_many_tests(build: Buildout, plugin: Path) -> None:
    """Names, numbers, exit status and what is covered are those of the bare pytest, unittest and coverage."""
    for path in plugin.iterdir():
        (build.index.directory / path.name).symlink_to(path)
    for name, version in ELSEWHERE.items():
        if not list(plugin.glob(f"{name}-*.whl")):
            wheel(build.index.directory, name, version)
    build.configure(CONFIG)
    build.build()

    bare_words = ("-p", "no:cacheprovider", "--pyargs", "pyfakefs.pytest_tests")
    bare = build.run(*bare_words, program="pytest")
    totals = build.root / "totals.json"
    build.variables["EGGCARTON_TEST_TOTALS"] = str(totals)
    for program, report in (("test", "test.xml"), ("side-by-side", "side by side.xml")):
        done = build.run(program=program)
        assert (bare.status, numbers(bare.output)) == (done.status, numbers(done.output)), done.output
        found = read(build.root / "reports" / report)
        assert sum(numbers(bare.output).values()) == len(found) == json.loads(totals.read_text())["tests"] > 30
    listed = build.run(*bare_words, "--collect-only", "-q", program="pytest")
    names = re.findall(r"^(\S.*)\.py::(.+)$", listed.output, re.MULTILINE)
    expected = sorted(f"{Path(path).name}.{name.replace('::', '.')}" for path, name in names)
    told = kinds(build.root / "reports/test.xml")
    assert expected == sorted(name.removeprefix("pyfakefs.pytest_tests.") for name in told)

    modules = [f"pyfakefs.tests.{name}" for name in ("fake_filesystem_glob_test", "fake_stat_time_test", "test_utils")]
    bare = build.run("-m", "unittest", *modules, program="py")
    done = build.run(program="by-unittest")
    ran = re.search(r"^Ran (\d+) tests", bare.output, re.MULTILINE)
    assert ran is not None, bare.output
    assert bare.status == done.status, done.output
    assert ran[0] in done.output
    assert int(ran[1]) == len(read(build.root / "reports/unittest.xml")) > 50

    build.variables.pop("EGGCARTON_TEST_TOTALS")
    done = build.run(program="coverage")
    assert 0 == done.status, done.output
    words = ("-m", "coverage", "run", "--parallel-mode", "--branch", "--source=pyfakefs", "-m", "pytest", *bare_words)
    for line in (words, ("-m", "coverage", "combine"), ("-m", "coverage", "json", "-o", "bare.json")):
        bare = build.run(*line, program="py")
        assert 0 == bare.status, bare.output
    reports = [build.root / name for name in ("bare.json", "var/coverage/coverage.json")]
    of_bare, of_part = (json.loads(path.read_text())["totals"] for path in reports)
    assert of_bare == of_part


def numbers(output: str) -> dict[str, int]:
    """Return what pytest's last line counts."""
    last = output.rstrip().splitlines()[-1]
    found = re.findall(r"(\d+) (passed|skipped|failed|error|xpassed|xfailed)", last)
    return {kind: int(number) for number, kind in found}
