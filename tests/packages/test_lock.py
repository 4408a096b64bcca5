"""The lock says what is installed, exactly; it never says where from, and what must not be obeyed is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock

from eggcarton.core.errors import IntegrityProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage, read, text_of, toml_of
from support.closed import needs, uv_program
from support.distributions import wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
WEB = LockedPackage(
    "web",
    "2.0",
    (
        LockedFile("web-2.0-py3-none-any.whl", B, 120, "files/bb/web-2.0-py3-none-any.whl"),
        LockedFile("web-2.0-cp311-cp311-linux_x86_64.whl", A),
    ),
    requires=('colour>=1 ; sys_platform == "win32"', "six", 'tests ; extra == "tests"'),
    index="corp",
)
SIX = LockedPackage("six", "1.17.0", (LockedFile("six-1.17.0-py2.py3-none-any.whl", C, 11050),))
OLD = LockedPackage(
    "six", "1.16.0", (LockedFile("six-1.16.0-py2.py3-none-any.whl", "d" * 64),), marker="os_name == 'x'"
)
MADE = LockedPackage("made", "3", sdist=LockedFile("made-3.tar.gz", "e" * 64, 5))
FULL = Lock(">=3.10", (WEB, replace(SIX, marker="os_name != 'x'"), OLD, MADE))

TEXT = """\
lock-version = "1.0"
created-by = "eggcarton"
requires-python = ">=3.10"

[[packages]]
name = "made"
version = "3"
sdist = { name = "made-3.tar.gz", path = "wheels/made-3.tar.gz", size = 5, hashes = { sha256 = "EEE" } }

[[packages]]
name = "six"
version = "1.16.0"
marker = "os_name == 'x'"
wheels = [
    { name = "six-1.16.0-py2.py3-none-any.whl", path = "wheels/six-1.16.0-py2.py3-none-any.whl", \
hashes = { sha256 = "DDD" } },
]

[[packages]]
name = "six"
version = "1.17.0"
marker = "os_name != 'x'"
wheels = [
    { name = "six-1.17.0-py2.py3-none-any.whl", path = "wheels/six-1.17.0-py2.py3-none-any.whl", size = 11050, \
hashes = { sha256 = "CCC" } },
]

[[packages]]
name = "web"
version = "2.0"
dependencies = [
    { name = "six" },
]
wheels = [
    { name = "web-2.0-cp311-cp311-linux_x86_64.whl", path = "wheels/web-2.0-cp311-cp311-linux_x86_64.whl", \
hashes = { sha256 = "AAA" } },
    { name = "web-2.0-py3-none-any.whl", path = "wheels/web-2.0-py3-none-any.whl", size = 120, \
hashes = { sha256 = "BBB" } },
]

[packages.tool.eggcarton]
index = "corp"
requires = [
    "colour>=1 ; sys_platform == \\"win32\\"",
    "six",
    "tests ; extra == \\"tests\\"",
]

[tool.eggcarton.places]
"bbbbbbbbbbbbbbbb" = "files/bb/web-2.0-py3-none-any.whl"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pylock.toml"
    path.write_text(text, "utf-8")
    return path


def sorted_wheels(lock: Lock) -> Lock:
    """The same lock in the order that its text gives it."""
    packages = [replace(p, wheels=tuple(sorted(p.wheels, key=lambda w: w.name))) for p in lock.packages]
    return replace(lock, packages=tuple(sorted(packages, key=lambda p: (p.name, p.version))))


def test_text() -> None:
    """A lock has one line a file, in an order of its own, and tells a file's name, folder, size and sha256."""
    assert re.sub("([A-E])\\1\\1", lambda match: match[1].lower() * 64, TEXT) == text_of(FULL)


def test_round_trip(tmp_path: Path) -> None:
    """What was written is read back the same, and written again it is the same byte for byte."""
    found = read(written(tmp_path, text_of(FULL)))
    assert sorted_wheels(FULL) == found
    assert text_of(FULL) == text_of(found)


def test_order_of_the_input_does_not_matter() -> None:
    """However packages and wheels are ordered, the text is the same."""
    turned = replace(WEB, wheels=WEB.wheels[::-1])
    texts = {text_of(replace(FULL, packages=order)) for order in permutations((turned, *FULL.packages[1:]))}
    assert {text_of(FULL)} == texts


