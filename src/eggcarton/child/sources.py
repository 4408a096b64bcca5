"""Source distributions that a recipe builds in its own way: locked in ``buildout.lock.toml``, and fetched by hash."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import Version

from eggcarton.child.building import Place
from eggcarton.child.door import Door, Sources
from eggcarton.core.errors import Drift, EggcartonError, Unavailable, UsageProblem
from eggcarton.indexes import authority
from eggcarton.indexes.wanted import hint_of
from eggcarton.packages import build_lock, cutoff
from eggcarton.packages.build_lock import BuildLock
from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.sdists import is_allowed, permission


def provide(
    *,
    requirement: str,
    part: str,
    directory: str,
    toolchain: Mapping[str, Any],
    sources: Mapping[str, Any],
    allow_sdist: Sequence[str],
) -> dict[str, Any]:
    """Put the source distribution that a part is to build into a directory.

    Args:
        requirement: what it builds, in the version that is pinned, if one is.
        part: who builds it.
        directory: where the archive is put.
        toolchain: ``builds`` has the fields of `building.Place`.
        sources: the fields of `Sources`.
        allow_sdist: names and patterns of what may be built from source.

    Returns:
        ``path``, ``name`` and ``version``; ``changed``, what was locked, a line each.

    Raises:
        UsageProblem: it may not be built from source.
        Drift: it is not locked, and the policy is frozen.
        Unavailable: offline, and it is not locked or not here.
    """
    place, wanted = Place.of(toolchain["builds"]), Requirement(requirement)
    name, lock = str(canonicalize_name(wanted.name)), build_lock.read(place.lock)
    if not is_allowed(name, allow_sdist):
        raise UsageProblem(
            f"[{part}] builds {name} from source, which runs its author's code; allow it:\n"
            f"{permission([name], allow_sdist)}"
        )
    door, changed = Sources.of(sources).open(), []
    there = [source for source in lock.sources if source.name == name]
    found = next((s for s in there if wanted.specifier.contains(s.version, prereleases=True)), None)
    if found is None:
        line = f"[{part}] builds {wanted} from source"
        if place.frozen:
            raise Drift(
                f"{place.lock.name} does not have it, and policy = frozen forbids to change it; run bin/buildout where "
                "it may change, and commit the result:",
                differences=[line],
            )
        if door.sources.offline:
            raise Unavailable(f"offline, and {place.lock.name} does not have it:", tried=[line])
        found = _best(wanted, name, door, place)
        kept = tuple(source for source in lock.sources if source.name != name)
        build_lock.write(place.lock, BuildLock(lock.extends, lock.builds, (*kept, found)))
        changed.append(f"{name} {found.version} as source, for part {part}")
    assert found.sdist is not None
    archive = door.fetch([door.wanted(found, found.sdist)])[found.sdist.sha256]
    path = shutil.copyfile(archive, Path(directory, found.sdist.name))
    return {"path": str(path), "name": found.name, "version": found.version, "changed": changed}


def _best(wanted: Requirement, name: str, door: Door, place: Place) -> LockedPackage:
    """Return the newest source distribution on the index that is asked for, final ones first."""
    index = door.routing.index_of(name)
    page = door.pages.vouched(index, name)
    found: list[tuple[bool, Version, LockedFile]] = []
    for file in page.listed if page is not None else ():
        try:
            version = parse_sdist_filename(file.name)[1]
        except InvalidSdistFilename:
            continue
        newest = cutoff.check(place.exclude_newer) if place.exclude_newer else None
        late = newest is not None and cutoff.is_after(file.uploaded, _moment(newest))
        if file.sha256 and not late and wanted.specifier.contains(version, prereleases=True):
            entry = LockedFile(file.name, file.sha256, file.size, hint_of(file.url))
            found.append((not version.is_prerelease, version, entry))
    if not found:
        raise EggcartonError(f"{wanted}: the index lists no source distribution that is asked for and has a sha256")
    _, version, sdist = max(found, key=lambda item: item[:2])
    if page is not None and page.doubt is not None:
        raise authority.refusal(index, [sdist.name], page.doubt)
    return LockedPackage(name, str(version), sdist=sdist, index=door.routing.at(name))


def _moment(setting: str) -> str:
    from datetime import datetime, timezone

    return cutoff.moment(setting, datetime.now(timezone.utc))
