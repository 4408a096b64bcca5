"""Show what is different between the locks and those of another revision, or another lock file."""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from pathlib import Path

from eggcarton.buildout import asking
from eggcarton.commands.call import Call
from eggcarton.core import process
from eggcarton.core.errors import CommandFailed, UsageProblem

HELP = "show what is different in the locks from those of a git revision, or from another lock file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "against", nargs="?", default="HEAD", metavar="REV|FILE", help="a git revision or a lock file (HEAD)"
    )
    parser.add_argument("--exit-code", action="store_true", help="end with 3 where something is different")


def run(call: Call) -> int:
    """Print the differences, a line each; 0 whether or not there are any, unless --exit-code asks for 3."""
    against = call.options.against
    file = Path(against).absolute()
    with call.session() as session, tempfile.TemporaryDirectory(prefix="eggcarton-diff-") as scratch:
        asking.check_offline(session)
        lock = session.settings.lock
        if file.is_file():
            pairs, since = [_beside(file, lock)], f"against {against}"
        else:
            pairs, since = _since(against, lock, Path(scratch)), f"since {against}"
        if not pairs:
            raise UsageProblem(f"there is no {lock.name}, neither now nor {since}; run bin/eggcarton lock first")
        sides = [{"old": old and str(old), "new": new and str(new)} for old, new in pairs]
        answer = session.child.ask("diff", pairs=sides, since=since)
    print("\n".join(answer["lines"]))
    return 3 if answer["different"] and call.options.exit_code else 0


_Pair = tuple[Path | None, Path | None]


def _beside(file: Path, lock: Path) -> _Pair:
    """Return another lock file with the one of ours that has its name, else with the main one."""
    same = lock.with_name(file.name)
    ours = same if _names(lock).fullmatch(file.name) and same.is_file() else lock
    return file, ours if ours.is_file() else None


def _since(name: str, lock: Path, scratch: Path) -> list[_Pair]:
    """Return each lock as it was at a revision, put into a directory, with what it is now."""
    directory, named = lock.parent, _names(lock)
    revision = _revision(directory, name)
    listed = _git(directory, "ls-tree", "-z", "--name-only", revision, "./").split("\0")
    there = {file: scratch / file for file in listed if named.fullmatch(file)}
    for file, path in there.items():
        path.write_text(_git(directory, "show", f"{revision}:./{file}"), "utf-8")
    here = {path.name: path for path in directory.iterdir() if named.fullmatch(path.name)}
    return [(there.get(file), here.get(file)) for file in sorted(here | there)]


def _names(lock: Path) -> re.Pattern[str]:
    """Return what the names of a lock and of those beside it look like."""
    return re.compile(rf"{re.escape(lock.stem)}(\.[^.]+)?{re.escape(lock.suffix)}")


def _revision(directory: Path, name: str) -> str:
    """Return the commit that a revision names.

    Raises:
        UsageProblem: this is no git checkout, or it has no such revision.
    """
    try:
        _git(directory, "rev-parse", "--is-inside-work-tree")
    except CommandFailed as failed:
        reason = failed.last_lines[-1].removeprefix("fatal: ") if failed.last_lines else failed.how
        raise UsageProblem(
            f"{directory} is not a git checkout that can be read ({reason}), so there is no revision to compare with; "
            "name another lock file instead"
        ) from failed
    try:
        return _git(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
    except CommandFailed as failed:
        raise UsageProblem(f"{name} is neither a file nor a git revision of {directory}; correct it") from failed


def _git(directory: Path, *arguments: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    return process.run(["git", *arguments], timeout=60, cwd=directory, environment=environment).output
