"""Which files of pinned distributions some Pythons and platforms need; pins tell no names, so that these are sought."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eggcarton.child.door import Door
from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.wanted import Wanted
from eggcarton.packages.pins import Pin
from eggcarton.packages.platforms import Target


@dataclass(slots=True)
class PinnedFiles:
    """The files of pins: those that are here already, else those that the index lists.

    Args:
        door: the way to the index.
        directories: where files lie under their own names.
        here: the path of each file that was found here, by its sha256.
        unknown: pins of which neither is known, in words.
        lacking: sentences on pins that have no wheel for a target.
    """

    door: Door
    directories: Sequence[Path]
    here: dict[str, Path] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    def wanted(self, pin: Pin, targets: Sequence[Target]) -> list[Wanted]:
        """Return the files of a pin that the targets need."""
        found = {name: Wanted(pin.name, name, sha256) for name, sha256 in self._local(pin)}
        chosen = {name: found[name] for target in targets for name in _suiting(target, list(found))}
        is_all = pin.hashes <= {file.sha256 for file in found.values()}
        left = [t for t in targets if not is_all and not (t.is_exact and _suiting(t, list(found)))]
        if not left:
            return list(chosen.values())
        if self.door.sources.offline:
            self.unknown += [f"{pin.name} {pin.version} for {target.told}" for target in left]
            return list(chosen.values())
        listed = self.door.pages.holding(self.door.routing.index_of(pin.name), pin.name, pin.hashes)
        found = {file.name: Wanted(pin.name, file.name, str(file.sha256), file.size) for file in listed}
        for target in left:
            names = _suiting(target, list(found))
            chosen |= {name: found[name] for name in names}
            told = f"no index lists a wheel of {pin.name} {pin.version}, of the toolchain, for {target.told}"
            self.lacking += [] if names else [told]
        return list(chosen.values())

    def _local(self, pin: Pin) -> Iterator[tuple[str, str]]:
        """Give the name and the sha256 of each file of a pin that is here."""
        for directory in self.directories:
            for path in sorted(directory.glob(f"{pin.name.replace('-', '[-_.]')}-{pin.version}-*.whl")):
                if (sha256 := file_digest(path)) in pin.hashes:
                    self.here[sha256] = path
                    yield path.name, sha256
        for sha256 in sorted(pin.hashes - self.here.keys()):
            kept = Cache(self.door.sources.cache).find(sha256)
            if kept is not None:
                yield name_of(kept), sha256


def _suiting(target: Target, names: Sequence[str]) -> list[str]:
    return [names[position] for position in target.wheels(names)]


def name_of(wheel: Path) -> str:
    """Return the file name of a wheel that is kept under another one, by what it says of itself.

    Source: the binary distribution format.

    Raises:
        IntegrityProblem: it is no wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            path = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/WHEEL", name))
            lines = archive.read(path).decode("utf-8", "replace").splitlines()
    except (zipfile.BadZipFile, StopIteration):
        raise IntegrityProblem(f"{wheel} is pinned, and is no wheel") from None
    told = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]
    parts = [path.partition(".dist-info")[0], *(value for key, value in told if key == "Build")]
    tags = [value.split("-") for key, value in told if key == "Tag" and value.count("-") == 2]
    parts += [".".join(sorted({tag[position] for tag in tags})) for position in range(3)]
    return "-".join(parts) + ".whl"
