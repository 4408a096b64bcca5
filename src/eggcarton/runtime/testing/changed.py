"""The lines that changed since a revision, as git knows them, and which of those were covered."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Analysis: TypeAlias = Callable[[str], tuple[str, list[int], list[int], list[int], str]]
"""What coverage tells of a file: its name, the lines that can run, those left out, those that did not run, in words."""

_SUBMODULE = "160000"
# A hook of git's names the repository that it belongs to, by paths that hold in one directory only.
_NAMED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_EXTERNAL_DIFF")
_SHOWN = 10


class Unknown(Exception):
    """What changed cannot be told; its text is the sentence that says why."""


@dataclass(frozen=True)
class Changes:
    """What changed.

    Args:
        since: the revision, in words.
        lines: the lines that are new or changed, by the real path of their file; those of new files are None.
        submodules: the names of submodules that are at another commit, whose lines are not known here.
    """

    since: str
    lines: Mapping[str, frozenset[int] | None]
    submodules: tuple[str, ...] = ()


def since(revision: str) -> Changes:
    """Return what changed in the working tree since it parted from a revision.

    What is not committed counts, and so do new files that nobody has added yet, unless they are ignored.

    Raises:
        Unknown: there is no repository, no git, no such revision, or nothing in common with it.
    """
    found, root = _git("rev-parse", "--show-toplevel")
    if found:
        raise Unknown(_without_repository(root))
    top = root.rstrip("\n")
    missing, commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if missing:
        raise Unknown(f"git knows no revision '{revision}' in {top}: {_remedy(revision)}")
    parted, base = _git("merge-base", commit.strip(), "HEAD")
    if parted:
        raise Unknown(f"what is checked out in {top} has nothing in common with '{revision}': {_remedy(revision)}")
    base = base.strip()
    diff = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--ignore-submodules=dirty")
    # What a user's configuration says else is not for us.
    form = ("--unified=0", "--inter-hunk-context=0", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/")
    raw = _asked(top, *diff, "--raw", "-z", base)
    patch = _asked(top, *diff, *form, base)
    new = _asked(top, "ls-files", "--others", "--exclude-standard", "-z")
    submodules = tuple(sorted(_submodules(raw)))
    named: dict[str, frozenset[int] | None] = {**_lines(patch), **dict.fromkeys(filter(None, new.split("\0")))}
    # A link is no file of its own, and what it leads to has not changed by it.
    paths = {
        os.path.join(top, name): numbers
        for name, numbers in named.items()
        if name not in submodules and not os.path.islink(os.path.join(top, name))
    }
    lines = {os.path.realpath(path): numbers for path, numbers in paths.items()}
    return Changes(f"{base[:12]}, where this parted from {revision}", lines, submodules)


def _git(*words: str, directory: str | None = None) -> tuple[int, str]:
    """Run git, and return its status with what it printed, or where it failed what it complained of."""
    variables = {name: value for name, value in os.environ.items() if name not in _NAMED}
    variables.update(LC_ALL="C", GIT_OPTIONAL_LOCKS="0")
    try:
        done = subprocess.run(
            ["git", *words], cwd=directory, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise Unknown("changed lines are told by git, which is not installed, or not on PATH") from None
    # Names of files are bytes.
    return done.returncode, os.fsdecode(done.stderr if done.returncode else done.stdout)


def _asked(directory: str, *words: str) -> str:
    status, text = _git(*words, directory=directory)
    if status:
        raise Unknown(f"git cannot tell what changed in {directory}: {text.strip()}")
    return text


def _without_repository(complaint: str) -> str:
    if "dubious ownership" in complaint:
        return f"{os.getcwd()} belongs to another user, and git does not look into it: name it in safe.directory"
    if "not a git repository" in complaint:
        return f"{os.getcwd()} is in no repository of git, so that no line is known to have changed"
    return f"git finds no repository: {complaint.strip()}"


def _remedy(revision: str) -> str:
    _, told = _git("rev-parse", "--is-shallow-repository")
    if told.strip() == "true":
        return f"this clone is shallow; fetch what is missing, such as by git fetch --unshallow, and '{revision}'"
    return "name a branch, tag or commit that this repository has"


def _submodules(raw: str) -> Iterable[str]:
    words = iter(raw.split("\0"))
    for word in words:
        if not word.startswith(":"):
            continue
        before, after, _, _, status = word[1:].split(" ")
        name = next(words)
        if status[:1] in "RC":
            name = next(words)
        if _SUBMODULE in (before, after) and status != "D":
            yield name


def _lines(patch: str) -> dict[str, frozenset[int]]:
    """Return the lines of a patch without context that are new or changed, by file; deleted files have none."""
    found: dict[str, set[int]] = {}
    name: str | None = None
    left = 0
    for line in patch.split("\n"):
        if left and line[:1] in "+-\\":
            # A changed line may itself look like a header.
            left -= line[:1] != "\\"
        elif line.startswith("+++ "):
            path = _unquoted(line[4:].rstrip("\t"))
            name = None if path == "/dev/null" else path.removeprefix("b/")
        elif name is not None and (hunk := re.match(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line)):
            removed, start, added = (1 if group is None else int(group) for group in hunk.groups())
            left = removed + added
            found.setdefault(name, set()).update(range(start, start + added))
    return {name: frozenset(numbers) for name, numbers in found.items()}


def _unquoted(name: str) -> str:
    """Return a name as git quotes it in C's way, where there is something unusual in it."""
    if not name.startswith('"'):
        return name
    return os.fsdecode(name[1:-1].encode("latin-1", "surrogateescape").decode("unicode_escape").encode("latin-1"))


