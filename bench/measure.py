"""Wall time from exec to exit, taken in turns, so that whatever the machine does meanwhile meets every side."""

import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

REPOSITORY = Path(__file__).resolve().parents[1]
SETTLED = 65.0
"""Seconds after which ext4 without a journal gives out inodes of removed files again; before, it looks for others."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A command that is measured, and what happens before and after each time without being measured."""

    name: str
    command: Sequence[str | Path]
    directory: Path
    environment: Mapping[str, str]
    prepare: Callable[[], None] = lambda: None
    check: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Goal:
    """What a ratio or difference between two sides must be for the promise to hold."""

    sentence: str
    figure: Callable[[Mapping[str, float]], float]
    holds: Callable[[float], bool]
    of_least: bool = False
    """Whether it is judged by the least sample of each side, in the place of the median."""


class Told(Protocol):
    """What a results file can keep."""

    def as_data(self) -> dict[str, object]: ...

    def as_text(self) -> str: ...


@dataclass(frozen=True)
class Result:
    """The samples of one contest, in seconds, by side."""

    title: str
    samples: Mapping[str, Sequence[float]]
    goals: Sequence[Goal]

    @property
    def medians(self) -> dict[str, float]:
        return {side: statistics.median(seconds) for side, seconds in self.samples.items()}

    @property
    def least(self) -> dict[str, float]:
        return {side: min(seconds) for side, seconds in self.samples.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """Each median over the first side's."""
        first = next(iter(self.medians.values()))
        return {side: median / first for side, median in self.medians.items()}

    def verdicts(self) -> list[tuple[str, float, bool]]:
        """Return each goal that the measured sides allow to judge: its sentence, its figure, whether it holds."""
        told = []
        for goal in self.goals:
            try:
                figure = goal.figure(self.least if goal.of_least else self.medians)
            except KeyError:
                continue  # A side was left out.
            told.append((goal.sentence, figure, goal.holds(figure)))
        return told

    def as_data(self) -> dict[str, object]:
        """Return what the results file keeps."""
        return {
            "title": self.title,
            "samples": {side: [round(second, 4) for second in seconds] for side, seconds in self.samples.items()},
            "medians": {side: round(median, 4) for side, median in self.medians.items()},
            "least": {side: round(least, 4) for side, least in self.least.items()},
            "goals": [
                {"goal": sentence, "figure": round(figure, 3), "holds": holds}
                for sentence, figure, holds in self.verdicts()
            ],
        }

    def as_text(self) -> str:
        """Return a table with every sample, and a line for each goal."""
        width = max(len(side) for side in self.samples)
        lines = [self.title, ""]
        for side, seconds in self.samples.items():
            ratio = f"{self.ratios[side]:6.2f} x"
            taken = " ".join(f"{second:.3f}" for second in seconds)
            summary = f"median {self.medians[side]:8.3f} s  least {self.least[side]:8.3f} s"
            lines.append(f"  {side:<{width}}  {summary}  {ratio}   {taken}")
        for sentence, figure, holds in self.verdicts():
            lines.append(f"  {'holds' if holds else 'FAILS'}: {sentence} (measured: {figure:.2f})")
        return "\n".join(lines) + "\n"


def run(command: Iterable[str | Path], directory: Path, environment: Mapping[str, str], *, timeout: float = 900) -> str:
    """Run a command to its end and return what it said; a failure is raised with its last lines."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-25:])
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{last}")
    return done.stdout


def put_aside(place: Path, *names: str) -> None:
    """Have directories away without removing them: creating files is slow for a minute after many were removed."""
    aside = place / "aside"
    aside.mkdir(exist_ok=True)
    into = Path(tempfile.mkdtemp(dir=aside))
    for name in names:
        (place / name).rename(into / name)


def settle() -> None:
    """Wait until nobody pays for files that were removed before, such as those that pip makes and removes."""
    os.sync()
    time.sleep(SETTLED)


def take_turns(
    title: str, runners: Sequence[Runner], times: int, goals: Sequence[Goal] = (), *, settled: bool = False
) -> Result:
    """Run all sides `times` times, A B C A B C, and print each sample as it is taken.

    Args:
        title: of the contest.
        runners: the sides; the ratios are over the first, and one that removes many files comes last.
        times: how many samples are taken of each.
        goals: what the medians should be.
        settled: whether each turn begins after a pause in which the file system forgets what was removed.
    """
    samples: dict[str, list[float]] = {runner.name: [] for runner in runners}
    print(f"{title}: {times} times", flush=True)
    for turn in range(times):
        if settled:
            settle()
        for runner in runners:
            runner.prepare()
            os.sync()  # What preparing wrote is not paid for by the one who is measured.
            begin = time.perf_counter()
            run(runner.command, runner.directory, runner.environment)
            samples[runner.name].append(time.perf_counter() - begin)
            runner.check()
            print(f"  {turn + 1}. {runner.name}: {samples[runner.name][-1]:.3f} s", flush=True)
    return Result(title, samples, goals)


def facts() -> dict[str, object]:
    """Return what a reader must know of the machine; nothing names the machine itself."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return {
        "date": date.today().isoformat(),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def write_results(directory: Path, name: str, results: Sequence[Told], beside: str = "", **more: object) -> None:
    """Print results, and write them as NAME.json and NAME.txt.

    Args:
        beside: further words for the line of facts above them.
        more: further facts for the JSON file.
    """
    known = {**facts(), **more}
    head = f"{known['date']}, {known['system']}, {known['cores']} cores, CPython {known['python']}; "
    text = "\n".join([f"{head}{beside}commit {known['commit']}\n", *(result.as_text() for result in results)])
    print(f"\n{text}")
    directory.mkdir(parents=True, exist_ok=True)
    data = known | {"contests": [result.as_data() for result in results]}
    (directory / f"{name}.json").write_text(json.dumps(data, indent=2) + "\n")
    (directory / f"{name}.txt").write_text(text)
