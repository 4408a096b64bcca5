"""Build the develop packages of a run: those that have changed, in parallel; what is known of the others stands."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from eggcarton.buildout import building, develop, developed_by_parts, gone, toolchain
from eggcarton.core.errors import Drift
from eggcarton.core.locks import scratch
from eggcarton.core.names import canonical_name

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

logger = logging.getLogger("eggcarton")


Developed: TypeAlias = "develop.Developed | developed_by_parts.DevelopedByPart"


def develop_all(session: Session, *, lock_only: bool = False) -> dict[str, Developed]:
    """Return all develop packages by canonical name, built where that is due and no part does so itself.

    Args:
        lock_only: whether locking is all that was asked for, so that it may be done under any policy.

    Raises:
        Drift: one is to be built, and nothing may be written, or what its build requires is not locked and may not be.
    """
    versions = toolchain.versions(toolchain.running())
    place, lock = session.state / "develop", building.lock_of(session)
    records = develop.Records(place, session.develop_eggs, versions, lock, session.seen)
    sources = session.develop_directories()
    found = records.find(sources)
    missing = [source for source in sources if found[source] is None]
    if not session.reading:
        gone.note(session, records, sources, is_due=bool(missing))
    if missing and session.reading:
        raise Drift("develop packages have changed, so plans are not known; run bin/buildout, which builds them")
    if missing:
        session.seen.clear()
        kept = [(d.name, source) for source, d in found.items() if d is not None]
        found |= _built(session, missing, kept, records, frozen=session.settings.frozen and not lock_only)
    if not session.reading:
        develop.forget(records, sources, session.develop_eggs)
    by_parts = developed_by_parts.found(session, frozen=session.settings.frozen and not lock_only)
    return by_parts | {d.name: d for d in found.values() if d is not None}


def _built(
    session: Session,
    missing: Sequence[Path],
    kept: Sequence[tuple[str, Path]],
    records: develop.Records,
    *,
    frozen: bool,
) -> dict[Path, develop.Developed]:
    for source in missing:
        logger.info("Develop: %r", str(source))
    old, found = {d.source: d for d in records.known().values()}, dict[Path, develop.Developed]()
    session.child.ask(
        "prepare",
        lock=str(session.settings.lock),
        sources=session.sources,
        store=str(session.store),
        tag=session.tag,
        compiled=session.settings.compiled,
    )
    session.develop_eggs.mkdir(parents=True, exist_ok=True)
    with scratch(session.develop_eggs, ".building-") as out:
        projects = [str(source) for source in missing]
        order = building.order(session, frozen=frozen) | {"logs": str(session.state / "build-logs")}
        made = session.child.ask("develop", projects=projects, out=str(out), **order)
        for line in building.told(made["changed"]):
            logger.info("%s", line)
        develop.refuse_twins([*kept, *((answer["name"], p) for p, answer in zip(missing, made["built"], strict=True))])
        for number, (source, answer) in enumerate(zip(missing, made["built"], strict=True)):
            before = old.get(str(source))
            unpacked, root = out / str(number), session.settings.root
            found[source] = develop.put_in_place(answer, source, unpacked, session.develop_eggs, before, root)
            records.keep(found[source])
            if unseen := found[source].watched.out_of_sight:
                logger.debug("%s is built in each run, since its build %s", found[source].name, ", ".join(unseen))
    for line in _pinned_in_vain(session, [found[source] for source in missing]):
        logger.info("%s", line)
    return found


def _pinned_in_vain(session: Session, built: Sequence[develop.Developed]) -> Iterator[str]:
    """Give a sentence for each section of pins that names packages which are developed here, whatever is pinned."""
    pins = session.buildout["buildout"].get("versions", "versions")
    for section in (pins, *(f"{pins}-{group}" for group in session.groups())):
        exact = {name: pin for name, pin in session.sections.section(section).items() if pin.strip()[:1].isalnum()}
        pinned = {canonical_name(name): pin for name, pin in exact.items()}
        told = [f"{d.name} = {pinned[d.name]}" for d in built if pinned.get(d.name, d.version) != d.version]
        if told:
            yield f"[{section}] has no effect on what is developed here: {', '.join(told)}"
