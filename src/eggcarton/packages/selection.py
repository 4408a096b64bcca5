"""What one build uses of its lock, kept between runs so that an unchanged build parses nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import seals
from eggcarton.packages.member import Member
from eggcarton.packages.store_names import leads_to

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Selection:
    """The locked distributions of this Python and platform, and the names in each working set.

    ``distributions`` maps a canonical name to its version, sha256 and egg; ``sets`` a working set's key to names,
    develop packages among them. ``surplus`` is whether the lock has what a run that may change it would drop, ``start``
    the start of the machine after which all these eggs were whole.
    """

    key: str
    distributions: Mapping[str, Mapping[str, str]]
    sets: Mapping[str, Sequence[str]]
    surplus: bool = False
    start: str = field(default_factory=seals.machine_start)

    def is_of(self, key: str, *, frozen: bool) -> bool:
        """Tell whether a run with this key would select the same, and leave the lock as it is."""
        return self.key == key and (frozen or not self.surplus)

    def pins(self) -> dict[str, str]:
        """Return every version that the lock selects here."""
        return {name: found["version"] for name, found in self.distributions.items()}

    def members(self, names: Iterable[str]) -> list[Member]:
        """Return the locked ones of some names; what is developed or taken from the machine is the caller's."""
        return [
            Member(name, found["version"], Path(found["egg"]), found["sha256"])
            for name in names
            if (found := self.distributions.get(name)) is not None
        ]

    def eggs(self) -> list[str]:
        """Return the path of every egg."""
        return [found["egg"] for found in self.distributions.values()]

    def stands(self, store: str, others: Sequence[str] = ()) -> bool:
        """Tell whether every egg is still in the store, and is what zc.buildout finds there under its name.

        When the machine has started anew, what it lost then is looked for once; until then a seal is enough.
        Another project that shares the store may have other bytes of the same version.

        Args:
            others: the eggs of the other locks of this build, of which one may have that name.
        """
        now = seals.machine_start()
        if self.start != now and not all(seals.is_whole(Path(egg), start=now) for egg in self.eggs()):
            return False
        same: dict[str, list[Path]] = {}
        for other in others:
            same.setdefault(os.path.basename(other), []).append(Path(other))
        return all(_is_shown(Path(store), Path(egg), same.get(os.path.basename(egg), ())) for egg in self.eggs())


def _is_shown(store: Path, egg: Path, others: Sequence[Path]) -> bool:
    """Tell whether the name of an egg leads to it, or where it is there at least, to another one of that name."""
    name = store / egg.name
    if not seals.is_sealed(egg):
        return False
    return leads_to(name, egg) or (egg.exists() and any(leads_to(name, other) for other in others))


def key_of(lock: Path, **content: Any) -> str:
    """Return what a selection hangs on: the lock's bytes, and whatever decided what is taken from it.

    Raises:
        UsageProblem: what stands in the lock's place is no file that can be read.
    """
    try:
        data = lock.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise UsageProblem(
            f"the lock {lock} cannot be read: {error.strerror or error}; correct that, or have 'lock' in [eggcarton] "
            "name another file"
        ) from error
    return hashlib.sha256(data + json.dumps([_FORMAT, content], sort_keys=True).encode()).hexdigest()


def set_key(requirements: Sequence[str], allowed: Collection[str] = ()) -> str:
    """Return the key of a working set: parts that ask for the same in any order share one.

    Args:
        requirements: what is asked for.
        allowed: the names of what the machine may answer.
    """
    content = json.dumps([sorted(set(requirements)), sorted(allowed)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def load(path: Path) -> Selection | None:
    """Return the selection of the last run, or None where there is none."""
    try:
        raw = json.loads(path.read_text("utf-8"))
        return Selection(raw["key"], raw["distributions"], raw["sets"], raw.get("surplus", False), raw.get("start", ""))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def current(path: Path, found: Selection) -> Selection:
    """Return a selection that stands after this start of the machine, and note that where that is new."""
    now = seals.machine_start()
    if found.start != now:
        found = replace(found, start=now)
        save(path, found)
    return found


def save(path: Path, selection: Selection) -> None:
    """Keep a selection, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(selection), indent=1), "utf-8")
    os.replace(temporary, path)
