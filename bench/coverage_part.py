"""Measure what the coverage part costs beside `coverage run` and `coverage report` of the same suite.

    python3 bench/coverage_part.py                # about five minutes
    python3 bench/coverage_part.py --samples 1    # only see that it runs

Both use the Python, the pytest and the coverage of the part's environment, and measure the branches of the same 200
modules: once all in one process, once with 20 processes that the tests start. Writes
bench/results/coverage_part.json and coverage_part.txt.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from measure import REPOSITORY, Goal, Result, Runner, run, take_turns, write_results

MOST = 1.05
MODULES, PROCESSES = 200, 20
CONFIG = """\
[buildout]
extensions = eggcarton
develop = .
parts = coverage

[coverage]
recipe = eggcarton:coverage
eggs = shop
runner = pytest
packages = shop.tests
source = shop
branch = true
"""
# Without it nothing but coverage run's own process would be measured on the other side.
COVERAGERC = """\
[run]
branch = true
source = shop
parallel = true
patch = subprocess
"""
SETUP = "from setuptools import setup\nsetup(name='shop', version='1', packages=['shop', 'shop.tests'])\n"
MODULE = """\
def price(count):
    total = 0
    for number in range(count):
        if number % 3:
            total += number
        elif number % 5:
            total -= number
    return total
"""
TEST = "from shop.module_{0} import price\n\n\ndef test_price():\n    assert price(20_000)\n"
STARTING = """\
import subprocess
import sys

import pytest


@pytest.mark.parametrize("number", range({0}))
def test_in_a_process(number):
    subprocess.run([sys.executable, "-c", f"import shop.module_{{number}} as m; m.price(20_000)"], check=True)
"""


class Suite:
    """A buildout with a suite that one part measures."""

    def __init__(self, place: Path) -> None:
        self.place, self.root = place, place / "shop"
        self.variables = {**os.environ, "EGGCARTON_CACHE": str(place / "cache")}
        for name in [name for name in self.variables if name.startswith(("PYTHON", "COVERAGE"))]:
            del self.variables[name]

    def build(self) -> None:
        """Write the suite and build the part."""
        texts = {"buildout.cfg": CONFIG, ".coveragerc": COVERAGERC, "setup.py": SETUP, "shop/__init__.py": ""}
        texts["shop/tests/__init__.py"] = ""
        for number in range(MODULES):
            texts[f"shop/module_{number}.py"] = MODULE
            texts[f"shop/tests/test_{number}.py"] = TEST.format(number)
        texts["shop/tests/test_processes.py"] = STARTING.format(PROCESSES)
        for name, text in texts.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        run([sys.executable, REPOSITORY / "bootstrap.py", self.root], self.place, self.variables)

    def runners(self, *words: str) -> list[Runner]:
        """Return both sides, which run the tests that these words choose."""
        python = self.root / "parts/.eggcarton/by-part/coverage/bin/python"
        bare = self.root / "bare"
        steps = (
            f"{python} -m coverage run -m pytest -q --pyargs shop.tests {' '.join(words)}",
            f"{python} -m coverage combine -q",
            f"{python} -m coverage report",
        )
        bare.write_text("#!/bin/sh\nset -e\n" + "\n".join(steps) + "\n")
        bare.chmod(0o755)
        commands: dict[str, tuple[str | Path, ...]] = {
            "eggcarton": (self.root / "bin/coverage", "-q", *words),
            "coverage run": (bare,),
        }
        return [
            Runner(name=name, command=command, directory=self.root, environment=self.variables)
            for name, command in commands.items()
        ]


def measure(suite: Suite, samples: int) -> list[Result]:
    """Measure in turns."""

    def ratio(seconds: Mapping[str, float]) -> float:
        return seconds["eggcarton"] / seconds["coverage run"]

    goal = Goal(f"at most {MOST} of coverage run, combine and report", ratio, lambda figure: figure <= MOST)
    results = []
    for title, words in {
        f"{MODULES} modules in one process": ("-k", "price"),
        f"{PROCESSES} processes that tests start": ("-k", "in_a_process"),
    }.items():
        runners = suite.runners(*words)
        for runner in runners:
            run(runner.command, runner.directory, runner.environment)
        results.append(take_turns(title, runners, samples, [goal]))
    return results


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=9, help="of each side (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="an empty directory that is kept (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-coverage-") as temporary:
        suite = Suite((options.work or Path(temporary)).resolve())
        suite.build()
        write_results(options.results, "coverage_part", measure(suite, options.samples))


if __name__ == "__main__":
    main()
