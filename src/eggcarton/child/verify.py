"""Compare what stands with its locks, byte by byte, and take the digest of all of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eggcarton.child.asked import ASKED, needs_of
from eggcarton.core.editable import edited
from eggcarton.core.errors import IntegrityProblem
from eggcarton.core.records import Record
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.packages import environment, generations, given, markers, tree
from eggcarton.packages import lock as locks
from eggcarton.packages import verify as checks
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.lock import Lock, LockedFile
from eggcarton.packages.member import OF_MACHINE
from eggcarton.packages.needs import Needs, activated, closure, drift
from eggcarton.packages.wheels import file_for_here

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NAMED = re.compile(rb"environments/([0-9a-f]{16})/")


def verify(
    *,
    locked: Sequence[Mapping[str, Any]],
    sources: Mapping[str, Any],
    records: str,
    parts: Sequence[str],
    places: Mapping[str, str],
    python: Sequence[str],
    pythons: Sequence[Sequence[str]] = (),
    caches: Sequence[str] = (),
) -> dict[str, Any]:
    """Check the store, the environments and what parts own.

    Args:
        locked: a mapping a lock: its path, what is asked of it, and what was ``built`` from it: the version, sha256 and
            egg of each distribution by canonical name, None before the first build; and ``beside``, a list of the same
            for other Pythons.
        sources: where files are at hand: ``cache`` and ``directories``.
        records: where it is recorded what parts own; environments lie there too.
        parts: the parts that have such records.
        places: the directories of this machine, each with the word that stands for it in the tree digest.
        python: the executable and the version of the Python that environments are made for.
        pythons: the same of others, which some are made for.
        caches: what these have compiled, and would compile the same again.

    Returns:
        ``findings`` (path, what and why of each); ``remove``, the eggs and environments that these are in, which no
        build looks into; sentences in ``unpinned``, ``unlocked`` and ``from_machine``; the names of files in
        ``absent``; ``edited`` files; ``unchecked``, how many only pytest could check; the tree's ``digest``.
    """
    checks.take_for_right(caches)
    at_hand = _AtHand.of(sources)
    unpinned, unlocked, absent = _locks(locked, at_hand)
    every = [built or {} for question in locked for built in (question["built"], *question.get("beside", ()))]
    identities = {(name, found["sha256"], found["egg"]) for built in every for name, found in built.items()}
    eggs = {egg: sha256 for _, sha256, egg in identities}
    interpreters = [Interpreter(Path(path), version) for path, version in (python, *pythons)]
    findings = [
        finding for egg, sha256 in sorted(eggs.items()) for finding in checks.of_egg(Path(egg), at_hand.find(sha256))
    ]
    spoilt = {egg for egg in eggs if any(Path(finding.path).is_relative_to(egg) for finding in findings)}
    owned, wrong = checks.of_parts(Path(records), parts)
    findings += wrong
    standing = _environments(Path(records) / "environments", owned)
    prefixes = {prefix: environment.python_of(prefix, interpreters) for prefix in standing}
    for prefix, interpreter in prefixes.items():
        findings += checks.of_environment(prefix, interpreter, identities, spoilt)
    return {
        "findings": [[finding.path, finding.what, finding.why] for finding in sorted(set(findings))],
        "remove": sorted(_to_remove({Path(finding.path) for finding in findings}, [*map(Path, eggs), *prefixes])),
        "unpinned": unpinned,
        "unlocked": unlocked,
        "from_machine": [line for prefix, interpreter in prefixes.items() for line in _of_machine(prefix, interpreter)],
        "absent": sorted(set(absent)),
        "edited": sorted(str(path) for record in owned.values() for path in edited(record)),
        "unchecked": _unchecked([*eggs, *prefixes]),
        "digest": _digest([Path(egg) for egg in eggs], prefixes, owned, interpreters, places),
    }


def _unchecked(places: Iterable[str | Path]) -> int:
    return sum(checks.kept_by_pytest(path) for place in places for path in Path(place).rglob("*-pytest-*.pyc"))


def right_caches(*, places: Sequence[str]) -> list[str]:
    """Return the files below some directories that hold what the Python of this process compiles from their modules."""
    found = (
        path for place in places for path in Path(place).rglob(f"__pycache__/*.{sys.implementation.cache_tag}*.pyc")
    )
    return [str(path) for path in found if checks.is_cache(path)]


def _locks(locked: Sequence[Mapping[str, Any]], at_hand: _AtHand) -> tuple[list[str], list[str], list[str]]:
    """Return sentences on what is not pinned and what is not locked, and the names of files that are not at hand."""
    unpinned, unlocked, absent = list[str](), list[str](), list[str]()
    for question in locked:
        lock = _read(Path(question["lock"]), question["built"], unpinned, unlocked)
        if lock is not None:
            needs = given.settled(lock, _needs(question))
            unpinned += _not_pinned(lock, needs, question["built"])
            for built in (question["built"], *question.get("beside", ())):
                unlocked += _not_locked(lock, built)
            absent += at_hand.absent(lock, needs)
    return unpinned, unlocked, absent


def _of_machine(prefix: Path, python: Interpreter) -> Iterator[str]:
    """Give what an environment imports that no lock names: it comes from the machine's own Python."""
    content = environment.content_of(prefix, python)
    if content is None:
        return
    for member in content.makeup.members:
        if member.identity.startswith(OF_MACHINE):
            yield f"{member.name} {member.version} comes from the machine's own Python, in {member.place}"
    if content.makeup.site_packages:
        yield "a part has include-site-packages = true, and sees all that the machine's own Python has"


