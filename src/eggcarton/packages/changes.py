"""What a run has changed in a lock, as it tells it."""

from __future__ import annotations

from eggcarton.packages.lock import Lock, LockedPackage


def changes(old: Lock | None, new: Lock) -> list[str]:
    """Return what is different in a new lock, a line each, as the run that made it tells."""
    if old is None:
        number = len({package.name for package in new.packages})
        return [f"{number} distribution{'' if number == 1 else 's'} locked, for all platforms"]
    before = {(package.name, package.version) for package in old.packages}
    after = {(package.name, package.version) for package in new.packages}
    said = {"requires-python": (old.requires_python, new.requires_python)}
    said["exclude-newer"] = (old.exclude_newer, new.exclude_newer)
    lines = [f"{name} {was or 'none'} -> {now or 'none'}" for name, (was, now) in said.items() if was != now]
    for name in sorted({name for name, _ in before ^ after}):
        was = "/".join(sorted(version for key, version in before if key == name))
        now = "/".join(sorted(version for key, version in after if key == name))
        lines.append(
            f"{name} {was} -> {now}" if was and now else f"{name} {now} added" if now else f"{name} {was} removed"
        )
    same = before & after
    sources = {(package.name, package.version): _source(package) for package in old.packages}
    for package in new.packages:
        came_from = sources.get((package.name, package.version))
        if came_from not in (None, _source(package)):
            lines.append(f"{package.name} {package.version}: from {came_from} -> {_source(package)}")
            same.discard((package.name, package.version))
    others = {(package.name, package.version) for package in set(old.packages) ^ set(new.packages)} & same
    return lines + [f"{name} {version}: other files, markers or requirements" for name, version in sorted(others)]


def _source(package: LockedPackage) -> str:
    return package.origin.exact if package.origin else f"the index {package.index}" if package.index else "an index"
