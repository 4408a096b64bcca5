"""What each lock of a buildout has to answer; for commands that only look at it, without anything being written."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pkg_resources

from eggcarton.buildout import develop, metadata, needs, toolchain
from eggcarton.core.errors import Drift, Unavailable
from eggcarton.core.layout import canonical_name
from eggcarton.packages import closed, selection

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

ASKED = "asked"
"""The working set of what recipes ask for while they run."""


def order_of_recipes(session: Session) -> dict[str, Any] | None:
    """Return what the lock of recipes has to answer, None where the toolchain holds all of them."""
    wanted = [[spec, "extensions"] for spec in session.buildout["buildout"].get("extensions", "").split()]
    wanted += [[part.recipe, f"the recipe of part {part.part}"] for part in needs.of_parts(session.sections)]
    known = toolchain.running()
    developed = {name for path in session.develop_directories() for name in develop.names_in(path)}
    foreign = [
        pair for pair in wanted if (name := canonical_name(_project(pair[0]))) not in known and name not in developed
    ]
    if not foreign:
        return None
    return _order(session, foreign, toolchain.as_develop(known), {"all": [pair[0] for pair in foreign]})


def order_of_parts(session: Session, stubs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the lock of parts has to answer, with these develop packages."""
    parts = needs.of_parts(session.sections)
    sets = {selection.set_key(part.requirements): list(part.requirements) for part in parts if part.requirements}
    asked = session.asked.pairs()
    wanted = needs.pairs(parts) + asked
    wanted += [[stub["name"], f"develop package {stub['name']}"] for stub in stubs]
    if asked:
        sets[ASKED] = [pair[0] for pair in asked]
    return _order(session, wanted, stubs, sets)


def _order(
    session: Session, wanted: Sequence[Sequence[str]], stubs: Sequence[dict[str, Any]], sets: dict[str, list[str]]
) -> dict[str, Any]:
    return {
        "needs": sorted(map(list, wanted)),
        "pins": dict(session.buildout.versions),
        "develop": sorted(stubs, key=lambda stub: str(stub["name"])),
        "requires_python": session.settings.requires_python,
        "terms": session.settings.terms(),
        "tag": toolchain.egg_tag(),
        "compiled": session.settings.compiled,
        "allow_sdist": list(session.settings.allow_sdist),
        "sets": sets,
    }


def _project(spec: str) -> str:
    name: str = pkg_resources.Requirement.parse(spec).project_name
    return name


def questions(session: Session) -> list[dict[str, Any]]:
    """Return what the child process is to know of each lock: its path, what is asked of it, and what needs no lock.

    Raises:
        Drift: what a develop package needs cannot be known before bin/buildout has built it.
    """
    recipes = order_of_recipes(session)
    orders = {"parts": order_of_parts(session, _stubs(session))} | ({"recipes": recipes} if recipes else {})
    asked = ("needs", "pins", "develop", "requires_python", "terms")
    return [
        {"lock": str(session.lock_of(group)), "stubs": _STUBS[group], **{key: order[key] for key in asked}}
        for group, order in orders.items()
    ]


def places(session: Session, question: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return by which file and option each need of a question is asked for, and in which file each pin stands.

    Returns:
        ``needs``: file and option by the need's ``asker: requirement``; ``pins``: the file by name, in a list.
    """
    found: dict[str, dict[str, list[str]]] = {"needs": {}, "pins": {}}
    for requirement, asker in question["needs"]:
        section, option = _option(asker)
        file = session.sections.origin(section, option, requirement)
        if file is not None:
            found["needs"][f"{asker}: {requirement}"] = [file, f"[{section}] {option}"]
    versions = session.buildout["buildout"].get("versions", "versions")
    for name in question["pins"]:
        file = session.sections.origin(versions, name)
        if file is not None:
            found["pins"][name] = [file]
    return found


def _option(asker: str) -> tuple[str, str]:
    """Return the section and the option by which somebody asks; a name that no section has where none does."""
    if asker == "extensions":
        return "buildout", "extensions"
    if asker.startswith("develop package "):
        return "buildout", "develop"
    if asker.startswith("the recipe of part "):
        return asker.removeprefix("the recipe of part "), "recipe"
    return asker.removeprefix("part "), "eggs"


_STUBS = {"parts": "developed here", "recipes": "of the toolchain"}


def check_offline(session: Session) -> None:
    """Refuse to go on where the libraries that a lock is read with would have to be fetched, and must not be.

    Raises:
        Unavailable: they are not in the store.
    """
    if session.settings.offline:
        needs_no_network(session)


def needs_no_network(session: Session) -> None:
    """Refuse to go on where the libraries that a lock is read with would have to be fetched.

    Raises:
        Unavailable: they are not in the store.
    """
    if not (session.store / ".eggcarton" / closed.directory_name()).is_dir():
        raise Unavailable("what locks are read with is not in the store; run bin/buildout, which installs it")


def _stubs(session: Session) -> list[dict[str, Any]]:
    """Return the develop packages of now; those that have changed are built aside, and not kept."""
    known = toolchain.running()
    records = develop.Records(session.state / "develop", session.develop_eggs, toolchain.versions(known))
    found = {source: records.find(source) for source in session.develop_directories()}
    stubs = [built.stub() for built in found.values() if built is not None]
    changed = [source for source, built in found.items() if built is None]
    if changed:
        with tempfile.TemporaryDirectory(prefix="eggcarton-develop-") as out:
            sources = [str(source) for source in changed]
            answers = session.child.ask("develop", sources=sources, **toolchain.importable(known), out=out)
        stubs += [
            _by_pip(source, session.develop_eggs)
            if "foreign" in answer
            else {key: answer[key] for key in ("name", "version", "requires", "extras")}
            for source, answer in zip(changed, answers, strict=True)
        ]
    return stubs


def _by_pip(source: Path, develop_eggs: Path) -> dict[str, Any]:
    """Return a develop package that only pip can build, as the last run left it."""
    names = develop.names_in(source)
    for info in sorted(develop_eggs.glob("*-info")):
        found = metadata.read(info)
        if found is not None and canonical_name(found.name) in names:
            told = {"requires": list(found.requires), "extras": list(found.extras)}
            return {"name": canonical_name(found.name), "version": found.version, **told}
    raise Drift(f"what {source} needs is not known before pip has built it; run bin/buildout, which has it built")
