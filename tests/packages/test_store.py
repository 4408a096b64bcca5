"""The store holds each distribution as zc.buildout would, whole or not at all, and believes no stranger."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.errors import EggcartonError, IntegrityProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.store import Store, Unpacked
from eggcarton.packages.store_names import HIDDEN
from eggcarton.packages.verify import of_egg
from support.closed import needs, uv_program
from support.distributions import PKGUTIL_NAMESPACE, wheel

TAG = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "eggs" / "v5", TAG)


def item(path: Path) -> Unpacked:
    """A wheel as a lock tells of it."""
    name, version = path.name.split("-")[:2]
    return Unpacked(name.replace("_", "-").replace(".", "-").lower(), version, path.name, file_digest(path))


def add(store: Store, *wheels: Path) -> list[Path]:
    """Put wheels into a store and return their eggs."""
    items = {file_digest(path): (path, item(path)) for path in wheels}
    eggs = store.add({d: path for d, (path, _) in items.items()}, [i for _, i in items.values()])
    return [eggs[file_digest(path)] for path in wheels]


def tree(directory: Path) -> dict[str, str]:
    """What lies below a directory: the content of each file, and whether it may be run."""
    return {
        str(path.relative_to(directory)): f"{path.stat().st_mode & 0o111 != 0} {path.read_text('utf-8')}"
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_an_egg_is_found_by_its_wheel(store: Store, tmp_path: Path) -> None:
    """An egg lies under the sha256 of its wheel, by the name that buildout gives it."""
    path = wheel(tmp_path, "Some.Project-x", "1.0", {"some/project.py": "answer = 42\n"})
    (egg,) = add(store, path)
    assert store.directory / HIDDEN / file_digest(path) / f"Some.Project_x-1.0-{TAG}.egg" == egg
    assert egg == store.find(file_digest(path))
    assert "answer = 42\n" == (egg / "some/project.py").read_text()
    assert None is store.find("0" * 64)


def test_what_is_there_is_not_unpacked_again(store: Store, tmp_path: Path) -> None:
    """What the store has needs no wheel."""
    path = wheel(tmp_path, "six")
    (egg,) = add(store, path)
    path.unlink()
    found = store.add({}, [Unpacked("six", "1.0", path.name, egg.parent.name)])
    assert ({egg.parent.name: egg}, {egg.parent.name}) == (found, store.added)


@pytest.mark.parametrize(("name", "version"), [("six", "2.0"), ("sixx", "1.0")])
def test_an_egg_of_another_name_or_version(store: Store, tmp_path: Path, name: str, version: str) -> None:
    """What the store has by a sha256 is not given out as another distribution or version."""
    (egg,) = add(store, wheel(tmp_path, "six"))
    with pytest.raises(IntegrityProblem) as caught:
        store.add({}, [Unpacked(name, version, f"{name}-{version}.whl", egg.parent.name)])
    assert str(caught.value).startswith(f"{name}-{version}.whl: the sha256 that is locked for it is that of six 1.0; ")


@pytest.mark.parametrize("version", ["1.0", "1", "1.0.0"])
def test_a_version_in_another_spelling(store: Store, tmp_path: Path, version: str) -> None:
    """A version that is the same by PEP 440 is given out."""
    (egg,) = add(store, wheel(tmp_path, "six"))
    wanted = [Unpacked("six", version, f"six-{version}.whl", egg.parent.name)]
    assert {egg.parent.name: egg} == store.add({}, wanted)


SHAPES: dict[str, dict[str, Any]] = {
    "modules": {"modules": {"six.py": "a = 1\n", "six_more/__init__.py": "", "six_more/page.html": "<p>ä"}},
    "console scripts": {"console_scripts": {"six": "six:main", "six-more": "six:more"}},
    "data files": {"data": {"data/share/doc/six.txt": "text\n", "data/etc/six.ini": "[six]\n"}},
    "scripts": {"data": {"scripts/hello": "#!python\nprint('hello')\n", "scripts/other": "#!/bin/sh\necho\n"}},
    "more modules": {"data": {"purelib/extra.py": "b = 2\n", "platlib/native.py": "c = 3\n"}},
    "pkg_resources namespace": {"namespaces": ["acme"], "modules": {"acme/six.py": ""}},
    "pkgutil namespace": {"modules": {"acme/__init__.py": PKGUTIL_NAMESPACE, "acme/six.py": ""}},
    "pkgutil namespace in a package of one": {"modules": {"acme/__init__.py": PKGUTIL_NAMESPACE, "acme/six/a.py": ""}},
    "native namespace": {"modules": {"acme/six/__init__.py": ""}},
    "a package that only looks like a namespace": {
        "modules": {"six/__init__.py": f"{PKGUTIL_NAMESPACE}a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nf = 6\ng = 7\n"}
    },
    "top level told": {"modules": {"six/__init__.py": "", "_six.py": ""}, "dist_info": {"top_level.txt": "six\n"}},
    "a version with a local part": {"version": "1.0+local.1"},
    "an old version": {"version": "1.0.post1.dev2"},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_layout_is_that_of_buildout(store: Store, tmp_path: Path, shape: Mapping[str, Any]) -> None:
    """An egg is what zc.buildout makes of the same wheel, unpacked by uv; console scripts are nowhere."""
    path = wheel(tmp_path, "My-Six", **shape)
    (egg,) = add(store, path)
    stock = tmp_path / "stock"
    command: list[str | Path] = [
        uv_program(),
        "pip",
        "install",
        "--no-config",
        "--offline",
        "--no-deps",
        "--python",
        sys.executable,
    ]
    subprocess.run(
        [*command, "--cache-dir", tmp_path / "cache", "--target", stock, path],
        capture_output=True,
        timeout=300,
        check=True,
    )
    (info,) = stock.glob("*.dist-info")
    (expected,) = map(Path, in_buildout("e.make_egg_after_pip_install(*sys.argv[1:])", stock, info.name))
    assert expected.name == egg.name
    ours, theirs = tree(egg), tree(expected)
    told = {name for name in theirs if name.endswith(("/direct_url.json", "/REQUESTED", "/uv_cache.json"))}
    assert set(theirs) - told == set(ours)
    # Whose they are is told by these two, and uv writes how to start its Python into scripts.
    same = {name for name in ours if not name.endswith(("/RECORD", "/INSTALLER")) and not name.startswith("bin/")}
    assert {name: theirs[name] for name in same} == {name: ours[name] for name in same}


def test_headers_are_kept(store: Store, tmp_path: Path) -> None:
    """Headers lie in the egg's include directory."""
    (egg,) = add(store, wheel(tmp_path, "six", data={"headers/six.h": "int six;\n"}))
    assert ["int six;\n"] == [path.read_text() for path in (egg / "include").rglob("six.h")]


