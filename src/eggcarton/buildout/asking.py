"""What each lock of a buildout has to answer; for commands that only look at it, without anything being written."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import building, develop, downloads, egg_recipe, machine, needs, toolchain
from eggcarton.buildout import lines as configuration_lines
from eggcarton.buildout.requirements_files import Told
from eggcarton.core.errors import Unavailable, UsageProblem
from eggcarton.core.names import canonical_name
from eggcarton.packages import closed, selection

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

BY_RECIPES = "asked"
"""The working set of what recipes ask for while they run."""
ASKED = (
    *("needs", "pins", "develop", "requires_python", "terms", "constraints", "hashes", "working_sets", "allow_sdist"),
    "while_running",
)
"""What of an order concerns the lock, and not what is taken out of it."""


@dataclass(frozen=True, slots=True)
class Sets:
    """The requirements of each working set by its key, and the names that it is allowed to take from the machine."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    allowed: dict[str, list[str]] = field(default_factory=dict)

    def add(self, lines: Sequence[str], allowed: Collection[str]) -> None:
        """Add the working set of a part, where it imports anything."""
        if lines:
            key = selection.set_key(lines, allowed)
            self.lines[key] = list(lines)
            self.allowed.update({key: sorted(allowed)} if allowed else {})


def order_of_recipes(session: Session) -> dict[str, Any] | None:
    """Return what the lock of recipes has to answer, None where the toolchain holds all of them."""
    wanted = [[spec, "extensions"] for spec in session.buildout["buildout"].get("extensions", "").split()]
    wanted += [[part.recipe, f"the recipe of part {part.part}"] for part in needs.of_parts(session.sections)]
    known = toolchain.running()
    # Ours ask zc.recipe.egg too, which a stock zc.buildout need not have beside it.
    wanted += [
        [egg_recipe.NAME, f"the recipe of part {part.part}"]
        for part in needs.of_parts(session.sections)
        if part.imports
    ]
    developed = {name for path in session.develop_directories() for name in develop.names_in(path)}
    foreign = [
        pair for pair in wanted if (name := canonical_name(_project(pair[0]))) not in known and name not in developed
    ]
    if not foreign:
        return None
    sets = {"all": [pair[0] for pair in foreign]}
    return _order(session, needs.RECIPES, foreign, toolchain.as_develop(known), Sets(sets), Told())


def groups(session: Session) -> list[str]:
    """Return the lock groups of the parts, the one of those that name none first; it is always there."""
    return list(dict.fromkeys([needs.PARTS, *(part.group for part in needs.of_parts(session.sections))]))


def check_group(session: Session, group: str) -> None:
    """Make sure that a group is that of a part.

    Raises:
        UsageProblem: no part is in this group.
    """
    known = groups(session)
    if group not in known:
        others = ", ".join(known[1:]) or "no other"
        raise UsageProblem(f"no part has lock-group = {group}; there is {others}")