def test_it_is_valid_for_packaging() -> None:
    """packaging's own reader of PEP 751 finds nothing wrong with a lock."""
    lock = Pylock.from_dict(tomllib.loads(text_of(FULL)))
    assert ["made", "six", "six", "web"] == [package.name for package in lock.packages]


def test_a_lock_of_nothing(tmp_path: Path) -> None:
    """A lock without any distribution is a lock too."""
    empty = Lock(None, ())
    assert empty == read(written(tmp_path, text_of(empty)))


def test_no_address_ever() -> None:
    """A lock holds neither an address nor a host, even where it remembers the places of files."""
    assert "://" not in text_of(FULL)
    assert "url" not in text_of(FULL)


def test_entries_by_name() -> None:
    """All entries of a name are found, in the order of the lock."""
    assert ["1.17.0", "1.16.0"] == [package.version for package in FULL.named("six")]
    assert () == FULL.named("other")


TEXTS = st.text(st.characters(codec="utf-8"))


@given(TEXTS, TEXTS, st.integers(0, 2**53))
def test_strange_texts_are_read_back(name: str, value: str, number: int) -> None:
    """Whatever signs a text holds, TOML reads back the same, wherever it stands."""
    document: dict[str, Any] = {
        "created-by": value,
        "packages": [{"name": name, "wheels": [{"name": value, "size": number}], "tool": {"x": {"requires": [value]}}}],
        "tool": {"x": {"places": {name: value}}},
    }
    assert document == tomllib.loads(toml_of(document))


@given(TEXTS)
def test_each_text_is_one_line(value: str) -> None:
    """No sign of a text begins a new line of the lock."""
    assert 1 == toml_of({"created-by": value, "packages": [{}]}).split("\n\n")[0].count("=") - value.count("=")
    assert "\n" not in toml_of({"created-by": value, "packages": [{}]}).split("\n\n")[0]


