"""A lock is made by uv from what is asked for, keeps what it can, and says why it cannot."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.errors import EggcartonError, Unavailable, UsageProblem
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Route
from eggcarton.indexes.routing import Routing
from eggcarton.packages import cutoff
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.lock import Lock, LockedPackage, read, text_of
from eggcarton.packages.needs import Need, Needs, Terms, drift
from eggcarton.packages.resolve import Resolver
from eggcarton.packages.sdists import Builder
from support.closed import uv_program
from support.distributions import sdist, wheel
from support.index import Index

HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    place = tmp_path / "served"
    for version in ("1.16.0", "1.17.0"):
        wheel(place, "six", version)
    wheel(place, "colour", "1.0")
    wheel(
        place, "web", "2.0", requires=["six>=1"], extras={"tests": ["colour"], "win": ['six>=99; sys_platform=="none"']}
    )
    with Index(place) as serving:
        yield serving


@pytest.fixture
def resolver(index: Index, tmp_path: Path) -> Resolver:
    return made(index.url, tmp_path)


def made(url: str, place: Path, *allow_sdist: str, find_links: Sequence[str] = (), **further: Any) -> Resolver:
    routing, network = Routing((Route("default", url),)), Network(Client(), sleep=lambda seconds: None)
    remote = [link for link in find_links if "://" in link]
    here = [Path(link) for link in find_links if link not in remote]
    pages = Pages(routing, network, find_links=remote)
    return Resolver(
        program=uv_program(),
        routing=routing,
        pages=pages,
        fetcher=Fetcher(Cache(place / "cache"), pages, network, directories=here),
        cache=place / "cache",
        find_links=find_links,
        builder=Builder(Toolchain((), {}), place / "cache"),
        allow_sdist=allow_sdist,
        **further,
    )


def needs(
    *lines: str,
    pins: Mapping[str, str] | None = None,
    develop: tuple[LockedPackage, ...] = (),
    requires_python: str = HERE,
    terms: Terms | None = None,
) -> Needs:
    return Needs(
        tuple(Need(line, "part app") for line in lines), pins or {}, develop, requires_python, terms or Terms()
    )


def versions(lock: Lock) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


def test_what_is_led_to(resolver: Resolver, index: Index, tmp_path: Path) -> None:
    """A lock holds all that the needs lead to, each file with its sha256 and place, and answers them."""
    lock = resolver.resolve(needs("Web[tests]"))
    assert {"web": "2.0", "six": "1.17.0", "colour": "1.0"} == versions(lock)
    known = {d.path.name: d for d in index.distributions()}
    for package in lock.packages:
        (file,) = package.wheels
        assert (known[file.name].sha256, f"files/{known[file.name].place}") == (file.sha256, file.hint)
    (web,) = lock.named("web")
    assert ('colour; extra == "tests"', "six>=1", 'six>=99; sys_platform == "none" and extra == "win"') == web.requires
    assert [] == drift(lock, needs("web[tests]"))
    (tmp_path / "pylock.toml").write_text(text_of(lock), "utf-8")
    assert lock == read(tmp_path / "pylock.toml")


def test_an_extra_that_is_asked_for_later(resolver: Resolver) -> None:
    """A lock made without an extra does not answer who asks for it, though the distribution itself is locked."""
    lock = resolver.resolve(needs("web"))
    assert {"web": "2.0", "six": "1.17.0"} == versions(lock)
    assert ['web needs colour; extra == "tests", which the lock does not have'] == drift(lock, needs("web[tests]"))
    assert [] == drift(lock, needs("web"))


def test_the_same_twice(index: Index, tmp_path: Path) -> None:
    """The same needs give the same lock byte for byte, from an empty cache and in another order."""
    one = made(index.url, tmp_path / "one").resolve(needs("web", "colour"))
    two = made(index.url, tmp_path / "two").resolve(needs("colour", "web"))
    assert text_of(one) == text_of(two)


def test_pins(resolver: Resolver) -> None:
    """A pin decides the version of what others lead to; one of what nobody needs does nothing."""
    assert {"web": "2.0", "six": "1.16.0"} == versions(resolver.resolve(needs("web", pins={"Six": "1.16.0", "x": "1"})))
    assert "1.16.0" == versions(resolver.resolve(needs("six", pins={"six": "<1.17"})))["six"]


def test_old_versions_are_kept(resolver: Resolver, index: Index) -> None:
    """What the old lock has is kept while it satisfies, though the index has newer ones."""
    old = resolver.resolve(needs("web", pins={"six": "1.16.0"}))
    assert {"web": "2.0", "six": "1.16.0", "colour": "1.0"} == versions(
        resolver.resolve(needs("web", "colour"), old=old)
    )
    assert "1.17.0" == versions(resolver.resolve(needs("web", "six>1.16"), old=old))["six"]


def test_files_of_what_stays_are_kept(index: Index, tmp_path: Path) -> None:
    """What stays at its version keeps its files, whatever the index lists by now; an upgrade takes what is there."""
    old = made(index.url, tmp_path / "old").resolve(needs("web"))
    wheel(index.directory, "six", "1.17.0", tag="py3-none-win_amd64")
    (index.directory / "web-2.0-py3-none-any.whl").rename(index.directory / "web-2.0-1-py3-none-any.whl")
    kept = made(index.url, tmp_path / "kept").resolve(needs("web", "colour"), old=old)
    assert [old.named("six"), old.named("web")] == [kept.named("six"), kept.named("web")]
    new = made(index.url, tmp_path / "new").resolve(needs("web"), old=old, upgrade=["six"])
    assert (2, old.named("web")) == (len(new.named("six")[0].wheels), new.named("web"))
    new = made(index.url, tmp_path / "all").resolve(needs("web"), old=old, upgrade=[])
    assert "web-2.0-1-py3-none-any.whl" == new.named("web")[0].wheels[0].name


def test_upgrade_by_name(index: Index, tmp_path: Path) -> None:
    """Only the names given are taken anew; all of them, when none is given."""
    old = made(index.url, tmp_path / "one").resolve(needs("web", "colour", pins={"six": "1.16.0"}))
    wheel(index.directory, "colour", "1.1")
    for upgrade, expected in (
        (None, ["1.16.0", "1.0"]),
        (["Six"], ["1.17.0", "1.0"]),
        (["colour"], ["1.16.0", "1.1"]),
        ([], ["1.17.0", "1.1"]),
    ):
        lock = made(index.url, tmp_path / "two").resolve(needs("web", "colour"), old=old, upgrade=upgrade)
        assert expected == [versions(lock)[name] for name in ("six", "colour")], upgrade


def test_a_dead_index(index: Index, tmp_path: Path) -> None:
    """An index that does not answer is told as that, without the credentials in its address."""
    index.stop()
    with pytest.raises(Unavailable) as caught:
        made(index.url.replace("://", "://me:secret@"), tmp_path).resolve(needs("six"))
    assert str(caught.value).startswith(f"index default ({index.url}) does not answer for 'six': ")
    assert "secret" not in str(caught.value)


def test_metadata_without_its_own_file(index: Index, tmp_path: Path) -> None:
    """Where the index offers no metadata apart, it is read from the wheel, which is then in the cache."""
    index.metadata = False
    lock = made(index.url, tmp_path).resolve(needs("web"))
    assert "six>=1" in lock.named("web")[0].requires
    assert Cache(tmp_path / "cache").find(lock.named("web")[0].wheels[0].sha256)


def test_spoilt_metadata_is_not_believed(index: Index, tmp_path: Path) -> None:
    """Metadata with another digest than its page tells is not believed; the wheel is read."""
    index.fault("*.metadata", "flip", forever=True)
    assert "six>=1" in made(index.url, tmp_path).resolve(needs("web")).named("web")[0].requires
    assert 1 == len(index.paths("*/web-2.0-py3-none-any.whl"))


def test_an_index_without_digests(index: Index, tmp_path: Path) -> None:
    """Where the index tells no sha256, the lock has that of the bytes that came."""
    index.hashes = False
    (file,) = made(index.url, tmp_path).resolve(needs("colour")).packages[0].wheels
    assert file_digest(index.directory / file.name) == file.sha256


def test_sizes(index: Index, tmp_path: Path) -> None:
    """A size is locked where the index tells it."""
    told = made(index.url, tmp_path / "one").resolve(needs("colour")).packages[0].wheels[0]
    assert (index.directory / told.name).stat().st_size == told.size
    index.sizes = False
    assert None is made(index.url, tmp_path / "two").resolve(needs("colour")).packages[0].wheels[0].size


def test_a_source_distribution_is_refused(index: Index, tmp_path: Path) -> None:
    """What exists only as source is refused with a block that allows it, ready to paste; nothing of it is run."""
    sdist(index.directory, "old-style", "1.0")
    with pytest.raises(EggcartonError) as caught:
        made(index.url, tmp_path).resolve(needs("old_style"))
    assert "\n[eggcarton]\nallow-sdist =\n    old-style" in str(caught.value)
    assert [] == index.paths("*.tar.gz")


def test_all_that_is_refused_is_told_at_once(index: Index, tmp_path: Path) -> None:
    """Every distribution that exists only as source is in one block, also those that others lead to."""
    for name in ("old", "older", "oldest"):
        sdist(index.directory, name, "1.0")
    wheel(index.directory, "leads", "1.0", requires=["older", "oldest>=1"])
    with pytest.raises(UsageProblem) as caught:
        made(index.url, tmp_path, "oldest").resolve(needs("old", "leads"))
    assert str(caught.value).startswith("old, older: there is no wheel")
    assert str(caught.value).endswith("\n[eggcarton]\nallow-sdist =\n    oldest\n    old\n    older")


def test_an_allowed_source_distribution(index: Index, tmp_path: Path) -> None:
    """What is allowed is built and locked as source, with what its built metadata leads to."""
    sdist(index.directory, "old-style", "0.9")
    path = sdist(index.directory, "old-style", "1.0", requires=["six<1.17"])
    sdist(index.directory, "old-style", "1.1b1")
    lock = made(index.url, tmp_path, "old-*").resolve(needs("old-style"))
    assert {"old-style": "1.0", "six": "1.16.0"} == versions(lock)
    (found,) = lock.named("old-style")
    assert found.sdist is not None
    assert ((), path.name, ("six<1.17",)) == (found.wheels, found.sdist.name, found.requires)


@pytest.mark.parametrize("told", [True, False], ids=["with digests", "without digests"])
def test_a_source_distribution_in_find_links(index: Index, tmp_path: Path, told: bool) -> None:
    """What only a page of find-links has as source is built too; where that tells no sha256, its bytes are locked."""
    (tmp_path / "links").mkdir()
    path = sdist(tmp_path / "links", "old", "1.0", requires=["six<1.17"])
    with Index(tmp_path / "links", hashes=told) as links:
        resolver = made(index.url, tmp_path, "old", find_links=[f"{links.url}old/"])
        (found,) = resolver.resolve(needs("old")).named("old")
    assert found.sdist is not None
    assert (path.name, file_digest(path), ("six<1.17",)) == (found.sdist.name, found.sdist.sha256, found.requires)


def test_a_source_distribution_in_a_directory(index: Index, tmp_path: Path) -> None:
    """What only a directory of find-links has as source is built too; the lock does not tell where that lies."""
    path = sdist(tmp_path / "links", "old", "1.0")
    lock = made(index.url, tmp_path, "old", find_links=[str(tmp_path / "links")]).resolve(needs("old"))
    (found,) = lock.named("old")
    assert found.sdist is not None
    assert (path.name, file_digest(path), None) == (found.sdist.name, found.sdist.sha256, found.sdist.hint)


def test_a_pinned_source_distribution(index: Index, tmp_path: Path) -> None:
    """Of several source distributions the one that pins and needs admit is built, and no other."""
    for version in ("0.8", "0.9", "1.0"):
        sdist(index.directory, "old", version)
    lock = made(index.url, tmp_path, "old").resolve(needs("old>0.8", pins={"old": "<1"}))
    assert "0.9" == versions(lock)["old"]
    assert {"old-0.9.tar.gz"} == {path.rpartition("/")[2] for path in index.paths("*.tar.gz")}


def test_prereleases_as_source(index: Index, tmp_path: Path) -> None:
    """Of source distributions, too, a prerelease is taken when that is allowed, or when there is nothing else."""
    for version in ("1.0", "1.1b1"):
        sdist(index.directory, "old", version)
    sdist(index.directory, "young", "0.1b1")
    assert {"old": "1.0", "young": "0.1b1"} == versions(made(index.url, tmp_path, "*").resolve(needs("old", "young")))
    assert (
        "1.1b1" == versions(made(index.url, tmp_path, "*").resolve(needs("old", terms=Terms(prereleases=True))))["old"]
    )


def test_a_wheel_comes_before_a_source_distribution(index: Index, tmp_path: Path) -> None:
    """A version with a wheel is taken although a newer one exists as source."""
    sdist(index.directory, "six", "1.18.0")
    assert "1.17.0" == versions(made(index.url, tmp_path, "*").resolve(needs("six")))["six"]


def test_forks_by_python(index: Index, tmp_path: Path) -> None:
    """Where Pythons need different versions the lock has both, told apart by markers, and each Python takes one."""
    wheel(index.directory, "six", "1.18.0", requires_python=">=3.12")
    lock = made(index.url, tmp_path).resolve(needs("six", requires_python=">=3.9"))
    assert {"1.17.0": "python_full_version < '3.12'", "1.18.0": "python_full_version >= '3.12'"} == {
        package.version: package.marker for package in lock.named("six")
    }
    assert (">=3.9", []) == (lock.requires_python, drift(lock, needs("six")))


def test_the_end_of_a_range_of_pythons(index: Index, tmp_path: Path) -> None:
    """Nothing is locked for Pythons beyond the range, and what they could not have stands in nobody's way."""
    wheel(index.directory, "six", "1.18.0", requires_python=">=3.12")
    wheel(
        index.directory, "app", requires=['nowhere; python_version >= "3.13"', 'colour; sys_platform == "win32"', "six"]
    )
    resolver = made(index.url, tmp_path)
    asked = needs("app", 'web ; sys_platform == "linux"', requires_python=">=3.10,<3.12")
    lock = resolver.resolve(asked)
    assert {
        "app": ("1.0", None),
        "colour": ("1.0", "sys_platform == 'win32'"),
        "six": ("1.17.0", None),
        "web": ("2.0", "sys_platform == 'linux'"),
    } == {package.name: (package.version, package.marker) for package in lock.packages}
    assert ">=3.10,<3.12" == lock.requires_python
    assert lock == resolver.resolve(asked, old=lock)
    with pytest.raises(EggcartonError, match="nowhere"):
        resolver.resolve(replace(asked, requires_python=">=3.10"))


