"""Measure builds of Plone 6.2.2 beside stock zc.buildout and uv, from one index on loopback.

    python3 bench/plone.py                  # everything, about half an hour
    python3 bench/plone.py --samples 1      # only see that it runs

Prints every sample, the medians and their ratios; writes bench/results/plone.json and plone.txt.
"""

import argparse
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from material import Material, served, warm
from measure import REPOSITORY, Goal, Result, Told, run, take_turns, write_results
from plone_sides import PARTS, OursOfPlone, Shape, StockOfPlone, UvOfPlone, imported, prepare

OURS, STOCK, UV = "eggcarton", "zc.buildout 6.0.1", "uv pip install --target"
PATCHES, OWN = "zc.recipe.egg under eggcarton", "eggcarton:scripts"
CONTESTS = ("nothing", "checkout", "unchanged", "ten", "imports")
SAMPLES = {"nothing": 3, "checkout": 5, "unchanged": 9, "ten": 9, "imports": 9}
MOST_OF_IMPORTS = 0.040
TOLD_MODULES = 10


@dataclass(frozen=True)
class Place:
    """Where sides are made, of what, and how many samples each contest takes."""

    work: Path
    python: Path
    material: Material
    locked: Path
    index: str
    samples: int | None

    def times(self, contest: str) -> int:
        return self.samples or SAMPLES[contest]

    def ours(self, folder: str, name: str = OURS, parts: int = 1, recipe: str = "zc.recipe.egg") -> OursOfPlone:
        """Return a side of eggcarton's, bootstrapped."""
        shape = Shape(locked=self.locked, parts=parts, recipe=recipe)
        side = OursOfPlone(
            name=name,
            place=self.work / folder,
            shape=shape,
            python=self.python,
            material=self.material,
            index=self.index,
        )
        side.bootstrap()
        return side

    def stock(self, folder: str, parts: int = 1) -> StockOfPlone:
        """Return a side of stock zc.buildout, bootstrapped."""
        side = StockOfPlone(
            name=STOCK,
            place=self.work / folder,
            shape=Shape(locked=self.locked, parts=parts),
            python=self.python,
            material=self.material,
            index=self.index,
        )
        side.bootstrap()
        return side

    def uv(self, folder: str) -> UvOfPlone:
        """Return uv's side."""
        side = UvOfPlone(
            name=UV, place=self.work / folder, python=self.python, material=self.material, index=self.index
        )
        side.bootstrap()
        return side


@dataclass(frozen=True)
class Imports:
    """What importing the extension adds to a run in which nothing has changed."""

    seconds: list[float]
    modules: dict[str, int]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        """What is judged: whatever else the machine does meanwhile only adds."""
        return min(self.seconds)

    @property
    def most(self) -> list[tuple[str, int]]:
        """The modules that took longest in the last run, in microseconds."""
        return sorted(self.modules.items(), key=lambda row: -row[1])[:TOLD_MODULES]

    def as_data(self) -> dict[str, object]:
        """Return what the results file keeps."""
        return {
            "title": "Import time of the extension",
            "samples": [round(second, 4) for second in self.seconds],
            "median": round(self.median, 4),
            "least": round(self.least, 4),
            "modules": len(self.modules),
            "most": dict(self.most),
            "holds": self.least < MOST_OF_IMPORTS,
        }

    def as_text(self) -> str:
        """Return the figure, a line with a verdict, and what took longest."""
        taken = " ".join(f"{second * 1000:.1f}" for second in self.seconds)
        verdict = "holds" if self.least < MOST_OF_IMPORTS else "FAILS"
        return (
            f"Import time of the extension: {len(self.modules)} modules that stock's run does not import\n\n"
            f"  median {self.median * 1000:.1f} ms  least {self.least * 1000:.1f} ms   {taken}\n"
            f"  longest: {', '.join(f'{name} {took / 1000:.1f}' for name, took in self.most)}\n"
            f"  {verdict}: under {MOST_OF_IMPORTS * 1000:.0f} ms (measured: {self.least * 1000:.1f})\n"
        )


def from_nothing(place: Place, ours: OursOfPlone, stock: StockOfPlone) -> Result:
    """Build Plone with every store and cache empty."""
    goals = [
        Goal(f"at least 20 times faster than {STOCK}", lambda median: median[STOCK] / median[OURS], lambda x: x >= 20),
        Goal(f"at most 2 times {UV}", lambda median: median[OURS] / median[UV], lambda x: x <= 2),
    ]
    runners = [side.building(from_nothing=True) for side in (ours, place.uv("uv"), stock)]
    return take_turns("Plone 6.2.2 from nothing", runners, place.times("nothing"), goals, settled=True)