# What is done to a valid lock, and what must be said then.
WHEEL = '{ name = "six-1.17.0-py2.py3-none-any.whl", path = "wheels/six-1.17.0-py2.py3-none-any.whl", size = 11050, '
FILE = "pylock.toml: packages[0] (six).wheels[0]: "
WORDS = "restore the lock, or remove it and lock again"
REFUSED = {
    "no hash": (f'hashes = {{ sha256 = "{C}" }}', "hashes = {}", "hashes"),
    "md5 only": (f'sha256 = "{C}"', 'md5 = "aa"', f"{FILE}six-1.17.0-py2.py3-none-any.whl has no sha256, so its"),
    "sha1 only": (f'sha256 = "{C}"', 'sha1 = "aa"', f"{FILE}six-1.17.0-py2.py3-none-any.whl has no sha256, so its"),
    "a short digest": (f'sha256 = "{C}"', 'sha256 = "cc"', f"{FILE}six-1.17.0-py2.py3-none-any.whl has no sha256"),
    "no digest at all": (f'sha256 = "{C}"', f'sha256 = "{"x" * 64}"', f"{FILE}six-1.17.0-py2.py3-none-any.whl has no"),
    "a path upwards": ('path = "wheels/', 'path = "wheels/../../', f"{FILE}the path 'wheels/../../six-1.17.0-py2.py3-"),
    "a path upwards with backslashes": ('path = "wheels/', 'path = "..\\\\', f"{FILE}the path '..\\\\six-1.17.0-py2"),
    "a path from the root": (
        'path = "wheels/',
        'path = "/',
        f"{FILE}the path '/six-1.17.0-py2.py3-none-any.whl' leaves",
    ),
    "a path on a drive": (
        'path = "wheels/',
        'path = "C:',
        f"{FILE}the path 'C:six-1.17.0-py2.py3-none-any.whl' leaves",
    ),
    "a name with a path": ('name = "six-1.17.0', 'name = "../six-1.17.0', "six-1.17.0"),
    "another major version": (
        'lock-version = "1.0"',
        'lock-version = "2.0"',
        "pylock.toml has the lock-version 2.0, written by something newer, and this reads 1; run",
    ),
    "a minor version that is no text": (
        'lock-version = "1.0"',
        "lock-version = 2",
        "pylock.toml is not a valid lock: ",
    ),
    "half a file": ("]\n", "", "pylock.toml is not a valid lock: "),
    "conflict markers": (
        'name = "six"',
        '<<<<<<< mine\nname = "six"',
        "pylock.toml holds the conflict markers of a merge",
    ),
    "a pin changed by hand": (
        'version = "1.17.0"',
        'version = "1.18.0"',
        "package version '1.18.0' in 'packages[0].wheels[0]'; versions are changed in [versions]; restore the lock",
    ),
    "another project's file": (
        'name = "six-1.17.0',
        'name = "sixx-1.17.0',
        "Name in 'sixx-1.17.0-py2.py3-none-any.whl' is not consistent with package name 'six'",
    ),
    "requirements that are none": (
        "wheels = [",
        "tool.eggcarton.requires = 5\nwheels = [",
        "pylock.toml: packages[0] (six).tool.eggcarton.requires is not a list of texts",
    ),
    "a table that is none": (
        "wheels = [",
        "tool.eggcarton = 5\nwheels = [",
        "pylock.toml: packages[0] (six).tool.eggcarton is not a table",
    ),
    "places that are none": (
        "[tool.eggcarton.places]",
        "[tool.eggcarton]\nplaces = 5\n[x]",
        "[tool.eggcarton.places] must name",
    ),
    "an index with credentials": (
        "wheels = [",
        'index = "https://me:secret@index.example/simple"\nwheels = [',
        "pylock.toml: packages[0] (six): the address of its index holds credentials",
    ),
    "no version of the lock": ('lock-version = "1.0"', "", "pylock.toml is not a valid lock: "),
    "no TOML": ("[[packages]]", "[[packages", "pylock.toml is not a valid lock: "),
    "a directory": (
        "wheels = [",
        'directory = { path = "." }\nx = [',
        "(six) is a directory, which no lock can hold",
    ),
    "an archive without an address": (
        "wheels = [",
        f'archive = {{ path = "x", hashes = {{ sha256 = "{C}" }} }}\nx = [',
        "packages[0] (six).archive has no address",
    ),
    "an archive without a sha256": (
        "wheels = [",
        'archive = { url = "https://index.example/six-1.tar.gz", hashes = { md5 = "00" } }\nx = [',
        "packages[0] (six).kept: six-1.tar.gz has no sha256",
    ),
    "an address with credentials": (
        "wheels = [",
        f'vcs = {{ type = "git", url = "https://me:secret@host.example/six", commit-id = "{C[:40]}" }}\nx = [',
        "packages[0] (six): the address https://host.example/six holds credentials; remove them",
    ),
    "a commit that is none": (
        "wheels = [",
        'vcs = { type = "git", url = "https://host.example/six", commit-id = "main" }\nx = [',
        "packages[0] (six): 'main' is not a commit",
    ),
    "a repository that is not git's": (
        "wheels = [",
        f'vcs = {{ type = "hg", url = "https://host.example/six", commit-id = "{C[:40]}" }}\nx = [',
        "of version control only git can be locked",
    ),
    "a repository without what is kept of it": (
        "wheels = [",
        f'vcs = {{ type = "git", url = "https://host.example/six", commit-id = "{C[:40]}" }}\nx = [',
        "packages[0] (six) does not tell which archive is kept of it",
    ),
    "a subdirectory that leaves the source": (
        "wheels = [",
        f'vcs = {{ type = "git", url = "https://host.example/six", commit-id = "{C[:40]}", subdirectory = "../x" }}'
        "\nx = [",
        "the subdirectory '../x' leaves the source",
    ),
    "no version": ('version = "1.17.0"', "", "pylock.toml: packages[0] (six) has no version"),
}


@pytest.mark.parametrize(("right", "wrong", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    """A lock that must not be obeyed is refused with its file, its entry, what is wrong and what to do."""
    text = text_of(Lock(">=3.10", (SIX,)))
    assert right in text
    with pytest.raises(IntegrityProblem) as caught:
        read(written(tmp_path, text.replace(right, wrong)))
    assert message in str(caught.value)
    assert str(caught.value).startswith("pylock.toml")
    assert "restore the lock" in str(caught.value) or "lock" in str(caught.value).rpartition(";")[2]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://me:secret@index.example/six.whl", True),
        ("https://token@index.example/six.whl", True),
        ("https://index.example/@scope/six.whl", False),
    ],
)
def test_credentials_are_refused(tmp_path: Path, url: str, refused: bool) -> None:
    """An address with credentials is refused, without telling them; an address without any may stay."""
    text = text_of(Lock(None, (SIX,))).replace('path = "wheels/six-1.17.0-py2.py3-none-any.whl"', f'url = "{url}"')
    path = written(tmp_path, text)
    if refused:
        with pytest.raises(IntegrityProblem) as caught:
            read(path)
        assert "the address of six-1.17.0-py2.py3-none-any.whl holds credentials; remove them" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert "token" not in str(caught.value)
    else:
        assert SIX.wheels == read(path).packages[0].wheels