def order_of_parts(session: Session, group: str, stubs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the lock of a group of parts has to answer, with these develop packages."""
    every = needs.of_parts(session.sections)
    parts = [part for part in every if part.group == group]
    common = session.settings.requirements if group == needs.PARTS else ()
    files = [*common, *(name for part in parts for name in part.files or ())]
    told = session.files.told(files, session.develop_directories())
    names_of_stubs = [stub["name"] for stub in stubs]
    sets, allowed = Sets(), []
    for part in parts:
        allowed.append(session.machine.allowed(part, names_of_stubs))
        sets.add(lines_of(session, part), allowed[-1])
    names = {part.part for part in parts} | ({""} if group == needs.PARTS else set())
    asked = session.asked.pairs(names)
    wanted = session.rows.by_any_python(needs.pairs(parts)) + asked + [list(pair) for pair in told.needs]
    from_machine = [[name, f"part {p.part}"] for p in parts for name in session.machine.lines(p, names_of_stubs)]
    wanted += session.rows.by_any_python(from_machine)
    if group == needs.PARTS:
        # What only parts of other groups lead to may be all that cannot agree with the parts here.
        others = _reached(stubs, [line for part in every if part.group != group for line in part.requirements])
        elsewhere = others - _reached(stubs, [pair[0] for pair in wanted])
        names_here = [stub["name"] for stub in stubs if stub["name"] not in elsewhere]
        wanted += [[name, f"develop package {name}"] for name in names_here]
    if asked:
        sets.lines[BY_RECIPES] = [pair[0] for pair in asked]
    order = _order(session, group, wanted, [*stubs, *machine.stubs(allowed)], sets, told)
    return order | {"while_running": session.asked.by_part(names)}


def lines_of(session: Session, part: needs.PartNeeds) -> tuple[str, ...]:
    """Return what a part imports: its own requirements and, where it has an environment, those of its files.

    What it names that the machine has is among it.

    Raises:
        UsageProblem: such a file cannot be read or understood.
    """
    files = part.files
    if files is None:
        files = session.settings.requirements if part.imports and part.group == needs.PARTS else ()
    own = session.files.told(files, session.develop_directories()).lines
    return part.requirements + own + session.machine.lines(part)


def _reached(stubs: Sequence[dict[str, Any]], requirements: Sequence[str]) -> set[str]:
    """Return the names of the develop packages that requirements lead to by way of develop packages alone."""
    requires = {stub["name"]: stub["requires"] for stub in stubs}
    queue, found = [canonical_name(_project(line)) for line in requirements], set()
    while queue:
        name = queue.pop()
        if name in requires and name not in found:
            found.add(name)
            queue += [canonical_name(_project(line)) for line in requires[name]]
    return found


def pins_of(session: Session, group: str) -> dict[str, str]:
    """Return ``[versions]`` as a group of parts has it: the section ``versions-GROUP`` says what is different there.

    A row of a matrix begins with what its part has, and takes away what its own requirements are in the place of.
    """
    row = session.rows.of_group(group)
    if row is None:
        pins = dict(session.buildout.versions)
    else:
        pins = {name: pin for name, pin in pins_of(session, row.base).items() if not row.replaces(name)}
    for name, value in session.sections.section(f"{_versions(session)}-{group}").items():
        pins = {known: pin for known, pin in pins.items() if canonical_name(known) != canonical_name(name)}
        pins |= {name: value} if value.strip() else {}
    return pins


def picked(session: Session) -> dict[str, str]:
    """Return the versions that locks chose, and ``[versions]`` does not pin."""
    pinned = {canonical_name(name) for name, pin in session.buildout.versions.items() if pin[:1] not in "<>=!~"}
    chosen = [session.selected[group].pins() for group in sorted(session.selected)]
    return {name: pin for pins in chosen for name, pin in sorted(pins.items()) if name not in pinned}


def own_pins(session: Session, group: str) -> dict[str, Any]:
    """Return the section of the pins that hold in the lock of a group alone, and their names."""
    if group in (needs.PARTS, needs.RECIPES):
        return {}
    section = f"{_versions(session)}-{group}"
    return {"own": section, "in_own": sorted(session.sections.section(section))}


def _versions(session: Session) -> str:
    return str(session.buildout["buildout"].get("versions", "versions"))


def _order(
    session: Session,
    group: str,
    wanted: Sequence[Sequence[str]],
    stubs: Sequence[dict[str, Any]],
    sets: Sets,
    told: Told,
) -> dict[str, Any]:
    return {
        "needs": sorted(map(list, wanted)),
        "pins": pins_of(session, group),
        "develop": sorted(stubs, key=lambda stub: str(stub["name"])),
        "requires_python": session.settings.requires_python,
        "terms": session.settings.terms(),
        "constraints": [list(pair) for pair in told.constraints],
        "hashes": dict(told.hashes),
        "tag": session.tag,
        "compiled": session.settings.compiled,
        "allow_sdist": list(session.settings.allow_sdist),
        "sets": sets.lines,
        "allowed": sets.allowed,
        "while_running": {},
        "working_sets": [[lines, sets.allowed.get(key, [])] for key, lines in sorted(sets.lines.items())],
    }


def exposed(order: Mapping[str, Any]) -> list[str]:
    """Return a remark for each address that is asked for with a password in it, without telling that."""
    found: dict[str, None] = {}
    for requirement, asker in order["needs"]:
        url = urlsplit(requirement.partition("@")[2].strip())
        if "@" in url.netloc and (url.password is not None or not url.scheme.endswith("ssh")):
            name = _project(requirement)
            found[
                f"{asker}: the address of {name} holds credentials: they are used, and kept out of the lock; move them "
                "to git's credential helper or to ~/.netrc, since whoever reads the configuration knows them"
            ] = None
    return list(found)


def lost(session: Session, group: str) -> list[str]:
    """Return a remark for each name that a part of a group would take from the machine, which does not have it."""
    return session.machine.lost([part for part in needs.of_parts(session.sections) if part.group == group])


def of_machine(session: Session) -> set[str]:
    """Return the canonical names that parts may take from the machine."""
    return {name for part in needs.of_parts(session.sections) for name in session.machine.allowed(part)}


def _project(spec: str) -> str:
    name: str = pkg_resources.Requirement.parse(spec).project_name
    return name


def questions(session: Session, *, frozen: bool = True) -> list[dict[str, Any]]:
    """Return what the child process is to know of each lock: its path, what is asked of it, and what needs no lock.

    Args:
        frozen: whether nothing may be locked that builds of develop packages require.

    Raises:
        Drift: what a develop package needs cannot be known before bin/buildout has built it.
    """
    recipes, stubs = order_of_recipes(session), _stubs(session, frozen=frozen)
    orders = {group: order_of_parts(session, group, stubs) for group in groups(session)}
    orders |= {needs.RECIPES: recipes} if recipes else {}
    return [
        {
            "lock": str(session.lock_of(group)),
            "group": group,
            "stubs": "of the toolchain" if group == needs.RECIPES else "developed here",
            "others": [],
            **{key: order[key] for key in ASKED},
        }
        for group, order in orders.items()
    ]


def places(session: Session, question: Mapping[str, Any], *, by_line: bool = False) -> dict[str, dict[str, list[str]]]:
    """Return by which file and option each need of a question is asked for, and in which file each pin stands.

    Args:
        session: the buildout's.
        question: what is asked of a lock.
        by_line: whether files are told with the number of the line.

    Returns:
        ``needs``: file and option by the need's ``asker: requirement``; ``pins``: the file by name, in a list.
    """
    found: dict[str, dict[str, list[str]]] = {"needs": {}, "pins": {}}
    named = {part.part: machine.named(part) for part in needs.of_parts(session.sections) if part.allowed}
    for requirement, asker in question["needs"]:
        section, option = _option(asker)
        section, option = session.rows.option(section, option, requirement)
        if requirement in named.get(section, ()):
            option = machine.OPTION
        file = session.sections.origin(section, option, requirement)
        if file is not None and by_line:
            file = configuration_lines.numbered(session.settings.root, file, section, option, requirement)
        if file is not None:
            found["needs"][f"{asker}: {requirement}"] = [file, f"[{section}] {option}"]
    versions = _versions(session)
    for name in question["pins"]:
        own = f"{versions}-{question['group']}"
        section = own if session.sections.origin(own, name) else versions
        file = session.sections.origin(section, name)
        if file is not None and by_line:
            file = configuration_lines.numbered(session.settings.root, file, section, name)
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


def absent(session: Session) -> list[list[str]]:
    """Return what parts of an offline build name by an address, and is not kept: part, address and sha256 of each."""
    if not session.settings.offline or session.reading:
        return []
    named = [(one.part, url, sha256) for one in needs.of_parts(session.sections) for url, sha256 in one.downloads]
    return [[part, url, sha256] for part, url, sha256 in named if not downloads.is_kept(session.records, sha256)]


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


def _stubs(session: Session, *, frozen: bool) -> list[dict[str, Any]]:
    """Return the develop packages of now; those that have changed are built aside, and not kept."""
    known = toolchain.running()
    records = develop.Records(
        session.state / "develop", session.develop_eggs, toolchain.versions(known), building.lock_of(session)
    )
    found = records.find(session.develop_directories())
    stubs = [built.stub() for built in found.values() if built is not None]
    changed = [str(source) for source, built in found.items() if built is None]
    if changed:
        with tempfile.TemporaryDirectory(prefix="eggcarton-develop-") as out:
            order = building.order(session, frozen=frozen)
            answers = session.child.ask("develop", projects=changed, out=out, aside=True, **order)["built"]
        names = [(built.name, source) for source, built in found.items() if built is not None]
        develop.refuse_twins([*names, *((answer["name"], p) for p, answer in zip(changed, answers, strict=True))])
        stubs += [{key: answer[key] for key in ("name", "version", "requires", "extras")} for answer in answers]
    return stubs
