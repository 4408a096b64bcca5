"""Make the lock from what is installed: the eggs of a buildout that stands, or the packages of a Python."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eggcarton.buildout import asking, installation, needs, toolchain
from eggcarton.buildout.installation import Installation, Installed
from eggcarton.buildout.session import Session
from eggcarton.commands.call import Call
from eggcarton.core.errors import Unavailable, UsageProblem
from eggcarton.core.names import canonical_name

HELP = "make the lock from the eggs of a buildout that stands, or from what is installed in a Python"
_ASKER = "what is installed"
# Of each lock this is told; what one has, the other need not have, so that here it is told of all.
_LEFT_OUT = "left out, since the configuration"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "place", nargs="?", default=".", metavar="PYTHON|DIR",
        help="the directory of a buildout or of a virtual environment, or a Python; without it, this buildout",
    )  # fmt: skip
    parser.add_argument(
        "--output", metavar="FILE",
        help="write a lock of all that is installed to this file; without it, what the configuration needs is locked",
    )  # fmt: skip


def run(call: Call) -> int:
    """Freeze, and say what was taken, left out and resolved."""
    output = Path(call.options.output).absolute() if call.options.output else None
    if output is not None and not output.parent.is_dir():
        raise UsageProblem(f"--output {call.options.output}: there is no directory {output.parent}")
    with call.session(writing=True) as session:
        pins = {canonical_name(name): pin for name, pin in session.buildout.versions.items()}
        found = installation.of(call.options.place, pins, session.develop_directories())
        if not {*found.chosen("part", "there")} - _toolchain():
            reason = "no script there names an egg" if found.is_buildout else "no distribution is installed there"
            raise UsageProblem(f"{found.what} has nothing that could be locked: {reason}")
        lines = [*found.remarks, *(_written(session, found, output) if output else _locked(session, found))]
        print("\n".join(dict.fromkeys(lines)))
    return 0


def _locked(session: Session, found: Installation) -> list[str]:
    """Make every lock of the buildout from what was found.

    In a buildout all that a script uses is locked, since recipes ask for more while they run than their sections say.
    """
    more = sorted(found.chosen("part")) if found.is_buildout else []
    questions = {question["group"]: question for question in asking.questions(session)}
    answers = []
    for group, question in questions.items():
        wanted = [need[0] for need in question["needs"]] + (more if group == needs.PARTS else [])
        answers.append(_unlisted(session, _chosen(found, group), wanted, question["develop"]))
    _refuse(answers, session.settings.requires_python)
    told = []
    for group in sorted(questions, key=lambda group: group != needs.RECIPES):
        with _file(_chosen(found, group)) as file:
            lines = session.lock_from(file, group, more if group == needs.PARTS else ())
        name = f"{session.lock_of(group).name}: " if group == needs.PARTS else ""
        told += [f"{name}{line}" for line in lines if _LEFT_OUT not in line]
    others = {*found.chosen("part", "recipe")} - session.locked_names() - _toolchain()
    if others:
        told.append(f"{_LEFT_OUT} does not need them: {', '.join(sorted(others))}")
    return told


def _chosen(found: Installation, group: str) -> dict[str, Installed]:
    if group == needs.RECIPES:
        return found.chosen("recipe", "part", "there")
    return found.chosen("part", "there", "recipe")


def _written(session: Session, found: Installation, output: Path) -> list[str]:
    """Write a lock of all that is in use."""
    chosen = found.chosen("part", "there")
    names = sorted(found.chosen("part")) or sorted(chosen)
    _refuse([_unlisted(session, chosen, names, ())], session.settings.requires_python)
    with _file(chosen) as file:
        answer = session.child.ask(
            "import",
            file=str(file),
            lock=str(output),
            needs=[[name, _ASKER] for name in names],
            pins={},
            develop=[],
            requires_python=session.settings.requires_python,
            terms=session.settings.terms(),
            allow_sdist=list(session.settings.allow_sdist),
            toolchain=toolchain.importable(toolchain.running()),
            sources=session.sources,
        )
    return [f"{output.name}: {line}" for line in answer["changed"] if not line.startswith(_LEFT_OUT)]


def _toolchain() -> set[str]:
    return {*toolchain.versions(toolchain.running())}


def _unlisted(
    session: Session, chosen: Mapping[str, Installed], wanted: list[str], develop: Any
) -> Mapping[str, list[str]]:
    installed = [
        {"name": item.name, "version": item.version, "requires": item.requires, "from_index": item.source is None}
        for item in chosen.values()
    ]
    found: Mapping[str, list[str]] = session.child.ask(
        "unlisted",
        installed=installed,
        needs=wanted,
        develop=develop,
        requires_python=session.settings.requires_python,
        sources=session.sources,
    )
    return found


def _refuse(answers: Sequence[Mapping[str, list[str]]], requires_python: str) -> None:
    """Refuse to lock what cannot be locked as it is installed, all of it at once.

    Raises:
        Unavailable: the index has no file of something.
        UsageProblem: something is for fewer Pythons than the lock is to be for.
    """
    missing, narrow = ({line for answer in answers for line in answer[key]} for key in ("missing", "narrow"))
    if missing:
        raise Unavailable(
            "the index has no file any more of what is installed, so that nothing was locked; put one of each there or "
            "into find-links, or install another version first:",
            tried=sorted(missing),
        )
    if narrow:
        lowest = max((answer["lowest"][-1] for answer in answers if answer["lowest"]), key=_numbers)
        helps = f"say 'requires-python = >={lowest}' in [eggcarton]"
        if _numbers(lowest) > sys.version_info[:3]:
            helps = f"run bootstrap.py with Python {lowest} or later"
        rule = (
            f"the lock is to be for Python {requires_python}, and what is installed is not; {helps}, or install other"
        )
        raise UsageProblem("\n".join([f"{rule} versions first:", *(f"  {line}" for line in sorted(narrow))]))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@contextmanager
def _file(chosen: Mapping[str, Installed]) -> Iterator[Path]:
    """Give what was found as a file of requirements, while the block runs; its name stands in sentences."""
    with tempfile.TemporaryDirectory(prefix="eggcarton-freeze-") as directory:
        path = Path(directory, "the installation")
        path.write_text(installation.text_of(list(chosen.values())), "utf-8")
        yield path
