"""What a lock wants of the indexes: one file each."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Wanted:
    """One locked file: what it is, and what is known of where it lies.

    ``size`` is in bytes; ``hint`` is the path at which its index last had it, without the host, and may be stale.
    ``url`` is set where it was asked for by its address: then no index is asked.
    """

    project: str
    name: str
    sha256: str
    size: int | None = None
    index: str | None = None
    hint: str | None = None
    url: str | None = None

    @property
    def is_of_part(self) -> bool:
        """Whether a part names it by its address and sha256; what is extended is named by its whole address."""
        return not self.project and self.url not in (None, self.name)


def hint_of(url: str) -> str:
    """Return the part of a file's address that another route to the same index may share: its path."""
    return urlsplit(url).path.lstrip("/")
