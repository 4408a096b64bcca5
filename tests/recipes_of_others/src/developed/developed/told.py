"""What runs here, and with what."""

import os
import sys
from importlib import metadata


def main(*words: str) -> None:
    """Tell what was handed over, and what can be imported."""
    print("words:", *words, *sys.argv[1:])
    print("set:", *sorted(name for name in os.environ if name.startswith("OF_")))
    print(
        "found:", ", ".join(f"{name} {metadata.version(name)}" for name in ("developed", "waitress", "zope.interface"))
    )
