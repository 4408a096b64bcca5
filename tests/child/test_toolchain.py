"""The toolchain comes from its pins: each distribution on its own into the store, by its sha256."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from eggcarton.child import toolchain
from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.indexes.cache import file_digest
from support.distributions import wheel
from support.index import Index

TAG = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"


def sources(tmp_path: Path, index: Index, *directories: Path, offline: bool = False) -> dict[str, Any]:
    return {
        "index": index.url,
        "find_links": [],
        "cache": str(tmp_path / "cache"),
        "directories": [str(directory) for directory in directories],
        "offline": offline,
    }


def pins(tmp_path: Path, *wheels: Path, marker: str = "") -> str:
    """A pins file for some wheels; several of one version are one pin."""
    hashes: dict[str, list[str]] = {}
    for path in wheels:
        hashes.setdefault("==".join(path.name.split("-")[:2]), []).append(file_digest(path))
    lines = [f"{name}{marker} " + " ".join(f"--hash=sha256:{h}" for h in found) for name, found in hashes.items()]
    (tmp_path / "pins.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return str(tmp_path / "pins.txt")


def provide(tmp_path: Path, pins_file: str, fields: dict[str, Any]) -> list[dict[str, str]]:
    return toolchain.provide(pins_file=pins_file, sources=fields, store=str(tmp_path / "store"), tag=TAG)


def test_it_is_provided(tmp_path: Path, index: Index) -> None:
    """Each pinned distribution has its own egg, and buildout's name leads to it."""
    paths = [wheel(index.directory, name, "1.0", {f"{name}.py": ""}) for name in ("one", "two")]
    found = provide(tmp_path, pins(tmp_path, *paths), sources(tmp_path, index))
    assert [("one", "1.0"), ("two", "1.0")] == [(item["name"], item["version"]) for item in found]
    for item in found:
        assert (Path(item["egg"]) / f"{item['name']}.py").is_file()
        assert Path(item["egg"]) == (tmp_path / "store" / Path(item["egg"]).name).resolve()


def test_what_is_there_is_not_asked_for(tmp_path: Path, index: Index) -> None:
    """A toolchain that is in the store costs no request, no directory and no cache."""
    file = pins(tmp_path, wheel(index.directory, "one", "1.0"))
    first = provide(tmp_path, file, sources(tmp_path, index))
    index.requests.clear()
    fields = sources(tmp_path, index) | {"cache": str(tmp_path / "other")}
    assert (first, []) == (provide(tmp_path, file, fields), index.requests)
    assert not (tmp_path / "other").exists()


def test_a_directory_of_wheels(tmp_path: Path, index: Index) -> None:
    """With a directory that holds the pinned files, whatever their spelling, no index is asked."""
    path = wheel(tmp_path / "wheels", "Zc.Some_Thing", "1.0")
    (found,) = provide(tmp_path, pins(tmp_path, path), sources(tmp_path, index, tmp_path / "wheels", offline=True))
    assert ("zc-some-thing", []) == (found["name"], index.requests)


def test_pins_of_other_pythons(tmp_path: Path, index: Index) -> None:
    """A pin whose marker does not hold here is passed over."""
    path = wheel(index.directory, "one", "1.0")
    file = pins(tmp_path, path, marker=" ; python_version < '3'")
    assert ([], []) == (provide(tmp_path, file, sources(tmp_path, index)), index.requests)


def test_the_wheel_for_this_platform(tmp_path: Path, index: Index) -> None:
    """Of the files that are pinned for one version the one that suits this Python is taken, and it alone fetched."""
    other = wheel(index.directory, "one", "1.0", tag="cp27-cp27mu-amiga")
    pure = wheel(index.directory, "one", "1.0")
    (found,) = provide(tmp_path, pins(tmp_path, other, pure), sources(tmp_path, index))
    assert file_digest(pure) == Path(found["egg"]).parent.name
    assert [pure.name] == [path.rpartition("/")[2] for path in index.paths("/files/*")]


def test_files_that_are_not_pinned(tmp_path: Path, index: Index) -> None:
    """A file of the same version that is not pinned is not taken, wherever it lies."""
    file = pins(tmp_path, wheel(tmp_path / "right", "one", "1.0", {"one.py": "right = 1\n"}))
    wheel(index.directory, "one", "1.0", {"one.py": "wrong = 1\n"})
    wheel(tmp_path / "wheels", "one", "1.0", {"one.py": "wrong = 2\n"})
    with pytest.raises(Unavailable, match=r"no wheel of one 1\.0 that is pinned for this Python lies on the index"):
        provide(tmp_path, file, sources(tmp_path, index))
    with pytest.raises(Unavailable, match="lies in the directories given"):
        provide(tmp_path, file, sources(tmp_path, index, tmp_path / "wheels", offline=True))


def test_wrong_bytes(tmp_path: Path, index: Index) -> None:
    """Bytes other than those pinned stop everything, and nothing is in the store."""
    file = pins(tmp_path, wheel(index.directory, "one", "1.0"))
    index.fault("/files/*", "flip", forever=True)
    with pytest.raises(IntegrityProblem):
        provide(tmp_path, file, sources(tmp_path, index))
    assert [] == list((tmp_path / "store").glob("*.egg"))


def lock(tmp_path: Path, index: Index, upgrade: tuple[str, ...] = (), **files: list[str]) -> list[str]:
    return toolchain.lock(
        files={str(tmp_path / f"{name}.txt"): lines for name, lines in files.items()},
        headers={str(tmp_path / f"{name}.txt"): [f"For {name}."] for name in files},
        requires_python=">=3.10",
        upgrade=upgrade,
        sources=sources(tmp_path, index),
    )


def test_pins_are_made(tmp_path: Path, index: Index) -> None:
    """Pins files are resolved each by itself, and can be provided; made again without a change they are left alone."""
    two = wheel(index.directory, "two", "1.0")
    one = wheel(index.directory, "one", "1.0", requires=["two"])
    assert ["a.txt", "b.txt"] == lock(tmp_path, index, a=["one"], b=["two"])
    text = (
        f"# For a.\none==1.0 \\\n    --hash=sha256:{file_digest(one)}\n"
        f"two==1.0 \\\n    --hash=sha256:{file_digest(two)}\n"
    )
    assert text == (tmp_path / "a.txt").read_text("utf-8")
    assert [] == lock(tmp_path, index, a=["one"], b=["two"])
    assert 2 == len(provide(tmp_path, str(tmp_path / "a.txt"), sources(tmp_path, index)))


def test_one_pin_is_made_anew(tmp_path: Path, index: Index) -> None:
    """What is not named stays at its version when pins are made anew; with no name nothing does."""
    for version in ("1.0", "2.0"):
        for name in ("one", "two"):
            wheel(index.directory, name, version)
        if version == "1.0":
            lock(tmp_path, index, a=["one", "two"])
    assert ["a.txt"] == lock(tmp_path, index, ("two",), a=["one", "two"])
    assert "one==1.0" in (tmp_path / "a.txt").read_text("utf-8")
    assert "two==2.0" in (tmp_path / "a.txt").read_text("utf-8")
    assert ["a.txt"] == lock(tmp_path, index, a=["one", "two"])
    assert "one==2.0" in (tmp_path / "a.txt").read_text("utf-8")