def test_a_conflict_within_a_range_of_pythons(index: Index, tmp_path: Path) -> None:
    """Why there is no solution is told as ever, and by no name that nobody has."""
    with pytest.raises(EggcartonError, match="six") as raised:
        made(index.url, tmp_path).resolve(needs("six>=1.17", pins={"six": "1.16.0"}, requires_python=">=3.10,<3.12"))
    assert "range-of-pythons" not in str(raised.value)


def test_a_pin_that_wants_a_later_patch_version_of_python(index: Index, tmp_path: Path) -> None:
    """Where nobody asks for a range of Pythons, a pin narrows it; who asks for one is told that it cannot be."""
    python = platform.python_version()
    wheel(index.directory, "six", "1.18.0", requires_python=f">={python}")
    asked = needs("six", pins={"six": "1.18.0"})
    lock = made(index.url, tmp_path).resolve(asked)
    assert (HERE if python.endswith(".0") else f">={python}") == lock.requires_python
    assert ([("six", "1.18.0", None)], []) == (
        [(p.name, p.version, p.marker) for p in lock.packages],
        drift(lock, asked),
    )
    if not python.endswith(".0"):
        with pytest.raises(EggcartonError, match=r"six==1\.18\.0"):
            made(index.url, tmp_path).resolve(replace(asked, terms=Terms(asked_python=HERE)))
    wheel(index.directory, "six", "1.19.0", requires_python=">=3.99.1")
    with pytest.raises(EggcartonError, match=r"six==1\.19\.0"):
        made(index.url, tmp_path).resolve(needs("six", pins={"six": "1.19.0"}))