@dataclass(frozen=True)
class Covered:
    """How much of the changed lines of one file ran.

    Args:
        name: its path from the working directory.
        lines: how many changed lines can run.
        missing: those that did not.
    """

    name: str
    lines: int
    missing: tuple[int, ...]


def covered(changes: Changes, measured: Iterable[str], analysis: Analysis) -> list[Covered]:
    """Return the changed files that are measured and have changed lines that can run.

    Args:
        measured: the files that are.
        analysis: coverage's `analysis2`.
    """
    found = []
    for file in sorted(measured):
        path = os.path.realpath(file)
        if path not in changes.lines or not os.path.exists(path):
            continue
        _, statements, _, missing, _ = analysis(file)
        numbers = changes.lines[path]
        of_those = set(statements) if numbers is None else numbers & set(statements)
        gone = tuple(sorted(of_those & set(missing)))
        if of_those:
            found.append(Covered(os.path.relpath(path), len(of_those), gone))
    return found


def percent(files: Sequence[Covered]) -> float:
    """Return how much of the changed lines is covered; all of it where none can run."""
    lines = sum(file.lines for file in files)
    missing = sum(len(file.missing) for file in files)
    return 100.0 * (lines - missing) / lines if lines else 100.0


def table(changes: Changes, files: Sequence[Covered], measured: Iterable[str]) -> str:
    """Return what is to be said of changed lines: a line a file, a total, and what could not be looked at."""
    said = [f"Lines changed since {changes.since}:"]
    if files:
        width = max(len("TOTAL"), *(len(file.name) for file in files))
        said.append(f"{'Name':<{width}}  Lines  Miss  Cover   Missing")
        said += [_row(file.name, file.lines, file.missing, width) for file in files]
        total = tuple(number for file in files for number in file.missing)
        said.append(_row("TOTAL", sum(file.lines for file in files), total, width, is_total=True))
    else:
        said.append("none of those can run and is measured")
    known = {os.path.realpath(file) for file in measured}
    # Of new files only those are of interest that are measured: what a build makes lies about too.
    # Where lines have only gone there is nothing to measure.
    old = {path for path, numbers in changes.lines.items() if numbers and path.endswith(".py")}
    others = sorted(map(os.path.relpath, old - known))
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        said.append(f"Changed, but not measured: {', '.join(others[:_SHOWN])}{more}")
    if changes.submodules:
        said.append(f"Changed in repositories of their own, and not looked at: {', '.join(changes.submodules)}")
    return "\n".join(said)


def _row(name: str, lines: int, missing: tuple[int, ...], width: int, *, is_total: bool = False) -> str:
    share = int(100 * (lines - len(missing)) / lines)
    told = "" if is_total else _ranges(missing)
    return f"{name:<{width}}  {lines:>5}  {len(missing):>4}  {share:>4}%   {told}".rstrip()


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers as coverage tells them: 1, 3-5."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
