"""Fetch files in a process of its own, which a test can kill: ``python fetching.py ORDER``, an order being JSON.

The order: ``routes`` (addresses, the canonical one last), ``cache``, ``files`` (the fields of `Wanted`), ``trouble``:
``full`` (no file may grow beyond 64 kB), ``replace`` (killed before a file gets its name) or none. It prints one line
when all files are there, or how it failed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index, Mirror, Routing
from eggcarton.indexes.wanted import Wanted


def main() -> None:
    """Do what the order says."""
    order = json.loads(sys.argv[1])
    *mirrors, canonical = order["routes"]
    if order["trouble"] == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    elif order["trouble"] == "replace":

        def killed(event: str, arguments: object) -> None:
            if event == "os.rename":
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(killed)
    network = Network(Client(connect=5.0, read=order.get("read", 5.0)))
    index = Index("main", canonical, mirrors=tuple(map(Mirror, mirrors)))
    fetcher = Fetcher(Cache(Path(order["cache"])), Pages(Routing((index,)), network), network)
    try:
        found = fetcher.fetch([Wanted(**file) for file in order["files"]])
    except EggcartonError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(f"{len(found)} files", flush=True)


if __name__ == "__main__":
    main()