def test_markers_of_other_platforms(index: Index, tmp_path: Path) -> None:
    """What only other platforms need is locked for them, with its marker."""
    lock = made(index.url, tmp_path).resolve(needs("six", 'colour ; sys_platform == "win32"'))
    assert {"six": None, "colour": "sys_platform == 'win32'"} == {p.name: p.marker for p in lock.packages}


def at(path: Path, day: str) -> Path:
    """Say that an index got a file on a day."""
    moment = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    os.utime(path, (moment, moment))
    return path


def test_what_is_too_new(index: Index, tmp_path: Path) -> None:
    """Nothing that came to the index later is locked, and an age becomes a moment, which the lock has."""
    for path in index.directory.iterdir():
        at(path, "2026-01-01")
    at(index.directory / "six-1.17.0-py3-none-any.whl", "2026-03-10")
    made_then = made(index.url, tmp_path, now=lambda: datetime(2026, 3, 12, tzinfo=timezone.utc))
    for text, version, moment in [
        ("7 days", "1.16.0", "2026-03-05T00:00:00Z"),
        ("1 day", "1.17.0", "2026-03-11T00:00:00Z"),
        ("2026-02-01", "1.16.0", "2026-02-01T00:00:00Z"),
    ]:
        wanted = needs("web", terms=Terms(exclude_newer=cutoff.check(text)))
        lock = made_then.resolve(wanted)
        assert (version, moment) == (versions(lock)["six"], lock.exclude_newer)
        (tmp_path / "pylock.toml").write_text(text_of(lock), "utf-8")
        assert lock == read(tmp_path / "pylock.toml")
        assert [] == drift(lock, wanted)