def test_a_name_may_be_left_out(tmp_path: Path) -> None:
    """A file without a name has the one that its path or address ends with."""
    text = text_of(Lock(None, (SIX,))).replace('name = "six-1.17.0-py2.py3-none-any.whl", ', "")
    assert (SIX,) == read(written(tmp_path, text)).packages


def test_no_lock(tmp_path: Path) -> None:
    """A lock that is not there is not a spoilt one."""
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "pylock.toml")


def with_uv(place: Path, target: Path) -> list[str | Path]:
    command: list[str | Path] = [
        uv_program(),
        "pip",
        "install",
        "--offline",
        "--no-config",
        "--cache-dir",
        place / "cache",
    ]
    return [*command, "--python", sys.executable, "--require-hashes", "-r", "pylock.toml", "--target", target]


def with_pip(place: Path, target: Path) -> list[str | Path]:
    needs("pip")
    command: list[str | Path] = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install"]
    return [*command, "--no-cache-dir", "--no-index", "-r", "pylock.toml", "--target", target]


@pytest.mark.parametrize("installer", [with_uv, with_pip])
def test_others_install_it(tmp_path: Path, installer: Callable[[Path, Path], list[str | Path]]) -> None:
    """With the files in the folder beside it, a lock is installed as it stands by uv and by pip."""
    names = {"web": "from six import answer\n", "six": "answer = 42\n"}
    packages = []
    for name, content in names.items():
        path = wheel(tmp_path / "wheels", name, "1.0", {f"{name}.py": content})
        file = LockedFile(path.name, file_digest(path), path.stat().st_size, f"files/{path.name}")
        packages.append(LockedPackage(name, "1.0", (file,), requires=("six",) if name == "web" else ()))
    other = (LockedFile("other-1.0-py3-none-any.whl", C),)
    packages.append(LockedPackage("other", "1.0", other, marker="sys_platform == 'none'"))
    written(tmp_path, text_of(Lock(">=3.10", tuple(packages))))
    target = tmp_path / "target"
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    done = subprocess.run(
        installer(tmp_path, target),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    command = [
        sys.executable,
        "-IS",
        "-c",
        f"import sys; sys.path.insert(0, {str(target)!r}); import web; print(web.answer)",
    ]
    assert "42\n" == subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    assert not (target / "other.py").exists()


def test_an_installer_refuses_other_bytes(tmp_path: Path) -> None:
    """A file in the folder with other bytes than those locked is not installed."""
    path = wheel(tmp_path / "wheels", "six", "1.0")
    package = LockedPackage("six", "1.0", (LockedFile(path.name, file_digest(path)),))
    written(tmp_path, text_of(Lock(None, (package,))))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.py", "")
    done = subprocess.run(
        with_uv(tmp_path, tmp_path / "target"), cwd=tmp_path, capture_output=True, timeout=300, check=False
    )
    assert 0 != done.returncode


def test_what_is_no_text(tmp_path: Path) -> None:
    """A lock that is no UTF-8 text is refused as every other spoilt one."""
    (tmp_path / "pylock.toml").write_bytes(b"lock-version = '1.0' \xff")
    with pytest.raises(IntegrityProblem, match=r"^pylock.toml is not a valid lock: .*; restore the lock"):
        read(tmp_path / "pylock.toml")


@pytest.mark.parametrize(
    ("name", "version", "file"),
    [
        ("zope-interface", "5.0", "zope.interface-5.0.0-cp311-cp311-linux_x86_64.whl"),
        ("foo-bar", "1.0", "foo-bar-1.0.zip"),
        ("foo", "1.0+local.1", "foo-1.0+local.1-py3-none-any.whl"),
    ],
)
def test_other_spellings_of_a_files_name(tmp_path: Path, name: str, version: str, file: str) -> None:
    """A file may spell its project and version otherwise than the lock does."""
    locked = LockedFile(file, C)
    package = LockedPackage(name, version, *(((locked,), None) if file.endswith(".whl") else ((), locked)))
    assert (package,) == read(written(tmp_path, text_of(Lock(None, (package,))))).packages
