"""An attribute of somebody else's module or class is another one while a block runs, and then what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """Replace an attribute by what is made of it, or of None where there is none."""
    original = getattr(owner, name, None)
    setattr(owner, name, make(original))
    try:
        yield
    finally:
        if original is None:
            delattr(owner, name)
        else:
            setattr(owner, name, original)
