"""An environment lets one part import exactly its distributions, and is an ordinary one for every other tool."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from eggcarton.core.layout import EntryPoint
from eggcarton.packages import environment, generations
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member
from support.distributions import wheel
from support.environments import PYTHON, made, makeup, members, python, run, told


def test_imports_and_metadata(tmp_path: Path) -> None:
    """Modules, their data and all metadata of the members are found, and the environment is a virtual one."""
    paths = [
        wheel(
            tmp_path,
            "web",
            "2.0",
            {"web/__init__.py": "", "web/page.html": "<p>"},
            entry_points={"plug": {"a": "web:b"}},
        ),
        wheel(tmp_path, "Some.Six_x", "1.17", {"six.py": "answer = 42\n"}, requires=["web>=1"]),
    ]
    found = made(tmp_path, members(tmp_path, *paths))
    code = """
import importlib.metadata as m, importlib.resources as r, six, sys
print(six.answer, (r.files("web") / "page.html").read_text())
print(sorted((d.metadata["Name"], d.version) for d in m.distributions()))
print(m.version("some-six-x"), m.requires("Some.Six_x"), [e.value for e in m.entry_points(group="plug")])
print(sys.prefix != sys.base_prefix, sys.prefix)
"""
    assert [
        "42 <p>",
        "[('Some.Six_x', '1.17'), ('web', '2.0')]",
        "1.17 ['web>=1'] ['web:b']",
        f"True {found.prefix}",
    ] == python(found, code).splitlines()
    assert (("some-six-x", "1.17"), ("web", "2.0")) == found.distributions
    assert (EntryPoint("web", "plug", "a", "web", "b"),) == found.entry_points


def test_nothing_else_is_imported(tmp_path: Path) -> None:
    """Neither what surrounds it nor what variables name is imported, and what is no member is not there."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "six.py").write_text("answer = 1\n", "utf-8")
    (other / "json.py").write_text("raise RuntimeError\n", "utf-8")
    found = made(tmp_path, members(tmp_path, wheel(tmp_path, "six", "1", {"six.py": "answer = 42\n"})))
    code = "import sys, json, six; print(six.answer, [p for p in sys.path if 'site-packages' in p])"
    assert f"42 {[str(found.site_packages)]}" == python(found, code, PYTHONPATH=str(other), PYTHONUSERBASE=str(other))
    assert "None" == python(found, "import importlib.util as u; print(u.find_spec('pytest'))")


def test_packages_named_like_data(tmp_path: Path) -> None:
    """A package that is called share or bin is a package."""
    path = wheel(tmp_path, "six", "1", {"share/__init__.py": "", "bin/__init__.py": "", "etc/__init__.py": ""})
    found = made(tmp_path, members(tmp_path, path))
    python(found, "import share, bin, etc")
    assert not (found.prefix / "share").exists()


SCRIPTS = {
    "scripts/own": "#!python\nimport sys, six\nprint(sys.prefix, six.answer)\n",
    "scripts/shell": "#!/bin/sh\necho shell\n",
}


@pytest.mark.parametrize("name", ["plain", "with a space", "wëird'\"$x\\y", "long" * 40], ids=["1", "2", "3", "4"])
def test_scripts_start_in_their_environment(tmp_path: Path, name: str) -> None:
    """Console scripts and a wheel's own scripts start in the environment, wherever it lies."""
    place = tmp_path / name
    path = wheel(
        tmp_path,
        "six",
        "1",
        {"six.py": "answer = 42\ndef main():\n    print('main')\n"},
        console_scripts={"c": "six:main"},
        data=SCRIPTS,
    )
    found = made(place, members(tmp_path, path))
    told = [run([found.prefix / "bin" / script], PYTHONPATH=str(tmp_path)) for script in ("own", "shell", "c")]
    assert [f"{found.prefix} 42", "shell", "main"] == told


def test_binaries_are_links(tmp_path: Path) -> None:
    """A program that is no Python script is a link, and none of its bytes are copied."""
    found = made(tmp_path, members(tmp_path, wheel(tmp_path, "uv", data={"scripts/uv": b"\x7fELF\x00"})))
    assert (found.prefix / "bin" / "uv").is_symlink()
    assert b"\x7fELF\x00" == (found.prefix / "bin" / "uv").read_bytes()


