"""Which index a project's name is asked at: one table, and never another index when that one is down."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Index:
    """A namespace and its canonical route.

    ``url`` is the address of the simple API; ``projects`` are the names and patterns asked here and nowhere else;
    an index without any is the default for all others.
    """

    name: str
    url: str
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """The table of all indexes of a build, the default one among them."""

    indexes: tuple[Index, ...]

    def index_of(self, project: str) -> Index:
        """Return the one index for a normalised project name: exact name, longest pattern, then the default."""
        best: tuple[int, Index] | None = None
        for index in self.indexes:
            for pattern in index.projects:
                if pattern == project:
                    return index
                if fnmatchcase(project, pattern) and (best is None or len(pattern) > best[0]):
                    best = (len(pattern), index)
        if best is not None:
            return best[1]
        for index in self.indexes:
            if not index.projects:
                return index
        raise LookupError(project)

    def named(self, name: str) -> Index | None:
        """Return the index that a lock calls by this name."""
        return next((index for index in self.indexes if index.name == name), None)
