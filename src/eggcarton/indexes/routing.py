"""Which index a project's name is asked at, and by which routes: one table, and never another index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from eggcarton.core.errors import UsageProblem

CANONICAL, MIRROR, HASHED = "canonical", "mirror", "hashed"
DEFAULT = "default"
"""What the one index is called that the configuration gives no name."""

AFTER_ALL = 1_000
"""The tier of a canonical route while bytes are fetched by their hash: it is asked when no mirror has them."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Another route to an index, which changes where bytes come from and nothing else.

    Attributes:
        url: the address of its simple API, or of the directory that holds ``sha256/HEX`` where it is ``hashed``.
        tier: routes of a lower tier are asked first.
        only: ``files`` where it is never asked what an index lists while locking, ``pages`` where it has no files.
        hashed: whether it keeps files by their sha256, and knows no names.
    """

    url: str
    tier: int = 1
    only: str | None = None
    hashed: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One way to the files and pages of an index."""

    index: str
    url: str
    kind: str = CANONICAL
    tier: int = 0
    position: int = 0
    credentials: str = "netrc"

    @property
    def origin(self) -> str:
        """Scheme, host and port in lower case: what a breaker and credentials belong to."""
        return origin_of(self.url)


@dataclass(frozen=True, slots=True)
class Index:
    """A namespace and its canonical route.

    Attributes:
        name: what the configuration and the lock call it.
        url: the address of the simple API.
        projects: the names and patterns asked here and nowhere else; the index without any is asked for all others.
        mirrors: other routes to the same files.
        authority: whose hashes enter a lock: ``canonical``, ``quorum:N`` or ``any``.
        credentials: where the credentials of its routes are: ``netrc``, ``keyring``, ``env:NAME`` or ``none``.
        allow_stale: whether a page that is older than one seen before is taken.
    """

    name: str
    url: str
    projects: tuple[str, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    authority: str = "canonical"
    credentials: str = "netrc"
    allow_stale: bool = False

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Index:
        """Return the index that `fields` was made of."""
        mirrors = tuple(Mirror(**mirror) for mirror in fields.get("mirrors", ()))
        return cls(**{**fields, "projects": tuple(fields.get("projects", ())), "mirrors": mirrors})

    def fields(self) -> dict[str, Any]:
        """Return all of it as JSON can tell it."""
        return asdict(self)

    @property
    def canonical(self) -> Route:
        """The route that speaks for the index."""
        return Route(self.name, self.url, credentials=self.credentials)

    def page_routes(self) -> tuple[Route, ...]:
        """Return the routes that may be asked what the index lists, the canonical one first."""
        mirrors = [mirror for mirror in self.mirrors if mirror.only != "files" and not mirror.hashed]
        return (self.canonical, *self._routes(mirrors))

    def file_routes(self) -> tuple[Route, ...]:
        """Return the routes that files may come from, the canonical one last."""
        last = Route(self.name, self.url, tier=AFTER_ALL, position=len(self.mirrors), credentials=self.credentials)
        return (*self._routes([mirror for mirror in self.mirrors if mirror.only != "pages"]), last)

    def all_routes(self) -> tuple[Route, ...]:
        """Return every route once, by tiers, the canonical one last."""
        found = {route.url: route for route in (*self.file_routes(), *self.page_routes()[1:])}
        return tuple(sorted(found.values(), key=lambda route: (route.tier, route.position)))

    def only(self, route: Route) -> str | None:
        """Return what alone a route is asked for, ``files`` or ``pages``."""
        known = (mirror.only for mirror in self.mirrors if mirror.url == route.url and route.kind != CANONICAL)
        return next(known, None)

    def _routes(self, mirrors: list[Mirror]) -> list[Route]:
        found = [
            Route(self.name, m.url, HASHED if m.hashed else MIRROR, m.tier, self.mirrors.index(m), self.credentials)
            for m in mirrors
        ]
        return sorted(found, key=lambda route: (route.tier, route.kind == HASHED, route.position))


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

    @classmethod
    def of_projects(cls, projects: Mapping[str, Sequence[str]]) -> Routing:
        """Return the table of indexes of which only the names and patterns matter, with a default one beside them."""
        named = (Index(name, "", tuple(patterns)) for name, patterns in projects.items())
        return cls((*named, Index(DEFAULT, "")))

    @property
    def projects(self) -> dict[str, list[str]]:
        """The names and patterns that each index but the default one is asked for."""
        return {index.name: list(index.projects) for index in self.indexes if index.projects}

    @property
    def default(self) -> Index:
        """The index of all names that no other one is named for."""
        return self.index_of("")

    def at(self, project: str) -> str | None:
        """Return what a lock calls the index of a project: its name, None where it is the default one."""
        index = self.index_of(project)
        return None if index is self.default else index.name

    def locked(self, project: str, name: str | None) -> Index:
        """Return the index that a locked project is asked at.

        Args:
            project: its normalised name.
            name: what the lock calls its index, None where it names none.

        Raises:
            UsageProblem: there is no index of that name any more, and nobody says what else is asked for the project:
                the default one must never be asked for the names of a private one.
        """
        found = self.named(name) if name is not None else None
        if found is None and name is not None and self.at(project) is None:
            raise UsageProblem(
                f"the lock has {project} from the index {name!r}, and no such index is configured: name it in "
                "'indexes' of [eggcarton], or name another index for it by 'projects'; else remove the lock, and "
                f"{project} is asked at the default index"
            )
        return found or self.index_of(project)

    def named(self, name: str) -> Index | None:
        """Return the index that a lock calls by this name."""
        return next((index for index in self.indexes if index.name == name), None)


@lru_cache(4096)
def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, without credentials.

    >>> origin_of("https://me:secret@Index.example/simple/")
    'https://index.example:443'
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return "file://"
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    host = (parts.hostname or "").lower()
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
