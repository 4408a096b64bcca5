"""Names of platforms and Pythons mean what pip, uv and packaging mean by them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.tags import sys_tags

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import platforms
from eggcarton.packages.platforms import Platform, Target, platform_of, targets
from eggcarton.packages.wheels import best_wheel
from support.buildouts import PYTHON, environment, run
from support.distributions import wheel

RUNNING = sys.version_info[0], sys.version_info[1]
LINUX, MAC = Platform("manylinux", (2, 28), "x86_64"), Platform("macosx", (11, 0), "arm64")


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("manylinux_2_28_x86_64", LINUX),
        ("manylinux2014_aarch64", Platform("manylinux", (2, 17), "aarch64")),
        ("musllinux_1_2_aarch64", Platform("musllinux", (1, 2), "aarch64")),
        ("macosx_11_0_arm64", MAC),
        ("macosx_10_9_x86_64", Platform("macosx", (10, 9), "x86_64")),
        ("win_amd64", Platform("win", (0, 0), "AMD64")),
        ("linux", LINUX),
        ("x86_64-unknown-linux-gnu", LINUX),
        ("x86_64-manylinux2014", Platform("manylinux", (2, 17), "x86_64")),
        ("aarch64-manylinux_2_31", Platform("manylinux", (2, 31), "aarch64")),
        ("aarch64-apple-darwin", Platform("macosx", (13, 0), "arm64")),
        ("i686-pc-windows-msvc", Platform("win", (0, 0), "x86")),
    ],
)
def test_the_names_of_wheels_and_of_uv(name: str, platform: Platform) -> None:
    """A platform is named as wheels name it, or as uv does."""
    assert platform == platform_of(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("linux_x86_64", "says nothing of its C library; name manylinux_2_28_x86_64 or musllinux_1_2_x86_64"),
        ("macosx_11_0_universal2", "is a form of wheels, not a machine"),
        ("debian", "is no platform; name one as wheels do, such as manylinux_2_28_x86_64"),
        ("manylinux_3_1_x86_64", "is no platform"),
        ("manylinux_2_28", "is no platform"),
    ],
)
def test_a_name_that_is_none(name: str, words: str) -> None:
    """A name that is none, or says too little, is refused with one that would do."""
    with pytest.raises(UsageProblem) as raised:
        platform_of(name)
    assert str(raised.value).startswith(f"--platform {name} {words}")


@pytest.mark.parametrize("version", ["3", "three", "2.7", "3.12.x", "3.9"])
def test_a_python_that_is_none(version: str) -> None:
    """What is no version, or one that nothing of ours runs on, is refused."""
    with pytest.raises(UsageProblem, match=f"^--python {version}"):
        targets([], [version], running=RUNNING)


def test_several() -> None:
    """Names are given again or with commas; each Python is meant on each platform, once."""
    found = targets(["linux,macosx_11_0_arm64", "manylinux_2_28_x86_64"], ["3.11, 3.12.4"], running=RUNNING)
    assert found == [
        Target(LINUX, (3, 11)),
        Target(LINUX, (3, 12), 4),
        Target(MAC, (3, 11)),
        Target(MAC, (3, 12), 4),
    ]
    assert [Target(None, (3, 12))] == targets(["all"], ["cp312"], running=RUNNING)
    assert [Target(platforms.here(), RUNNING)] == targets([], [], running=RUNNING)


def test_this_machine() -> None:
    """For the machine that runs this, the tags and the markers are those that packaging finds."""
    ranks = {tag: rank for rank, tag in enumerate(sys_tags())}
    assert ranks == platforms._ranks(RUNNING, platforms.here())
    [environment] = Target(platforms.here(), RUNNING, sys.version_info[2]).environments([])
    asked = default_environment()
    # What a machine runs on at the moment, no bundle can be made for.
    of_moment = dict.fromkeys(("platform_release", "platform_version"), "")
    assert {**asked, **of_moment} == environment


NAMES = st.builds(
    lambda python, abi, platform, build: f"name-1-{build}{python}-{abi}-{platform}.whl",
    st.sampled_from(["py3", "py2.py3", "cp310", "cp311", "cp312", "cp313", "cp38"]),
    st.sampled_from(["none", "abi3", "cp310", "cp311", "cp312", "cp313", "cp313t"]),
    st.sampled_from(
        [
            "any",
            "linux_x86_64",
            "manylinux1_x86_64",
            "manylinux2014_x86_64.manylinux_2_17_x86_64",
            "manylinux_2_28_x86_64",
            "manylinux_2_34_x86_64",
            "manylinux_2_34_aarch64",
            "musllinux_1_1_x86_64",
            "macosx_10_9_universal2",
            "macosx_11_0_arm64",
            "macosx_14_0_arm64",
            "win_amd64",
        ]
    ),
    st.sampled_from(["", "2-", "10-"]),
)
LISTS = st.lists(NAMES, unique=True, max_size=12)
MACHINES = st.sampled_from(["manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "macosx_11_0_arm64", "win_amd64"])
PYTHONS = st.sampled_from([(3, 10), (3, 11), (3, 12), (3, 13)])


@given(LISTS, MACHINES, PYTHONS, st.integers(0, 20))
def test_every_newer_machine_finds_the_wheel_that_it_would_take(
    names: list[str], name: str, python: tuple[int, int], newer: int
) -> None:
    """What is chosen for a platform holds the best wheel of every machine of its kind that is as new or newer."""
    platform = platform_of(name)
    major, minor = platform.level
    levels = {"macosx": (major + newer, 0), "win": (0, 0)}
    there = Platform(platform.kind, levels.get(platform.kind, (major, minor + newer)), platform.machine)
    best = best_wheel(names, platforms._ranks(python, there))
    chosen = Target(platform, python).wheels(names)
    assert best is None or best in chosen
    # And nothing beyond what some machine takes.
    taken = {best_wheel(names, platforms._ranks(python, level)) for level in platform.newer(names)}
    assert set(chosen) == taken - {None}


@given(LISTS, MACHINES, PYTHONS)
def test_all_is_at_least_what_each_needs(names: list[str], name: str, python: tuple[int, int]) -> None:
    """All Pythons, or all platforms, have what each of them has; all of both is everything."""
    platform = platform_of(name)
    chosen = set(Target(platform, python).wheels(names))
    assert chosen <= set(Target(None, python).wheels(names))
    assert chosen <= set(Target(platform, None).wheels(names))
    assert list(range(len(names))) == Target(None, None).wheels(names)


def test_patch_versions() -> None:
    """Where the patch version is not known, the markers are held against each that they tell apart."""
    lines = ['python_full_version < "3.11.5"', 'python_full_version >= "3.12.1"']
    found = [environment["python_full_version"] for environment in Target(LINUX, (3, 11)).environments(lines)]
    assert ["3.11.0", "3.11.4", "3.11.5", "3.11.6"] == found
    exact = Target(LINUX, (3, 11), 2).environments(lines)
    assert [("3.11.2", "3.11")] == [(found["python_full_version"], found["python_version"]) for found in exact]
    assert [] == Target(None, (3, 11)).environments(lines)


TAGS = (
    "py3-none-any",
    "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp312-abi3-manylinux_2_28_x86_64",
    "cp312-cp312-manylinux_2_34_x86_64",
    "cp311-abi3-macosx_11_0_arm64",
    "cp312-cp312-macosx_14_0_arm64",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["manylinux_2_28_x86_64", "macosx_11_0_arm64", "musllinux_1_2_x86_64"])
def test_pip_takes_the_same(name: str, tmp_path: Path, wheels: Path) -> None:
    """What `pip download` takes for a platform, told all of its tags, is what is taken here."""
    for tag in TAGS:
        wheel(tmp_path / "links", "native", "1", tag=tag)
    names = sorted(path.name for path in (tmp_path / "links").iterdir())
    command = [PYTHON, next(wheels.glob("pip-*.whl")) / "pip", "download", "--quiet", "--no-index", "--no-deps"]
    command += ["--only-binary=:all:", "--find-links", tmp_path / "links", "--dest", tmp_path / "taken", "native"]
    command += ["--python-version", "3.12", "--implementation", "cp"]
    command += [f"--platform={tag}" for tag in platform_of(name).tags()]
    done = run(command, cwd=tmp_path, variables=environment(tmp_path))
    assert 0 == done.status, done.output
    taken = names.index(next((tmp_path / "taken").iterdir()).name)
    assert taken == best_wheel(names, platforms._ranks((3, 12), platform_of(name)))
    assert taken in Target(platform_of(name), (3, 12)).wheels(names)
