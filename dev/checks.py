"""bin/check: every check of the project, one line each; ``--fast`` takes seconds, ``NAME...`` runs only those."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TYPED = ("src", "dev/checks.py", ".ci/skips.py", "bench")
HOUSE, DOCUMENTS = "tests/test_house.py", "tests/test_documents.py"
# What stands with this mark builds a buildout, starts a server or a browser, and takes its time.
SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: a module of this environment, run with arguments; status 0 means passed."""

    name: str
    arguments: tuple[str, ...]
    is_fast: bool = False


def _tests(*arguments: str) -> tuple[str, ...]:
    return ("pytest", "--quiet", "--no-header", "-p", "no:cacheprovider", *arguments)


CHECKS = (
    Check("format", ("ruff", "format", "--check", "--quiet", "."), is_fast=True),
    Check("lint", ("ruff", "check", "--quiet", "."), is_fast=True),
    Check("types", ("mypy", "--no-error-summary", *TYPED), is_fast=True),
    Check("house", _tests(HOUSE), is_fast=True),
    Check("unit", _tests("-m", f"not {SLOW}", f"--ignore={HOUSE}", f"--ignore={DOCUMENTS}")),
    Check("documents", _tests(DOCUMENTS)),
    Check("buildouts", _tests("-m", SLOW, f"--ignore={HOUSE}", f"--ignore={DOCUMENTS}")),
)


def _chosen(arguments: Sequence[str] | None) -> list[Check]:
    names = [check.name for check in CHECKS]
    parser = argparse.ArgumentParser(
        prog="check", description="Run the checks of the project, or some of them.", allow_abbrev=False
    )
    parser.add_argument("--fast", action="store_true", help="only those that take ten seconds in all")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}; without a name, all")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in names]
    if unknown:
        parser.error(f"there is no check {unknown[0]!r}; the checks are {', '.join(names)}")
    return [
        check
        for check in CHECKS
        if (not options.names or check.name in options.names) and (check.is_fast or not options.fast)
    ]


def _passes(check: Check) -> bool:
    begun = time.monotonic()
    command = [sys.executable, "-I", "-m", *check.arguments]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    word = "failed" if done.returncode else "passed"
    print(f"{check.name:<10} {word} {time.monotonic() - begun:6.1f} s", flush=True)
    if done.returncode:
        sys.stdout.write(done.stdout.decode("utf-8", "replace"))
    return done.returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen checks, and return 1 when one of them failed."""
    results = [_passes(check) for check in _chosen(arguments)]
    print(f"{results.count(True)} passed, {results.count(False)} failed", flush=True)
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
