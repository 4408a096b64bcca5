"""The indexes of a build: each name is asked at one of them, and mirrors change only where the bytes come from.

The option ``indexes`` of ``[eggcarton]`` names the sections, which may be called anything. A name is asked at the index
whose ``projects`` hold it, by its exact name or else by the longest pattern, and all other names at the one index
without ``projects``, the default one. What one index does not have is never looked for at another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import OptionProblems, UsageProblem
from eggcarton.core.options import declared, option, read_options
from eggcarton.core.readers import Secret, boolean, name_patterns, reads, shown
from eggcarton.indexes import configured
from eggcarton.indexes.routing import AFTER_ALL, DEFAULT, Index, Mirror

_MIRROR = "URL [tier=NUMBER] [only=files|pages] [layout=sha256]"
_CHOICES = {"only": ("files", "pages"), "layout": ("sha256",)}
_REMOTE = ("http", "https")


@reads("the address of an index, which begins with http:// or https://")
def address(value: str) -> str:
    """Return the address of the simple API of an index."""
    return _address(value)


@reads(f"mirrors, one a line: ``{_MIRROR}``")
def mirrors(value: str) -> tuple[Mirror, ...]:
    """Return one mirror for each line that is not empty."""
    return tuple(_mirror(line.split()) for line in value.splitlines() if line.strip())


@reads("canonical, any, or quorum:NUMBER")
def authority(value: str) -> str:
    """Return whose hashes enter a lock."""
    match = re.fullmatch(r"canonical|any|quorum:([0-9]{1,3})", value)
    if not match:
        raise ValueError("is not 'canonical', 'any' or 'quorum:NUMBER'")
    if match[1] and int(match[1]) < 2:
        raise ValueError("is no quorum: at least two routes must agree")
    return f"quorum:{int(match[1])}" if match[1] else value


@reads("netrc, keyring, none, or env:NAME")
def credentials(value: str) -> str:
    """Return where credentials are."""
    if not re.fullmatch(r"netrc|keyring|none|env:[A-Za-z_][A-Za-z0-9_]*", value):
        # It may be the secret itself.
        raise Secret(
            "what stands there is not 'netrc', 'keyring', 'none' or 'env:NAME', where NAME is that of a variable"
        )
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What may be told of one index."""

    url: str | None = option(
        address,
        "where its simple API is; without it the index that ``[buildout]`` names, else that of ``PIP_INDEX_URL``, of "
        "pip's configuration, or the public one as zc.buildout knows it, which only the default index can be",
        default=None,
    )
    mirrors: tuple[Mirror, ...] = option(
        mirrors,
        "other routes to the same files: those of the lowest ``tier`` (1 where it is not told) are asked first, the "
        "index itself after all of them; ``only=files`` is never asked what there is while locking, ``only=pages`` "
        "never for files, and ``layout=sha256`` has files at ``URL/sha256/HEX`` and knows no names",
        default="",
    )
    projects: tuple[str, ...] = option(
        name_patterns,
        "what is asked here and nowhere else; without it all that no other index is named for",
        default="",
    )
    authority: str = option(
        authority,
        "whose hashes enter a lock: those of the index itself; ``quorum:2`` those that two routes agree on; ``any`` "
        "those of whichever route answers first",
        default="canonical",
    )
    credentials: str = option(
        credentials,
        "where the user and the password for its addresses are: ``netrc`` is ``~/.netrc`` or the file that ``NETRC`` "
        "names, ``keyring`` the program of that name, ``env:NAME`` a variable that holds ``USER:PASSWORD`` or a token "
        "for the host of ``url``; those that an address itself holds come first",
        default="netrc",
    )
    allow_stale: bool = option(
        boolean, "whether a page is taken that is older than one that was seen before, with a warning", default="false"
    )


