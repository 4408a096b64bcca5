"""What looks like ours in a configuration and has no effect, or another than meant: it is told, never silent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from eggcarton.buildout import develop
from eggcarton.buildout.indexes import looks_like_one
from eggcarton.buildout.recipes import OURS
from eggcarton.buildout.sections import Sections
from eggcarton.buildout.settings import SECTION, Options
from eggcarton.core.errors import UsageProblem
from eggcarton.core.names import canonical_name
from eggcarton.core.options import declared
from eggcarton.indexes.routing import Index

_ELSEWHERE = {"lock", "cache", "compile"}
# Those of zc.buildout that have an effect on what is built; its own defaults do not hold them all.
_OF_BUILDOUT = frozenset(
    {
        *("abi-tag-eggs", "allow-hosts", "allow-picked-versions", "allow-unknown-extras", "bin-directory"),
        *("develop", "develop-eggs-directory", "directory", "download-cache", "eggs-directory", "executable"),
        *(
            "extends",
            "extends-cache",
            "extensions",
            "find-links",
            "index",
            "install-from-cache",
            "installed",
            "log-format",
        ),
        *("log-level", "newest", "offline", "parts", "parts-directory", "prefer-final", "python", "relative-paths"),
        *("show-picked-versions", "socket-timeout", "update-versions-file", "use-dependency-links", "versions"),
    }
)


def check_extensions(buildout: Any, known: Collection[str]) -> None:
    """Refuse an extension that is almost called like ours before zc.buildout asks an index for it.

    Args:
        known: the canonical names of what the toolchain holds.

    Raises:
        UsageProblem: it is so, and nothing says that another one is meant.
    """
    section = buildout["buildout"]
    named = [canonical_name(word) for word in section.get("extensions", "").split()]
    if OURS in named:
        return
    pinned = {canonical_name(name) for name in buildout.versions}
    for name in set(get_close_matches(OURS, named, cutoff=0.85)) - pinned - set(known):
        sources = develop.directories(section.get("develop", ""), Path(section["directory"]), lambda remark: None)
        if not any(name in develop.names_in(source) for source in sources):
            raise UsageProblem(
                f"[buildout] option 'extensions': there is no {name} here: did you mean {OURS}? If not, pin it in "
                f"[{section.get('versions', 'versions')}]"
            )


def check(buildout: Any) -> Iterator[str]:
    """Give a warning for each name that nothing reads.

    Raises:
        UsageProblem: a section is almost called like ours: what it says, such as that the lock is frozen, must not be
            lost.
    """
    raw = buildout._raw
    sections = {name: options for name, options in raw.items() if "recipe" not in options}
    for name in sections:
        if name != SECTION and get_close_matches(name, [SECTION], cutoff=0.8):
            raise UsageProblem(f"nothing reads the section [{name}]: did you mean [{SECTION}]?")
    versions = raw["buildout"].get("versions", "versions")
    # zc.buildout pins itself there where nobody else does.
    is_pinned = bool(set(raw.get(versions, {})) - {"zc.buildout", "zc.recipe.egg"})
    groups = {options.get("lock-group", options.get("lock_group", "")).strip() for options in raw.values()}
    for name in sections:
        if name.startswith(f"{versions}-"):
            group = name.removeprefix(f"{versions}-")
            if group not in groups:
                yield f"nothing reads the section [{name}]: no part has lock-group = {group}"
        elif name != versions and not is_pinned and get_close_matches(name, [versions], cutoff=0.85):
            yield f"nothing is pinned by the section [{name}]: did you mean [{versions}]?"
    if "lock-group" in raw.get(SECTION, {}):
        yield f"[{SECTION}] option 'lock-group' has no effect: it belongs into the section of a part"
    for name in sorted(set(raw["buildout"]) - _OF_BUILDOUT):
        if near := get_close_matches(name, _OF_BUILDOUT, n=1, cutoff=0.9):
            yield f"[buildout] option '{name}' is not known: did you mean '{near[0]}'?"
    if raw["buildout"].get("install-from-cache", "false") == "true":
        yield (
            "[buildout] option 'install-from-cache' has no effect: files come from eggcarton's own cache, and from the "
            "index where they are not there; 'offline = true' keeps that from being asked"
        )
    yield from _services(raw)
    ours = {option.name for option in declared(Options)} - _ELSEWHERE
    for name in sorted(ours & set(raw["buildout"])):
        yield f"[buildout] option '{name}' has no effect: it belongs into [{SECTION}]"


def _services(raw: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Give a warning for each section of a service that nothing names, and that no other section uses."""
    texts = [text for options in raw.values() for text in options.values()]
    used = {word for options in raw.values() for name in ("services", "<") for word in options.get(name, "").split()}
    for name, options in raw.items():
        if name in used or "recipe" in options or "command" not in options:
            continue
        from eggcarton.core import services

        if services.looks_like_one(options) and not any(f"${{{name}:" in text for text in texts):
            yield f"nothing reads the section [{name}]: if it is a service, name it in 'services' of a part"


def indexes(sections: Sections, known: Sequence[Index]) -> Iterator[str]:
    """Give a warning for each part that names an index none asks, and each section of an index that nothing reads.

    Args:
        known: the indexes that are asked.
    """
    addresses = {_address(index.url) for index in known}
    named = sections.section(SECTION).get("indexes", "").split()
    whole = "all that is locked comes from one index, that of [buildout]; what lies elsewhere is named in 'find-links'"
    if named:
        whole = f"'projects' in the sections of 'indexes' in [{SECTION}] tells where each name is asked"
    for part in sections.parts():
        own = sections.section(part).get("index", "").strip()
        if "://" in own and _address(own) not in addresses:
            yield f"[{part}] option 'index' has no effect under the extension: {whole}"
    for name, options in sections.items():
        if name not in named and looks_like_one(options):
            yield f"nothing reads the section [{name}]: if it is an index, name it in 'indexes' of [{SECTION}]"


def _address(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc, re.sub("/+", "/", parts.path).strip("/")


def conditions(buildout: Any) -> list[str]:
    """Return the headers of ``[versions]`` that hold on some Pythons or platforms only, each with its file."""
    versions = re.escape(buildout["buildout"].get("versions", "versions"))
    header = re.compile(rf"^\[\s*{versions}\s*:\s*(\S.*?)\s*\]", re.MULTILINE)
    keys = [key for options in buildout._annotated.values() for key in options.values()]
    files = sorted({item.source for key in keys for item in key.history if Path(item.source).is_file()})
    root = Path(buildout["buildout"]["directory"])
    return [
        f"{match[0]} in {Path(file).relative_to(root) if Path(file).is_relative_to(root) else Path(file).name}"
        for file in files
        for match in header.finditer(Path(file).read_text("utf-8", "replace"))
    ]


def remark_on(headers: list[str]) -> str:
    """Return what is to be known of a lock whose pins hang on conditions."""
    first = headers[0].partition(":")[2].rpartition("]")[0].strip()
    return (
        f"{', '.join(headers)}: conditions are decided where the lock is made, for all Pythons and platforms that it "
        f"is for; where others need other versions, give them a lock of their own by 'lock' in [{SECTION}:{first}]"
    )