def fresh_checkout(place: Place, ours: OursOfPlone) -> Result:
    """Build in a directory as it was after bootstrap; all distributions are in the store."""
    runner = ours.building(from_nothing=False)
    run(runner.command, runner.directory, runner.environment)
    goal = Goal("at most 1.5 s", lambda median: median[OURS], lambda x: x <= 1.5)
    fresh = replace(runner, prepare=ours.forget_checkout, check=ours.check)
    return take_turns("A fresh checkout, the store filled", [fresh], place.times("checkout"), [goal])


def unchanged(place: Place, ours: OursOfPlone, stock: StockOfPlone) -> Result:
    """Build one part again with nothing to do."""
    goal = Goal(f"not slower than {STOCK}", lambda median: median[STOCK] - median[OURS], lambda x: x >= 0)
    runners = [side.building(from_nothing=False) for side in (ours, stock)] + [stock.not_newest()]
    for runner in runners * 2:
        run(runner.command, runner.directory, runner.environment)
    return take_turns("Nothing changed, one part", runners, place.times("unchanged"), [goal])


def ten_parts(place: Place, built: StockOfPlone) -> Result:
    """Build ten parts with an egg more each again, with nothing to do."""
    stock = place.stock("stock-ten", PARTS)
    stock.take_eggs(built)
    sides = [
        place.ours("patches-ten", PATCHES, PARTS),
        place.ours("own-ten", OWN, PARTS, "eggcarton:scripts"),
        stock,
    ]
    goals = [
        Goal(
            f"{PATCHES}: at least 2 times faster than {STOCK}",
            lambda median: median[STOCK] / median[PATCHES],
            lambda x: x >= 2,
        ),
        Goal(f"{OWN}: under 1.0 s", lambda median: median[OWN], lambda x: x < 1),
    ]
    runners = [side.building(from_nothing=False) for side in sides] + [stock.not_newest()]
    for runner in runners * 2:
        run(runner.command, runner.directory, runner.environment)
    for side in sides:
        side.check()
    title = f"Nothing changed, {PARTS} parts over Plone's set, each with one egg more"
    return take_turns(title, runners, place.times("ten"), goals)


def imports(place: Place, ours: OursOfPlone, stock: StockOfPlone) -> Imports:
    """Tell what a run with nothing to do imports that stock's does not, byte code warm."""
    seconds, only = [], dict[str, int]()
    # The first one leaves byte code for the others.
    for _ in range(place.times("imports") + 1):
        theirs = imported(stock.building(from_nothing=False), stock.place / "toolchain/bin/python")
        mine = imported(ours.building(from_nothing=False), place.python, "-IS")
        only = {name: taken for name, taken in mine.items() if name not in theirs}
        seconds.append(sum(only.values()) / 1e6)
    return Imports(seconds[1:], only)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, help="of each contest, instead of 3, 5 and 9")
    parser.add_argument("--contests", default=",".join(CONTESTS), help="some of %(default)s")
    parser.add_argument("--python", type=Path, default=Path(sys.executable).resolve(), help="that all sides use")
    parser.add_argument("--work", type=Path, help="a directory to keep what is fetched (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    return parser.parse_args()


def measure(options: argparse.Namespace, work: Path) -> tuple[Material, list[Told]]:
    """Prepare the sides and hold the contests that were asked for."""
    material, locked = prepare(work, options.python)
    print(f"{len(material.pins)} distributions", flush=True)
    chosen = options.contests.split(",")
    results: list[Told] = []
    with served(material.wheels) as index:
        warm(index, material)
        place = Place(work, options.python, material, locked, index, options.samples)
        ours, stock = place.ours("ours"), place.stock("stock")
        if "nothing" in chosen:
            results.append(from_nothing(place, ours, stock))
        else:
            for side in (ours, stock) if chosen != ["checkout"] else (ours,):
                run(side.build, side.application, side.environment)
        if "checkout" in chosen:
            results.append(fresh_checkout(place, ours))
        if "unchanged" in chosen:
            results.append(unchanged(place, ours, stock))
        if "imports" in chosen:
            results.append(imports(place, ours, stock))
        if "ten" in chosen:
            results.append(ten_parts(place, stock))
    return material, results


def main() -> None:
    """Measure, print, and write the results."""
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="bench-plone-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        material, results = measure(options, work)
        version = run([material.uv, "--version"], material.wheels, os.environ).split()[1]
    pins = [str(pin) for pin in material.pins]
    more = {"uv": version, "toolchain of zc.buildout": [str(pin) for pin in material.toolchain], "distributions": pins}
    write_results(options.results, "plone", results, f"uv {version}, {len(pins)} distributions; ", **more)


if __name__ == "__main__":
    main()
