"""Measure what bin/test costs beside the bare runner in the same environment.

    python3 bench/testing.py                # a minute to prepare, three to measure
    python3 bench/testing.py --samples 1    # only see that it runs

Two suites, of one test and of a thousand, under pytest and under unittest: once by a part of eggcarton:test, with a
report and a time limit for each test, once by `bin/py -m RUNNER`. Both are in one environment, and take turns. Writes
bench/results/testing.json and testing.txt.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from measure import REPOSITORY, Goal, Result, Runner, run, take_turns, write_results

MOST = 0.1
SIZES = {"one test": 1, "a thousand tests": 1000}
CONFIG = """\
[buildout]
extensions = eggcarton
parts = pytest unittest bare

[pytest]
recipe = eggcarton:test
eggs = pytest
extra-paths = .
runner = pytest
defaults = -p no:cacheprovider -q
junit = reports/pytest.xml
timeout = 1m

[unittest]
<= pytest
runner = unittest
defaults =
junit = reports/unittest.xml

[bare]
recipe = eggcarton:scripts
eggs = pytest
extra-paths = .
interpreter = py
scripts =
"""
SUITE = """\
import unittest


class TestMany(unittest.TestCase):
    pass


for number in range({number}):
    setattr(TestMany, f"test_{{number}}", lambda self: self.assertTrue(self))
"""


class Site:
    """A buildout with a part for each runner, and an interpreter of the same environment."""

    def __init__(self, place: Path) -> None:
        self.root = place / "site"
        self.variables = {**os.environ, "EGGCARTON_CACHE": str(place / "cache")}
        for name in [name for name in self.variables if name.startswith("PYTHON")]:
            del self.variables[name]

    def build(self) -> None:
        """Build the parts, and write the suites."""
        self.root.mkdir()
        (self.root / "buildout.cfg").write_text(CONFIG)
        run([sys.executable, REPOSITORY / "bootstrap.py", self.root], self.root.parent, self.variables)
        for number in SIZES.values():
            (self.root / f"test_{number}.py").write_text(SUITE.format(number=number))

    def sides(self, runner: str, number: int) -> list[Runner]:
        """Return both sides of a contest."""
        module = f"test_{number}.py" if runner == "pytest" else f"test_{number}"
        more = ["-p", "no:cacheprovider", "-q"] if runner == "pytest" else []
        return [
            self._side("bin/test", [self.root / "bin" / runner, module]),
            self._side("bare", [self.root / "bin/py", "-m", runner, *more, module]),
        ]

    def _side(self, name: str, command: list[str | Path]) -> Runner:
        return Runner(name=name, command=command, directory=self.root, environment=self.variables)


def measure(site: Site, samples: int) -> list[Result]:
    """Measure in turns."""
    found = []
    for runner in ("pytest", "unittest"):
        for size, number in SIZES.items():
            sides = site.sides(runner, number)
            for side in sides:
                run(side.command, side.directory, side.environment)
            goal = Goal(f"at most {MOST} s more than the bare runner", more_than_bare, at_most(MOST), of_least=True)
            found.append(take_turns(f"{runner}, {size}", sides, samples, [goal]))
    return found


def more_than_bare(seconds: Mapping[str, float]) -> float:
    return seconds["bin/test"] - seconds["bare"]


def at_most(figure: float) -> Callable[[float], bool]:
    return lambda found: found <= figure


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=25, help="of each side (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="an empty directory that is kept (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-testing-") as temporary:
        site = Site((options.work or Path(temporary)).resolve())
        site.build()
        write_results(options.results, "testing", measure(site, options.samples))


if __name__ == "__main__":
    main()
