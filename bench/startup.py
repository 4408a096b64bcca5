"""Measure how fast scripts of Plone start, beside those of zc.recipe.egg and of a virtual environment that uv made.

    python3 bench/startup.py                # a few minutes to prepare, two to measure
    python3 bench/startup.py --samples 1    # only see that it runs

All three import Products.CMFPlone and plone.restapi from the same wheels of Plone's 242 distributions. Those of
eggcarton and of zc.recipe.egg come from one run of bin/buildout, and use the same eggs. Writes
bench/results/startup.json and startup.txt.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from material import plone_checkout
from measure import REPOSITORY, Goal, Result, Runner, run, take_turns, write_results

MOST_OF_UV = 1.05
LEAST_OVER_STOCK = 1.7
IMPORTS = "import Products.CMFPlone, plone.restapi"
CONFIG = f"""\
[buildout]
extends = versions.cfg
extensions = eggcarton
parts = ours stock

[eggcarton]
compile = true

[ours]
recipe = eggcarton:scripts
eggs = Plone
scripts = ours
entry-points = ours=time:tzset
initialization = {IMPORTS}

[stock]
recipe = zc.recipe.egg
eggs = Plone
scripts = stock
entry-points = stock=time:tzset
initialization = {IMPORTS}
"""


class Site:
    """A buildout of Plone with both scripts, and a virtual environment beside it."""

    def __init__(self, place: Path) -> None:
        self.place, self.root, self.environment = place, place / "site", place / "environment"
        self.variables = {**os.environ, "EGGCARTON_CACHE": str(place / "cache"), "UV_CACHE_DIR": str(place / "uv")}
        # What is imported is compiled in places of its own, whatever the user who measures has set.
        for name in [name for name in self.variables if name.startswith("PYTHON")]:
            del self.variables[name]

    def build(self) -> None:
        """Build all three."""
        plone_checkout(self.root, CONFIG)
        run([sys.executable, REPOSITORY / "bootstrap.py", self.root], self.place, self.variables)
        pins = run([self.root / "bin/eggcarton", "export", "requirements"], self.root, self.variables)
        (self.place / "requirements.txt").write_text(pins)
        uv = next(self.place.glob("cache/**/bin/uv"))
        run([uv, "venv", "--python", sys.executable, self.environment], self.place, self.variables)
        words: list[str | Path] = ["pip", "sync", "--python", self.environment / "bin/python", "--compile-bytecode"]
        run([uv, *words, self.place / "requirements.txt"], self.place, self.variables)
        script = self.environment / "bin/theirs"
        script.write_text(f"#!{self.environment}/bin/python\nimport sys\n{IMPORTS}\nfrom time import tzset\n\n")
        with script.open("a") as stream:
            stream.write("if __name__ == '__main__':\n    sys.exit(tzset())\n")
        script.chmod(0o755)

    def runner(self, name: str, script: Path) -> Runner:
        """Return how one side starts, in a directory that has nothing to do with it."""
        return Runner(name=name, command=(script,), directory=self.place, environment=self.variables)

    def runners(self) -> list[Runner]:
        return [
            self.runner("eggcarton", self.root / "bin/ours"),
            self.runner("uv", self.environment / "bin/theirs"),
            self.runner("zc.recipe.egg", self.root / "bin/stock"),
        ]

    def first_and_second(self) -> list[Runner]:
        """Return the start after a build, before anything ran, and the one after that."""
        first = self.runner("first start", self.root / "bin/ours")
        return [
            Runner(
                name=first.name,
                command=first.command,
                directory=first.directory,
                environment=first.environment,
                prepare=self.rebuild,
            ),
            self.runner("second start", self.root / "bin/ours"),
        ]

    def rebuild(self) -> None:
        """Build the eggs and the environment again, so that no start has left anything in them."""
        for name in ("eggs", "parts", "bin/ours"):
            path = self.root / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.root / ".installed.cfg").unlink(missing_ok=True)
        run([sys.executable, REPOSITORY / "bootstrap.py", self.root], self.place, self.variables)


def measure(site: Site, samples: int) -> list[Result]:
    """Measure in turns."""
    runners = site.runners()
    for runner in [*runners, *runners]:
        run(runner.command, runner.directory, runner.environment)

    def of_uv(seconds: Mapping[str, float]) -> float:
        return seconds["eggcarton"] / seconds["uv"]

    def over_stock(seconds: Mapping[str, float]) -> float:
        return seconds["zc.recipe.egg"] / seconds["eggcarton"]

    goals = [
        Goal(f"at most {MOST_OF_UV} of a virtual environment of uv", of_uv, lambda figure: figure <= MOST_OF_UV),
        Goal(
            f"at least {LEAST_OVER_STOCK} times faster than zc.recipe.egg",
            over_stock,
            lambda figure: figure >= LEAST_OVER_STOCK,
        ),
    ]
    started = take_turns("Plone's imports, byte code warm", runners, samples, goals)

    def first_over_second(seconds: Mapping[str, float]) -> float:
        return seconds["first start"] / seconds["second start"]

    goal = Goal("the first start is as fast as the second (1.1)", first_over_second, lambda figure: figure <= 1.1)
    title = "compile = true: the first start after a build, and the second"
    return [started, take_turns(title, site.first_and_second(), max(1, samples // 4), [goal])]


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=21, help="of each side (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="an empty directory that is kept (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as temporary:
        site = Site((options.work or Path(temporary)).resolve())
        site.build()
        write_results(options.results, "startup", measure(site, options.samples))


if __name__ == "__main__":
    main()
