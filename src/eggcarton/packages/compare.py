"""What is different between two locks, and loudest where one version has other bytes than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.version import Version

from eggcarton.packages.lock import Lock, LockedFile, LockedPackage


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different; ``alarming`` where the bytes of a file with the same name are not the same."""

    text: str
    alarming: bool = False

    def __str__(self) -> str:
        return f"!!! {self.text}" if self.alarming else self.text


def compare(old: Lock, new: Lock) -> list[Difference]:
    """Return what is different in a new lock, what is alarming first, the rest by name."""
    found = []
    if old.requires_python != new.requires_python:
        found.append(Difference(f"requires-python {old.requires_python or 'any'} -> {new.requires_python or 'any'}"))
    if old.exclude_newer != new.exclude_newer:
        found.append(Difference(f"exclude-newer {old.exclude_newer or 'none'} -> {new.exclude_newer or 'none'}"))
    for name in sorted({package.name for package in (*old.packages, *new.packages)}):
        found += _of_name(name, _by_version(old.named(name)), _by_version(new.named(name)))
    return sorted(found, key=lambda difference: not difference.alarming)


_Entries = Mapping[str, tuple[LockedPackage, ...]]


def _by_version(packages: tuple[LockedPackage, ...]) -> _Entries:
    found: dict[str, tuple[LockedPackage, ...]] = {}
    for package in packages:
        found[package.version] = (*found.get(package.version, ()), package)
    return dict(sorted(found.items(), key=lambda item: Version(item[0])))


def _of_name(name: str, old: _Entries, new: _Entries) -> Iterator[Difference]:
    was, now = "/".join(old), "/".join(new)
    if was and not now:
        yield Difference(f"{name} {was} removed")
    elif now and not was:
        yield Difference(f"{name} {now} added")
    elif was != now:
        yield Difference(f"{name} {was} -> {now} {_way(old, new)}")
    for version in old:
        if version in new:
            yield from _of_version(f"{name} {version}", old[version], new[version])
    # A file keeps its name for good, whatever entry it stands in.
    yield from _bytes(name, old, new)


def _way(old: _Entries, new: _Entries) -> str:
    before, after = max(map(Version, old)), max(map(Version, new))
    return "upgraded" if after > before else "downgraded" if after < before else "changed"


def _of_version(what: str, old: tuple[LockedPackage, ...], new: tuple[LockedPackage, ...]) -> Iterator[Difference]:
    files = {name: {file.name for package in side for file in _files(package)} for name, side in _sides(old, new)}
    for names, how in ((files["new"] - files["old"], "added"), (files["old"] - files["new"], "removed")):
        if names:
            yield Difference(f"{what}: {how} {', '.join(sorted(names))}")
    markers = {name: sorted(package.marker or "everywhere" for package in side) for name, side in _sides(old, new)}
    if markers["old"] != markers["new"]:
        yield Difference(f"{what}: marker {' or '.join(markers['old'])} -> {' or '.join(markers['new'])}")
    indexes = {name: {_source(package) for package in side} for name, side in _sides(old, new)}
    if indexes["old"] != indexes["new"]:
        yield Difference(f"{what}: from {'/'.join(sorted(indexes['old']))} -> {'/'.join(sorted(indexes['new']))}")
    lines = {name: {line for package in side for line in package.requires} for name, side in _sides(old, new)}
    for some, how in ((lines["new"] - lines["old"], "needs now"), (lines["old"] - lines["new"], "needs no more")):
        if some:
            yield Difference(f"{what}: {how} {', '.join(sorted(some))}")


def _source(package: LockedPackage) -> str:
    return package.origin.exact if package.origin else package.index or "the default index"


def _sides(
    old: tuple[LockedPackage, ...], new: tuple[LockedPackage, ...]
) -> tuple[tuple[str, tuple[LockedPackage, ...]], tuple[str, tuple[LockedPackage, ...]]]:
    return ("old", old), ("new", new)


def _bytes(name: str, old: _Entries, new: _Entries) -> Iterator[Difference]:
    before, after = _sha256s(old), _sha256s(new)
    for file in sorted(before.keys() & after.keys()):
        if before[file] != after[file]:
            yield Difference(
                f"{name}: {file} has OTHER BYTES under the same name: sha256 {before[file][:16]}... -> "
                f"{after[file][:16]}...; find out why before you install it",
                alarming=True,
            )


def _sha256s(entries: _Entries) -> dict[str, str]:
    return {file.name: file.sha256 for side in entries.values() for package in side for file in _files(package)}


def _files(package: LockedPackage) -> tuple[LockedFile, ...]:
    return (*package.wheels, *((package.sdist,) if package.sdist else ()))
