"""Locks that other tools have written, and requirements files: what they say of each distribution, refused or taken."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.markers import Marker
from packaging.pylock import Pylock, PylockValidationError
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import IntegrityProblem, UsageProblem
from eggcarton.packages import foreign_origin, requirements_file, trusted
from eggcarton.packages.foreign_origin import Address
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.origin import Asked

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SHA256 = re.compile(r"[0-9a-f]{64}")
_EXACT = re.compile(r"==([^=*,]+)")
_EXTRAS = re.compile(r"\b(extras?|dependency_groups)\b")
_UV_VERSION = 1
_OTHERS = {
    "poetry.lock": "'poetry export' writes a requirements file of it",
    "pdm.lock": "'pdm export' writes a requirements file of it",
    "Pipfile.lock": "'pipenv requirements --hash' writes a requirements file of it",
}


@dataclass(frozen=True, slots=True)
class ForeignPackage:
    """One distribution as a foreign file has it.

    ``place`` is where it stands; ``specifier`` the version or versions that are meant; ``hashes`` are all sha256 that
    its files may have, empty where the file tells none; ``files`` those whose names are told too; ``source`` is set
    where it comes from no index, and tells from where; ``address`` then is that, if it can be locked.
    """

    name: str
    place: str
    specifier: str = ""
    marker: str | None = None
    hashes: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    address: Address | None = None

    @property
    def refused(self) -> str | None:
        """Where it comes from that nothing can be locked from; None where it can."""
        return self.source if self.address is None else None

    @property
    def exact(self) -> str | None:
        """The one version that is meant; None where several are."""
        found = _EXACT.fullmatch(self.specifier)
        return found[1] if found else None

    def admits(self, version: str) -> bool:
        """Tell whether a version is one of those that are meant."""
        return SpecifierSet(self.specifier).contains(Version(version), prereleases=True)


@dataclass(frozen=True, slots=True)
class ForeignLock:
    """All that a file says, and what of it was not understood or is of no use here, a sentence each."""

    file: str
    packages: tuple[ForeignPackage, ...]
    remarks: tuple[str, ...] = ()

    def named(self, name: str) -> tuple[ForeignPackage, ...]:
        """Return the entries of one project."""
        return tuple(package for package in self.packages if package.name == name)

    @property
    def constraints(self) -> tuple[str, ...]:
        """The versions as lines for a resolver; a marker stands where one project has several versions."""
        lines: dict[str, None] = {}
        for package in self.packages:
            if package.source is None and package.specifier:
                forked = len({other.exact for other in self.named(package.name)} - {None}) > 1
                marker = f" ; {package.marker}" if forked and package.marker else ""
                lines[f"{package.name}{package.specifier}{marker}"] = None
        return tuple(lines)

    @property
    def addresses(self) -> tuple[Asked, ...]:
        """What does not come from an index, and can be locked."""
        return tuple(
            Asked(package.name, package.address[0], package.place, package.address[1], package.hashes, imported=True)
            for package in self.packages
            if package.address is not None
        )

    @property
    def hashes(self) -> dict[str, frozenset[str]]:
        """All sha256 by the name of a project, where the file tells any."""
        names = dict.fromkeys(package.name for package in self.packages if package.hashes)
        return {name: frozenset[str]().union(*(entry.hashes for entry in self.named(name))) for name in names}


def read(path: Path) -> ForeignLock:
    """Read uv.lock, a pylock.toml, or a requirements or constraints file.

    Raises:
        UsageProblem: the file cannot be read, or is none of these.
        IntegrityProblem: an entry must not be obeyed: it has other hashes than sha256 alone, a path that leaves the
            folder, or an address with credentials.
    """
    if path.name in _OTHERS:
        raise UsageProblem(f"{path.name} cannot be read here; {_OTHERS[path.name]}, which can")
    found = _of_toml(path) if path.suffix in (".toml", ".lock") else _of_requirements(path)
    _check_versions(found)
    return found


def contradictions(foreign: ForeignLock, pins: Mapping[str, SpecifierSet]) -> list[str]:
    """Return where the file and the ranges of ``[versions]``, by canonical name, exclude each other, a line each."""
    found = []
    for package in foreign.packages:
        pin = pins.get(package.name)
        if package.exact and pin is not None and not pin.contains(Version(package.exact), prereleases=True):
            found.append(f"[versions] asks for {package.name} {pin}, {package.place} has {package.exact}")
    return found


def with_hashes_of(foreign: ForeignLock, lock: Lock) -> Lock:
    """Return a lock whose files are those alone whose sha256 the foreign file tells, where it tells any.

    Raises:
        IntegrityProblem: what the index tells contradicts the file. All that does is named.
        UsageProblem: the lock needs what the file takes from elsewhere than an index.
    """
    problems, elsewhere, packages = [], [], []
    for package in lock.packages:
        entries = foreign.named(package.name)
        elsewhere += [f"{entry.place}: {entry.name} comes from {entry.source}" for entry in entries if entry.refused]
        theirs = [entry for entry in entries if entry.admits(package.version)]
        told = frozenset[str]().union(*(entry.hashes for entry in theirs))
        wrong = [line for entry in theirs for line in _contradicted(entry, package)]
        kept = trusted.restricted(package, told or None)
        if not wrong and not kept.wheels and kept.sdist is None:
            wrong = [
                f"{theirs[0].place}: none of its hashes is that of a file that the index has of {package.name} "
                f"{package.version} and that can be taken"
            ]
        problems += wrong
        packages.append(kept)
    if elsewhere:
        raise UsageProblem(refused_sources(elsewhere))
    if problems:
        told_by = f"{foreign.file} and the index contradict each other, so that nothing was locked:"
        raise IntegrityProblem("\n".join([told_by, *(f"  {line}" for line in problems)]))
    return replace(lock, packages=tuple(packages))


def refused_sources(lines: Iterable[str]) -> str:
    """Return the sentence that refuses what comes from elsewhere than an index."""
    asked = "only what comes from an index, git or the address of an archive can be locked; put a wheel on your index:"
    return "\n".join([asked, *(f"  {line}" for line in dict.fromkeys(lines))])


def _contradicted(entry: ForeignPackage, package: LockedPackage) -> list[str]:
    return [
        f"{entry.place}: {file.name} has the sha256 {entry.files[file.name]}, on the index {file.sha256}"
        for file in (*package.wheels, *([package.sdist] if package.sdist else []))
        if entry.files.get(file.name, file.sha256) != file.sha256
    ]


def _check_versions(found: ForeignLock) -> None:
    for name in dict.fromkeys(package.name for package in found.packages):
        entries = [package for package in found.named(name) if package.exact]
        versions = sorted({str(entry.exact) for entry in entries})
        for entry in entries if len(versions) > 1 else ():
            if entry.marker is None or _EXTRAS.search(entry.marker):
                both = " and ".join(versions)
                raise IntegrityProblem(
                    f"{entry.place}: {found.file} has {name} {both} for the same Python and platform; keep one"
                )


def _of_requirements(path: Path) -> ForeignLock:
    found = requirements_file.read(path)
    packages, remarks = [], list(found.ignored)
    for entry in found.entries:
        place = str(entry.place)
        if entry.requirement is None or (entry.editable and "://" not in (entry.url or "")):
            url = without_credentials(entry.url or "")
            what = f"-e {url}" if entry.editable else f"{url} names no project"
            remarks.append(f"{place}: {what} is left out; what is developed here stands in 'develop' of [buildout]")
            continue
        requirement = entry.requirement
        source = without_credentials(entry.url) if entry.url else None
        packages.append(
            ForeignPackage(
                name=str(canonicalize_name(requirement.name)),
                place=place,
                specifier=str(requirement.specifier),
                marker=str(requirement.marker) if requirement.marker else None,
                hashes=sha256_in(entry.hashes, f"{place}: {requirement.name}"),
                source=source,
                address=foreign_origin.of_line(entry.url, place) if entry.url else None,
            )
        )
    return ForeignLock(path.name, tuple(packages), tuple(remarks))


def sha256_in(given: Sequence[str], what: str) -> frozenset[str]:
    """Return the sha256 among ``algorithm:digest``.

    Raises:
        IntegrityProblem: there are hashes, but no sha256 or one that is none.
    """
    found = frozenset(text.removeprefix("sha256:").lower() for text in given if text.startswith("sha256:"))
    wrong = next((sha256 for sha256 in sorted(found) if not _SHA256.fullmatch(sha256)), None)
    if wrong is not None:
        raise IntegrityProblem(f"{what}: {wrong!r} is not a sha256, which has 64 hexadecimal digits")
    if given and not found:
        kinds = ", ".join(sorted({text.partition(":")[0] for text in given}))
        raise IntegrityProblem(f"{what} has no sha256, but {kinds} alone; have the file made anew with sha256")
    return found


def _of_toml(path: Path) -> ForeignLock:
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageProblem(f"{path.name} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IntegrityProblem(f"{path.name} is not TOML: {error}; have the tool that wrote it write it anew") from None
    try:
        if "lock-version" in raw:
            Pylock.from_dict(raw)
            return ForeignLock(path.name, tuple(_of_pylock(raw, path.name)))
        if isinstance(raw.get("version"), int) and ("package" in raw or "requires-python" in raw):
            if raw["version"] > _UV_VERSION:
                raise UsageProblem(f"{path.name} is of version {raw['version']}, and only {_UV_VERSION} is understood")
            return ForeignLock(path.name, tuple(_of_uv(raw, path.name)))
    except PylockValidationError as error:
        raise IntegrityProblem(f"{path.name} is not a valid lock: {error}; have it made anew") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise IntegrityProblem(f"{path.name} is not what its tool writes ({error!r}); have it made anew") from None
    raise UsageProblem(f"{path.name} is neither uv.lock nor a pylock.toml, and has not the end of a requirements file")


def _of_pylock(raw: Mapping[str, Any], file: str) -> Iterator[ForeignPackage]:
    for position, entry in enumerate(raw.get("packages", ())):
        place = f"{file}: packages[{position}] ({entry['name']})"
        _check_address(str(entry.get("index", "")), place)
        source = next((_source(entry[kind]) for kind in ("vcs", "directory", "archive") if kind in entry), None)
        files = [*entry.get("wheels", ()), *([entry["sdist"]] if "sdist" in entry else [])]
        digests = {
            _file_name(file, place): [f"{kind}:{value}" for kind, value in file.get("hashes", {}).items()]
            for file in files
        }
        for kind in ("vcs", "archive"):
            _check_address(str(entry.get(kind, {}).get("url", "")), place)
        if "archive" in entry:
            digests["the archive"] = [f"{kind}:{value}" for kind, value in entry["archive"]["hashes"].items()]
        address = foreign_origin.of_pylock(entry, place)
        yield replace(_locked(entry, place, entry.get("marker"), digests, source), address=address)


def _of_uv(raw: Mapping[str, Any], file: str) -> Iterator[ForeignPackage]:
    for position, entry in enumerate(raw.get("package", ())):
        place = f"{file}: package[{position}] ({entry['name']})"
        told = dict(entry.get("source", {}))
        registry = told.pop("registry", None)
        if registry is not None:
            _check_address(str(registry), place)
        markers = entry.get("resolution-markers", ())
        marker = str(Marker(" or ".join(f"({marker})" for marker in markers))) if markers else None
        files = [*entry.get("wheels", ()), *([entry["sdist"]] if "sdist" in entry else [])]
        if registry is None:
            given = {"the archive": [file["hash"] for file in files if "hash" in file]} if "url" in told else {}
            found = _locked(entry, place, marker, given, without_credentials(" ".join(map(str, told.values()))))
            yield replace(found, address=foreign_origin.of_uv(told, place))
            continue
        digests = {_file_name(file, place): [file["hash"]] if "hash" in file else [] for file in files}
        yield _locked(entry, place, marker, digests, None)


def _locked(
    entry: Mapping[str, Any], place: str, marker: str | None, digests: Mapping[str, Sequence[str]], source: str | None
) -> ForeignPackage:
    name = str(canonicalize_name(entry["name"]))
    if source is not None:
        told = sha256_in([digest for given in digests.values() for digest in given], f"{place}: {name}")
        return ForeignPackage(name, place, marker=marker, source=source, hashes=told)
    if "version" not in entry:
        raise IntegrityProblem(f"{place} has no version; have the file made anew")
    files = {}
    for file, hashes in digests.items():
        found = sha256_in(hashes, f"{place}: {file}")
        if len(found) != 1:
            raise IntegrityProblem(f"{place}: {file} has no sha256, so its bytes cannot be checked; have it made anew")
        files[file] = next(iter(found))
    return ForeignPackage(name, place, f"=={Version(entry['version'])}", marker, frozenset(files.values()), files)


def _file_name(file: Mapping[str, Any], place: str) -> str:
    """Return a file's name.

    Raises:
        IntegrityProblem: its path leaves the folder of the lock, or its address holds credentials.
    """
    path, url = str(file.get("path", "")), str(file.get("url", ""))
    if path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/") or ":" in path:
        raise IntegrityProblem(f"{place}: the path {path!r} leaves the folder of the lock; have the file made anew")
    _check_address(url, place)
    name = file.get("name") or file.get("filename") or unquote(urlsplit(url or path).path).rpartition("/")[2]
    if not name or "/" in name or "\\" in name:
        raise IntegrityProblem(f"{place}: {name!r} is not a file name; have the file made anew")
    return str(name)


def _check_address(url: str, place: str) -> None:
    if "@" in urlsplit(url).netloc:
        raise IntegrityProblem(
            f"{place}: {without_credentials(url)} is written with credentials there; remove them, and change them "
            "where they are used: whoever has read the file knows them"
        )


def _source(entry: Mapping[str, Any]) -> str:
    return without_credentials(str(entry.get("url") or entry.get("path") or "elsewhere"))
