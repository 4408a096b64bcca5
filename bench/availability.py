"""Hold what still installs against pip and uv, one fault at one of two routes at a time.

    python3 bench/availability.py                  # about a quarter of an hour
    python3 bench/availability.py --only reset     # the faults whose name has this in it

Two servers on loopback hold the same files; one of them has the fault. Each tool is told of both in the way it has for
that (eggcarton: a mirror; pip: --extra-index-url; uv: --index), is given the same requirements with hashes, and an
empty cache. It is right when it ends well with the right bytes of all files within the time limit, wrong when it ends
well with other bytes, and fails otherwise. Writes bench/results/availability.json and availability.txt.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from material import forget
from measure import REPOSITORY, facts, run

sys.path.insert(0, str(REPOSITORY / "tests"))

from support.distributions import wheel
from support.index import Index

FILES, LIMIT = 6, 10.0
PIP = "pip==26.3"
CONFIG = """\
[buildout]
extensions = eggcarton
parts = app

[eggcarton]
indexes = main

[main]
url = {canonical}
mirrors = {mirror}

[app]
recipe = eggcarton:scripts
eggs = {eggs}
interpreter = py
"""


@dataclass(frozen=True)
class Fault:
    """What is wrong with one route: a step of the scripted index for paths like a pattern, for ever."""

    name: str
    pattern: str
    step: str


FAULTS = (
    Fault("refused", "", "refused"),
    Fault("no such host", "", "unknown"),
    Fault("pages: never answers", "/simple/*", "stall"),
    Fault("pages: reset", "/simple/*", "reset"),
    Fault("pages: 404", "/simple/*", "status:404"),
    Fault("pages: 401", "/simple/*", "status:401"),
    Fault("pages: 403", "/simple/*", "status:403"),
    Fault("pages: 500", "/simple/*", "status:500"),
    Fault("pages: 502", "/simple/*", "status:502"),
    Fault("pages: 503", "/simple/*", "status:503"),
    Fault("pages: 429", "/simple/*", "status:429 header:Retry-After=120"),
    Fault("pages: captive portal", "/simple/*", "portal"),
    Fault("pages: 511", "/simple/*", "portal:511"),
    Fault("pages: cut in half", "/simple/*", "cut:0.5"),
    Fault("files: never answer", "/files/*", "stall"),
    Fault("files: one byte a second", "/files/*", "slow:1"),
    Fault("files: reset at once", "/files/*", "reset"),
    Fault("files: reset after 90 %", "/files/*", "reset:0.9"),
    Fault("files: reset after 90 %, no ranges", "/files/*", "reset:0.9 ranges:ignored"),
    Fault("files: end after half", "/files/*", "truncate:0.5"),
    Fault("files: half, Content-Length agrees", "/files/*", "cut:0.5"),
    Fault("files: a byte more", "/files/*", "long:1"),
    Fault("files: a flipped byte", "/files/*", "flip"),
    Fault("files: stall after half", "/files/*", "stall:0.5"),
    Fault("files: 404", "/files/*", "status:404"),
    Fault("files: 401", "/files/*", "status:401"),
    Fault("files: 403", "/files/*", "status:403"),
    Fault("files: 500", "/files/*", "status:500"),
    Fault("files: 503", "/files/*", "status:503"),
    Fault("files: 429", "/files/*", "status:429 header:Retry-After=120"),
    Fault("files: captive portal", "/files/*", "portal"),
)


class Contest:
    """The material: wheels, a buildout with its lock, a virtual environment with pip, uv, and requirements."""

    def __init__(self, place: Path) -> None:
        self.place, self.wheels, self.root = place, place / "wheels", place / "buildout"
        self.wheels.mkdir(parents=True)
        self.names = [f"avail{number}" for number in range(FILES)]
        self.files = [
            wheel(self.wheels, name, "1.0", {f"{name}.py": f"# {os.urandom(40_000).hex()}\n"}) for name in self.names
        ]
        self.digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files}
        lines = [f"{path.name.split('-')[0]}==1.0 --hash=sha256:{_digest(path)}\n" for path in self.files]
        self.requirements = place / "requirements.txt"
        self.requirements.write_text("".join(lines))
        self.variables = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(place / "home"),
            "LANG": "C.UTF-8",
            "EGGCARTON_CACHE": str(place / "cache"),
            "PIP_CONFIG_FILE": os.devnull,
        }
        (place / "home").mkdir()

    def prepare(self) -> None:
        """Make the buildout, with its lock, and the other tools."""
        self.root.mkdir()
        with self.route(None) as first, self.route(None) as second:
            self._configure(first, second)
            known = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
            run([sys.executable, REPOSITORY / "bootstrap.py", self.root], self.place, known | self.variables)
        # Both routes have eggcarton's own toolchain, too, since `fetch` brings that as well.
        for path in (self.place / "cache/bootstrap").glob("*/*.whl"):
            shutil.copy(path, self.wheels)
        self.uv = next(self.place.glob("**/bin/uv"))
        venv.create(self.place / "venv", with_pip=True)
        self.pip = self.place / "venv/bin/pip"
        run([self.pip, "install", "-q", PIP], self.place, os.environ)

    def _configure(self, canonical: str, mirror: str) -> None:
        text = CONFIG.format(canonical=canonical, mirror=mirror, eggs="".join(f"\n    {name}" for name in self.names))
        (self.root / "buildout.cfg").write_text(text)

    @contextmanager
    def route(self, fault: Fault | None) -> Iterator[str]:
        """Serve the wheels with a fault, or without; give the address."""
        if fault is not None and fault.step == "unknown":
            yield "http://no-such-host.invalid/simple/"
            return
        with Index(self.wheels) as index:
            if fault is not None and fault.step == "refused":
                index.stop()
            elif fault is not None:
                index.fault(fault.pattern, fault.step, forever=True)
            yield index.url

    def eggcarton(self, first: str, second: str, target: Path) -> list[str | Path]:
        """Return the command that fetches by our lock; the faulty route is a mirror, which is asked first."""
        self._configure(second, first)
        forget(self.place / "cache")
        return [self.root / "bin/eggcarton", "-c", self.root / "buildout.cfg", "fetch"]

    def eggcarton_canonical(self, first: str, second: str, target: Path) -> list[str | Path]:
        """Return the same with the fault at the canonical route, and a mirror that is well."""
        return self.eggcarton(second, first, target)

    def pip_command(self, first: str, second: str, target: Path) -> list[str | Path]:
        """Return pip's command."""
        words = ["download", "-q", "--no-deps", "--require-hashes", "--no-cache-dir", "--disable-pip-version-check"]
        sources = ["--index-url", first, "--extra-index-url", second]
        return [self.pip, *words, *sources, "-d", target, "-r", self.requirements]

    def uv_command(self, first: str, second: str, target: Path) -> list[str | Path]:
        """Return uv's command."""
        words = ["pip", "install", "-q", "--no-config", "--no-deps", "--require-hashes", "--no-cache"]
        words += ["--index-strategy", "unsafe-best-match", "--python", sys.executable]
        return [
            self.uv,
            *words,
            "--index",
            first,
            "--default-index",
            second,
            "--target",
            target,
            "-r",
            self.requirements,
        ]

    def judged(self, command: Sequence[str | Path], target: Path) -> tuple[str, float]:
        """Run a command and return right, wrong, failed or late, and the seconds that it took."""
        began = time.perf_counter()
        try:
            done = subprocess.run(
                [str(word) for word in command],
                cwd=self.place,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "late", LIMIT
        took = time.perf_counter() - began
        if done.returncode:
            return "failed", took
        return ("right" if self._is_complete(target) else "wrong"), took

    def _is_complete(self, target: Path) -> bool:
        if target.is_dir() and not list(target.glob("*.whl")):
            modules = [(path, f"{path.name.split('-')[0]}.py") for path in self.files]
            return all((target / name).read_bytes() == ZipFile(path).read(name) for path, name in modules)
        places = [target] if target.is_dir() else [self.place / "cache/sha256"]
        return self.digests <= {_digest(path) for place in places for path in place.rglob("*") if path.is_file()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def measured(contest: Contest, faults: Sequence[Fault]) -> dict[str, dict[str, tuple[str, float]]]:
    """Return what each tool made of each fault."""
    tools: dict[str, Callable[[str, str, Path], list[str | Path]]] = {
        "eggcarton, mirror faulty": contest.eggcarton,
        "eggcarton, canonical faulty": contest.eggcarton_canonical,
        "pip 26.3, first faulty": contest.pip_command,
        "pip 26.3, second faulty": lambda first, second, target: contest.pip_command(second, first, target),
        "uv, first faulty": contest.uv_command,
        "uv, second faulty": lambda first, second, target: contest.uv_command(second, first, target),
    }
    found: dict[str, dict[str, tuple[str, float]]] = {}
    for fault in faults:
        row = found[fault.name] = {}
        for tool, command in tools.items():
            with ExitStack() as stack:
                first = stack.enter_context(contest.route(fault))
                second = stack.enter_context(contest.route(None))
                target = contest.place / "target"
                shutil.rmtree(target, ignore_errors=True)
                row[tool] = contest.judged(command(first, second, target), target)
        print(f"{fault.name:<36} " + "  ".join(f"{tool}: {how} {took:.1f} s" for tool, (how, took) in row.items()))
    return found


def as_text(found: Mapping[str, Mapping[str, tuple[str, float]]]) -> str:
    """Return the matrix, and how many of the faults each tool survives."""
    tools = list(next(iter(found.values())))
    known = facts()
    lines = [
        f"{known['date']}, {known['system']}, {known['cores']} cores, commit {known['commit']}",
        "",
        f"{FILES} files by hash from two routes, one of which has the fault; at most {LIMIT:.0f} s",
        "",
        f"{'':<36}" + "".join(f"{tool:<29}" for tool in tools),
    ]
    for fault, row in found.items():
        lines.append(f"{fault:<36}" + "".join(f"{f'{how}, {took:.1f} s':<29}" for how, took in row.values()))
    counts = [sum(row[tool][0] == "right" for row in found.values()) for tool in tools]
    lines += ["", f"{'right':<36}" + "".join(f"{f'{count} of {len(found)}':<29}" for count in counts)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a part of the names of faults")
    parser.add_argument("--work", type=Path, help="where to work; a temporary directory if not given")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "bench/results", help="where results are put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="availability-") as name:
        contest = Contest((options.work or Path(name)) / "contest")
        contest.prepare()
        found = measured(contest, [fault for fault in FAULTS if options.only in fault.name])
    text = as_text(found)
    print(f"\n{text}")
    if not options.only:
        data = {"facts": facts(), "faults": {fault: dict(row) for fault, row in found.items()}}
        (options.results / "availability.json").write_text(json.dumps(data, indent=1) + "\n")
        (options.results / "availability.txt").write_text(text)


if __name__ == "__main__":
    main()