def test_children(tmp_path: Path) -> None:
    """Processes that multiprocessing spawns import the same."""
    module = "import multiprocessing\ndef double(n):\n    import six\n    return 2 * six.answer * n\n"
    found = made(
        tmp_path, members(tmp_path, wheel(tmp_path, "six", "1", {"six.py": "answer = 21\n", "work.py": module}))
    )
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, work\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(work.double, [1, 2]))\n",
        "utf-8",
    )
    assert "[42, 84]" == run([found.python, "-I", script])


def test_all_names_of_the_interpreter(tmp_path: Path) -> None:
    """The interpreter has its usual names, and each of them is in the environment."""
    found = made(tmp_path, [])
    for name in ("python", "python3", f"python{PYTHON.minor}"):
        assert str(found.prefix) == run([found.prefix / "bin" / name, "-I", "-c", "import sys; print(sys.prefix)"])


def develop(place: Path, source: Path) -> Member:
    """A develop package as the build layer puts it: a .pth line and metadata among those of others."""
    place.mkdir()
    info = place / "own-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[console_scripts]\nown = own.cli:main\n", "utf-8")
    (place / "own.pth").write_text(f"{source}\n", "utf-8")
    (place / "stranger.pth").write_text("import stranger\n", "utf-8")
    return Member("own", "1.0", place, "digest", ("own.pth", "own-1.0.dist-info"))


def test_develop_packages(tmp_path: Path) -> None:
    """A develop package is imported from its source, with its metadata; what lies beside it in its place is not."""
    source = tmp_path / "source"
    (source / "own").mkdir(parents=True)
    (source / "own/__init__.py").write_text("answer = 1\n", "utf-8")
    found = made(tmp_path, [develop(tmp_path / "develop", source)])
    code = "import own, importlib.metadata as m; print(own.answer, m.version('own'))"
    assert "1 1.0" == python(found, code)
    (source / "own/__init__.py").write_text("answer = 22\n", "utf-8")
    assert "22 1.0" == python(found, code)
    assert (EntryPoint("own", "console_scripts", "own", "own.cli", "main"),) == found.entry_points
    assert not (found.site_packages / "stranger.pth").exists()


def test_what_comes_from_the_machine(tmp_path: Path) -> None:
    """Of a directory that a distribution of the machine shares only its own entries are there, and those of others."""
    machine = tmp_path / "site-packages"
    (machine / "acme/one").mkdir(parents=True)
    for path in ("acme/one/__init__.py", "acme/stranger.py", "stranger.py"):
        (machine / path).touch()
    (machine / "one-1.0.egg-info").write_text("Name: one\nVersion: 1.0\n", "utf-8")
    taken = Member("one", "1.0", machine, "machine 1", ("acme/one", "one-1.0.egg-info"))
    others = members(tmp_path, wheel(tmp_path, "two", "1.0", {"acme/two.py": "", "acme/deep/two.py": ""}))
    found = made(tmp_path, [taken, *others])
    assert ["deep", "one", "two.py"] == sorted(os.listdir(found.site_packages / "acme"))
    assert "1.0" == python(found, "import acme.one, acme.two, importlib.metadata as m; print(m.version('one'))")
    assert not (found.site_packages / "stranger.py").exists()
    assert (("one", "1.0"), ("two", "1.0")) == found.distributions
    assert {} == json.loads((found.prefix / "eggcarton.json").read_text("utf-8"))["developed"]


def test_extra_paths_are_last(tmp_path: Path) -> None:
    """Extra paths come behind the distributions, which come behind the develop packages."""
    places = [tmp_path / name for name in ("source", "x b", "x a")]
    for place in places:
        place.mkdir()
        (place / "both.py").write_text(f"place = {place.name!r}\n", "utf-8")
    wheels = members(tmp_path, wheel(tmp_path, "six", "1", {"six.py": ""}))
    found, _ = told(tmp_path, [*wheels, develop(tmp_path / "develop", places[0])], *places[1:])
    said = python(found, "import sys, both; print(both.place); print(*sys.path[-4:], sep='\\n')").splitlines()
    assert ["source", *map(str, (places[0], found.site_packages, *places[1:]))] == said


