"""Faults 29 and 30: offline, and locks that must not be obeyed.

What a spoilt lock does to whole runs is in tests/buildout/test_refusals.py, and to its reader in
tests/packages/test_lock.py. Conflict markers have no control: a lock that holds them is no TOML, so that it gives plain
urllib no address to ask.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from eggcarton.child.door import Sources
from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes.routing import Index as Configured
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage, read, text_of
from support.scene import Make, Scene, plain

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CANONICAL = "canonical"


@contextmanager
def connections() -> Iterator[list[object]]:
    """Note every address that this process connects to or looks up."""
    asked: list[object] = []
    is_noting = [True]

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if is_noting[0] and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
            asked.append((event, arguments[1:]))

    # A hook cannot be taken away.
    sys.addaudithook(note)
    yield asked
    is_noting[0] = False


def offline(scene: Scene, *directories: Path) -> Sources:
    """What a run without a network has."""
    index = Configured("main", scene.addresses[CANONICAL])
    return Sources((index,), (), scene.cache.directory, directories, offline=True)


@pytest.fixture
def dozen(make: Make) -> Scene:
    """Twelve files."""
    made = make(*[f"web{number:02}" for number in range(12)], size=1000)
    made.route(CANONICAL)
    return made


def right(scene: Scene, number: int) -> bytes:
    """Return what a file must be."""
    return (scene.directory / scene.wanted[number].name).read_bytes()


def test_fault_29_offline_and_complete(dozen: Scene) -> None:
    """Offline, all files come from the cache, and no socket is opened; the hook that says so sees one that is."""
    with connections() as asked:
        assert None is dozen.fetch().error
        assert asked
    dozen.servers[CANONICAL].rewind()
    with connections() as asked:
        found = offline(dozen).open().fetch(dozen.wanted)
    assert ({file.sha256 for file in dozen.wanted}, []) == ({*found}, asked)
    assert {CANONICAL: 0} == dozen.counts("*")


def test_fault_29_offline_with_three_missing(dozen: Scene) -> None:
    """Offline, all that is missing is named at once, and no socket is opened; plain urllib goes out for it."""
    dozen.fetch(dozen.wanted[3:])
    dozen.servers[CANONICAL].rewind()
    with connections() as asked:
        assert ["right"] * 3 == [plain(dozen.address(CANONICAL, dozen.wanted[n]), right(dozen, n)) for n in range(3)]
        assert asked
    assert {CANONICAL: 3} == dozen.counts()
    dozen.servers[CANONICAL].rewind()
    with connections() as asked, pytest.raises(Unavailable) as caught:
        offline(dozen).open().fetch(dozen.wanted)
    assert ([], 4) == (asked, caught.value.exit_code)
    told = str(caught.value)
    assert [True] * 3 + [False] * 9 == [file.name in told for file in dozen.wanted]
    assert "3 files" in told
    assert {CANONICAL: 0} == dozen.counts("*")
    dozen.check_cache()


def test_fault_29_a_bundle_with_a_bad_byte(dozen: Scene, tmp_path: Path) -> None:
    """A file of a bundle that has one wrong byte is as if it were missing, and is named; plain urllib takes it."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for file in dozen.wanted:
        (bundle / file.name).write_bytes((dozen.directory / file.name).read_bytes())
    assert 12 == len(offline(dozen, bundle).open().fetch(dozen.wanted))
    body = bytearray((bundle / dozen.wanted[5].name).read_bytes())
    body[len(body) // 2] ^= 1
    (bundle / dozen.wanted[5].name).write_bytes(body)
    told = [plain((bundle / file.name).as_uri(), right(dozen, n)) for n, file in enumerate(dozen.wanted)]
    assert ["right"] * 5 + ["wrong"] + ["right"] * 6 == told
    with pytest.raises(Unavailable) as caught:
        offline(dozen, bundle).open().fetch(dozen.wanted)
    assert [5] == [n for n, file in enumerate(dozen.wanted) if file.name in str(caught.value)]
    assert {CANONICAL: 0} == dozen.counts("*")


def test_fault_29_a_link_out_of_the_bundle(dozen: Scene, tmp_path: Path) -> None:
    """A link in a bundle that leads to other bytes is as if the file were missing; bytes decide, not places."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / dozen.wanted[0].name).symlink_to(dozen.directory / dozen.wanted[1].name)
    (bundle / dozen.wanted[1].name).symlink_to(bundle)
    (bundle / dozen.wanted[2].name).symlink_to(bundle / "nowhere")
    # Plain urllib takes what it is led to.
    assert "right" == plain((bundle / dozen.wanted[0].name).as_uri(), right(dozen, 1))
    for file in dozen.wanted[:3]:
        with pytest.raises(Unavailable, match=file.name):
            offline(dozen, bundle).open().fetch([file])


def lock_of(scene: Scene) -> str:
    """Return a lock of the first file, which names its whole address."""
    file = scene.wanted[0]
    text = text_of(Lock(">=3.10", (LockedPackage(file.project, "1.0", (LockedFile(file.name, file.sha256),)),)))
    return text.replace(f'path = "wheels/{file.name}"', f'url = "{scene.address(CANONICAL)}"')


def obeyed(text: str, base: str, body: bytes) -> str:
    """Return what plain urllib makes of the first file that a lock names, in whatever state that lock is."""
    (file, *_) = tomllib.loads(text)["packages"][0]["wheels"]
    address = urlsplit(urljoin(base, file.get("url") or file["path"]))
    headers = {"Authorization": f"{address.username}:{address.password}"} if address.username else {}
    return plain(address._replace(netloc=address.netloc.rpartition("@")[2]).geturl(), body, headers=headers)


def test_fault_29_a_path_that_leaves_the_bundle(dozen: Scene, tmp_path: Path) -> None:
    """A lock beside a bundle whose path leaves it with ../ is refused; plain urllib goes where it leads."""
    place, file = tmp_path / "application" / "pylock.toml", dozen.wanted[0]
    place.parent.mkdir()
    text = lock_of(dozen).replace(f'url = "{dozen.address(CANONICAL)}"', f'path = "wheels/{file.name}"')
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / file.name).write_bytes(right(dozen, 0))
    place.write_text(text, "utf-8")
    assert {file.name} == {wheel.name for package in read(place).packages for wheel in package.wheels}
    assert "right" != obeyed(text, place.as_uri(), right(dozen, 0))
    text = text.replace('path = "wheels/', 'path = "../wheels/')
    place.write_text(text, "utf-8")
    assert "right" == obeyed(text, place.as_uri(), right(dozen, 0))
    with pytest.raises(IntegrityProblem, match=f"'../wheels/{file.name}' leaves the folder of the lock"):
        read(place)


# What of a lock is changed, into what, and what the refusal says.
ABUSE = {
    "no hash": (r"hashes = \{[^}]*\}", "hashes = {}", "hashes"),
    "md5 alone": (r'sha256 = "\w+"', 'md5 = "aa"', "has no sha256"),
    "credentials": ("http://", "http://me:hidden@", "holds credentials"),
    "a version changed by hand": (r'\nversion = "1.0"', r'\nversion = "2.0"', "not consistent with package version"),
    "another major version": ('lock-version = "1.0"', 'lock-version = "2.1"', "lock-version 2.1"),
    "another file's name": (r'name = "web00-', 'name = "other-', "other-1.0"),
}


@pytest.mark.parametrize("kind", ABUSE)
def test_fault_30_a_lock_that_must_not_be_obeyed(dozen: Scene, tmp_path: Path, kind: str) -> None:
    """A spoilt lock is refused before anything is asked; plain urllib takes a wrong file from where it says."""
    pattern, by, told = ABUSE[kind]
    server = dozen.servers[CANONICAL]
    server.fault("/files/*", "flip", forever=True)
    place = tmp_path / "pylock.toml"
    place.write_text(lock_of(dozen), "utf-8")
    assert "1.0" == read(place).packages[0].version
    text, number = re.subn(pattern, by, lock_of(dozen), count=1)
    assert 1 == number
    assert "wrong" == obeyed(text, "", right(dozen, 0))
    assert ["Authorization" in request.headers for request in server.requests] == [kind == "credentials"]
    server.rewind()
    place.write_text(text, "utf-8")
    with pytest.raises(IntegrityProblem) as caught:
        read(place)
    assert 5 == caught.value.exit_code
    assert told in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert {CANONICAL: 0} == dozen.counts("*")


def test_fault_30_a_lock_with_the_hash_of_other_bytes(dozen: Scene) -> None:
    """A lock that names another sha256 for a file is not obeyed with the file's own bytes."""
    file = dozen.wanted[0]
    body = (dozen.directory / file.name).read_bytes()
    # Plain urllib has no hash to hold against what it gets.
    assert ["right"] == dozen.control()
    changed = replace(file, sha256=hashlib.sha256(body + b"x").hexdigest())
    done = dozen.fetch([changed])
    assert (5, {CANONICAL: 1}, {}) == (getattr(done.error, "exit_code", None), dozen.counts(), dozen.partial)
    assert [] == [path for path in dozen.cache.directory.rglob("*") if path.is_file()]
