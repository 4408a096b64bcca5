"""What an environment is, and what is different in another one, is read from what stands."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from eggcarton.core.errors import Drift
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import environment, inventory
from eggcarton.packages.environment import Makeup
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.inventory_difference import differences
from eggcarton.packages.member import Member
from eggcarton.packages.store import Store, Unpacked
from support.distributions import wheel

TAG = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"
PYTHON = Interpreter.running()


def member(root: Path, name: str, version: str = "1", text: str = "") -> Member:
    """Unpack a wheel into the store below a root."""
    path = wheel(root, name, version, {f"{name}.py": text})
    digest = file_digest(path)
    egg = Store(root / "eggs" / "v5", TAG).add({digest: path}, [Unpacked(name, version, path.name, digest)])
    return Member(name, version, egg[digest], digest)


def made(
    root: Path,
    members: Sequence[Member],
    *extra_paths: Path,
    python: Interpreter = PYTHON,
    site: bool = False,
    movable: bool = False,
) -> inventory.Inventory:
    makeup = Makeup(
        python=python,
        members=tuple(members),
        extra_paths=extra_paths,
        site_packages=site,
        root=root if movable else None,
    )
    result, _ = environment.ensure(root / "parts/.eggcarton/environments", makeup, root / "eggs" / "v5")
    return inventory.read(result.prefix, root)


def new(place: Path) -> Path:
    place.mkdir()
    return place


def test_the_digest_does_not_hang_on_the_place(tmp_path: Path) -> None:
    """The same environment in two directories has one digest, another distribution or extra path another one."""
    roots = [new(tmp_path / "one"), new(tmp_path / "two of them")]
    first, second = (made(root, [member(root, "six")], root / "lib") for root in roots)
    assert first.digest == second.digest
    assert [] == differences(first, second, "here", "there")
    others = [
        made(roots[0], [member(roots[0], "six", "2")], roots[0] / "lib"),
        made(roots[0], [member(roots[0], "six")], roots[0] / "src"),
        made(roots[0], [member(roots[0], "six")], roots[0] / "lib", site=True),
    ]
    assert 4 == len({first.digest, *(other.digest for other in others)})


def test_an_environment_that_may_be_moved(tmp_path: Path) -> None:
    """Where it notes paths from its root on, what it has is told by where that lies, and its digest is the same."""
    roots = [new(tmp_path / "one"), new(tmp_path / "two of them")]
    first, second = (made(root, [member(root, "six")], root / "lib", movable=True) for root in roots)
    assert first.digest == second.digest
    assert [] == differences(first, second, "here", "there")
    assert (roots[0] / "lib",) == first.extra_paths
    assert [("six",)] == [held.names for held in first.distributions]
    assert [True] == [held.places[0].is_relative_to(roots[0]) for held in first.distributions]


def test_what_is_different(tmp_path: Path) -> None:
    """Python, paths, versions and files are each told as what is different, in one line."""
    six = member(tmp_path, "six")
    one = made(tmp_path, [six, member(tmp_path, "web")], tmp_path / "a", tmp_path / "b")
    moved = Member("web", "1", tmp_path, "a machine's", ("web.py",))
    (tmp_path / "web.py").write_text("", "utf-8")
    other = made(tmp_path, [six, moved], tmp_path / "b", tmp_path / "a", site=True)
    found = differences(one, other, "here", "there")
    assert [
        "site-packages of the machine: not seen here, seen there",
        "other order of extra paths: a, b here; b, a there",
    ] == found[:2]
    assert found[2].startswith("other place: web 1, sha256 ")
    assert found[2].endswith(" here, {buildout} there")
    assert 3 == len(found)
    newer = made(tmp_path, [six], python=Interpreter(PYTHON.executable, "3.99.0"))
    assert f"other Python: {PYTHON.version} here, 3.99.0 there" == differences(one, newer, "here", "there")[0]


def test_what_the_record_tells(tmp_path: Path) -> None:
    """Remarks that were made when it was built are told, and whatever is known beside the record."""
    found = made(tmp_path, [member(tmp_path, "six")], site=True)
    record = found.prefix / "eggcarton.json"
    content = json.loads(record.read_text("utf-8"))
    record.write_text(json.dumps(content | {"remarks": ["six.py is told."]}), "utf-8")
    lines = list(inventory.lines(inventory.read(found.prefix, tmp_path), isolation="full"))
    assert "six.py is told." == lines[-1]
    cells = [line.split(":", 1) for line in lines if ":" in line]
    told = {name: value.strip() for name, value in cells}
    assert ("full, as configured", "seen, behind all else", "none") == (
        told["isolation"],
        told["site-packages of the machine"],
        told["extra paths"],
    )
    assert "lasting path" not in told


def test_an_environment_without_distributions(tmp_path: Path) -> None:
    """Only paths may be imported from; that is told."""
    assert "No distribution is in it." == list(inventory.lines(made(tmp_path, [], tmp_path)))[-1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"members": [1]}'])
def test_a_record_that_is_none(tmp_path: Path, text: str) -> None:
    """What cannot be read is told by its directory, with what to do."""
    found = made(tmp_path, [member(tmp_path, "six")])
    (found.prefix / "eggcarton.json").write_text(text, "utf-8")
    with pytest.raises(Drift, match=r"does not tell what it was made of; remove that directory, and run bin/buildout"):
        inventory.read(found.prefix, tmp_path)
