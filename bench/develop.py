"""Measure what 22 develop packages cost: the first build of all, and a run in which none has changed.

    python3 bench/develop.py                # a minute to prepare, ten to measure
    python3 bench/develop.py --samples 1    # only see that it runs

The same packages in three buildouts without parts: eggcarton's, one of zc.buildout 6.0.1 with nva.recipe.rocket, which
has pip build them in parallel and keeps what it built by the content of three files, and zc.buildout 6.0.1 as it comes.
Writes bench/results/develop.json and develop.txt.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from material import served
from measure import REPOSITORY, Goal, Result, Runner, run, take_turns, write_results

NUMBER = 22
MOST_FOR_STEP = 1.0
TOOLCHAIN = ("zc.buildout==6.0.1", "nva.recipe.rocket==0.1.0", "setuptools", "pip", "wheel")
CONFIG = """\
[buildout]
extensions = {extension}
develop = {develop}
parts =
index = {index}
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "measured{number}"
version = "1.{number}"
dependencies = []

[project.scripts]
measured{number} = "measured{number}:main"

[tool.setuptools.packages.find]
where = ["src"]
"""
SETUP = """\
from setuptools import find_packages, setup

setup(
    name="measured{number}",
    version="1.{number}",
    packages=find_packages("src"),
    package_dir={{"": "src"}},
    long_description=open("README.rst").read(),
)
"""


def write_sources(directory: Path) -> None:
    """Write the packages: three of four with pyproject.toml, the others with setup.py; each with twenty modules."""
    for number in range(NUMBER):
        place = directory / f"measured{number}"
        package = place / "src" / place.name
        package.mkdir(parents=True)
        (place / "README.rst").write_text(f"The package {number}.\n")
        name, text = ("setup.py", SETUP) if number % 4 == 3 else ("pyproject.toml", PYPROJECT)
        (place / name).write_text(text.format(number=number))
        (package / "__init__.py").write_text("def main():\n    print('measured')\n")
        for module in range(20):
            (package / f"module{module}.py").write_text(f"number = {module}\n")


@dataclass(frozen=True)
class Side:
    """One way to develop them: a buildout of its own, with its own home."""

    name: str
    place: Path
    index: str
    develops: bool = True

    @property
    def root(self) -> Path:
        return self.place / "buildout"

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables with nothing of this machine's but its PATH: one index, no configuration."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.place / "home"),
            "LANG": "C.UTF-8",
            "PIP_INDEX_URL": self.index,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CONFIG": "1",
            "EGGCARTON_CACHE": str(self.place / "home/cache"),
        }

    def make(self, extension: str) -> None:
        """Make the buildout, without a develop package built."""
        (self.place / "home").mkdir(parents=True)
        write_sources(self.root / "sources")
        config = self.root / "buildout.cfg"
        config.write_text("[buildout]\nparts =\n")
        if extension == "eggcarton":
            # The toolchain comes from the machine's own index.
            machines = {**os.environ, "EGGCARTON_CACHE": self.environment["EGGCARTON_CACHE"]}
            run([sys.executable, REPOSITORY / "bootstrap.py", self.root], self.place, machines)
        else:
            venv = self.place / "toolchain"
            run([sys.executable, "-m", "venv", venv], self.place, self.environment)
            run([venv / "bin/pip", "install", "-q", "-U", *TOOLCHAIN], self.place, self.environment)
            run([venv / "bin/buildout", "bootstrap"], self.root, self.environment)
        config.write_text(
            CONFIG.format(extension=extension, index=self.index, develop="sources/*" if self.develops else "")
        )

    def forget(self) -> None:
        """Take away all that a build of the packages has made, by whom ever."""
        for path in (self.root / "develop-eggs").glob("*measured*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in (self.root / "sources").glob("*/src/*.egg-info"):
            shutil.rmtree(path)
        for kept in ("parts/.rocket", "parts/.eggcarton/state/develop"):
            shutil.rmtree(self.root / kept, ignore_errors=True)
        (self.root / ".installed.cfg").unlink(missing_ok=True)

    def check(self) -> None:
        """See that all packages are there."""
        found = list((self.root / "develop-eggs").glob("measured*.dist-info"))
        if len(found) != NUMBER * self.develops:
            raise SystemExit(f"{self.name} has developed {len(found)} packages, not {NUMBER}.")

    def building(self, *, first: bool) -> Runner:
        """Return a run of bin/buildout: the first one, or one in which nothing has changed."""
        return Runner(
            name=self.name,
            command=(self.root / "bin/buildout",),
            directory=self.root,
            environment=self.environment,
            prepare=self.forget if first else lambda: None,
            check=self.check,
        )


def measure(place: Path, samples: int) -> list[Result]:
    """Measure all sides in turns."""
    wheels = place / "wheels"
    command = (sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "-d", wheels, *TOOLCHAIN)
    run(command, place, os.environ)
    with served(wheels) as index:
        sides = [Side(name, place / name, index) for name in ("eggcarton", "nva.recipe.rocket", "zc.buildout")]
        empty = Side("eggcarton, none to develop", place / "none", index, develops=False)
        for side, extension in zip((*sides, empty), ("eggcarton", "nva.recipe.rocket", "", "eggcarton"), strict=True):
            side.make(extension)
        ours, rocket, _ = (side.name for side in sides)

        def over_rocket(seconds: Mapping[str, float]) -> float:
            return seconds[rocket] / seconds[ours]

        def step(seconds: Mapping[str, float]) -> float:
            return seconds[ours] - seconds[empty.name]

        faster = Goal(f"{ours} is faster than {rocket}", over_rocket, lambda figure: figure > 1)
        first = [side.building(first=True) for side in sides]
        title = f"The first build of {NUMBER} develop packages"
        built = take_turns(title, first, max(1, samples // 3), [faster], settled=True)
        run(empty.building(first=False).command, empty.root, empty.environment)
        goal = Goal(f"the develop step takes under {MOST_FOR_STEP} s", step, lambda figure: figure < MOST_FOR_STEP)
        runners = [side.building(first=False) for side in (*sides[:2], empty)]
        title = f"A run in which none of {NUMBER} develop packages has changed"
        second = take_turns(title, runners, samples, [faster, goal])
        return [built, second]


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=9, help="of each side; a third of it where all is built")
    parser.add_argument("--work", type=Path, help="an empty directory that is kept (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-develop-") as temporary:
        place = (options.work or Path(temporary)).resolve()
        write_results(options.results, "develop", measure(place, options.samples))


if __name__ == "__main__":
    main()
