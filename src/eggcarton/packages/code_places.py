"""Where the code of a distribution really lies, for what looks through its files, such as a runner of tests."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from eggcarton.core.layout import CodePlace
from eggcarton.packages import modules
from eggcarton.packages.member import Member, metadata
from eggcarton.packages.modules import Modules

_METADATA = (".dist-info", ".egg-info")


def of_member(member: Member) -> tuple[CodePlace, ...]:
    """Return the directories with a distribution's code.

    That is the egg in the store; of a develop package its sources; and of what shares a directory with others, as in
    the machine's site-packages, its own packages, never that whole directory.
    """
    if not member.files:
        return (CodePlace(member.name, member.place),)
    if member.is_of_machine:
        return tuple(_packages(member))
    found = modules.find_or_source(member.name, member.place, [*member.files, *_recorded(member)])
    if found.sources:
        return tuple(dict.fromkeys(_developed(member.name, found)))
    if all(name.endswith(_METADATA) for name in member.files):
        return (CodePlace(member.name, _project(member) or member.place, is_developed=True),)
    return tuple(_packages(member))


def _developed(name: str, found: Modules) -> Iterator[CodePlace]:
    """Give what the sources of a develop package are found in.

    Where a finder leads to a package, that is the directory that it would be imported from, if there is one: tests that
    are not installed lie there too.
    """
    for path in found.directories:
        yield CodePlace(name, path, is_developed=True)
    for module, path in found.found.items():
        parts = tuple(module.split("."))
        within = path.with_suffix("") if path.suffix == ".py" else path
        if within.parts[-len(parts) :] == parts:
            yield CodePlace(name, within.parents[len(parts) - 1], is_developed=True)
        elif path.is_dir():
            yield CodePlace(name, path, module, is_developed=True)


def _packages(member: Member) -> Iterator[CodePlace]:
    """Give the packages of a distribution that has no directory to itself."""
    for name in member.files:
        parts = name.split("/")
        if all(part.isidentifier() for part in parts) and (member.place / name).is_dir():
            yield CodePlace(member.name, member.place / name, ".".join(parts))


def _recorded(member: Member) -> Iterator[str]:
    """Give the files beside the metadata that its RECORD tells of; zc.buildout's own develop packages have one."""
    information = metadata(member)
    record = information / "RECORD" if information else None
    if record and record.is_file():
        names = [row[0] for row in csv.reader(record.read_text("utf-8").splitlines()) if row]
        yield from (name for name in names if "/" not in name)


def _project(member: Member) -> Path | None:
    """Return the directory that an editable installation was made of.

    Source: the specification of direct_url.json.
    """
    information = metadata(member)
    try:
        told = json.loads((information / "direct_url.json").read_text("utf-8")) if information else None
    except (OSError, ValueError):
        return None
    if not isinstance(told, Mapping) or not isinstance(told.get("dir_info"), Mapping):
        return None
    if not told["dir_info"].get("editable"):
        return None
    url = urlsplit(str(told.get("url", "")))
    return Path(url2pathname(url.path)) if url.scheme == "file" else None
