"""Measure what a lock of a thousand distributions adds to a frozen run in which nothing has changed.

    python3 bench/scale.py                  # a minute to prepare, one to measure
    python3 bench/scale.py --samples 1      # only see that it runs

Two buildouts say the same, with a lock of one distribution and with one of a thousand: tiny wheels from an index on
loopback. The least of many runs counts, since whatever else the machine does only adds. Writes bench/results/scale.json
and scale.txt.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from material import served
from measure import REPOSITORY, Goal, Result, Runner, run, take_turns, write_results

sys.path.insert(0, str(REPOSITORY / "tests"))

from support.distributions import wheel

MOST_ADDED = 0.3
CONFIG = """\
[buildout]
extensions = eggcarton
parts = app
index = {index}

[eggcarton]
policy = frozen

[app]
recipe = eggcarton:scripts
eggs = scale0
interpreter = py
"""


def write_wheels(directory: Path, number: int) -> None:
    """Write that many distributions; the first leads to all others, some of them over ten steps."""
    directory.mkdir()
    for this in range(number):
        below = range(this * 2 + 1, min(this * 2 + 3, number))
        requires = [f"scale{one}" for one in below]
        scripts = {f"scale{this}": f"scale{this}:main"} if this % 50 == 0 else None
        files = {f"scale{this}.py": f"def main():\n    print({this})\n"}
        wheel(directory, f"scale{this}", "1.0", files, requires=requires, console_scripts=scripts)


def variables(home: Path, index: str) -> dict[str, str]:
    """Return variables with nothing of this machine's but its PATH."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PIP_INDEX_URL": index,
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        "EGGCARTON_CACHE": str(home / "cache"),
    }


def built(place: Path, number: int) -> Runner:
    """Return a run in which nothing has changed, of a buildout whose lock has that many distributions."""
    home, root = place / f"home-{number}", place / f"lock-of-{number}"
    home.mkdir()
    root.mkdir()
    write_wheels(place / f"index-{number}", number)
    with served(place / f"index-{number}") as index:
        (root / "buildout.cfg").write_text("[buildout]\nparts =\n")
        # The toolchain comes from the machine's own index.
        machines = {**os.environ, "EGGCARTON_CACHE": str(home / "cache")}
        run([sys.executable, REPOSITORY / "bootstrap.py", root], place, machines)
        (root / "buildout.cfg").write_text(CONFIG.format(index=index))
        given = variables(home, index)
        run([root / "bin/eggcarton", "lock"], root, given)
        run([root / "bin/buildout"], root, given)
    locked = (root / "pylock.toml").read_text().count("[[packages]]")
    if locked != number:
        raise SystemExit(f"The lock has {locked} distributions, not {number}.")
    name = f"{number} distribution{'' if number == 1 else 's'}"
    return Runner(name=name, command=(root / "bin/buildout",), directory=root, environment=given)


def measure(place: Path, *, distributions: int, samples: int) -> Result:
    """Build both, without the index that they were built from, and measure them in turns."""
    runners = [built(place, 1), built(place, distributions)]
    for runner in runners:
        run(runner.command, runner.directory, runner.environment)
    few, many = (runner.name for runner in runners)

    def added(seconds: Mapping[str, float]) -> float:
        return seconds[many] - seconds[few]

    goal = Goal(f"{many} add under {MOST_ADDED} s", added, lambda figure: figure < MOST_ADDED, of_least=True)
    return take_turns("A frozen run with nothing changed", runners, samples, [goal])


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=25, help="of each side (default: %(default)s)")
    parser.add_argument("--distributions", type=int, default=1000, help="of the larger lock (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="an empty directory that is kept (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as temporary:
        place = (options.work or Path(temporary)).resolve()
        result = measure(place, distributions=options.distributions, samples=options.samples)
    write_results(options.results, "scale", [result])


if __name__ == "__main__":
    main()