def test_scripts_are_as_in_the_wheel(store: Store, tmp_path: Path) -> None:
    """A wheel's own script begins as it does in the wheel, not with the Python that unpacked it, and may be run."""
    scripts = {
        "plain": "#!python -u\nprint('hello')\n",
        "windowed": "#!pythonw\nprint('hello')\n",
        "other": "#!/usr/bin/env python3\nprint('hello')\n",
        "shell": "#!/bin/sh\necho hello\n",
    }
    (egg,) = add(store, wheel(tmp_path, "six", data={f"scripts/{name}": text for name, text in scripts.items()}))
    assert {name: f"True {text}" for name, text in scripts.items()} == tree(egg / "bin")


def test_binaries_are_kept(store: Store, tmp_path: Path) -> None:
    """A program in a wheel is kept, beside entry points too: zc.buildout would lose uv's binary."""
    path = wheel(
        tmp_path,
        "uv",
        console_scripts={"uv-py": "uv:main"},
        data={"scripts/uv": b"\x7fELF\x00python\xff"},
        tag="py3-none-any",
    )
    (egg,) = add(store, path)
    assert ["uv"] == [path.name for path in (egg / "bin").iterdir()]
    assert b"\x7fELF\x00python\xff" == (egg / "bin/uv").read_bytes()
    assert os.access(egg / "bin/uv", os.X_OK)


def test_many_at_once(store: Store, tmp_path: Path) -> None:
    """All that is missing is unpacked in one go, each distribution with its own files and no other's."""
    paths = [wheel(tmp_path, f"p{n}", "1.0", {f"acme/p{n}.py": f"n = {n}\n", f"p{n}.py": ""}) for n in range(12)]
    eggs = add(store, *paths)
    assert [[f"acme/p{n}.py", f"p{n}.py"] for n in range(12)] == [
        [name for name in tree(egg) if ".dist-info" not in name] for egg in eggs
    ]
    assert 12 == len(store.added)


