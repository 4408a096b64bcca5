"""The ``[eggcarton]`` section: how a build is locked, and where its files come from; all of it optional."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from eggcarton.buildout import bundled, indexes
from eggcarton.core import readers
from eggcarton.core.names import canonical_name
from eggcarton.core.options import Reading, option, read_options
from eggcarton.core.readers import boolean, choice, path, reads, text, words
from eggcarton.indexes import configured
from eggcarton.indexes.routing import Index, Routing
from eggcarton.packages import cutoff

SECTION = "eggcarton"
_REMOTE = ("http://", "https://")
_TOLD_ELSEWHERE = frozenset({"lock-group"})
_MISPLACED = {"find-links": "buildout"}


@reads("an age such as 7 days, or a date such as 2026-01-31")
def age_or_date(value: str) -> str:
    """Return an age in one spelling, or a moment in UTC."""
    return cutoff.check(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the extension may be told."""

    lock: Path = option(path, "the lock, relative to the buildout directory", default="pylock.toml")
    policy: str = option(
        choice("update", "frozen"),
        "``update`` locks what changed and says so; ``frozen`` refuses, for production and CI",
        default="update",
    )
    configs: tuple[str, ...] = option(
        words,
        "configurations that one lock serves, relative to the buildout directory; whenever something is locked, what "
        "all of them need is",
        default="",
    )
    requires_python: str | None = option(
        text,
        "the Pythons the lock is for; without it the running minor version and later, from the first patch version "
        "that the pins allow",
        default=None,
    )
    requirements: tuple[str, ...] = option(
        words,
        "requirements files whose lines every part without a ``lock-group`` gets beside its eggs; a part's own option "
        "``requirements`` names others instead, or none",
        default="",
    )
    exclude_newer: str | None = option(
        age_or_date,
        "nothing uploaded later is locked: a date, or an age such as ``7 days``, which becomes one when locking",
        default=None,
    )
    allow_sdist: tuple[str, ...] = option(
        words, "what may be built from source where there is no wheel; names and patterns", default=""
    )
    build_requires: tuple[str, ...] = option(
        readers.requirements,
        "what pip finds when a recipe starts it on its own; locked like all that builds from source require",
        default="",
    )
    compile: bool = option(
        boolean, "whether distributions are byte-compiled when they are unpacked into the store", default="false"
    )
    indexes: tuple[str, ...] = option(
        words,
        "the sections that say which index is asked for which names, and what mirrors it has; without them all is "
        "asked at one, the same as where such a section has no ``url``",
        default="",
    )
    cache: Path | None = option(
        path, "where fetched files are kept; without it the platform's cache directory", default=None
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The section and the parts of ``[buildout]`` that matter beside it, all paths absolute."""

    root: Path
    lock: Path
    frozen: bool
    requires_python: str
    asked_python: str | None
    requirements: tuple[str, ...]
    configs: tuple[str, ...]
    indexes: tuple[Index, ...]
    find_links: tuple[str, ...]
    offline: bool
    prereleases: bool
    unknown_extras: bool
    exclude_newer: str | None
    picked: bool
    allow_hosts: tuple[str, ...]
    allow_sdist: tuple[str, ...]
    build_requires: tuple[str, ...]
    compiled: bool
    cache: Path | None

    @property
    def index(self) -> str:
        """The address of the default index."""
        return Routing(self.indexes).index_of("").url

    def cache_directory(self) -> tuple[Path, str | None]:
        """Return a cache that can be written, and a remark when it is not the usual one."""
        if self.cache is not None:
            return self.cache, None
        return configured.cache_directory(os.environ, _home(), self.root)

    def terms(self) -> dict[str, Any]:
        """Return how a resolution chooses, as the child process is told."""
        return {
            "asked_python": self.asked_python,
            "prereleases": self.prereleases,
            "unknown_extras": self.unknown_extras,
            "exclude_newer": self.exclude_newer,
            "picked": self.picked,
            "indexes": Routing(self.indexes).projects,
        }

    def remedy(self) -> str | None:
        """Return what else may have to be done where a file is missing."""
        return bundled.remedy(self.root)

    def of_closed_set(self) -> dict[str, Any]:
        """Return where `closed.ensure` has the closed set from."""
        return {"index": self.index, "cache": lambda: self.cache_directory()[0], "offline": self.offline}

    def sources(self, cache: Path) -> dict[str, Any]:
        """Return where files come from, as the child process is told."""
        local = [link.removeprefix("file://") for link in self.find_links]
        directories = [str(self.root / link) for link in local if "://" not in link and (self.root / link).is_dir()]
        return {
            "indexes": [index.fields() for index in self.indexes],
            "find_links": directories + [link for link in self.find_links if link.startswith(_REMOTE)],
            "cache": str(cache),
            "directories": [str(self.lock.parent / "wheels"), *map(str, bundled.directories(self.root)), *directories],
            "offline": self.offline,
            "allow_hosts": list(self.allow_hosts),
        }


def read(
    sections: Mapping[str, Mapping[str, str]], buildout: Mapping[str, str], public_index: str
) -> tuple[Settings, tuple[str, ...]]:
    """Read the settings of a build.

    Args:
        sections: the options of all sections, by their names; ``[eggcarton]`` may be missing.
        buildout: ``[buildout]``.
        public_index: what zc.buildout asks when nobody names another.

    Returns:
        the settings, and warnings about options nobody knows.

    Raises:
        OptionProblems: the section is wrong.
        UsageProblem: those of the indexes are, or the address of the usual index.
    """
    reading = _read(sections.get(SECTION, {}))
    options = reading.options
    indexes.check_named(options.indexes, sections)
    root = Path(buildout["directory"])
    index = buildout.get("index", "").strip()
    offline = buildout.get("offline", "false") == "true"
    hosts = tuple(buildout.get("allow-hosts", "*").split()) or ("*",)
    links = buildout.get("find-links", "").split()
    blocked = [link for link in links if link.startswith(_REMOTE) and not configured.is_allowed(link, hosts)]
    known, told = indexes.read(options.indexes, sections, lambda: _usual(index, public_index))
    settings = Settings(
        root=root,
        lock=root / options.lock,
        frozen=options.policy == "frozen",
        asked_python=options.requires_python,
        requirements=options.requirements,
        configs=options.configs,
        requires_python=options.requires_python or f">={sys.version_info[0]}.{sys.version_info[1]}",
        indexes=known,
        find_links=tuple(link for link in links if link not in blocked),
        offline=offline,
        prereleases=buildout.get("prefer-final", "true") == "false",
        unknown_extras=buildout.get("allow-unknown-extras", "false") == "true",
        exclude_newer=options.exclude_newer,
        picked=buildout.get("allow-picked-versions", "true") == "true",
        allow_hosts=hosts,
        allow_sdist=tuple(canonical_name(name) for name in options.allow_sdist),
        build_requires=options.build_requires,
        compiled=options.compile,
        cache=root / options.cache.expanduser() if options.cache else None,
    )
    warnings = [*reading.warnings, *told, *_exposed(index, settings.find_links)]
    if index and options.indexes and settings.index != _usual(index, public_index):
        default = Routing(known).index_of("").name
        warnings.append(
            f"[buildout] option 'index' has no effect: [{default}] has a 'url' of its own; remove one of them"
        )
    warnings += [
        f"[buildout] option 'allow-hosts' keeps {urlsplit(link).hostname} from being asked, so that its part of "
        "'find-links' is left out"
        for link in blocked
    ]
    return settings, tuple(warnings)


def _read(values: Mapping[str, str]) -> Reading[Options]:
    # A policy that is empty by accident, as of a variable that is not set, must not become the lenient one.
    return read_options(Options, SECTION, values, known=_TOLD_ELSEWHERE, misplaced=_MISPLACED, undoes=False)


def _usual(index: str, public_index: str) -> str:
    """Return the index that is asked where no section tells another: what is configured first, or the public one."""
    if index:
        return configured.checked(index, "[buildout] option 'index'")
    return configured.index_url(os.environ, _home()) or public_index


def _exposed(index: str, links: Sequence[str]) -> Iterator[str]:
    """Give a remark for each option of ``[buildout]`` that holds credentials, without telling these."""
    use = "holds credentials: they are used, and kept out of the lock; move them to"
    why = "since whoever reads the configuration knows them"
    if "@" in urlsplit(index).netloc:
        yield f"[buildout] option 'index' {use} pip's configuration or to PIP_INDEX_URL, {why}"
    if any("@" in urlsplit(link).netloc for link in links if link.startswith(_REMOTE)):
        yield f"[buildout] option 'find-links' {use} ~/.netrc, {why}"


def _home() -> Path:
    # Path.home() raises where the account is unknown; what cannot be expanded cannot be written either.
    return Path(os.path.expanduser("~"))
