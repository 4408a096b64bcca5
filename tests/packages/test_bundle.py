"""A bundle holds what each of its platforms needs of the locks, every file at a place of its own."""

from __future__ import annotations

from dataclasses import replace

from eggcarton.packages.bundle import chosen, locked_for, manifest, pinned, places, unlocked
from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.origin import Origin
from eggcarton.packages.pins import Pin
from eggcarton.packages.platforms import Target, platform_of

LINUX, MAC = Target(platform_of("linux"), (3, 12)), Target(platform_of("macosx_11_0_arm64"), (3, 12))
EVERYTHING = Target(None, None)


def file(name: str, number: int = 0) -> LockedFile:
    return LockedFile(name, f"{number:064x}")


def names(packages: list[LockedPackage], *targets: Target) -> list[str]:
    return sorted(found.name for _, found in chosen(packages, targets).files)


NATIVE = LockedPackage(
    "native",
    "1",
    tuple(file(f"native-1-cp312-cp312-{platform}.whl") for platform in ("manylinux_2_17_x86_64", "macosx_11_0_arm64")),
    sdist=file("native-1.tar.gz"),
)
PURE = LockedPackage("pure", "1", (file("pure-1-py3-none-any.whl"),), marker='sys_platform == "darwin"')
SOURCE = LockedPackage("source", "1", sdist=file("source-1.tar.gz"))


def test_wheels_of_each_platform() -> None:
    """Each platform gets its own wheels, what its markers ask for, and sources only where there is no wheel."""
    locked = [NATIVE, PURE, SOURCE]
    assert ["native-1-cp312-cp312-manylinux_2_17_x86_64.whl", "source-1.tar.gz"] == names(locked, LINUX)
    assert names(locked, LINUX, MAC) == [
        "native-1-cp312-cp312-macosx_11_0_arm64.whl",
        "native-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        "pure-1-py3-none-any.whl",
        "source-1.tar.gz",
    ]
    assert ("source 1 has no wheel for manylinux_2_28_x86_64 with Python 3.12",) == chosen(locked, [LINUX]).built


def test_everything() -> None:
    """All platforms and Pythons need all that is locked, source distributions too."""
    assert 5 == len(names([NATIVE, PURE, SOURCE], EVERYTHING))
    assert 4 == len(names([NATIVE, SOURCE], Target(None, (3, 12))))


def test_what_a_platform_lacks() -> None:
    """What has neither a wheel for a platform nor a source distribution is told."""
    found = chosen([replace(NATIVE, sdist=None)], [Target(platform_of("musllinux_1_2_aarch64"), (3, 12)), LINUX])
    told = "native 1 has no wheel for musllinux_1_2_aarch64 with Python 3.12; pin a version that has one"
    assert (told,) == found.lacking
    assert 1 == len(found.files)


def test_a_python_that_the_lock_is_not_for() -> None:
    """A Python that a lock leaves out is told once, with the option that widens it, and nothing is chosen for it."""
    old = [Target(platform, (3, 11)) for platform in (LINUX.platform, MAC.platform)]
    assert [LINUX, EVERYTHING] == locked_for(">=3.12", [*old, LINUX, EVERYTHING])
    told = "pylock.toml is locked for Python >=3.12, and has nothing for 3.11; widen it with requires-python in "
    assert [f"{told}[eggcarton], and lock anew"] == unlocked("pylock.toml", ">=3.12", [*old, LINUX, EVERYTHING])
    assert [] == unlocked("pylock.toml", None, old)
    # A patch version counts only where it is named.
    assert old == locked_for(">=3.11.4", old)
    assert [] == locked_for(">=3.11.4", [replace(old[0], patch=3)])


def test_what_was_asked_for_by_its_address() -> None:
    """The one file of an address is needed on every platform, be it a wheel of another one."""
    origin = Origin("archive", "https://index.example/native-1-cp312-cp312-macosx_11_0_arm64.whl")
    package = LockedPackage("native", "1", NATIVE.wheels[1:], origin=origin)
    assert ["native-1-cp312-cp312-macosx_11_0_arm64.whl"] == names([package], LINUX)
    archive = LockedPackage("kept", "1", sdist=file("main.zip"), origin=origin)
    assert (["main.zip"], ()) == (names([archive], LINUX), chosen([archive], [LINUX]).built)


def test_two_files_of_one_name() -> None:
    """Of two files with one name, the one lies below the beginning of its sha256."""
    one, other = file("main.zip", 1), file("main.zip", 2)
    assert {one: "wheels/main.zip", other: f"wheels/{'0' * 16}/main.zip"} == places([other, one])
    # What two locks name alike is one file, whatever else they know of it.
    assert {one: "wheels/main.zip", replace(one, size=3): "wheels/main.zip"} == places([one, replace(one, size=3)])


def test_pins_of_a_platform() -> None:
    """Of pins those are needed whose markers hold for some patch version."""
    late = Pin("late", "1", 'python_full_version >= "3.12.4"', frozenset())
    mac = Pin("mac", "1", 'sys_platform == "darwin"', frozenset())
    assert [late] == pinned([late, mac], LINUX)
    assert [mac] == pinned([late, mac], Target(MAC.platform, (3, 12), 3))
    assert [late, mac] == pinned([late, mac], EVERYTHING)


def test_the_list_of_files() -> None:
    """The list tells what the bundle was made for, and each file in the form of sha256sum, in one order."""
    text = "# for manylinux_2_28_x86_64 3.12\n# for all all\naa  a\nbb  b/c\n"
    assert text == manifest([LINUX, EVERYTHING], {"b/c": "bb", "a": "aa"})
