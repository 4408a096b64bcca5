"""Say what keeps this machine from building, a sentence each, and what to do about it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eggcarton.buildout.session import Session
from eggcarton.commands.call import Call
from eggcarton.indexes import configured
from eggcarton.packages import closed, diagnosis
from eggcarton.packages.diagnosis import MachineFacts

HELP = "say what keeps this machine from building: routes, proxies, certificates, credentials, cache, tools; 3 if any"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told: nothing."""


def run(call: Call) -> int:
    """Print a sentence for each finding; 3 where there is one."""
    with call.session() as session:
        there = (session.store / ".eggcarton" / closed.directory_name()).is_dir()
        paths = [str(session.lock_of(group)) for group in session.groups()]
        found: dict[str, Any] = {"routes": 0, "findings": []}
        if there:
            found = session.child.ask("examine", paths=paths, sources=session.sources)
        findings = [*diagnosis.of_machine(_facts(session, found, closed_set=there)), *found["findings"]]
        for finding in findings:
            print(finding)
        if not findings:
            print(f"Nothing is the matter: {_asked(found['routes'])}, and what the lock needs is here.")
    return 3 if findings else 0


def _asked(number: int) -> str:
    """Return what the routes did."""
    if not number:
        return "offline, no route was asked"
    return "the route answers" if number == 1 else f"{number} routes answer"


def _facts(session: Session, found: Mapping[str, Any], *, closed_set: bool) -> MachineFacts:
    cache, moved = session.settings.cache_directory()
    return MachineFacts(
        python=sys.version_info[:2],
        closed_set=closed_set,
        uv=found.get("uv"),
        cache=_unwritable(cache),
        moved=moved,
        store=_unwritable(session.store),
        certificates=_lost_certificates(),
        from_git=found.get("from_git", ()),
        to_compile=found.get("to_compile", ()),
    )


def _unwritable(directory: Path) -> tuple[str, str] | None:
    """Return a directory with why it, or the first one above it that is there, cannot be written into."""
    there = next(path for path in (directory, *directory.parents) if path.exists())
    if not there.is_dir():
        return str(directory), f"{there} is no directory"
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return str(directory), (error.strerror or str(error)).lower()


def _lost_certificates() -> tuple[str, str] | None:
    for name in configured.AUTHORITIES:
        value = os.environ.get(name)
        if value and not os.path.isfile(value):
            return name, value
    return None