def test_the_same_members_share_one(tmp_path: Path) -> None:
    """The same members in another order get the same environment, which is not made again."""
    found = members(tmp_path, wheel(tmp_path, "a"), wheel(tmp_path, "b"))
    first = made(tmp_path, found)
    mark = first.prefix / "mark"
    mark.touch()
    assert first == made(tmp_path, found[::-1])
    assert mark.exists()


def test_others_get_their_own(tmp_path: Path) -> None:
    """Whatever is different of an environment's makeup or place gives another environment."""
    one, two = members(tmp_path, wheel(tmp_path, "a"), wheel(tmp_path, "b"))
    changed = Member(one.name, one.version, one.place, "other bytes")
    place = tmp_path / "environments"
    other = Interpreter(PYTHON.executable, "3.99.1")
    digests = {
        makeup([one]).digest(place),
        makeup([one, two]).digest(place),
        makeup([changed]).digest(place),
        makeup([one], tmp_path).digest(place),
        replace(makeup([one]), first_paths=(tmp_path,)).digest(place),
        replace(makeup([one]), python=other).digest(place),
        replace(makeup([one]), site_packages=True).digest(place),
        replace(makeup([one]), root=tmp_path).digest(place),
        makeup([one]).digest(tmp_path),
    }
    assert 9 == len(digests)


def test_describing_writes_nothing(tmp_path: Path) -> None:
    """An environment can be described before it is made: what is told is what it will be, and nothing is written."""
    found = members(tmp_path, wheel(tmp_path, "six", console_scripts={"six": "six:main"}))
    arguments = (tmp_path / "environments", makeup(found), tmp_path / "store")
    described = environment.describe(*arguments)
    assert not (tmp_path / "environments").exists()
    assert described == environment.ensure(*arguments)[0] == environment.describe(*arguments)


def broken_record(prefix: Path) -> None:
    (prefix / "eggcarton.json").write_text("{", "utf-8")


def missing_python(prefix: Path) -> None:
    (prefix / "bin" / "python").unlink()


def other_format(prefix: Path) -> None:
    record = json.loads((prefix / "eggcarton.json").read_text("utf-8"))
    (prefix / "eggcarton.json").write_text(json.dumps(record | {"format": 0}), "utf-8")


@pytest.mark.parametrize("spoil", [broken_record, missing_python, other_format, shutil.rmtree])
def test_a_broken_one_is_made_anew(tmp_path: Path, spoil: object) -> None:
    """An environment whose record or interpreter is gone is none, and is made anew in its place."""
    found = made(tmp_path, members(tmp_path, wheel(tmp_path, "six")))
    assert callable(spoil)
    spoil(found.prefix)
    assert None is environment.load(found.prefix, tmp_path / "store")
    again = made(tmp_path, members(tmp_path, wheel(tmp_path, "six")))
    assert found == again
    python(again, "import six")


def test_nothing_half_made_stays(tmp_path: Path) -> None:
    """When making fails in the middle, as for an egg that is gone, neither an environment nor a staging is left."""
    gone = Member("gone", "1", tmp_path / "gone", "x")
    with pytest.raises(FileNotFoundError):
        environment.ensure(tmp_path / "environments", makeup([gone]), tmp_path / "store")
    assert [] == os.listdir(tmp_path / "environments")


def test_old_generations_go(tmp_path: Path) -> None:
    """Environments that none of the last builds used are removed; those of the last few stay."""
    for name in "abcde":
        (tmp_path / name / "lib").mkdir(parents=True)
    (tmp_path / ".making-x").mkdir()
    (tmp_path / "file").touch()
    keep = generations.keep
    assert [tmp_path / "d", tmp_path / "e"] == keep(tmp_path, {"a", "b", "c"}, generations=2)
    assert [] == keep(tmp_path, {"a", "b"}, generations=2)
    assert [] == keep(tmp_path, {"b", "a"}, generations=2)
    assert [tmp_path / "c"] == keep(tmp_path, {"a"}, generations=2)
    assert [".making-x", "a", "b", "file"] == sorted(n for n in os.listdir(tmp_path) if n != ".generations.json")


def test_generations_of_nothing(tmp_path: Path) -> None:
    """Without any environment, or with a spoilt record of them, nothing fails."""
    assert [] == generations.keep(tmp_path / "none", {"a"})
    (tmp_path / ".generations.json").write_text("{", "utf-8")
    assert [] == generations.keep(tmp_path, set())
