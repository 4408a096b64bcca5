"""Fetch files in a process of its own, which a test can kill: ``python fetching.py ORDER``, an order being JSON.

The order: ``routes`` (addresses, the canonical one last), ``cache``, ``files`` (the fields of `Wanted`), ``trouble``:
``full`` (no file may grow beyond 64 kB), ``replace`` (killed before a file gets its name) or none; ``plain`` where
plain urllib is to fetch, which believes a name that is there, and writes to the name itself or, with ``beside``,
beside it first. It prints one line when all files are there, or how it failed.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Any

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index, Mirror, Routing
from eggcarton.indexes.wanted import Wanted


def trouble(name: str) -> None:
    """Bring about what an order calls trouble."""
    if name == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    elif name == "replace":

        def killed(event: str, arguments: object) -> None:
            if event == "os.rename":
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(killed)


def plainly(order: dict[str, Any]) -> None:
    """Fetch by plain urllib from the last route: the control."""
    cache = Path(order["cache"])
    cache.mkdir(exist_ok=True)
    base = order["routes"][-1].removesuffix("simple/")
    for file in order["files"]:
        place = cache / file["name"]
        if place.exists():
            continue
        beside = place.with_name(f"{place.name}.part") if order.get("beside") else place
        with urllib.request.urlopen(base + file["hint"], timeout=300) as response, beside.open("wb") as stream:
            shutil.copyfileobj(response, stream)
        if beside != place:
            beside.rename(place)
    print(f"{len(order['files'])} files", flush=True)


def main() -> None:
    """Do what the order says."""
    order = json.loads(sys.argv[1])
    trouble(order["trouble"])
    if order.get("plain"):
        plainly(order)
        return
    *mirrors, canonical = order["routes"]
    network = Network(Client(connect=60.0, read=60.0))
    index = Index("main", canonical, mirrors=tuple(map(Mirror, mirrors)))
    fetcher = Fetcher(Cache(Path(order["cache"])), Pages(Routing((index,)), network), network)
    try:
        found = fetcher.fetch([Wanted(**file) for file in order["files"]])
    except EggcartonError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(f"{len(found)} files", flush=True)


if __name__ == "__main__":
    main()