SHARED = {
    "a module": [{"modules": {"shared.py": "n = {}\n"}}] * 2,
    "a file of a package": [{"modules": {"shared/a.py": "n = {}\n"}}] * 2,
    "a data file": [{"data": {"data/share/shared.txt": "{}\n"}}] * 2,
    "a script": [{"data": {"scripts/shared": "#!python\n# {}\n"}}] * 2,
    "a module and one by another way": [{"modules": {"s.py": "n = {}\n"}}, {"data": {"purelib/s.py": "n = {}\n"}}],
    "a script and an entry point": [{"data": {"scripts/x": "#!python\n# {}\n"}}, {"console_scripts": {"x": "b:x"}}],
    "an entry point and a script": [{"console_scripts": {"x": "a:x"}}, {"data": {"scripts/x": "#!python\n# {}\n"}}],
}


@pytest.mark.parametrize("shapes", SHARED.values(), ids=SHARED)
def test_two_own_the_same_path(store: Store, tmp_path: Path, shapes: Sequence[Mapping[str, Any]]) -> None:
    """Two distributions that own the same path each keep their own file."""
    paths = []
    for name, shape in zip(("a", "b"), shapes, strict=True):
        filled: dict[str, Any] = {
            key: {path: text.format(name) for path, text in files.items()} for key, files in shape.items()
        }
        paths.append(wheel(tmp_path, name, **filled))
    alone = [Store(tmp_path / "alone" / path.name, TAG) for path in paths]
    assert [tree(add(one, path)[0]) for one, path in zip(alone, paths, strict=True)] == [
        tree(egg) for egg in add(store, *paths)
    ]


def test_different_bytes_of_one_version(store: Store, tmp_path: Path) -> None:
    """Different bytes of one version lie side by side; each project's name leads to its own."""
    one = wheel(tmp_path / "one", "six", "1.0", {"six.py": "n = 1\n"})
    two = wheel(tmp_path / "two", "six", "1.0", {"six.py": "n = 2\n"})
    first, second = add(store, one, two)
    assert ["n = 1\n", "n = 2\n"] == [(egg / "six.py").read_text() for egg in (first, second)]
    name = store.directory / first.name
    for egg in (first, second):
        assert [] == store.show([egg])
        assert egg == name.resolve()


def test_wrong_bytes_are_refused(store: Store, tmp_path: Path) -> None:
    """A wheel whose bytes are not those locked is not unpacked, even if it was right when it was fetched."""
    path = wheel(tmp_path, "six", "1.0", {"six.py": "n = 1\n"})
    locked = item(path)
    wheel(tmp_path, "six", "1.0", {"six.py": "n = 2\n"})
    with pytest.raises(IntegrityProblem, match=r"six-1\.0-py3-none-any\.whl has another sha256 than is locked; "):
        store.add({locked.sha256: path}, [locked])
    assert None is store.find(locked.sha256)


def test_a_record_that_is_wrong(store: Store, tmp_path: Path) -> None:
    """A wheel whose RECORD tells another digest is unpacked, as the lock's sha256 vouches for it, and told of."""
    path = wheel(tmp_path, "one", modules={"one.py": "1", "more.py": "2"}, corrupt_record=True)
    (egg,) = add(store, path)
    told = f"{path.name}: its RECORD tells another digest of one.py; the whole has the sha256 that is wanted"
    assert ([told], []) == ([remark.partition(", so ")[0] for remark in store.remarks], list(of_egg(egg, path)))