def test_a_source_distribution_that_is_too_new(index: Index, tmp_path: Path) -> None:
    """What is built from source is no newer either."""
    for version, day in (("1.0", "2026-01-01"), ("2.0", "2026-03-01")):
        at(sdist(index.directory, "old", version), day)
    terms = Terms(exclude_newer=cutoff.check("2026-02-01"))
    assert {"old": "1.0"} == versions(made(index.url, tmp_path, "*").resolve(needs("old", terms=terms)))


def test_prereleases(index: Index, tmp_path: Path) -> None:
    """A prerelease is chosen when that is allowed, or when there is nothing else."""
    wheel(index.directory, "six", "2.0a1")
    wheel(index.directory, "young", "0.1b1")
    lock = made(index.url, tmp_path).resolve(needs("six", "young"))
    assert {"six": "1.17.0", "young": "0.1b1"} == versions(lock)
    assert "2.0a1" == versions(made(index.url, tmp_path).resolve(needs("six", terms=Terms(prereleases=True))))["six"]


OWN = LockedPackage("own", "0.1", requires=("six<1.17", 'colour ; extra == "tests"', 'gone ; extra == "never"'))


def test_develop_packages(resolver: Resolver, index: Index) -> None:
    """A develop package is in no lock and asked for at no index, but what it needs is locked."""
    lock = resolver.resolve(needs("own", develop=(OWN,)))
    assert {"six": "1.16.0"} == versions(lock)
    assert [] == index.paths("/simple/own*")
    assert [] == drift(lock, needs("own", develop=(OWN,)))


