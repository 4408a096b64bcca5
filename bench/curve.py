"""Measure how the first build grows with the number of distributions: stock zc.buildout and eggcarton, from nothing.

    python3 bench/curve.py                                # half an hour, most of it stock's
    python3 bench/curve.py --samples 1 --numbers 10       # only see that it runs

Tiny wheels that lead to each other, from an index on loopback that has every answer ready (fixed_index.py). Wall time
from exec to exit, and the peak of the largest process. Writes bench/results/curve.json and curve.txt.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from material import STOCK_TOOLCHAIN
from measure import REPOSITORY, put_aside, run, settle, write_results
from scale import variables, write_wheels

NUMBERS = (10, 100, 300, 1000)
STOCK, OURS, UNLOCKED = "zc.buildout 6.0.1", "eggcarton", "eggcarton, locking too"
WANTED = (300, 30.0)
"""At which number of distributions ours has to be how many times faster than stock."""
LEEWAY = 1.5
"""How much more than in proportion ours may take at the last number than at the one before."""
STOCK_CONFIG = """\
[buildout]
parts = app
index = {index}
versions = versions
[app]
recipe = zc.recipe.egg
eggs = scale0
interpreter = py
[versions]
{versions}"""
CONFIG = """\
[buildout]
extensions = eggcarton
parts = app
index = {index}
[app]
recipe = eggcarton:scripts
eggs = scale0
interpreter = py
"""


@dataclass(frozen=True)
class Sample:
    """What one build took: seconds, and the bytes of its largest process at its largest."""

    seconds: float
    peak: int


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way to build: a command in a directory, which is brought back from a copy before each time, and a home."""

    name: str
    command: Path
    place: Path
    index: str
    distributions: int

    @property
    def root(self) -> Path:
        return self.place / "root"

    @property
    def environment(self) -> dict[str, str]:
        return {**variables(self.place / "home", self.index), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def keep(self) -> None:
        """Keep what a build begins with."""
        self.root.rename(self.place / "kept")

    def build(self) -> Sample:
        """Build from nothing; what had to be there before stands in the kept copy."""
        put_aside(self.place, *(name for name in ("root", "home") if (self.place / name).exists()))
        shutil.copytree(self.place / "kept", self.root, symlinks=True)
        (self.place / "home").mkdir()
        os.sync()
        sample = measured(self.command, self.root, self.environment, self.place / "log")
        modules = ", ".join(f"scale{number}" for number in range(self.distributions))
        (self.place / "check.py").write_text(f"import {modules}\n")
        run([self.root / "bin/py", self.place / "check.py"], self.root, self.environment)
        return sample


def measured(command: Path, directory: Path, environment: dict[str, str], log: Path) -> Sample:
    """Run a command to its end; of the processes that it waits for, too, the largest counts."""
    with log.open("wb") as out:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [command], cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise SystemExit(f"{command} ended with {process.returncode}:\n{last}")
    return Sample(seconds, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve wheels from a process of their own; yield the index's address."""
    program = Path(__file__).with_name("fixed_index.py")
    process = subprocess.Popen([sys.executable, program, directory], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def stock(place: Path, venv: Path, index: str, number: int) -> Side:
    """Return the side of zc.buildout from a virtual environment, its versions pinned as in a lock."""
    side = Side(name=STOCK, command=venv / "bin/buildout", place=place, index=index, distributions=number)
    side.root.mkdir(parents=True)
    versions = "".join(f"scale{one} = 1.0\n" for one in range(number))
    (side.root / "buildout.cfg").write_text(STOCK_CONFIG.format(index=index, versions=versions))
    side.keep()
    return side


def ours(place: Path, index: str, number: int, *, locked: bool) -> Side:
    """Return a side of eggcarton, after bootstrap.py, in a checkout with its lock or before there is one."""
    root = place / "root"
    name = OURS if locked else UNLOCKED
    side = Side(name=name, command=root / "bin/buildout", place=place, index=index, distributions=number)
    root.mkdir(parents=True)
    (place / "home").mkdir()
    (root / "buildout.cfg").write_text("[buildout]\nparts =\n")
    # The toolchain comes from the machine's own index.
    machines = {**os.environ, "EGGCARTON_CACHE": str(place / "home/cache")}
    run([sys.executable, REPOSITORY / "bootstrap.py", root], place, machines)
    (root / "buildout.cfg").write_text(CONFIG.format(index=index))
    if locked:
        run([root / "bin/eggcarton", "lock"], root, side.environment)
    shutil.rmtree(root / "parts", ignore_errors=True)
    side.keep()
    return side


@dataclass(frozen=True)
class Curve:
    """The samples of each side by the number of distributions."""

    samples: dict[str, dict[int, list[Sample]]]

    def seconds(self, side: str, number: int) -> float:
        return statistics.median(sample.seconds for sample in self.samples[side][number])

    def peak(self, side: str, number: int) -> float:
        return statistics.median(sample.peak for sample in self.samples[side][number]) / 2**20

    def verdicts(self) -> list[tuple[str, float, bool]]:
        """Return each goal that what was measured allows to judge: its sentence, its figure, whether it holds."""
        told, (at, times) = [], WANTED
        if at in self.samples[OURS] and at in self.samples[STOCK]:
            ratio = self.seconds(STOCK, at) / self.seconds(OURS, at)
            told.append((f"at {at} at least {times:.0f} times faster than stock", ratio, ratio >= times))
        numbers = sorted(self.samples[OURS])
        for before, last in list(pairwise(numbers))[-1:]:
            for what, figure in (("time", self.seconds), ("memory", self.peak)):
                grown = figure(OURS, last) / figure(OURS, before) / (last / before)
                sentence = f"{what} from {before} to {last} grows in proportion at most"
                told.append((sentence, grown, grown <= LEEWAY))
        return told

    def as_data(self) -> dict[str, object]:
        """Return what the results file keeps."""
        return {
            "title": "From nothing, by the number of distributions",
            "samples": {
                side: {str(number): [[round(s.seconds, 4), s.peak] for s in taken] for number, taken in by.items()}
                for side, by in self.samples.items()
            },
            "goals": [
                {"goal": goal, "figure": round(figure, 3), "holds": holds} for goal, figure, holds in self.verdicts()
            ],
        }

    def as_text(self) -> str:
        """Return the curve: a line for each side and number, with a bar as long as a distribution took."""
        lines = ["From nothing, by the number of distributions", ""]
        each = {(s, n): self.seconds(s, n) / n * 1000 for s, by in self.samples.items() for n in by}
        width, most = max(map(len, self.samples)), max(each.values())
        for side, by in self.samples.items():
            for number in sorted(by):
                bar = "#" * max(1, round(40 * each[side, number] / most))
                lines.append(
                    f"  {side:<{width}}  {number:5}  {self.seconds(side, number):8.3f} s  "
                    f"{self.peak(side, number):6.0f} MiB  {each[side, number]:7.1f} ms each  {bar}"
                )
            lines.append("")
        lines += [
            f"  {'holds' if ok else 'FAILS'}: {goal} (measured: {figure:.2f})" for goal, figure, ok in self.verdicts()
        ]
        return "\n".join(lines) + "\n"


def measure(place: Path, numbers: Sequence[int], *, samples: int, stock_up_to: int) -> Curve:
    """Build with each number of distributions, the sides in turns."""
    venv = place / "venv"
    run([sys.executable, "-m", "venv", venv], place, os.environ)
    run([venv / "bin/python", "-m", "pip", "install", "-q", "-U", *STOCK_TOOLCHAIN], place, os.environ)
    taken: dict[str, dict[int, list[Sample]]] = {STOCK: {}, OURS: {}, UNLOCKED: {}}
    for number in numbers:
        write_wheels(place / f"index-{number}", number)
        with served(place / f"index-{number}") as index:
            sides = [
                ours(place / f"locked-{number}", index, number, locked=True),
                ours(place / f"unlocked-{number}", index, number, locked=False),
            ]
            if number <= stock_up_to:
                # Last in each turn, since its pip removes what others then pay for.
                sides.append(stock(place / f"stock-{number}", venv, index, number))
            for turn in range(samples):
                settle()
                for side in sides:
                    sample = side.build()
                    taken[side.name].setdefault(number, []).append(sample)
                    words = f"{sample.seconds:.3f} s, {sample.peak / 2**20:.0f} MiB"
                    print(f"  {number} distributions, {turn + 1}. {side.name}: {words}", flush=True)
    return Curve(taken)


def main() -> None:
    """Measure, print the curve, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=3, help="of each side and number (default: %(default)s)")
    parser.add_argument(
        "--numbers", type=int, nargs="+", default=NUMBERS, help="of distributions (default: %(default)s)"
    )
    parser.add_argument("--stock-up-to", type=int, default=300, help="the last number that stock builds too")
    parser.add_argument("--work", type=Path, help="an empty directory that is kept (default: a temporary one)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-curve-") as temporary:
        place = (options.work or Path(temporary)).resolve()
        curve = measure(place, options.numbers, samples=options.samples, stock_up_to=options.stock_up_to)
    write_results(options.results, "curve", [curve])


if __name__ == "__main__":
    main()
