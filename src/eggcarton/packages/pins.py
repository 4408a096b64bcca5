"""Pins in the requirements format: names, exact versions and every sha256, but no address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from eggcarton.core.errors import IntegrityProblem
from eggcarton.packages.lock import Lock, LockedPackage


@dataclass(frozen=True, slots=True)
class Pin:
    """One line: a canonical name, a version, where it is needed, and the sha256 of every file it may come as."""

    name: str
    version: str
    marker: str | None
    hashes: frozenset[str]

    @property
    def needed(self) -> bool:
        """Whether this Python and platform need it."""
        return self.marker is None or Marker(self.marker).evaluate()


def read(text: str, name: str) -> tuple[Pin, ...]:
    """Read pins.

    Args:
        text: the file's content.
        name: what the file is called in an error.

    Raises:
        IntegrityProblem: a line has no exact version or no sha256.
    """
    pins = []
    for line in _joined(text):
        requirement, *options = line.split(" --hash=")
        try:
            parsed = Requirement(requirement.strip())
        except InvalidRequirement:
            raise IntegrityProblem(f"{name}: {requirement.strip()!r} is no pin; lock again") from None
        versions = [s.version for s in parsed.specifier if s.operator == "=="]
        hashes = frozenset(option.strip()[7:] for option in options if option.startswith("sha256:"))
        if len(versions) != 1 or not hashes:
            raise IntegrityProblem(f"{name}: {parsed.name} needs one exact version and at least one sha256; lock again")
        marker = str(parsed.marker) if parsed.marker else None
        pins.append(Pin(str(canonicalize_name(parsed.name)), versions[0], marker, hashes))
    return tuple(pins)


def _joined(text: str) -> Iterable[str]:
    line = ""
    for part in text.splitlines():
        part = part.strip()
        if part.startswith("#") or not part:
            continue
        line += part.removesuffix("\\")
        if not part.endswith("\\"):
            yield line
            line = ""


def text_of(lock: Lock, header: Sequence[str]) -> str:
    """Return a lock as pins for pip and uv, with every wheel's sha256 and a comment above them."""
    lines = [f"# {line}" for line in header]
    for package in sorted(lock.packages, key=lambda package: (package.name, package.version)):
        marker = f" ; {package.marker}" if package.marker else ""
        lines.append(f"{package.name}=={package.version}{marker} \\")
        hashes = sorted(wheel.sha256 for wheel in package.wheels)
        lines += [f"    --hash=sha256:{sha256} \\" for sha256 in hashes[:-1]] + [f"    --hash=sha256:{hashes[-1]}"]
    return "\n".join(lines) + "\n"


def unpinned(packages: Iterable[LockedPackage], versions: Mapping[str, str]) -> list[LockedPackage]:
    """Return the packages that ``[versions]`` does not pin to one version, and no address does."""
    exact = {str(canonicalize_name(name)) for name, pin in versions.items() if pin.strip()[:1] not in ("", *"<>=!~")}
    return [package for package in packages if package.name not in exact and package.origin is None]
