"""Recipes without the extension: they build through zc.recipe.egg's working set, unlocked, and say so once."""

from __future__ import annotations

import csv
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zc.buildout import easy_install
from zc.buildout.buildout import Options
from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import egg_recipe
from eggcarton.buildout.machine import OPTION, Machine, named
from eggcarton.buildout.needs import PartNeeds
from eggcarton.core.errors import OptionProblems, UsageProblem
from eggcarton.core.layout import Environment, Imports
from eggcarton.core.linking import link
from eggcarton.core.names import canonical_name
from eggcarton.core.plan import Rendered
from eggcarton.core.pth import named_in
from eggcarton.packages import closed
from eggcarton.packages.environment import Makeup, ensure
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.machine import Distribution
from eggcarton.packages.member import Member

logger = logging.getLogger("eggcarton")
_SAID, _REMARKS = "_eggcarton_said", "_eggcarton_remarks"


def _records(buildout: Any) -> Path:
    return Path(buildout["buildout"]["parts-directory"]) / ".eggcarton"


def _made(
    buildout: Any, members: Sequence[Member], first_paths: Sequence[Path], imports: Imports, root: Path | None
) -> Environment:
    """Return the environment of what zc.buildout's own installer chose."""
    section = buildout["buildout"]
    place = _records(buildout) / "environments"
    store = Path(section["eggs-directory"])
    makeup = Makeup(
        python=Interpreter.running(),
        members=tuple(members),
        first_paths=tuple(dict.fromkeys(first_paths)),
        extra_paths=imports.extra_paths,
        site_packages=imports.site_packages,
        root=root,
    )
    made, remarks = ensure(place, makeup, store)
    told: set[str] = getattr(buildout, _REMARKS, set())
    setattr(buildout, _REMARKS, told | set(remarks))
    for remark in remarks:
        if remark not in told:
            logger.warning(remark)
    return made


def environment(
    buildout: Any, name: str, requirements: Sequence[str], imports: Imports, root: Path | None
) -> Environment:
    """Return the environment of a part, made of the distributions that zc.recipe.egg would choose."""
    if not getattr(buildout, _SAID, False):
        setattr(buildout, _SAID, True)
        logger.warning(
            "eggcarton's extension is not in force, so what is installed is neither locked nor verified, and fetched "
            "one by one; 'extensions = eggcarton' in [buildout] changes that."
        )
    if asked := [line for line in requirements if pkg_resources.Requirement.parse(line).url]:
        problem = (
            f"option 'eggs': {asked[0]}: without the extension zc.buildout takes that name from its index, whatever "
        )
        raise OptionProblems(name, [f"{problem}the address; set 'extensions = eggcarton' in [buildout]"])
    machine, part = Machine(Interpreter.running()), PartNeeds(name, "", tuple(requirements), allowed=imports.allowed)
    develop_eggs = Path(buildout["buildout"]["develop-eggs-directory"])
    taken = machine.allowed(part, {canonical_name(path.stem.partition("-")[0]) for path in develop_eggs.glob("*.*")})
    asked = [*requirements, *(name for name in named(part) if name in taken)]
    places = {option: value for option in ("find-links", "index") if (value := buildout[name].get(option))}
    section = Options(buildout, name, {"eggs": "\n".join(asked), **places})
    egg = egg_recipe.module(buildout).Egg(buildout, name, section)
    if taken:
        section["develop-eggs-directory"] = str(_beside(develop_eggs, _records(buildout) / "machine" / name, taken))
    working_set, first = _chosen(name, egg, taken), list[Path]()
    members: list[Member] = list(machine.members(part, [canonical_name(dist.project_name) for dist in working_set], ()))
    for line in machine.told(name, members, everything=imports.site_packages):
        logger.info(line)
    for dist in working_set:
        if canonical_name(dist.project_name) in taken:
            continue
        if dist.precedence == pkg_resources.DEVELOP_DIST and not dist.location.endswith(".egg"):
            members.append(_developed(dist))
            first += [Path(dist.location), *named_in(Path(dist.location))]
        else:
            place = Path(dist.location)
            identity = f"{os.path.realpath(place)} {dist.version}"
            members.append(Member(canonical_name(dist.project_name), dist.version, place, identity, _own_entries(dist)))
    return _made(buildout, members, first, imports, root)


