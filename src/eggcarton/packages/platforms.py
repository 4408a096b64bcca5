"""Platforms and Pythons by the names that pip and uv know, and which wheels and markers suit them.

A platform means the machines of its kind from that version on: a wheel that only newer ones would take suits it too,
since those take it in the place of the older one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from packaging import tags
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from eggcarton.core.errors import UsageProblem
from eggcarton.packages.wheels import best_wheel

ALL = "all"
"""In the place of a platform or a Python: all that a lock names."""

_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_NAME = re.compile(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_(\w+)|(manylinux1|manylinux2010|manylinux2014)_(\w+)")
_OF_WINDOWS = {"win_amd64": "AMD64", "win32": "x86", "win_arm64": "ARM64"}
# What uv calls them, and what it takes them for.
_OF_UV = {
    "linux": "manylinux_2_28_x86_64",
    "macos": "macosx_13_0_arm64",
    "windows": "win_amd64",
    "x86_64-unknown-linux-gnu": "manylinux_2_28_x86_64",
    "aarch64-unknown-linux-gnu": "manylinux_2_28_aarch64",
    "x86_64-unknown-linux-musl": "musllinux_1_2_x86_64",
    "aarch64-unknown-linux-musl": "musllinux_1_2_aarch64",
    "x86_64-apple-darwin": "macosx_13_0_x86_64",
    "aarch64-apple-darwin": "macosx_13_0_arm64",
    "x86_64-pc-windows-msvc": "win_amd64",
    "aarch64-pc-windows-msvc": "win_arm64",
    "i686-pc-windows-msvc": "win32",
}
_SYSTEMS = {
    "manylinux": ("posix", "linux", "Linux"),
    "musllinux": ("posix", "linux", "Linux"),
    "macosx": ("posix", "darwin", "Darwin"),
    "win": ("nt", "win32", "Windows"),
}


@dataclass(frozen=True, slots=True)
class Platform:
    """A kind of machine: which C library or system, from which version on, and the name of its processor."""

    kind: str
    level: tuple[int, int]
    machine: str

    def __str__(self) -> str:
        if self.kind == "win":
            return next(name for name, machine in _OF_WINDOWS.items() if machine == self.machine)
        return f"{self.kind}_{self.level[0]}_{self.level[1]}_{self.machine}"

    def tags(self) -> tuple[str, ...]:
        """Return the platform tags that suit it, the best first.

        Source: PEP 600 and 656; the order is that of ``packaging.tags``.
        """
        major, minor = self.level
        if self.kind == "win":
            return (str(self),)
        if self.kind == "macosx":
            return tuple(tags.mac_platforms(self.level, self.machine))
        if self.kind == "musllinux":
            numbers = range(minor, -1, -1)
            return f"linux_{self.machine}", *(f"musllinux_{major}_{number}_{self.machine}" for number in numbers)
        old = {level: name for name, level in _LEGACY.items()}
        oldest = 5 if self.machine in ("x86_64", "i686") else 17
        found = [f"linux_{self.machine}"]
        for number in range(minor, oldest - 1, -1):
            found.append(f"manylinux_{major}_{number}_{self.machine}")
            found += [f"{old[major, number]}_{self.machine}"] if (major, number) in old else []
        return tuple(found)

    def newer(self, names: Iterable[str]) -> list[Platform]:
        """Return this one, and those of its kind at each newer version that a tag of these wheels names."""
        levels = {self.level}
        for tag in (tag for name in names for tag in _tags_of(name)):
            found = _NAME.fullmatch(tag.platform)
            if found and found[1] == self.kind and (found[4] in (self.machine, "universal2", "intel")):
                level = int(found[2]), int(found[3])
                levels.add((level[0], 0) if self.kind == "macosx" and level[0] > 10 else level)
        return [replace(self, level=level) for level in sorted(levels) if level >= self.level]

    def variables(self) -> dict[str, str]:
        """Return what markers may ask of it."""
        name, platform, system = _SYSTEMS[self.kind]
        return {
            "os_name": name,
            "sys_platform": platform,
            "platform_system": system,
            "platform_machine": self.machine,
            "platform_release": "",
            "platform_version": "",
        }


@dataclass(frozen=True, slots=True)
class Target:
    """A Python, as its major and minor version, on a platform; None for all of them.

    ``patch`` is None where the patch version is not known, so that what any of them needs is needed.
    """

    platform: Platform | None
    python: tuple[int, int] | None
    patch: int | None = None

    def __str__(self) -> str:
        return f"{self.platform or ALL} {self.version}"

    @property
    def version(self) -> str:
        """The version of Python, or that all are meant."""
        return ALL if self.python is None else ".".join(map(str, self.python))

    @property
    def told(self) -> str:
        """What it is called in a sentence."""
        python = "every Python" if self.python is None else f"Python {self.version}"
        return f"{self.platform or 'every platform'} with {python}"

    @property
    def is_exact(self) -> bool:
        """Whether it is one Python on one platform."""
        return self.platform is not None and self.python is not None

    def environments(self, markers: Iterable[str]) -> list[dict[str, str]]:
        """Return the variables of markers, once for each patch version that these markers tell apart.

        Where all platforms or all Pythons are meant there are none: then every marker may hold.
        """
        if self.platform is None or self.python is None:
            return []
        begin = ".".join(map(str, self.python))
        patches = {0}
        for number in re.findall(rf"['\"]{re.escape(begin)}\.(\d+)", "\n".join(markers)):
            patches |= {max(int(number) - 1, 0), int(number), int(number) + 1}
        versions = [f"{begin}.{n}" for n in (sorted(patches) if self.patch is None else [self.patch])]
        return [
            {
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "python_version": begin,
                "python_full_version": version,
                "implementation_version": version,
                **self.platform.variables(),
            }
            for version in versions
        ]

    def wheels(self, names: Sequence[str]) -> list[int]:
        """Return the positions of the wheels that suit it: for one Python on one platform the best, else all."""
        if self.platform is not None and self.python is not None:
            best = (best_wheel(names, _ranks(self.python, newer)) for newer in self.platform.newer(names))
            return sorted({position for position in best if position is not None})
        return [position for position, name in enumerate(names) if any(map(self._suits, _tags_of(name)))]

    def _suits(self, tag: Tag) -> bool:
        if self.python is not None:
            return tag in _tags(self.python, (tag.platform,))
        if self.platform is None or tag.platform == "any":
            return True
        return any(tag.platform in newer.tags() for newer in self.platform.newer([f"x-1-{tag}.whl"]))


def _tags_of(name: str) -> Iterable[Tag]:
    try:
        return parse_wheel_filename(name)[3]
    except InvalidWheelFilename:
        return ()


@cache
def _ranks(python: tuple[int, int], platform: Platform) -> Mapping[Tag, int]:
    return {tag: rank for rank, tag in enumerate(_tags(python, platform.tags()))}


@cache
def _tags(python: tuple[int, int], platforms: tuple[str, ...]) -> tuple[Tag, ...]:
    """Return the tags that a CPython with its usual ABI takes, the best first."""
    name = f"cp{python[0]}{python[1]}"
    found = [*tags.cpython_tags(python, [name], platforms), *tags.compatible_tags(python, name, platforms)]
    return tuple(dict.fromkeys(found))


def here() -> Platform:
    """Return the platform that runs this.

    Raises:
        UsageProblem: it is none that has a name here.
    """
    found = next((platform for tag in tags.platform_tags() if (platform := _platform(tag))), None)
    if found is None:
        raise UsageProblem("this platform has no name that wheels are called by; name one with --platform")
    return found


def targets(platforms: Sequence[str], pythons: Sequence[str], *, running: tuple[int, int]) -> list[Target]:
    """Return every Python on every platform that is asked for.

    Args:
        platforms: names, several of them with commas between; nothing for the one that runs this.
        pythons: versions likewise; nothing for the one that runs this.
        running: the major and minor version of that.

    Raises:
        UsageProblem: something is no such name.
    """
    chosen = [None if name == ALL else platform_of(name) for name in _split(platforms)] or [here()]
    versions = [_version(text) for text in _split(pythons)] or [(running, None)]
    found = (Target(platform, version, patch) for platform, (version, patch) in product(chosen, versions))
    return list(dict.fromkeys(found))


def _split(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        yield from filter(None, (part.strip() for part in word.split(",")))


def platform_of(name: str) -> Platform:
    """Return the platform of a name.

    Raises:
        UsageProblem: it is none, or says too little.
    """
    turned = re.fullmatch(r"(x86_64|aarch64)-(manylinux\w+)", name)
    found = _platform(_OF_UV.get(name) or (f"{turned[2]}_{turned[1]}" if turned else name))
    if found is not None:
        return found
    if name.startswith("linux_"):
        machine = name.removeprefix("linux_")
        reason = f"says nothing of its C library; name manylinux_2_28_{machine} or musllinux_1_2_{machine}"
    elif name.endswith("_universal2"):
        reason = "is a form of wheels, not a machine; name one that ends in arm64 or x86_64, or both"
    else:
        reason = (
            "is no platform; name one as wheels do, such as manylinux_2_28_x86_64, musllinux_1_2_x86_64 or "
            "macosx_11_0_arm64, or as uv does, such as x86_64-unknown-linux-gnu, or all"
        )
    raise UsageProblem(f"--platform {name} {reason}")


def _platform(name: str) -> Platform | None:
    if name in _OF_WINDOWS:
        return Platform("win", (0, 0), _OF_WINDOWS[name])
    match = _NAME.fullmatch(name)
    if match is None or name.endswith(("_universal2", "_intel")):
        return None
    if match[5]:
        return Platform("manylinux", _LEGACY[match[5]], match[6])
    found = Platform(match[1], (int(match[2]), int(match[3])), match[4])
    # A version that no such system has ever had.
    return found if found.level[0] == {"manylinux": 2, "musllinux": 1}.get(found.kind, found.level[0]) else None


def _version(text: str) -> tuple[tuple[int, int] | None, int | None]:
    if text == ALL:
        return None, None
    match = re.fullmatch(r"(?:cp)?(3)\.?(\d+)(?:\.(\d+))?", text)
    if match is None:
        raise UsageProblem(f"--python {text} is no version of Python; name one such as 3.12 or 3.12.4, or all")
    if int(match[2]) < 10:
        raise UsageProblem(f"--python {text}: what builds there needs 3.10 or later")
    return (int(match[1]), int(match[2])), int(match[3]) if match[3] else None
