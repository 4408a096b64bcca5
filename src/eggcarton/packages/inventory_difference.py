"""What is different between two environments: of two parts, or of one part in two builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eggcarton.packages.inventory import Held, Inventory

_ENOUGH = 10


def differences(one: Inventory, other: Inventory, here: str, there: str) -> list[str]:
    """Return what is different, a sentence each; empty where both let the same be imported from the same files.

    Args:
        here: what one is called, such as ``in [app]``.
        there: what the other is called.
    """
    found = [*_of_settings(one, other, here, there), *_of_distributions(one, other, here, there)]
    # Links and scripts follow from all that; they are only told where nothing else tells why they differ.
    return found or list(_of_entries(one, other, here, there))


def _of_settings(one: Inventory, other: Inventory, here: str, there: str) -> Iterator[str]:
    said: dict[str, Callable[[Inventory], str]] = {
        "other Python": lambda found: found.python.version,
        "site-packages of the machine": lambda found: "seen" if found.site_packages else "not seen",
    }
    for what, of in said.items():
        if of(one) != of(other):
            yield f"{what}: {of(one)} {here}, {of(other)} {there}"
    first, second = ([found.spelled(path) for path in found.extra_paths] for found in (one, other))
    if sorted(first) == sorted(second) and first != second:
        yield f"other order of extra paths: {', '.join(first)} {here}; {', '.join(second)} {there}"
    yield from (f"only {here}: extra path {path}" for path in first if path not in second)
    yield from (f"only {there}: extra path {path}" for path in second if path not in first)


def _of_distributions(one: Inventory, other: Inventory, here: str, there: str) -> Iterator[str]:
    first, second = ({held.name: held for held in found.distributions} for found in (one, other))
    for name in sorted({*first, *second}):
        mine, theirs = first.get(name), second.get(name)
        if mine is None or theirs is None:
            only = mine or theirs
            assert only is not None
            yield f"only {here if mine else there}: {name} {only.version}"
        elif mine.version != theirs.version:
            yield f"other version: {name} {mine.version} {here}, {theirs.version} {there}"
        elif _origin(mine, one) != _origin(theirs, other):
            what = "other file" if mine.sha256 and theirs.sha256 else "other place"
            origins = f"{_origin(mine, one)} {here}, {_origin(theirs, other)} {there}"
            yield f"{what}: {name} {mine.version}, {origins}"


def _origin(held: Held, found: Inventory) -> str:
    """Return what stands for the content of a distribution: its file, or the place where it is developed."""
    if held.sha256:
        return f"sha256 {held.sha256}"
    return ", ".join(map(found.spelled, held.places))


def _of_entries(one: Inventory, other: Inventory, here: str, there: str) -> Iterator[str]:
    first, second = ({(e.path, e.is_executable, e.sha256) for e in found.entries()} for found in (one, other))
    mine, theirs = ({path for path, _, _ in entries} for entries in (first - second, second - first))
    names = sorted(mine | theirs)
    for name in names[:_ENOUGH]:
        if name in mine and name in theirs:
            yield f"other content: {name}"
        else:
            yield f"only {here if name in mine else there}: {name}"
    if len(names) > _ENOUGH:
        yield f"and {len(names) - _ENOUGH} more files and links"