def _beside(develop_eggs: Path, place: Path, taken: Mapping[str, Distribution]) -> Path:
    """Return a directory that zc.buildout finds some distributions of the machine in, beside the develop packages.

    For develop packages zc.buildout asks no index.
    """
    staging = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for entry in develop_eggs.iterdir() if develop_eggs.is_dir() else ():
        link(entry, staging / entry.name)
    for name, found in taken.items():
        (staging / f".{name}").mkdir()
        link(found.place / found.info, staging / f".{name}" / found.info)
        (staging / f"{name}.egg-link").write_text(f"{place / f'.{name}'}\n.\n", "utf-8")
    shutil.rmtree(place, ignore_errors=True)
    staging.rename(place)
    return place


def _chosen(part: str, egg: Any, taken: Mapping[str, Distribution]) -> list[Any]:
    """Return what zc.buildout's own installer chooses for a part.

    Raises:
        UsageProblem: a requirement wants another version than the machine has.
    """
    try:
        chosen = list(egg.working_set()[1])
    except easy_install.VersionConflict as conflict:
        # It is one text where zc.buildout tells it in its own words.
        known, wanted = conflict.err.args if len(conflict.err.args) == 2 else (None, None)
        if known is None or canonical_name(known.project_name) not in taken:
            raise
        problem = f"{wanted} is asked for, and the machine has {known.project_name} {known.version}"
    else:
        wrong = [dist for dist in chosen if canonical_name(dist.project_name) in taken]
        wrong = [dist for dist in wrong if dist.precedence != pkg_resources.DEVELOP_DIST]
        if not wrong:
            return chosen
        has = taken[canonical_name(wrong[0].project_name)]
        problem = (
            f"{wrong[0].project_name} {wrong[0].version} is asked for, and the machine has {has.name} {has.version}"
        )
    raise UsageProblem(f"[{part}] {problem}; leave the name out of {OPTION}, or change the machine's")


def _own_entries(dist: Any) -> tuple[str, ...]:
    """Return what a distribution owns in a directory that it shares with others, such as the machine's site-packages.

    An egg has a directory to itself; nothing has to be told apart there.
    """
    place = Path(dist.location)
    if place.suffix == ".egg" or not dist.has_metadata("RECORD"):
        return ()
    rows = csv.reader(dist.get_metadata_lines("RECORD"))
    tops = {row[0].partition("/")[0] for row in rows if row}
    return tuple(sorted(top for top in tops if top not in ("..", "", "__pycache__") and (place / top).exists()))


def _developed(dist: Any) -> Member:
    place = Path(dist.location)
    metadata = [entry for entry in sorted(os.listdir(place)) if _is_metadata_of(entry, dist.project_name)]
    return Member(canonical_name(dist.project_name), dist.version, place, dist.location, tuple(metadata))


def _is_metadata_of(entry: str, project: str) -> bool:
    stem, _, end = entry.rpartition(".")
    return end in ("dist-info", "egg-info") and canonical_name(stem.partition("-")[0]) == canonical_name(project)


def renderer(buildout: Any) -> Callable[[Rendered], str]:
    """Return what fills in templates when there is no session: a child process for one file."""

    def render(item: Rendered) -> str:
        section = buildout["buildout"]
        store, index = Path(section["eggs-directory"]), section.get("index", "").strip() or None
        with closed.Child(lambda: closed.ensure(store, index=index, say=logger.info)) as child:
            return closed.render(child, item)

    return render
