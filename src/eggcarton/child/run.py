"""What all requests of one run share: its network, the health that it begins with, and what it is told of."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from eggcarton.indexes import kept_health
from eggcarton.indexes.health import Health
from eggcarton.indexes.journal import Event, Journal
from eggcarton.indexes.routing import Route

if TYPE_CHECKING:
    from eggcarton.indexes.network import Network

Make: TypeAlias = "Callable[[Health, Callable[[Event], None], Callable[[str], None]], Network]"


@dataclass(slots=True)
class Run:
    """One run, in which several operations go out by the same network one after the other.

    Args:
        wall: the wall clock.
        now: the clock of the networks, which never goes back.
        say: tells the user a sentence at once, as what is waited for; warnings come with the answer.
    """

    wall: Callable[[], float] = time.time
    now: Callable[[], float] = time.monotonic
    say: Callable[[str], None] = lambda sentence: None
    _networks: dict[Hashable, Network] = field(default_factory=dict)
    _kept: dict[Path, list[Network]] = field(default_factory=dict)
    _warnings: list[str] = field(default_factory=list)
    _journal: Journal = field(default_factory=Journal)

    def network(self, make: Make, key: Hashable, *, health: Path, keeps: bool) -> Network:
        """Return the network for requests of one kind, the one that there is already if there is one.

        Args:
            make: makes it, of the health that it begins with, and of whom to tell of requests and whom to warn.
            key: two requests with the same one share connections and health.
            health: the file in which health is kept between runs.
            keeps: whether that may be written.
        """
        if key not in self._networks:
            known = Health()
            known.remember(kept_health.read(health), self.now(), self.wall())
            self._networks[key] = make(known, self._journal.note, self._warnings.append)
            if keeps:
                self._kept.setdefault(health, []).append(self._networks[key])
        return self._networks[key]

    def told(self) -> dict[str, Any]:
        """Return what there is to tell since this was last asked for; keep the health of what was asked by then.

        Returns:
            ``routes``, the fields of a `Tally` each; ``instead``, those of `Instead`; ``warnings``, a sentence each.
            Nothing where nothing happened.
        """
        tallies, instead = self._journal.taken()
        warnings = self._warnings[:]
        del self._warnings[: len(warnings)]
        for health, networks in self._kept.items() if tallies else ():
            for network in networks:
                wall = self.wall()
                kept_health.add(health, network.known(wall), wall)
        for tally in tallies:
            states = {network.state(Route(tally.index, tally.route)) for network in self._networks.values()}
            tally.state = next((state for state in ("out", "resting", "embargoed") if state in states), "ready")
        told = {"routes": [tally.fields() for tally in tallies], "instead": [asdict(one) for one in instead]}
        return {name: found for name, found in {**told, "warnings": warnings}.items() if found}


_running: list[Run] = []


def begin(say: Callable[[str], None] = lambda sentence: None) -> Run:
    """Have all that is done in this process from now on belong to one run, which has `say` as it tells."""
    _running[:] = [Run(say=say)]
    return _running[0]


def current() -> Run:
    """Return the run that has begun; where none has, each asking is one of its own."""
    return _running[0] if _running else Run()
