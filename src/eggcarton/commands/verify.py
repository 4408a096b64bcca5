"""Check that what stands is what was locked, and say which promise the build keeps."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from eggcarton.buildout import last_run, verifying
from eggcarton.buildout.verifying import Verdict
from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift, IntegrityProblem, UsageProblem

HELP = "check every file of the store, of environments and of parts; say which promise the build keeps"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "--tree-digest", action="store_true", help="print one digest of all that was built, and the rest as errors are"
    )
    parser.add_argument(
        "--against", metavar="DIGEST", help="the tree digest of another build, which this one must have"
    )


def run(call: Call) -> int:
    """Name every changed, missing and extra file, and the promise that is kept."""
    against = call.options.against
    if against is not None and not re.fullmatch("[0-9a-f]{64}", against):
        raise UsageProblem(f"--against {against}: not a tree digest, which has 64 hexadecimal digits")
    with call.session() as session:
        verdict, root = verifying.verdict(session, against=against), session.settings.root
        remark = last_run.remark(session.buildout, call.options.config)
    status = _status(verdict, against)
    for line in (*_lines(verdict, root), *([remark] if remark and status else [])):
        print(line, file=sys.stderr if call.options.tree_digest else sys.stdout)
    if call.options.tree_digest:
        print(verdict.digest)
    return status


def _status(verdict: Verdict, against: str | None) -> int:
    is_other = against is not None and verdict.digest != against
    # What a part takes from the machine was asked for: it is told, and is no fault of the build.
    is_unlocked = "locked" in verdict.reasons and not verdict.is_locked_but_for_the_machine
    if verdict.findings or is_unlocked or is_other:
        return IntegrityProblem.exit_code
    return Drift.exit_code if verdict.next in ("pinned", "verified") else 0


def _lines(verdict: Verdict, root: Path) -> Iterator[str]:
    for path, what, why in verdict.findings:
        yield f"{what}: {verifying.short(path, root)}" + (f" ({why})" if why else "")
    for path in verdict.edited:
        yield f"Edited, and kept so: {verifying.short(path, root)}"
    if verdict.unchecked:
        files = "1 compiled file" if verdict.unchecked == 1 else f"{verdict.unchecked} compiled files"
        yield f"Not checked: {files} that pytest keeps for itself; only pytest reads such files."
    if verdict.others:
        yield f"Not checked: what recipes of others made: {', '.join(verdict.others)}."
    kept = f"This build is {verdict.reached}." if verdict.reached else ""
    lacks = f"It is not {verdict.next}: {verdict.reasons[verdict.next]}." if verdict.next else ""
    yield f"{kept} {lacks}".strip() if kept else lacks.replace("It is", "This build is")