def test_extras_of_develop_packages(resolver: Resolver) -> None:
    """An extra of a develop package leads to what it adds."""
    assert {"six", "colour"} == set(versions(resolver.resolve(needs("Own[tests]>=5", develop=(OWN,)))))


def test_develop_packages_that_others_need(resolver: Resolver, index: Index) -> None:
    """A develop package answers what distributions of the index need, although the index has it too."""
    wheel(index.directory, "own", "9.0")
    wheel(index.directory, "plugin", "1.0", requires=["own"])
    lock = resolver.resolve(needs("plugin", "own", pins={"own": "9.0"}, develop=(OWN,)))
    assert {"plugin": "1.0", "six": "1.16.0"} == versions(lock)
    assert [] == index.paths("/simple/own*")


def test_credentials_of_the_index(index: Index, tmp_path: Path) -> None:
    """With credentials in the index's address a lock is made, and holds none of them."""
    index.credentials = "me:secret"
    lock = made(index.url.replace("://", "://me:secret@"), tmp_path).resolve(needs("web"))
    assert {"web", "six"} == set(versions(lock))
    assert "secret" not in text_of(lock)
    assert "127.0.0.1" not in text_of(lock)


def test_nothing_asked_for(resolver: Resolver) -> None:
    """Without needs there is a lock without distributions."""
    assert Lock(HERE, ()) == resolver.resolve(needs())


def test_the_environment_does_not_steer(resolver: Resolver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables and configuration files of uv and pip change nothing."""
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2001-01-01")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "steered"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text("no-index = true\n", "utf-8")
    assert {"six": "1.17.0"} == versions(resolver.resolve(needs("six")))
    assert "steered" not in os.listdir(tmp_path)