def _to_remove(found: Collection[Path], places: Iterable[Path]) -> Iterator[str]:
    """Give the places that hold something that was found, and are there to be removed."""
    for place in places:
        if place.is_dir() and any(path.is_relative_to(place) for path in found):
            yield str(place)


def _needs(question: Mapping[str, Any]) -> Needs:
    return needs_of(**{key: question[key] for key in ASKED})


def _read(
    path: Path, built: Mapping[str, Mapping[str, str]] | None, unpinned: list[str], unlocked: list[str]
) -> Lock | None:
    """Return a lock; where it must not be obeyed, tell what is wrong, and whether it at least has the versions."""
    if not path.exists():
        unpinned.append(f"there is no {path.name}; run bin/buildout, which makes it")
        return None
    try:
        return locks.read(path)
    except IntegrityProblem as problem:
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
            versions = {(entry["name"], entry["version"]) for entry in raw["packages"]}
        except (ValueError, KeyError, TypeError):
            unpinned.append(str(problem))
            return None
        unpinned += [
            f"{name} {found['version']} stands here, and {path.name} does not have it; run bin/buildout"
            for name, found in (built or {}).items()
            if (name, found["version"]) not in versions
        ]
        unlocked.append(str(problem))
        return None


def _not_pinned(lock: Lock, needs: Needs, built: Mapping[str, Mapping[str, str]] | None) -> Iterator[str]:
    yield from drift(lock, needs)
    if built is None:
        return
    environment = markers.here()
    active = activated(lock, needs.develop, environment)
    for name in closure(active, [need.requirement for need in needs.needs], environment):
        if name not in needs.developed and name not in built:
            yield f"{name} {active[name].version} is locked and not yet built; run bin/buildout"
    for name, found in built.items():
        if name not in active or active[name].version != found["version"]:
            has = f"has {active[name].version}" if name in active else "does not have it"
            yield f"{name} {found['version']} stands here, and the lock {has}; run bin/buildout"


def _not_locked(lock: Lock, built: Mapping[str, Mapping[str, str]] | None) -> Iterator[str]:
    for name, found in (built or {}).items():
        packages = [package for package in lock.named(name) if package.version == found["version"]]
        files = {wheel.sha256 for package in packages for wheel in package.wheels}
        is_built = any(package.sdist and file_for_here(package) is package.sdist for package in packages)
        if packages and found["sha256"] not in files and not is_built:
            yield f"{name} {found['version']} came from a file whose sha256 the lock does not have; run bin/buildout"


class _AtHand:
    """The files that are here without any network; nothing is taken away, even what is spoilt."""

    def __init__(self, cache: Cache, directories: Sequence[Path]) -> None:
        self._cache, self._directories = cache, directories

    @classmethod
    def of(cls, sources: Mapping[str, Any]) -> _AtHand:
        cache = Path(sources["cache"])
        # What the toolchain shares with a lock comes into the store from files that bootstrap.py keeps by their names.
        kept = sorted(path for path in cache.glob("bootstrap/*") if path.is_dir())
        return cls(Cache(cache), [*(Path(place) for place in sources["directories"]), *kept])

    def find(self, sha256: str) -> Path | None:
        place = self._cache.place(sha256)
        return place if _has(place, sha256) else None

    def absent(self, lock: Lock, needs: Needs) -> Iterator[str]:
        environment = markers.here()
        for package in activated(lock, needs.develop, environment).values():
            file = None if package.name in needs.developed else file_for_here(package)
            if file is not None and not self._is_here(file):
                yield file.name

    def _is_here(self, file: LockedFile) -> bool:
        beside = (directory / file.name for directory in self._directories)
        return self.find(file.sha256) is not None or any(_has(path, file.sha256) for path in beside)


def _has(path: Path, sha256: str) -> bool:
    return path.is_file() and file_digest(path) == sha256


def _environments(directory: Path, owned: Mapping[str, Record]) -> Iterator[Path]:
    """Give the environments that the last complete build used, and those that what parts own starts in."""
    names = set(generations.used(directory))
    for record in owned.values():
        for path, entry in record.paths.items():
            if entry.kind == "file" and path.is_file():
                names |= {found.decode() for found in _NAMED.findall(path.read_bytes())}
    yield from (directory / name for name in sorted(names))


def _digest(
    eggs: Sequence[Path],
    prefixes: Mapping[Path, Interpreter],
    owned: Mapping[str, Record],
    pythons: Sequence[Interpreter],
    places: Mapping[str, str],
) -> str:
    tokens = tree.Tokens(places)
    entries = [entry for egg in eggs for entry in tree.of_egg(egg)]
    words: dict[str, str] = {}
    for prefix, python in prefixes.items():
        word, found = tree.of_environment(prefix, python, tokens)
        # What may be moved names it by its own name alone.
        words |= {str(prefix): word, prefix.name: word}
        entries += found
    others = {str(python.executable): f"{{python {python.minor}}}" for python in pythons[1:]}
    tokens = tokens.with_more({**words, **others, str(pythons[0].executable): "{python}"})
    for record in owned.values():
        entries += tree.of_record(record, tokens)
    return tree.digest(entries, pythons[0])
