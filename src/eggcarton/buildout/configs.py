"""Configurations that share a lock: what the others ask of it is found out by a process for each.

zc.buildout keeps much of a configuration in globals of its modules, so that two of them in one process would mix.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eggcarton.buildout import asking, current, extended, toolchain
from eggcarton.buildout.needs import RECIPES
from eggcarton.buildout.settings import Settings
from eggcarton.core import errors
from eggcarton.core.errors import EggcartonError, UsageProblem

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from eggcarton.buildout import configs; configs.tell()"
)
_KINDS = {kind.exit_code: kind for kind in (errors.UsageProblem, errors.Drift, errors.Unavailable)}


def check(settings: Settings) -> None:
    """Refuse configurations that are not there.

    Raises:
        UsageProblem: one is missing.
    """
    for name in settings.configs:
        if not (settings.root / name).is_file():
            raise UsageProblem(f"[eggcarton] option 'configs': there is no {name}; correct it, or take it out")


def questions(session: Session) -> list[dict[str, Any]]:
    """Return what the other configurations that share the lock ask of it, each with the name of its ``config``.

    Raises:
        UsageProblem: one does not lock to the same file.
        EggcartonError: what one asks for cannot be known.
    """
    found: list[dict[str, Any]] = []
    for name in session.settings.configs:
        path = session.settings.root / name
        if current.config(session.buildout) != os.path.realpath(path):
            found += _asked(session, name)
    return found


def _asked(session: Session, name: str) -> list[dict[str, Any]]:
    # What only looks locks nothing, not even what the builds of develop packages require.
    policy = "frozen" if session.reading else "update"
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", prefix="eggcarton-configs-") as answer:
        done = subprocess.run(
            [sys.executable, "-IS", "-c", _START, json.dumps(sys.path), name, answer.name, policy],
            cwd=session.settings.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = answer.read()
    if done.returncode or not text:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
        told = "\n".join(lines[-10:]).rpartition("Error: ")[2] or f"it ended with {done.returncode}"
        kind = _KINDS.get(done.returncode, EggcartonError)
        raise kind(f"{name}, which 'configs' in [eggcarton] names: {told}")
    told = json.loads(text)
    if told["lock"] != str(session.settings.lock):
        raise UsageProblem(
            f"{name} locks to {told['lock']}, not to {session.settings.lock}, which 'configs' in [eggcarton] says they "
            "share; give both the same lock"
        )
    return [{**question, "config": name} for question in told["questions"]]


def tell() -> None:
    """Write what one configuration asks of its locks to a file: the whole of the process that another run starts."""
    from eggcarton.buildout import patches
    from eggcarton.buildout.ending import told
    from eggcarton.buildout.session import begun

    with told():
        name, answer, policy = sys.argv[1:]
        buildout = patches.opened(name, [], user_defaults=True)
        extended.recall(buildout)
        if not patches.is_named(buildout):
            raise UsageProblem("it has no 'extensions = eggcarton' in [buildout], so that it asks nothing of a lock")
        session = begun(buildout, reading=True)
        try:
            found = asking.questions(session, frozen=policy == "frozen")
            asked = [{**question, "places": asking.places(session, question)} for question in found]
        finally:
            session.close()
        Path(answer).write_text(json.dumps({"lock": str(session.settings.lock), "questions": asked}), "utf-8")


def beside(question: dict[str, Any], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a question together with what others ask of the same lock."""
    return {**question, "others": [other for other in others if other["lock"] == question["lock"]]}


def all_questions(session: Session) -> list[dict[str, Any]]:
    """Return what all configurations together ask of each lock, locks that only others need among them."""
    own = asking.questions(session)
    found = [{**beside(question, session.others), "places": asking.places(session, question)} for question in own]
    for question in _beyond(session, {question["lock"] for question in own}):
        found.append(beside(question, [other for other in session.others if other is not question]))
    return [{**question, "places": _places(question)} for question in found]


def beyond(session: Session) -> list[tuple[str, dict[str, Any]]]:
    """Return the groups that only other configurations have, each with what its lock has to answer."""
    own = {str(session.lock_of(group)) for group in asking.groups(session)}
    if asking.order_of_recipes(session) is not None:
        own.add(str(session.lock_of(RECIPES)))
    more = {"tag": toolchain.egg_tag(), "compiled": session.settings.compiled, "sets": {}}
    return [
        (question["group"], {**{key: question[key] for key in asking.ASKED}, **more})
        for question in _beyond(session, own)
    ]


def _beyond(session: Session, own: set[str]) -> list[dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for question in session.others:
        if question["lock"] not in own and question["needs"]:
            first.setdefault(question["lock"], question)
    return list(first.values())


def _places(question: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return where everything that is asked for stands; that of another configuration is told with its name."""
    told = {"needs": dict(question["places"]["needs"]), "pins": dict(question["places"]["pins"])}
    for other in question["others"]:
        for requirement, asker in other["needs"]:
            place = other["places"]["needs"].get(f"{asker}: {requirement}")
            if place is not None:
                told["needs"].setdefault(f"{asker} of {other['config']}: {requirement}", place)
        told["pins"] = other["places"]["pins"] | told["pins"]
    return told
