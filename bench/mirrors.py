"""Measure what mirrors cost and save, with the 242 files of Plone.

    python3 bench/mirrors.py                # a few minutes to prepare, five to measure
    python3 bench/mirrors.py --samples 1    # only see that it runs

Every run fetches all files that Plone's lock names for this platform into an empty cache, from servers on loopback:
from one direct route, from two healthy mirrors, with the first mirror dead, with connections that drop after 90 % of
each large file, and through two mirrors that are down for twenty requests now and then. Times are compared in turns;
bytes and requests are counted by the servers. Writes bench/results/mirrors.json and mirrors.txt.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from material import forget, plone_checkout
from measure import REPOSITORY, Goal, Result, Runner, Told, run, take_turns, write_results

sys.path.insert(0, str(REPOSITORY / "tests"))

from support.index import Index

MOST_OVERHEAD, MOST_DEAD, MOST_TWICE, MOST_EXTRA = 1.03, 1.2, 0.01, 0.10
LARGE = 100_000
CONFIG = """\
[buildout]
extends = versions.cfg
extensions = eggcarton
parts = app

[eggcarton]
policy = frozen
indexes = main

[main]
url = {canonical}
mirrors = {mirrors}

[app]
recipe = eggcarton:scripts
eggs = Plone
"""


@dataclass(frozen=True)
class Counted:
    """What servers counted in one run."""

    title: str
    figure: float
    most: float
    words: str

    def as_data(self) -> dict[str, object]:
        """Return what the results file keeps."""
        return {"title": self.title, "figure": round(self.figure, 4), "most": self.most, "counted": self.words}

    def as_text(self) -> str:
        """Return a line with a verdict."""
        verdict = "holds" if self.figure <= self.most else "FAILS"
        return f"{self.title}\n  {self.words}\n  {verdict}: at most {self.most:.0%} (measured: {self.figure:.2%})\n"


class Plone:
    """A buildout of Plone with its lock, and a directory with every file that the lock names for this platform."""

    def __init__(self, place: Path) -> None:
        self.place, self.root, self.wheels = place, place / "plone", place / "wheels"
        self.variables = {**os.environ, "EGGCARTON_CACHE": str(place / "cache")}

    def prepare(self) -> None:
        """Build it once from the index that this machine's user has, and keep its files."""
        plone_checkout(self.root, CONFIG.partition("policy")[0] + "[app]" + CONFIG.partition("[app]")[2])
        run([sys.executable, REPOSITORY / "bootstrap.py", self.root], self.place, self.variables)
        bundle = self.place / "bundle"
        run([self.root / "bin/eggcarton", "fetch", "--to", bundle], self.root, self.variables)
        self.wheels.mkdir()
        for path in bundle.rglob("*.whl"):
            shutil.move(path, self.wheels / path.name)

    def configure(self, canonical: str, *mirrors: str) -> None:
        """Name the routes."""
        text = CONFIG.format(canonical=canonical, mirrors=" ".join(f"\n    {mirror}" for mirror in mirrors))
        (self.root / "buildout.cfg").write_text(text)

    @property
    def command(self) -> Sequence[str | Path]:
        """What is measured."""
        return [self.root / "bin/eggcarton", "fetch"]

    def empty(self) -> None:
        """Forget what was fetched."""
        forget(self.place / "cache")

    def fetched(self, canonical: Index, *mirrors: Index) -> None:
        """Fetch everything once from these."""
        self.configure(canonical.url, *(mirror.url for mirror in mirrors))
        self.empty()
        run(self.command, self.root, self.variables)

    def runner(self, name: str, configure: Callable[[], None]) -> Runner:
        """Return how one side fetches everything."""

        def prepare() -> None:
            configure()
            self.empty()

        return Runner(name=name, command=self.command, directory=self.root, environment=self.variables, prepare=prepare)


@contextmanager
def indexes(directory: Path, number: int) -> Iterator[list[Index]]:
    """Serve a directory that many times."""
    with ExitStack() as stack:
        yield [stack.enter_context(Index(directory)) for _ in range(number)]


def timed(plone: Plone, times: int) -> Result:
    """Compare one direct route, two healthy mirrors, and a dead first mirror."""
    with indexes(plone.wheels, 4) as (canonical, first, second, dead):
        dead.stop()
        sides = {
            "one direct route": lambda: plone.configure(canonical.url),
            "two healthy mirrors": lambda: plone.configure(
                canonical.url, f"{first.url} tier=1", f"{second.url} tier=2"
            ),
            "the first mirror dead": lambda: plone.configure(
                canonical.url, f"{dead.url} tier=1", f"{second.url} tier=2"
            ),
        }
        goals = [
            Goal(
                f"two healthy mirrors within {MOST_OVERHEAD} of one direct route",
                lambda m: m["two healthy mirrors"] / m["one direct route"],
                lambda x: x <= MOST_OVERHEAD,
            ),
            Goal(
                f"the first mirror dead within {MOST_DEAD} of two healthy ones",
                lambda m: m["the first mirror dead"] / m["two healthy mirrors"],
                lambda x: x <= MOST_DEAD,
            ),
        ]
        runners = [plone.runner(name, configure) for name, configure in sides.items()]
        return take_turns("All files of Plone, into an empty cache", runners, times, goals)


def twice(plone: Plone) -> Counted:
    """Count the bytes that come twice when every large file breaks off at 90 % once."""
    files = {path.name: path.stat().st_size for path in plone.wheels.iterdir()}
    with indexes(plone.wheels, 1) as (index,):
        for name, size in files.items():
            if size >= LARGE:
                index.fault(f"/files/{name}", "reset:0.9")
        plone.fetched(index)
        asked = [request for request in index.requests if request.path.startswith("/files/")]
    sent = sum(request.sent for request in asked)
    total = sum(files[name] for name in {request.path.rpartition("/")[2] for request in asked})
    return Counted("Dropped at 90 %", sent / total - 1, MOST_TWICE, f"{sent:,} bytes sent for {total:,} bytes of files")


def flapping(plone: Plone) -> Counted:
    """Count the requests through two mirrors that are down for a while now and then, not both at once."""
    steps = [["ok"] * 40 + ["status:503"] * 20, ["ok"] * 20 + ["status:503"] * 20 + ["ok"] * 20]
    number = len(list(plone.wheels.iterdir()))
    with indexes(plone.wheels, 3) as (canonical, first, second):
        plone.fetched(canonical, first, second)
        healthy = sum(len(index.paths("/files/*")) for index in (canonical, first, second))
        for index, down in zip((first, second), steps, strict=True):
            index.fault("/files/*", *down * number)
        before = sum(len(index.paths("/files/*")) for index in (canonical, first, second))
        plone.fetched(canonical, first, second)
        asked = sum(len(index.paths("/files/*")) for index in (canonical, first, second)) - before
        faults = sum(request.status == 503 for index in (first, second) for request in index.requests)
    extra = asked / healthy - 1
    words = f"{asked} requests for {healthy} files, {faults} of them answered by 503"
    return Counted("Two flapping mirrors", extra, MOST_EXTRA, words)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=7, help="samples of each side")
    parser.add_argument("--work", type=Path, help="where to work; a temporary directory if not given")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mirrors-") as name:
        plone = Plone(options.work or Path(name))
        plone.prepare()
        results: list[Told] = [timed(plone, options.samples), twice(plone), flapping(plone)]
    write_results(options.results, "mirrors", results)


if __name__ == "__main__":
    main()
