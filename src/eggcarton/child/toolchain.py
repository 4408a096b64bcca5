"""The toolchain: what bin/buildout itself is made of, from a pins file that is shipped beside bootstrap.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eggcarton.child.door import Door, Sources
from eggcarton.core.errors import Unavailable
from eggcarton.indexes.cache import file_digest
from eggcarton.indexes.wanted import Wanted
from eggcarton.packages import once, pins
from eggcarton.packages.needs import Need, Needs
from eggcarton.packages.pins import Pin
from eggcarton.packages.store import Store, Unpacked
from eggcarton.packages.wheels import best_wheel


def provide(*, pins_file: str, sources: Mapping[str, Any], store: str, tag: str) -> list[dict[str, str]]:
    """Put every pinned distribution into the store on its own, and return name, version and egg of each.

    Raises:
        IntegrityProblem: a file has another sha256 than those pinned.
        Unavailable: a file could not be had.
    """
    path, door = Path(pins_file), Sources.of(sources).open()
    needed = [pin for pin in pins.read(path.read_text("utf-8"), path.name) if pin.needed]
    target = Store(Path(store), tag)
    wanted = [_placed(pin, target) or _chosen(pin, door) for pin in needed]
    missing = [Wanted(i.name, i.filename, i.sha256) for i in wanted if target.find(i.sha256) is None]
    files = door.fetch(missing) if missing else {}
    eggs = once.unpacked(target, files, wanted)
    target.show(eggs.values())
    return [{"name": item.name, "version": item.version, "egg": str(eggs[item.sha256])} for item in wanted]


def _placed(pin: Pin, store: Store) -> Unpacked | None:
    for sha256 in pin.hashes:
        if store.find(sha256):
            return Unpacked(pin.name, pin.version, f"{pin.name}-{pin.version}", sha256)
    return None


def _chosen(pin: Pin, door: Door) -> Unpacked:
    """Return the pinned file that suits this Python best: from a directory, else from what the index lists."""
    sources = door.sources
    found = _in_directories(pin, sources.directories)
    if not found and not sources.offline:
        listed = door.pages.holding(door.routing.index_of(pin.name), pin.name, pin.hashes)
        found = {file.name: str(file.sha256) for file in listed}
    names = sorted(found)
    position = best_wheel(names)
    if position is None:
        where = "in the directories given" if sources.offline or sources.directories else "on the index"
        raise Unavailable(f"no wheel of {pin.name} {pin.version} that is pinned for this Python lies {where}")
    return Unpacked(pin.name, pin.version, names[position], found[names[position]])


def _in_directories(pin: Pin, directories: Sequence[Path]) -> dict[str, str]:
    found = {}
    for directory in directories:
        for path in sorted(directory.glob("*.whl")):
            if path.name.partition("-")[0].lower().replace("_", "-").replace(".", "-") == pin.name:
                sha256 = file_digest(path)
                if sha256 in pin.hashes:
                    found[path.name] = sha256
    return found


def lock(
    *,
    files: Mapping[str, Sequence[str]],
    headers: Mapping[str, Sequence[str]],
    requires_python: str,
    upgrade: Sequence[str],
    sources: Mapping[str, Any],
) -> list[str]:
    """Resolve pins files anew and return the names of those that changed.

    Args:
        files: the requirements of each pins file, by its path.
        headers: the comment lines of each.
        requires_python: the range they are made for.
        upgrade: the canonical names to take anew, all of them when empty.
        sources: the fields of `Sources`.
    """
    resolver = Sources.of(sources).open().resolver()
    changed = []
    for name, requirements in files.items():
        path = Path(name)
        needs = Needs(
            tuple(Need(line, "the toolchain") for line in requirements), _kept(path, upgrade), (), requires_python
        )
        text = pins.text_of(resolver.resolve(needs), headers[name])
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path.name)
    return changed


def _kept(path: Path, upgrade: Sequence[str]) -> dict[str, str]:
    """Return the versions that stay: those of what is not named, where anything is."""
    if not upgrade or not path.exists():
        return {}
    found = pins.read(path.read_text("utf-8"), path.name)
    # What is pinned twice differs between platforms, which no single version can say.
    once = [name for name, number in Counter(pin.name for pin in found).items() if number == 1]
    return {pin.name: pin.version for pin in found if pin.name in once and pin.name not in upgrade}