def test_what_is_no_wheel(store: Store, tmp_path: Path) -> None:
    """A file that is no archive, or holds another distribution, is told by its name and leaves nothing."""
    path = tmp_path / "six-1.0-py3-none-any.whl"
    path.write_bytes(b"no archive")
    with pytest.raises(EggcartonError, match=r"six-1\.0-py3-none-any\.whl is not a valid wheel: "):
        add(store, path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("six.py", "")
    with pytest.raises(EggcartonError, match="has no metadata of its own name; it is not a valid wheel"):
        add(store, path)
    assert None is store.find(file_digest(path))
    assert [] == list((store.directory / HIDDEN).iterdir())


def test_names_are_links(store: Store, tmp_path: Path) -> None:
    """Buildout's names are relative links, which a second time are left as they are."""
    (egg,) = add(store, wheel(tmp_path, "six"))
    assert [] == store.show([egg])
    name = store.directory / egg.name
    before = name.lstat().st_mtime_ns
    assert [] == store.show([egg])
    assert (f"{HIDDEN}/{egg.parent.name}/{egg.name}", before) == (os.readlink(name), name.lstat().st_mtime_ns)


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_a_stranger_is_moved_aside(store: Store, tmp_path: Path, kind: str) -> None:
    """What stands under the right name, but is not from the lock, is moved aside whole, and that is said."""
    (egg,) = add(store, wheel(tmp_path, "six"))
    name = store.directory / egg.name
    if kind == "directory":
        (name / "six").mkdir(parents=True)
        (name / "six" / "mine.py").write_text("kept", "utf-8")
    else:
        name.write_text("kept", "utf-8")
    (remark,) = store.show([egg])
    aside = Path(remark.rpartition(" ")[2])
    assert f"{name} had not come from the lock and was moved to {aside}" == remark
    assert egg == name.resolve()
    kept = aside / name.name
    assert "kept" == (kept / "six" / "mine.py" if kind == "directory" else kept).read_text("utf-8")
    assert [] == store.show([egg])


def test_a_link_elsewhere_is_replaced(store: Store, tmp_path: Path) -> None:
    """A link under the right name that leads elsewhere, or nowhere, is set right."""
    (egg,) = add(store, wheel(tmp_path, "six"))
    (store.directory / egg.name).symlink_to(tmp_path)
    assert [] == store.show([egg])
    assert egg == (store.directory / egg.name).resolve()


def test_half_an_egg_is_none(store: Store, tmp_path: Path) -> None:
    """A digest's directory without an egg, as a kill may leave it, is filled like any other."""
    path = wheel(tmp_path, "six")
    (store.directory / HIDDEN / file_digest(path)).mkdir(parents=True)
    assert None is store.find(file_digest(path))
    (egg,) = add(store, path)
    assert (egg / "six.py").is_file()


def test_eggs_of_other_pythons_do_not_count(store: Store, tmp_path: Path) -> None:
    """The same wheel unpacked for another Python is another egg beside it."""
    path = wheel(tmp_path, "six")
    other = Store(store.directory, "py3.99-other")
    (theirs,) = add(other, path)
    assert None is store.find(file_digest(path))
    (ours,) = add(store, path)
    assert (theirs.parent, True) == (ours.parent, theirs != ours)
    assert theirs == other.find(file_digest(path))


ADD = """
import sys
from pathlib import Path
from eggcarton.packages.store import Store, Unpacked
directory, tag, *wheels = sys.argv[1:]
files, items = {}, []
for path in map(Path, wheels):
    sha256 = path.parent.name
    name, version = path.name.split("-")[:2]
    files[sha256] = path
    items.append(Unpacked(name, version, path.name, sha256))
print("ready", flush=True)
sys.stdin.readline()
eggs = Store(Path(directory), tag).add(files, items)
print(*eggs.values(), sep="\\n", flush=True)
"""


def process(store: Store, wheels: Sequence[Path]) -> subprocess.Popen[str]:
    """Start a process that adds wheels to a store once a line is sent to it."""
    paths = []
    for path in wheels:
        place = path.parent / file_digest(path) / path.name
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, place)
        paths.append(place)
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{ADD}"
    started = subprocess.Popen(
        [sys.executable, "-c", code, str(store.directory), TAG, *map(str, paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert started.stdout is not None
    assert "ready\n" == started.stdout.readline()
    return started


def test_two_processes_fill_one_store(store: Store, tmp_path: Path) -> None:
    """Two builds that fill one store with the same at once both end with the same whole eggs."""
    wheels = [wheel(tmp_path, f"p{n}", "1.0", {f"p{n}/{m}.py": "" for m in range(9)}) for n in range(8)]
    both = [process(store, wheels) for _ in range(2)]
    gate = threading.Barrier(2)

    def go(started: subprocess.Popen[str]) -> None:
        gate.wait(300)
        told.append(started.communicate("\n", timeout=300)[0].split())

    told: list[list[str]] = []
    threads = [threading.Thread(target=go, args=(started,)) for started in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [0, 0] == [started.returncode for started in both]
    assert told[0] == told[1] == [str(store.find(file_digest(path))) for path in wheels]
    assert [9] * 8 == [len(list(Path(egg).glob("p*/*.py"))) for egg in told[0]]


def test_a_kill_leaves_nothing_that_is_trusted(store: Store, tmp_path: Path) -> None:
    """A build that is killed while it unpacks leaves no half egg; the next one makes it and clears the rest."""
    wheels = [wheel(tmp_path, name, "1.0", {f"{name}.py": ""}) for name in ("a", "b")]
    started = process(store, wheels)
    pipe = tmp_path / file_digest(wheels[1]) / wheels[1].name
    pipe.unlink()
    os.mkfifo(pipe)
    assert started.stdin is not None
    started.stdin.write("\n")
    started.stdin.flush()
    # Opening it waits until the other end is opened: by then the first is unpacked, and the second begun.
    with pipe.open("wb"):
        os.killpg(started.pid, signal.SIGKILL)
        assert -signal.SIGKILL == started.wait(300)
    started.communicate()
    assert None is store.find(file_digest(wheels[1]))
    assert 2 == len(list((store.directory / HIDDEN).glob(".unpack-*")))
    assert [True, True] == [(egg / f"{name}.py").is_file() for name, egg in zip("ab", add(store, *wheels), strict=True)]
    assert [] == list((store.directory / HIDDEN).glob(".*"))


def test_a_kill_between_eggs(store: Store, tmp_path: Path) -> None:
    """A build that is killed when it had put only some eggs in place leaves those whole and the others to the next."""
    # The largest is the first.
    wheels = [wheel(tmp_path, f"p{n}", "1.0", {f"p{n}.py": f"{list(range(300 - 100 * n))}\n"}) for n in range(3)]
    place = store.directory / HIDDEN
    # The second egg cannot be put in place, as if the process had ended there.
    (place / file_digest(wheels[1])).parent.mkdir(parents=True)
    (place / file_digest(wheels[1])).write_bytes(b"")
    with pytest.raises(OSError, match=r"exists|directory"):
        add(store, *wheels)
    assert [True, False, False] == [store.find(file_digest(path)) is not None for path in wheels]
    (place / file_digest(wheels[1])).unlink()
    assert 3 == len(add(store, *wheels))


def test_nothing_is_linked_to_what_lives_on(store: Store, tmp_path: Path) -> None:
    """No file of an egg shares its bytes with the wheel, a cache or another egg: a change stays where it is made."""
    path = wheel(tmp_path, "six", "1.0", {"six.py": "n = 1\n"})
    first, second = add(store, path)[0], add(Store(tmp_path / "other", TAG), path)[0]
    (first / "six.py").write_text("n = 2\n", "utf-8")
    assert "n = 1\n" == (second / "six.py").read_text("utf-8")
    third = add(Store(tmp_path / "third", TAG), path)[0]
    assert "n = 1\n" == (third / "six.py").read_text("utf-8")


def test_pkg_resources_finds_the_eggs(tmp_path: Path) -> None:
    """pkg_resources, which zc.buildout works with, takes what a name leads to for the distribution it is."""
    (tag,) = in_buildout("[f'py{p.PY_MAJOR}-{p.get_supported_platform()}']")
    store = Store(tmp_path / "eggs", tag)
    (egg,) = add(store, wheel(tmp_path, "Some-Six", "1.0", {"acme/six.py": ""}, namespaces=["acme"]))
    store.show([egg])
    told = in_buildout("[str(d) for d in p.find_distributions(sys.argv[1])]", store.directory / egg.name)
    assert ["Some-Six 1.0"] == told


def in_buildout(expression: str, *arguments: str | Path) -> list[str]:
    """Return what an expression is in a process of zc.buildout, where e is its installer and p its pkg_resources."""
    needs("zc.buildout")
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{IN_BUILDOUT}"
    code += f"print(*{expression}, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.splitlines()


IN_BUILDOUT = """
import zc.buildout.easy_install as e
import pkg_resources as p
"""


def test_what_nothing_holds_goes_after_a_day(store: Store, tmp_path: Path) -> None:
    """A half unpacked directory of which nobody knows whose it is goes once no build can be at work on it any more."""
    old, young = store.directory / HIDDEN / ".unpack-old", store.directory / HIDDEN / ".unpack-young"
    for directory in (old, young):
        directory.mkdir(parents=True)
        (directory / "half.py").write_text("")
    two_days_ago = old.stat().st_mtime - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    add(store, wheel(tmp_path, "six"))
    assert (young / "half.py").exists()
    assert not old.exists()
