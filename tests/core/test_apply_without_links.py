"""Planned links, carried out where the system refuses them: in a process of its own, under a filter in the kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.core.apply import apply, difference
from eggcarton.core.plan import Link, Plan
from eggcarton.core.records import read_record
from eggcarton.core.staging import stands
from eggcarton.core.standing import digest_of_tree, look
from support import denied
from support.buildouts import CHECKOUT, tree

APPLY = """
import json, sys
from pathlib import Path
from eggcarton.core.apply import apply
from eggcarton.core.plan import Link, Plan
place = Path(sys.argv[1])
told = []
links = json.loads(sys.argv[2])
plan = Plan(tuple(Link(place / name, target) for name, target in links.items()))
apply(plan, "app", place / "records", replace=True, restored=lambda path: told.append(path.name))
print(*told)
"""


def applied(place: Path, kinds: str = "symbolic", **links: str) -> str:
    """Make links true where they are refused, and return the names of what had to be restored."""
    if why := denied.reason():
        pytest.skip(why)
    done = subprocess.run(
        [*denied.command(kinds), sys.executable, "-c", APPLY, str(place), json.dumps(links)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a file and a directory to be linked to."""
    (tmp_path / "source/inner").mkdir(parents=True)
    (tmp_path / "source/inner/text").write_text("text", "utf-8")
    (tmp_path / "file").write_text("one", "utf-8")
    return tmp_path


@pytest.mark.parametrize("kinds", ["symbolic", "symbolic,hard"])
def test_what_stands_in_the_place_of_links(place: Path, kinds: str) -> None:
    """A file and a tree stand there, are owned as what they are, and are left alone as long as nothing has changed."""
    assert "" == applied(place, kinds, soft="file", tree="source")
    assert ("one", "text") == ((place / "soft").read_text("utf-8"), (place / "tree/inner/text").read_text("utf-8"))
    assert (kinds == "symbolic") == os.path.samefile(place / "file", place / "soft")
    owned = read_record(place / "records", "app").paths
    assert ["file", "produced"] == [owned[place / name].kind for name in ("soft", "tree")]
    assert stands(owned[place / "soft"], look(place / "soft"))
    assert owned[place / "tree"].digest == digest_of_tree(place / "tree")
    before = tree(place)
    assert "" == applied(place, kinds, soft="file", tree="source")
    assert before == tree(place)


@pytest.mark.parametrize("kinds", ["symbolic", "symbolic,hard"])
def test_it_is_made_over_when_it_is_not_what_is_linked_to(place: Path, kinds: str) -> None:
    """When the target has changed, or what stands in the place of a link, or the link, the content is the target's."""
    applied(place, kinds, soft="file", tree="source")
    (place / "source/inner/more").write_text("more", "utf-8")
    (place / "file").unlink()
    (place / "file").write_text("two", "utf-8")
    applied(place, kinds, soft="file", tree="source")
    assert ("two", "more") == ((place / "soft").read_text("utf-8"), (place / "tree/inner/more").read_text("utf-8"))
    (place / "soft").unlink()
    (place / "soft").write_text("mine", "utf-8")
    assert "soft" == applied(place, kinds, soft="file", tree="source")
    assert "two" == (place / "soft").read_text("utf-8")
    applied(place, kinds, soft="source", tree="file")
    assert (True, "two") == ((place / "soft/inner/text").is_file(), (place / "tree").read_text("utf-8"))
    assert [] == list(place.glob(".eggcarton-*"))


def test_where_links_can_be_made_again(place: Path) -> None:
    """A copy in the place of a link stays while it is what is linked to, becomes one after, and goes with its plan."""
    applied(place, "symbolic,hard", soft="file", tree="source")
    plan = Plan(tuple(Link(place / name, target) for name, target in (("soft", "file"), ("tree", "source"))))
    before = tree(place)
    apply(plan, "app", place / "records", replace=True)
    assert (before, "") == (tree(place), difference(plan, place))
    (place / "source/inner/more").write_text("more", "utf-8")
    (place / "file").write_text("two", "utf-8")
    changes = ["link in place of a file: soft -> file", "link in place of a directory: tree -> source"]
    assert changes == difference(plan, place).splitlines()
    apply(plan, "app", place / "records", replace=True)
    assert ("file", "source") == (os.readlink(place / "soft"), os.readlink(place / "tree"))
    applied(place, "symbolic,hard", tree="source")
    applied(place, "symbolic,hard")
    assert ["file", "records", "source"] == sorted(os.listdir(place))


@pytest.mark.parametrize("kinds", ["symbolic", "symbolic,hard"])
def test_what_python_compiles(place: Path, kinds: str) -> None:
    """What Python compiles in a directory, or in what stands in the place of a link to it, changes neither."""
    for name in ("source/inner", "tree/inner"):
        applied(place, kinds, tree="source")
        (place / name / "__pycache__").mkdir()
        (place / name / "__pycache__/text.cpython-311.pyc").write_bytes(b"code")
        before = tree(place)
        applied(place, kinds, tree="source")
        assert before == tree(place)
        assert "" == difference(Plan((Link(place / "tree", "source"),)), place)
    applied(place, kinds)
    assert not (place / "tree").exists()