def read(
    names: Sequence[str], sections: Mapping[str, Mapping[str, str]], usual: Callable[[], str]
) -> tuple[tuple[Index, ...], tuple[str, ...]]:
    """Return the indexes of a build, and warnings about their sections.

    Args:
        names: those of the sections, in the order of the option ``indexes``; empty where there is none.
        sections: the options of the sections that there are, by their names.
        usual: returns the address of the index that is asked where nothing else is told.

    Raises:
        UsageProblem: all that is wrong with the sections, and with all of them together.
    """
    if not names:
        return (Index(DEFAULT, usual()),), ()
    found, problems, warnings = list[Index](), list[str](), list[str]()
    for name in dict.fromkeys(names):
        try:
            index, told = _index(name, sections, usual)
        except OptionProblems as wrong:
            problems.append(str(wrong))
        else:
            found.append(index)
            warnings += told
    problems += [f"[eggcarton] option 'indexes': {line}" for line in _together(names, found, complete=not problems)]
    if problems:
        raise UsageProblem("\n".join(problems))
    return tuple(found), tuple(warnings)


def check_named(names: Collection[str], sections: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse a section with names of its own that nothing reads: these names would be asked at another index.

    Args:
        names: those that the option ``indexes`` holds.
        sections: the options of the sections that there are, by their names.

    Raises:
        UsageProblem: there is such a section.
    """
    problems = [
        f"nothing reads the section [{name}], which has 'url' and 'projects' like an index, so that its names would be "
        "asked elsewhere: name it in 'indexes' of [eggcarton], or remove it"
        for name, values in sections.items()
        if name not in names and {"url", "projects"} <= values.keys() and looks_like_one(values)
    ]
    if problems:
        raise UsageProblem("\n".join(problems))


def looks_like_one(values: Mapping[str, str]) -> bool:
    """Tell whether a section may be meant for an index, though nothing names it."""
    if "recipe" in values or not {"projects", "mirrors"} & values.keys():
        return False
    options = _readable("", values)
    return bool(options.mirrors or (options.url and options.projects))


def _index(
    name: str, sections: Mapping[str, Mapping[str, str]], usual: Callable[[], str]
) -> tuple[Index, tuple[str, ...]]:
    values = sections.get(name)
    if values is None:
        near = get_close_matches(name, sections, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"write [{name}], or leave the name out"
        raise OptionProblems("eggcarton", [f"option 'indexes': there is no section [{name}]: {hint}"])
    if "recipe" in values or name in ("buildout", "eggcarton"):
        raise OptionProblems("eggcarton", [f"option 'indexes': [{name}] is no index: give it a section of its own"])
    problems = list[str]()
    try:
        reading = read_options(Options, name, values, known=(), undoes=False)
    except OptionProblems as wrong:
        problems += wrong.problems
        options = _readable(name, values)
        warnings: tuple[str, ...] = ()
    else:
        options, warnings = reading.options, reading.warnings
    problems += _problems(options)
    if "url" in values and not values["url"].strip():
        # What is empty by accident must not become the public index.
        problems.append("option 'url': nothing stands behind it: write the address, or leave the option out")
    if problems:
        raise OptionProblems(name, problems)
    index = Index(
        name=name,
        url=options.url or usual(),
        projects=options.projects,
        mirrors=options.mirrors,
        authority=options.authority,
        credentials=options.credentials,
        allow_stale=options.allow_stale,
    )
    return index, (*warnings, *_exposed(name, options))


def _readable(name: str, values: Mapping[str, str]) -> Options:
    """Return the options that can be read, so that what is wrong with those together is told as well."""
    kept = dict[str, str]()
    for declaration in declared(Options):
        text = values.get(declaration.name, "").strip()
        try:
            declaration.reader(text)
        except ValueError:
            continue
        if text:
            kept[declaration.name] = text
    return read_options(Options, name or DEFAULT, kept).options


def _problems(options: Options) -> Iterator[str]:
    """Give what is wrong with the options of one section beside each other."""
    if options.projects and options.url is None:
        yield "option 'url' is missing: an index that only some names are asked at is never the usual one"
    if "*" in options.projects:
        yield "option 'projects': '*' is all names: leave 'projects' out, which makes this the default index"
    addresses = Counter(_same(url) for url in (options.url, *(mirror.url for mirror in options.mirrors)) if url)
    for url, count in addresses.items():
        if count > 1:
            yield f"{url} stands there {count} times: name it once, as 'url' or as one of 'mirrors'"
    kind, _, number = options.authority.partition(":")
    routes = 1 + sum(mirror.only != "files" and not mirror.hashed for mirror in options.mirrors)
    if kind == "quorum" and int(number) > routes:
        yield (
            f"option 'authority': 'quorum:{number}' wants more routes than there are: {routes} can tell what the index "
            "lists; add mirrors without 'only=files', or ask for fewer"
        )


def _together(names: Sequence[str], found: Sequence[Index], *, complete: bool) -> Iterator[str]:
    """Give what is wrong with the sections beside each other."""
    for name, count in Counter(names).items():
        if count > 1:
            yield f"'{name}' stands there {count} times: name it once"
    defaults = [f"[{index.name}]" for index in found if not index.projects]
    if len(defaults) > 1:
        yield (
            f"{' and '.join(defaults)} have no 'projects', and only one index is asked for all other names: give the "
            "others 'projects', or make them 'mirrors' of that one"
        )
    if not defaults and complete:
        yield "all of them have 'projects', and none is asked for all other names: name one that has none"
    owners: dict[str, list[str]] = {}
    for index in found:
        for pattern in index.projects:
            owners.setdefault(pattern, []).append(f"[{index.name}]")
    for pattern, those in owners.items():
        if len(those) > 1:
            yield f"'{pattern}' is in 'projects' of {' and '.join(those)}: a name is asked at one index only"
    canonical = {_same(index.url): index.name for index in found}
    for index in found:
        for mirror in index.mirrors:
            owner = canonical.get(_same(mirror.url), index.name)
            if owner != index.name:
                yield f"a mirror of [{index.name}] is the index [{owner}]: only what has the same files is a mirror"
    for first, second in _pairs(found):
        yield f"[{first}] and [{second}] have the same 'url': one of them is enough"


def _pairs(found: Sequence[Index]) -> Iterator[tuple[str, str]]:
    first: dict[str, str] = {}
    for index in found:
        known = first.setdefault(_same(index.url), index.name)
        if known != index.name:
            yield known, index.name


def _exposed(name: str, options: Options) -> Iterator[str]:
    """Give a remark for each option that holds credentials, without telling these."""
    held = {"url": [options.url or ""], "mirrors": [mirror.url for mirror in options.mirrors]}
    for key, urls in held.items():
        if any("@" in urlsplit(url).netloc for url in urls):
            yield (
                f"[{name}] option '{key}' holds credentials: they are used, and kept out of the lock; move them to "
                "where option 'credentials' finds them, since whoever reads the configuration knows them"
            )


def _same(url: str) -> str:
    """Return an address so that two spellings of one are equal, and without credentials."""
    parts = urlsplit(without_credentials(url))
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}/"


def _address(value: str) -> str:
    fault = configured.fault_of(value, _REMOTE)
    if fault:
        raise ValueError(f"is not the address of an index: {fault}")
    if "?" in value or "#" in value:
        raise ValueError(
            "is not the address of an index: the pages of an index lie below it, so that it ends with a path"
        )
    return value


def _mirror(words: Sequence[str]) -> Mirror:
    try:
        url = _address(words[0])
    except ValueError as error:
        raise ValueError(f"holds '{shown(words[0])}', which {error}; a line is {_MIRROR}") from None
    fields = _fields(words[1:])
    if fields.get("layout") and fields.get("only") == "pages":
        raise ValueError("holds 'layout=sha256 only=pages': a mirror that keeps files by their hash has no pages")
    only = "files" if fields.get("layout") else fields.get("only")
    return Mirror(url=url, tier=int(fields.get("tier", 1)), only=only, hashed="layout" in fields)


def _fields(words: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key in fields:
            raise ValueError(f"holds '{key}' twice in one line")
        if key == "tier" and re.fullmatch("[0-9]{1,3}", value) and int(value) < AFTER_ALL:
            fields[key] = int(value)
        elif value in _CHOICES.get(key, ()):
            fields[key] = value
        elif equals and key in ("tier", *_CHOICES):
            wanted = " or ".join(_CHOICES.get(key, ("a number from 0 to 999",)))
            raise ValueError(f"holds '{shown(word)}': {key} is {wanted}")
        else:
            near = get_close_matches(key, ["tier", *_CHOICES], n=1, cutoff=0.6)
            hint = (
                f"did you mean '{near[0]}='?" if near else f"a line is {_MIRROR}, and each mirror has a line to itself"
            )
            raise ValueError(f"holds '{shown(word)}', which is not known: {hint}")
    return fields
