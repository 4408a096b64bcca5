"""Requirements files that are a live input of the lock: read when they have changed, and known until then."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eggcarton.packages import closed

logger = logging.getLogger("eggcarton")


@dataclass(frozen=True, slots=True)
class Told:
    """What one file and those that it names say.

    ``needs`` and ``constraints`` are pairs of a line and the place where it stands; ``hashes`` the trusted sha256 by
    name.
    """

    needs: Sequence[Sequence[str]] = ()
    constraints: Sequence[Sequence[str]] = ()
    hashes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """The requirements alone."""
        return tuple(line for line, _ in self.needs)


class RequirementsFiles:
    """The requirements files of one buildout.

    Args:
        place: where it is kept what they said.
        root: the directory of the buildout, which their names are relative to.
        child: what reads them.
        reading: whether nothing may be written.
    """

    def __init__(self, place: Path, root: Path, child: closed.Child, *, reading: bool) -> None:
        self._place, self._root, self._child, self._reading = place, root, child, reading
        self._known: dict[str, Told] = {}

    def told(self, names: Sequence[str], develop: Sequence[Path]) -> Told:
        """Return what some files say together.

        Args:
            names: the files.
            develop: the directories of develop packages, which entries may name.

        Raises:
            UsageProblem: one cannot be read or understood.
        """
        found = [self._told(name, develop) for name in dict.fromkeys(names)]
        hashes: dict[str, list[str]] = {}
        for told in found:
            for project, digests in told.hashes.items():
                hashes[project] = sorted({*hashes.get(project, ()), *digests})
        return Told(
            [pair for told in found for pair in told.needs],
            [pair for told in found for pair in told.constraints],
            hashes,
        )

    def _told(self, name: str, develop: Sequence[Path]) -> Told:
        if name not in self._known:
            path = self._root / os.path.expanduser(name)
            directories = sorted(map(str, develop))
            self._known[name] = self._kept(path, directories) or self._read(path, directories)
        return self._known[name]

    def _file(self, path: Path) -> Path:
        return self._place / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.json"

    def _kept(self, path: Path, develop: Sequence[str]) -> Told | None:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            raw = json.loads(self._file(path).read_text("utf-8"))
            if raw["develop"] == develop and all(_digest(file) == sha256 for file, sha256 in raw["files"].items()):
                return Told(**raw["told"])
        return None

    def _read(self, path: Path, develop: Sequence[str]) -> Told:
        answer: dict[str, Any] = self._child.ask(
            "read-requirements", path=str(path), root=str(self._root), develop=list(develop)
        )
        for remark in answer["remarks"]:
            logger.warning(remark)
        told = Told(answer["needs"], answer["constraints"], answer["hashes"])
        if not self._reading:
            self._place.mkdir(parents=True, exist_ok=True)
            temporary = self._file(path).with_suffix(f".{os.getpid()}")
            content = {"develop": list(develop), "files": answer["files"], "told": asdict(told)}
            temporary.write_text(json.dumps(content, indent=1), "utf-8")
            os.replace(temporary, self._file(path))
        return told


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
