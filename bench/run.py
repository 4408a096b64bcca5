"""Measure eggcarton beside stock zc.buildout and uv, on the example application, from one index on loopback.

    python3 bench/run.py                    # everything, about ten minutes
    python3 bench/run.py --samples 1        # only see that it runs

Prints every sample, the medians and their ratios; writes bench/results/NAME.json and NAME.txt.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from material import Material, gather, served, warm
from measure import REPOSITORY, Goal, Result, run, take_turns, write_results
from sides import EXAMPLE, Ours, Side, Stock, Uv

OURS, STOCK, UV = "eggcarton", "zc.buildout 6.0.1", "uv"
KINDS: dict[str, tuple[str, type[Side]]] = {"ours": (OURS, Ours), "stock": (STOCK, Stock), "uv": (UV, Uv)}
CONTESTS = ("nothing", "unchanged", "start")
LEAST_DISTRIBUTIONS = 30


def from_nothing(sides: dict[str, Side], times: int) -> Result:
    """Build the example with every store and cache empty."""
    goal = Goal(
        f"at least 10 times faster than {STOCK}",
        lambda median: median[STOCK] / median[OURS],
        lambda x: x >= 10,
    )
    runners = [side.building(from_nothing=True) for side in sides.values()]
    return take_turns("The example from nothing", runners, times, [goal], settled=True)


def unchanged(sides: dict[str, Side], times: int) -> Result:
    """Build again with nothing to do."""
    goal = Goal(f"no slower than {STOCK} plus 0.1 s", lambda median: median[OURS] - median[STOCK], lambda x: x <= 0.1)
    stricter = Goal(
        f"the same against {STOCK}, newest=false",
        lambda median: median[OURS] - median[f"{STOCK}, newest=false"],
        lambda x: x <= 0.1,
    )
    runners = [side.building(from_nothing=False) for side in sides.values() if not isinstance(side, Uv)]
    runners += [side.not_newest() for side in sides.values() if isinstance(side, Stock)]
    for runner in runners:
        run(runner.command, runner.directory, runner.environment)
    return take_turns("Nothing changed", runners, times, [goal, stricter])


def start(sides: dict[str, Side], times: int) -> Result:
    """Start a generated console script, byte code warm."""
    goal = Goal(
        "within 1.1 times of the same script in a virtual environment made by uv",
        lambda median: median[OURS] / median[UV],
        lambda x: x <= 1.1,
    )
    runners = [side.starting() for side in sides.values()]
    for runner in runners * 2:
        run(runner.command, runner.directory, runner.environment)
    return take_turns("A generated script starts", runners, times, [goal])


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="guestbook", help="of the results (default: %(default)s)")
    parser.add_argument("--samples", type=int, help="of each contest, instead of 5, 9 and 21")
    parser.add_argument("--sides", default="ours,uv,stock", help="some of %(default)s")
    parser.add_argument("--contests", default=",".join(CONTESTS), help="some of %(default)s")
    parser.add_argument("--lock", type=Path, default=EXAMPLE / "pylock.toml", help="the example's lock")
    toolchain = REPOSITORY / "toolchain.txt"
    parser.add_argument("--pins", type=Path, default=toolchain, help="our toolchain's pins, served locally too")
    parser.add_argument("--python", type=Path, default=Path(sys.executable).resolve(), help="that all sides use")
    parser.add_argument("--work", type=Path, help="a directory to keep what is fetched (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    return parser.parse_args()


def measure(options: argparse.Namespace, work: Path) -> tuple[Material, list[Result]]:
    """Prepare all sides and hold the contests that were asked for."""
    material = gather(work, options.python, options.lock.resolve(), options.pins.resolve())
    count = len(material.pins) + 1  # The application itself is one more.
    print(f"{count} distributions", flush=True)
    if count < LEAST_DISTRIBUTIONS:
        raise SystemExit(f"The contest wants at least {LEAST_DISTRIBUTIONS} distributions.")
    results = []
    with served(material.wheels) as index:
        warm(index, material)
        sides: dict[str, Side] = {}
        for short in options.sides.split(","):
            name, kind = KINDS[short]
            place = work / short
            sides[short] = kind(name=name, place=place, python=options.python, material=material, index=index)
            sides[short].bootstrap()
        chosen = options.contests.split(",")
        if "nothing" in chosen:
            results.append(from_nothing(sides, options.samples or 5))
        else:
            for side in sides.values():
                run(side.build, side.application, side.environment)
        if "unchanged" in chosen:
            results.append(unchanged(sides, options.samples or 9))
        if "start" in chosen:
            results.append(start(sides, options.samples or 21))
    return material, results


def main() -> None:
    """Measure, print, and write the results."""
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        material, results = measure(options, work)
        version = run([material.uv, "--version"], material.wheels, os.environ).split()[1]
    pins = [str(pin) for pin in material.pins]
    more = {"uv": version, "toolchain of zc.buildout": [str(pin) for pin in material.toolchain], "distributions": pins}
    beside = f"uv {version}, {len(pins) + 1} distributions; "
    write_results(options.results, options.name, results, beside, **more)


if __name__ == "__main__":
    main()
