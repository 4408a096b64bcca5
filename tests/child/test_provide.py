"""What a build needs is locked when that is due, fetched when it is missing, and in the store afterwards."""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any

import pytest

from eggcarton.child.provide import prepare, provide
from eggcarton.core.errors import Drift, EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import lock as locks
from support.distributions import sdist, wheel
from support.faults import Response
from support.index import Index

TAG = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"
HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"


class Build:
    """The requests of one buildout, each with what its configuration says by then."""

    def __init__(self, root: Path, index: Index) -> None:
        self.root, self.index = root, index
        self.lock = root / "pylock.toml"
        self.cache = root / "cache"

    def sources(self, **changes: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {"index": self.index.url, "find_links": [], "cache": str(self.cache), "offline": False}
        return fields | {"directories": [str(self.root / "wheels")]} | changes

    def ask(self, *needs: str, offline: bool = False, **changes: Any) -> dict[str, Any]:
        order: dict[str, Any] = {
            "lock": str(self.lock),
            "policy": "update",
            "upgrade": None,
            "needs": [[need, "part app"] for need in needs],
            "pins": {},
            "develop": [],
            "requires_python": HERE,
            "terms": {},
            "allow_sdist": [],
            "toolchain": {"paths": [], "versions": {}},
            "sources": self.sources(offline=offline),
            "store": str(self.root / "store"),
            "tag": TAG,
            "sets": {"app": list(needs)},
        }
        return provide(**(order | changes))


@pytest.fixture
def build(tmp_path: Path, index: Index) -> Build:
    wheel(index.directory, "web", "2.0", {"web.py": ""}, requires=["six>=1"], extras={"tests": ["colour"]})
    for version in ("1.16.0", "1.17.0"):
        wheel(index.directory, "six", version, {"six.py": f"v = {version!r}\n"})
    wheel(index.directory, "colour", "1.0", {"colour.py": ""})
    (tmp_path / "root").mkdir()
    return Build(tmp_path / "root", index)


def test_from_nothing(build: Build) -> None:
    """Without a lock one is made, and all it selects here is fetched, unpacked and named as buildout does."""
    answer = build.ask("web")
    assert ["2 distributions locked, for all platforms"] == answer["changed"]
    assert {"app": ["web", "six"]} == answer["sets"]
    assert {"web": "2.0", "six": "1.17.0"} == {n: found["version"] for n, found in answer["distributions"].items()}
    assert (2, 0, 0, []) == (answer["fetched"], answer["cached"], answer["built"], answer["remarks"])
    for found in answer["distributions"].values():
        egg = Path(found["egg"])
        assert (build.root / "store" / egg.name).resolve() == egg
        assert found["sha256"] == egg.parent.name


def test_an_index_that_is_away_at_first(build: Build) -> None:
    """Locking of many names outlasts an index that answers nobody until something is asked for the third time."""
    names, is_back = [f"lib{number}" for number in range(12)], threading.Event()

    def away(response: Response) -> None:
        if not is_back.is_set():
            response.status, response.body = 503, b"starting"

    for name in names:
        wheel(build.index.directory, name, "1.0")
        build.index.fault(f"/simple/{name}/", away, away, lambda response: is_back.set())
    build.ask(*names)
    assert {f"{name}-1.0-py3-none-any.whl" for name in names} == {
        wheel.name for package in locks.read(build.lock).packages for wheel in package.wheels
    }


def test_unchanged(build: Build) -> None:
    """With a lock that answers and a full store nothing is asked of the index, and the lock is not written."""
    first = build.ask("web")
    before = build.lock.stat().st_mtime_ns
    build.index.requests.clear()
    answer = build.ask("web")
    assert ([], 0, 0, []) == (answer["changed"], answer["fetched"], answer["cached"], build.index.requests)
    assert (first["distributions"], before) == (answer["distributions"], build.lock.stat().st_mtime_ns)


def test_a_full_store_needs_no_cache(build: Build) -> None:
    """What is in the store needs neither cache nor index."""
    build.ask("web")
    build.cache.rename(build.root / "gone")
    build.index.stop()
    assert 2 == len(build.ask("web", offline=True)["distributions"])


def test_a_lock_and_an_empty_store(build: Build) -> None:
    """With a lock, an empty cache and an empty store one page tells where all files are, and each is asked once."""
    build.ask("web", "colour")
    for name in ("store", "cache"):
        (build.root / name).rename(build.root / f"{name}.before")
    build.index.requests.clear()
    answer = build.ask("web", "colour")
    assert (3, 0) == (answer["fetched"], answer["cached"])
    assert (1, 3, 4) == (
        len(build.index.paths("/simple/*")),
        len(build.index.paths("/files/*.whl")),
        len(build.index.requests),
    )


def test_a_folder_of_wheels(build: Build) -> None:
    """With the files in the folder beside the lock, or in the cache, no index is asked."""
    build.ask("web")
    for name in ("store", "cache"):
        (build.root / name).rename(build.root / f"{name}.before")
    build.index.directory.rename(build.root / "wheels")
    build.index.stop()
    answer = build.ask("web", offline=True)
    assert (0, 2) == (answer["fetched"], answer["cached"])


def test_offline_tells_all_that_is_missing(build: Build) -> None:
    """Offline, all files that are missing are named at once, and no socket is opened."""
    build.ask("web")
    for name in ("store", "cache"):
        (build.root / name).rename(build.root / f"{name}.before")
    build.index.requests.clear()
    with pytest.raises(Unavailable) as caught:
        build.ask("web", offline=True)
    assert (
        "offline, and 2 files are neither in the store nor in the cache:\n"
        "  six-1.17.0-py3-none-any.whl\n  web-2.0-py3-none-any.whl"
    ) == str(caught.value)
    assert [] == build.index.requests


def test_offline_without_an_answer(build: Build) -> None:
    """Offline, a lock that does not answer is told with what it lacks, and is left as it is."""
    with pytest.raises(Unavailable, match=r"offline, and pylock\.toml must be made anew:\n  there is no pylock\.toml"):
        build.ask("web", offline=True)
    build.ask("six")
    with pytest.raises(Unavailable, match="part app needs web, which the lock does not have"):
        build.ask("web", offline=True)
    told = "offline, and what is newer only the index knows; leave --upgrade or -o out"
    for upgrade in ([], ["six"]):
        with pytest.raises(Unavailable) as caught:
            build.ask("six", offline=True, upgrade=upgrade)
        assert told == str(caught.value)


def test_frozen(build: Build) -> None:
    """With policy = frozen a lock that answers is obeyed, and one that does not is told with all that drifted."""
    with pytest.raises(Drift, match=r"there is no pylock\.toml"):
        build.ask("six", policy="frozen")
    build.ask("six")
    assert [] == build.ask("six", policy="frozen")["changed"]
    before = build.lock.read_bytes()
    with pytest.raises(Drift) as caught:
        build.ask("web", "six>5", policy="frozen")
    assert (
        "part app needs web, which the lock does not have",
        "part app needs six>5, the lock has six 1.17.0",
    ) == caught.value.differences
    assert "bin/eggcarton lock" in str(caught.value)
    assert before == build.lock.read_bytes()


def test_what_changed_is_told(build: Build) -> None:
    """After a change the lock keeps what it can, and each difference is told in a line."""
    build.ask("six", "colour", pins={"six": "1.16.0"})
    assert ["colour 1.0 removed", "web 2.0 added"] == build.ask("web", pins={"six": "1.16.0"})["changed"]
    assert ["six 1.16.0 -> 1.17.0"] == build.ask("web", pins={"six": "1.17.0"})["changed"]


def test_a_pin_that_is_gone(build: Build) -> None:
    """When a pin is taken away the lock still answers, and is left as it is; an upgrade takes the newest."""
    build.ask("web", pins={"six": "1.16.0"})
    assert [] == build.ask("web")["changed"]
    assert ["six 1.16.0 -> 1.17.0"] == build.ask("web", upgrade=["six"])["changed"]
    before = build.lock.stat().st_mtime_ns
    assert ([], before) == (build.ask("web", upgrade=[])["changed"], build.lock.stat().st_mtime_ns)


def test_surplus_is_left(build: Build) -> None:
    """A part that needs less than the lock has gets less, and the lock is left as it is."""
    build.ask("web[tests]")
    before = build.lock.read_bytes()
    answer = build.ask("six")
    assert ({"app": ["six"]}, {"six"}) == (answer["sets"], set(answer["distributions"]))
    assert before == build.lock.read_bytes()


def test_locking_only(build: Build) -> None:
    """Without a store a lock is made and nothing unpacked."""
    assert {} == build.ask("web", store=None)["distributions"]
    assert build.lock.exists()
    assert not (build.root / "store").exists()


def test_working_sets(build: Build) -> None:
    """Each working set has its own names, and the store has those of all."""
    answer = build.ask("web", "colour", sets={"one": ["six"], "two": ["web[tests]"], "three": []})
    assert {"one": ["six"], "two": ["web", "six", "colour"], "three": []} == answer["sets"]
    assert {"web", "six", "colour"} == set(answer["distributions"])


def test_develop_packages(build: Build) -> None:
    """A develop package is in its sets, and in neither lock nor store; what it needs is in both."""
    own = {"name": "own", "version": "0.1", "requires": ["six", "colour ; extra == 'x'"]}
    answer = build.ask("own", develop=[own])
    assert ({"app": ["own", "six"]}, {"six"}) == (answer["sets"], set(answer["distributions"]))
    assert 'name = "own"' not in build.lock.read_text("utf-8")
    assert ["colour 1.0 added"] == build.ask("own[x]", develop=[own])["changed"]


def test_strangers_are_told_of(build: Build) -> None:
    """What stands in the store under a right name, but did not come from the lock, is moved aside and told of."""
    stranger = build.root / "store" / f"six-1.17.0-{TAG}.egg"
    stranger.mkdir(parents=True)
    (remark,) = build.ask("six")["remarks"]
    assert remark.startswith(f"{stranger} had not come from the lock and was moved to ")


def test_nothing_is_half_done(build: Build) -> None:
    """When a file comes with wrong bytes the lock stands, nothing is in the store, and the next run goes on."""
    build.index.fault("*/web-2.0-py3-none-any.whl", "flip")
    with pytest.raises(IntegrityProblem, match=r"web-2\.0-py3-none-any\.whl: index default serves other bytes"):
        build.ask("web")
    assert [] == list((build.root / "store").glob("*.egg"))
    answer = build.ask("web")
    assert ([], 1, 1) == (answer["changed"], answer["fetched"], answer["cached"])


def test_a_refused_lock_is_not_rewritten(build: Build) -> None:
    """A lock that must not be obeyed stops the run and is left for its owner to look at."""
    build.ask("six")
    spoilt = build.lock.read_text("utf-8").replace("sha256 = ", "md5 = ")
    build.lock.write_text(spoilt, "utf-8")
    with pytest.raises(IntegrityProblem):
        build.ask("six")
    with pytest.raises(IntegrityProblem):
        build.ask("six", upgrade=[])
    assert spoilt == build.lock.read_text("utf-8")


def test_no_solution_leaves_the_lock(build: Build) -> None:
    """When nothing answers the needs, the old lock stays as it is and nothing is left beside it."""
    build.ask("six")
    before = build.lock.read_bytes()
    with pytest.raises(EggcartonError, match="the index has no six >9"):
        build.ask("web", "six>9")
    assert before == build.lock.read_bytes()
    assert ["cache", "pylock.toml", "store"] == sorted(os.listdir(build.root))


def test_a_lock_may_be_read_by_all(build: Build) -> None:
    """A lock is written with an ordinary file's mode."""
    build.ask("six")
    assert 0o644 == build.lock.stat().st_mode & 0o777


def test_nothing_asked_for(build: Build) -> None:
    """Without needs there is an empty lock, which answers the next time."""
    assert ["0 distributions locked, for all platforms"] == build.ask()["changed"]
    assert ([], {}) == (build.ask(policy="frozen")["changed"], build.ask()["distributions"])


def test_source_distributions(build: Build) -> None:
    """A source distribution that is allowed is locked as source and built once; without leave it is refused."""
    path = sdist(build.index.directory, "old", "1.0", {"old.py": "answer = 42\n"}, requires=["six"])
    with pytest.raises(EggcartonError, match="allow-sdist"):
        build.ask("old")
    answer = build.ask("old", allow_sdist=["old"])
    found = answer["distributions"]["old"]
    assert "answer = 42\n" == (Path(found["egg"]) / "old.py").read_text("utf-8")
    assert file_digest(path) in build.lock.read_text("utf-8")
    assert found["sha256"] not in build.lock.read_text("utf-8")
    build.index.requests.clear()
    again = build.ask("old", allow_sdist=["old"])
    assert ([], answer["distributions"]) == (build.index.requests, again["distributions"])
    with pytest.raises(EggcartonError, match="allow-sdist"):
        build.ask("old")


def test_all_that_is_refused_is_told_at_once(build: Build) -> None:
    """What is locked already, and may not be built any more, is in one block, whether or not all is locked anew."""
    for name in ("old", "older", "oldest"):
        sdist(build.index.directory, name, "1.0", {f"{name}.py": ""})
    block = "allow-sdist =\n    old\n    older"
    build.ask("old", "older", allow_sdist=["old*"])
    with pytest.raises(UsageProblem, match=block):
        build.ask("old", "older")
    with pytest.raises(UsageProblem, match=f"{block}\n    oldest"):
        build.ask("old", "older", "oldest")


def test_nothing_for_this_platform(build: Build) -> None:
    """A distribution whose files are all for other platforms is told by name and version."""
    wheel(build.index.directory, "native", "1.0", tag="cp27-cp27mu-win32")
    with pytest.raises(EggcartonError, match="native"):
        build.ask("native")


def prepared(build: Build) -> None:
    prepare(lock=str(build.lock), sources=build.sources(), store=str(build.root / "store"), tag=TAG)


def test_an_early_beginning(build: Build) -> None:
    """What was begun early is not done again: each file is asked once, and the counts tell of all."""
    build.ask("web", "colour")
    for name in ("store", "cache"):
        (build.root / name).rename(build.root / f"{name}.before")
    build.index.requests.clear()
    prepared(build)
    answer = build.ask("web", "colour")
    assert (3, 0, 4) == (answer["fetched"], answer["cached"], len(build.index.requests))


def test_an_early_beginning_without_a_lock(build: Build) -> None:
    """Without a lock nothing is begun early."""
    prepared(build)
    assert [] == build.index.requests
    assert ["1 distribution locked, for all platforms"] == build.ask("six")["changed"]


def test_an_early_failure_is_told_later(build: Build) -> None:
    """What fails while it is begun early is told when it is needed, and if it is not needed, never."""
    build.ask("web")
    for name in ("store", "cache"):
        (build.root / name).rename(build.root / f"{name}.before")
    build.index.fault("*/web-2.0-py3-none-any.whl", "status:404", forever=True)
    prepared(build)
    with pytest.raises(Unavailable, match=r"web-2\.0-py3-none-any\.whl"):
        build.ask("web")
    prepared(build)
    assert {"six"} == set(build.ask("six")["distributions"])


def test_another_range_of_pythons(build: Build) -> None:
    """A range that the configuration asks for and the lock is not for makes the lock anew, or is named when frozen."""
    build.ask("web", requires_python=">=3.9", terms={"asked_python": ">=3.9"})
    with pytest.raises(Drift, match=r"requires-python asks for >=3\.10, the lock is for >=3\.9"):
        build.ask("web", requires_python=">=3.10", terms={"asked_python": ">=3.10"}, policy="frozen")
    build.ask("web", requires_python=">=3.10", terms={"asked_python": ">=3.10"})
    assert 'requires-python = ">=3.10"' in build.lock.read_text("utf-8")


@pytest.mark.parametrize(("asked", "what"), [("foo", "is not a range such as"), (">=9", "leaves out this Python")])
def test_a_range_that_cannot_be(build: Build, asked: str, what: str) -> None:
    """A range that is none, or leaves out the Python that runs, is told before anything is asked for."""
    with pytest.raises(UsageProblem, match=what):
        build.ask("web", requires_python=asked, terms={"asked_python": asked})
    assert [] == build.index.requests
