"""A lock is written for other tools, with no address in what did not ask for one."""

from __future__ import annotations

import sys

import pytest
from packaging.pylock import Pylock

from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes.pages import Listed
from eggcarton.packages.export import constraints, pylock, pylock_with_urls, requirements, versions
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage, text_of
from eggcarton.packages.origin import Origin

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ONE, TWO, THREE, FOUR = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
OLD, NEW = "python_full_version < '3.12'", "python_full_version >= '3.12'"
LOCK = Lock(
    ">=3.10",
    (
        LockedPackage("numpy", "2.0", (LockedFile("numpy-2.0-py3-none-any.whl", THREE),), marker=NEW),
        LockedPackage("numpy", "1.26", (LockedFile("numpy-1.26-py3-none-any.whl", TWO),), marker=OLD),
        LockedPackage("old", "1.0", sdist=LockedFile("old-1.0.tar.gz", FOUR, 7, "files/old-1.0.tar.gz")),
        LockedPackage(
            "six",
            "1.17.0",
            (
                LockedFile("six-1.17.0-py3-none-any.whl", TWO, 9, "files/six"),
                LockedFile("six-1.17.0-cp39-none-any.whl", ONE),
            ),
            marker="sys_platform == 'win32'",
            index="corp",
        ),
    ),
)


ADDRESSED = Lock(
    None,
    (
        LockedPackage(
            "greeting",
            "1.0",
            sdist=LockedFile("greeting.tar", ONE),
            origin=Origin("git", "https://host.example/greeting", "v1", "c" * 40, "lib"),
        ),
        LockedPackage(
            "six",
            "1.0",
            (LockedFile("six-1.0-py3-none-any.whl", TWO),),
            marker=OLD,
            origin=Origin("archive", "https://host.example/six-1.0-py3-none-any.whl"),
        ),
    ),
)


def test_what_has_an_address() -> None:
    """What was asked for by its address has that, and its commit or digest, in every export that can say so."""
    assert [
        "# pip checks no digest of a repository, and refuses digests beside one: leave them out, or take uv.",
        f"greeting @ git+https://host.example/greeting@{'c' * 40}#subdirectory=lib",
        f"six @ https://host.example/six-1.0-py3-none-any.whl ; {OLD} \\",
        f"    --hash=sha256:{TWO}",
    ] == requirements(ADDRESSED, "pylock.toml").splitlines()[1:]
    assert "greeting==1.0" in constraints(ADDRESSED, "pylock.toml").splitlines()
    lines = versions(ADDRESSED, "pylock.toml", {"python_full_version": "3.11.0"}).splitlines()
    assert (
        "# six comes from https://host.example/six-1.0-py3-none-any.whl, which a version alone does not say." in lines
    )
    document = tomllib.loads(pylock_with_urls(ADDRESSED, lambda package: ()))
    Pylock.from_dict(document)
    assert "c" * 40 == document["packages"][0]["vcs"]["commit-id"]
    assert {"sha256": TWO} == document["packages"][1]["archive"]["hashes"]


def test_requirements() -> None:
    """Requirements have every version with its marker, and the sha256 of each of its files."""
    assert (
        "# Written by 'bin/eggcarton export requirements' from pylock.toml, for Python >=3.10: "
        "change that, not this file.\n"
        f"numpy==1.26 ; {OLD} \\\n    --hash=sha256:{TWO}\n"
        f"numpy==2.0 ; {NEW} \\\n    --hash=sha256:{THREE}\n"
        f"old==1.0 \\\n    --hash=sha256:{FOUR}\n"
        f"six==1.17.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{ONE} \\\n    --hash=sha256:{TWO}\n"
    ) == requirements(LOCK, "pylock.toml")


def test_constraints() -> None:
    """Constraints have the versions and markers, and no hash."""
    assert [
        f"numpy==1.26 ; {OLD}",
        f"numpy==2.0 ; {NEW}",
        "old==1.0",
        "six==1.17.0 ; sys_platform == 'win32'",
    ] == constraints(LOCK, "pylock.toml").splitlines()[1:]


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ("3.11.7", ["numpy = 1.26", f"# numpy = 2.0 where {NEW}"]),
        ("3.13.0", [f"# numpy = 1.26 where {OLD}", "numpy = 2.0"]),
    ],
)
def test_versions(python: str, expected: list[str]) -> None:
    """Of several versions that of this Python is the pin; what is for another platform alone is one too."""
    environment = {"python_full_version": python, "sys_platform": "linux"}
    lines = versions(LOCK, "pylock.toml", environment).splitlines()
    assert ["[versions]", *expected, "old = 1.0", "six = 1.17.0"] == lines[1:]


def test_pylock() -> None:
    """A pylock is the lock as it is, without an address."""
    assert text_of(LOCK) == pylock(LOCK)
    assert "://" not in pylock(LOCK)


def listed(package: LockedPackage, *, sha256: str | None = None) -> tuple[Listed, ...]:
    files = [*package.wheels, *([package.sdist] if package.sdist else [])]
    place = "https://ada:secret@index.example/files/"
    return tuple(Listed(file.name, place + file.name, sha256 or file.sha256) for file in files)


def test_pylock_with_urls() -> None:
    """With addresses each file has that of its index, without credentials, and the rest is as it was."""
    document = tomllib.loads(pylock_with_urls(LOCK, listed))
    Pylock.from_dict(document)
    expected = tomllib.loads(text_of(LOCK))
    del expected["tool"]
    for entry in expected["packages"]:
        for file in [*entry.get("wheels", ()), *([entry["sdist"]] if "sdist" in entry else [])]:
            del file["path"]
            file["url"] = f"https://index.example/files/{file['name']}"
    assert expected == document


def test_an_index_that_lists_something_else() -> None:
    """A file that is gone from its index, or has another sha256 there, has no address to tell."""
    with pytest.raises(Unavailable, match=r"on their index no more.*\n  numpy-1.26-py3-none-any.whl"):
        pylock_with_urls(LOCK, lambda package: ())
    with pytest.raises(IntegrityProblem, match=f"old-1.0.tar.gz has the sha256 {ONE} on its index"):
        pylock_with_urls(LOCK, lambda package: listed(package, sha256=ONE))
