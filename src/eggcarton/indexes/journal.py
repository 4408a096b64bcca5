"""What came from where in a run: one event a request, kept by whoever is told of it."""

from __future__ import annotations

from dataclasses import dataclass

PAGE, FILE, METADATA, OTHER = "page", "file", "metadata", "other"


@dataclass(frozen=True, slots=True)
class Event:
    """One request, as `bin/eggcarton mirrors` and the state file tell it.

    Attributes:
        index: the name of the index, or what else was asked.
        route: the route's address, without credentials.
        what: ``page``, ``file``, ``metadata`` or ``other``.
        name: the project or the file.
        status: the HTTP status, None where none came.
        fault: how it failed, None where it served.
        bytes: of the body, as received.
        seconds: from the request to its end.
        first_byte: seconds until the first byte of the answer, None where none came.
        resumed: whether it went on with what had come before.
        hedged: whether it was a second request beside a slow one.
    """

    index: str
    route: str
    what: str
    name: str
    status: int | None = None
    fault: str | None = None
    bytes: int = 0
    seconds: float = 0.0
    first_byte: float | None = None
    resumed: bool = False
    hedged: bool = False
