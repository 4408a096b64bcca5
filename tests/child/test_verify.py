"""Every byte that is not what was locked is named, changes the tree digest, and keeps a promise from being claimed."""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eggcarton.child.provide import provide
from eggcarton.child.verify import verify
from eggcarton.core.apply import apply
from eggcarton.core.plan import File, Link, OwnedDirectory, Plan
from eggcarton.core.script import Start, script
from eggcarton.packages import environment, generations
from eggcarton.packages.environment import Makeup
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.member import Member
from support.distributions import wheel
from support.index import Index

TAG = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"
PYTHON = Interpreter.running()


@dataclass
class Build:
    """A built buildout, as the operation is asked about it."""

    root: Path
    index: Index
    order: dict[str, Any]
    compiled: bool = False

    @classmethod
    def make(cls, root: Path, index: Index, *, compiled: bool = False) -> Build:
        """Lock, fill the store, make an environment and a part."""
        root.mkdir()
        store, records, needs = root / "eggs", root / "parts" / ".eggcarton", [["app", "part app"]]
        asked: dict[str, Any] = {
            "needs": needs,
            "pins": {},
            "develop": [],
            "requires_python": f">={sys.version_info[0]}.{sys.version_info[1]}",
            "terms": TERMS,
            "constraints": [],
            "hashes": {},
            "working_sets": [],
            "while_running": {},
        }
        sources = {"index": index.url, "find_links": [], "cache": str(root / "cache"), "offline": False}
        sources |= {"directories": [str(root / "wheels")], "allow_hosts": ["*"]}
        answer = provide(
            lock=str(root / "pylock.toml"),
            policy="update",
            upgrade=None,
            allow_sdist=[],
            toolchain={"paths": [], "versions": {}},
            sources=sources,
            store=str(store),
            tag=TAG,
            sets={"app": ["app"]},
            compiled=compiled,
            **asked,
        )
        built = answer["distributions"]
        members = [Member(name, d["version"], Path(d["egg"]), d["sha256"]) for name, d in built.items()]
        made, _ = environment.ensure(records / "environments", Makeup(python=PYTHON, members=tuple(members)), store)
        generations.keep(records / "environments", [made.prefix.name])
        plan = Plan(
            (
                OwnedDirectory(root / "parts" / "app"),
                File(root / "parts" / "app" / "run.py", "pass\n"),
                File(
                    root / "bin" / "app", script(Start(python=made.python), root / "bin" / "app", "import app"), 0o755
                ),
                File(root / "etc" / "app.ini", f"[app]\nroot = {root}/var\n"),
                Link(root / "etc" / "link", "app.ini"),
            )
        )
        apply(plan, "app", records, replace=False)
        order = {
            "locked": [{"lock": str(root / "pylock.toml"), "built": built, **asked}],
            "sources": sources,
            "records": str(records),
            "parts": ["app"],
            "places": {str(root): "{buildout}", str(store): "{store}", str(root / "cache"): "{cache}"},
            "python": [str(PYTHON.executable), PYTHON.version],
        }
        return cls(root, index, order, compiled)

    def egg(self, name: str) -> Path:
        """Return an egg in the store."""
        return Path(self.order["locked"][0]["built"][name]["egg"])

    @property
    def prefix(self) -> Path:
        """The environment."""
        return next(path for path in (self.root / "parts/.eggcarton/environments").iterdir() if path.name[0] != ".")

    def look(self) -> dict[str, Any]:
        """Verify, with each finding in a line."""
        told = verify(**self.order)
        found = [f"{what}: {os.path.relpath(path, self.root)}" for path, what, _ in told["findings"]]
        return told | {"findings": found}

    def place(self, name: str) -> Path:
        """Return the file that stands for a class of files."""
        info = next(self.egg("app").glob("*.dist-info"))
        return {
            "module": self.egg("app") / "app" / "__init__.py",
            "module at the top": self.egg("six") / "six.py",
            "script": self.egg("app") / "bin" / "hello",
            "data file": self.egg("app") / "app" / "page.html",
            "file of the prefix": self.egg("app") / "share" / "app.txt",
            "metadata": info / "METADATA",
            "extension module": self.egg("app") / "app" / f"native.{sys.implementation.cache_tag}.so",
            "entry of an environment": self.prefix / "pyvenv.cfg",
            "script of an environment": self.prefix / "bin" / "app",
            "generated script": self.root / "bin" / "app",
            "rendered template": self.root / "etc" / "app.ini",
            "file that a part copied": self.root / "parts" / "app" / "run.py",
        }[name]


TERMS = {
    "asked_python": None,
    "prereleases": False,
    "unknown_extras": False,
    "exclude_newer": None,
    "picked": True,
}
IN_EGGS = (
    "module", "module at the top", "script", "data file", "file of the prefix", "metadata", "extension module",
)  # fmt: skip
ELSEWHERE = (
    "entry of an environment", "script of an environment", "generated script", "rendered template",
    "file that a part copied",
)  # fmt: skip
SOURCE = (
    "import sys\n\nKNOWN = {'a', 'b', 'c'}\n\n\ndef main(x):\n    '''Tell.'''\n    return x in {'d', 'e', 'f', 1.5}\n"
)


@pytest.fixture
def files(index: Index) -> Index:
    """An index with an application of every class of file, and what it needs."""
    wheel(
        index.directory,
        "app",
        "1.0",
        {
            "app/__init__.py": SOURCE,
            "app/page.html": "<p>",
            f"app/native.{sys.implementation.cache_tag}.so": b"\x7fELF\0",
            "app/broken.py": "this is no Python\n",
        },
        requires=["six"],
        console_scripts={"app": "app:main"},
        data={"scripts/hello": "#!python\nprint('hello')\n", "data/share/app.txt": "text\n", "headers/app.h": "\n"},
    )
    wheel(index.directory, "six", "1.0", {"six.py": SOURCE})
    return index


@pytest.fixture
def build(tmp_path: Path, files: Index) -> Build:
    return Build.make(tmp_path / "root", files)


NOTHING: dict[str, list[str]] = {"findings": [], "unpinned": [], "unlocked": [], "absent": []}


def chosen(told: dict[str, Any]) -> dict[str, list[str]]:
    return {name: told[name] for name in NOTHING}


@pytest.mark.parametrize("compiled", [False, True])
def test_a_build_as_it_was_made(tmp_path: Path, files: Index, compiled: bool) -> None:
    """Right after it was made a build has no finding, and its digest is the same when it is taken again."""
    build = Build.make(tmp_path / "root", files, compiled=compiled)
    told = build.look()
    assert NOTHING == chosen(told)
    assert told["digest"] == build.look()["digest"]


@pytest.mark.parametrize("name", [*IN_EGGS, *ELSEWHERE])
def test_one_byte(build: Build, name: str) -> None:
    """One flipped byte is named as a change of that file and of no other, and gives another digest."""
    before, path = build.look()["digest"], build.place(name)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    told = build.look()
    assert [f"changed: {path.relative_to(build.root)}"] == told["findings"]
    assert before != told["digest"]


@pytest.mark.parametrize("name", [*IN_EGGS, *ELSEWHERE])
def test_a_file_that_is_gone(build: Build, name: str) -> None:
    """A file that was removed is named as missing, and its absence gives another digest."""
    before, path = build.look()["digest"], build.place(name)
    path.unlink()
    told = build.look()
    assert [f"missing: {path.relative_to(build.root)}"] == told["findings"]
    assert before != told["digest"]


@pytest.mark.parametrize("name", [*IN_EGGS, "entry of an environment", "script of an environment"])
def test_a_file_too_many(build: Build, name: str) -> None:
    """A file that was added to what was locked is named as extra, and gives another digest."""
    before, path = build.look()["digest"], build.place(name).with_name("evil.py")
    path.write_text("pass\n", "utf-8")
    told = build.look()
    assert [f"extra: {path.relative_to(build.root)}"] == told["findings"]
    assert before != told["digest"]


def test_a_file_too_many_beside_what_a_part_copied(build: Build) -> None:
    """A file that was added to the directory of a part is named as extra."""
    (build.root / "parts/app/evil.py").write_text("pass\n", "utf-8")
    assert ["extra: parts/app/evil.py"] == build.look()["findings"]


@pytest.mark.parametrize("place", ["bin/own", "etc/own.ini", "own.txt"])
def test_what_lies_in_a_directory_that_is_shared(build: Build, place: str) -> None:
    """What somebody has put where everybody writes is no finding, and changes no digest."""
    before, path = build.look()["digest"], build.root / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("own\n", "utf-8")
    told = build.look()
    assert ([], before) == (told["findings"], told["digest"])


def test_an_executable_bit(build: Build) -> None:
    """Whether a file may be run is part of the digest, and for what a part owns a change of its mode is named."""
    before = build.look()["digest"]
    (build.root / "etc/app.ini").chmod(0o755)
    told = build.look()
    assert (["changed: etc/app.ini"], True) == (told["findings"], told["digest"] != before)


def test_links(build: Build) -> None:
    """A link of an environment, or of a part, that leads elsewhere is named."""
    before = build.look()["digest"]
    for path in (build.prefix / "bin" / "python3", build.root / "etc" / "link"):
        path.unlink()
        path.symlink_to("elsewhere")
    told = build.look()
    expected = [build.root / "etc" / "link", build.prefix / "bin" / "python3"]
    assert [f"changed: {path.relative_to(build.root)}" for path in expected] == told["findings"]
    assert before != told["digest"]


def test_a_record_that_was_changed_too(build: Build) -> None:
    """A file whose row in RECORD was changed with it is found by the wheel in the cache."""
    path, record = build.place("data file"), next(build.egg("app").glob("*.dist-info/RECORD"))
    path.write_text("<q>", "utf-8")
    lines = [line for line in record.read_text("utf-8").splitlines() if not line.startswith("app/page.html,")]
    row = "app/page.html,sha256=wIiSyKpI9UxYiAJ0nGXeGfBE5kAJbbpFKpyrF5DVRnA,3"
    record.write_text("\n".join(sorted([*lines, row])) + "\n", "utf-8")
    expected = [path, record]
    assert {f"changed: {path.relative_to(build.root)}" for path in expected} == set(build.look()["findings"])


def test_without_a_cache_the_record_counts(build: Build) -> None:
    """Without the wheels a changed file is still found by RECORD, and only the bundle is not whole."""
    shutil.rmtree(build.root / "cache")
    told = build.look()
    assert ([], ["app-1.0-py3-none-any.whl", "six-1.0-py3-none-any.whl"]) == (told["findings"], told["absent"])
    path = build.place("module")
    path.write_text("pass\n", "utf-8")
    assert [f"changed: {path.relative_to(build.root)}"] == build.look()["findings"]


def test_a_store_that_lost_an_egg(build: Build) -> None:
    """An egg that is gone is named as a whole."""
    path = build.egg("six")
    shutil.rmtree(path)
    assert [f"missing: {path.relative_to(build.root)}"] == build.look()["findings"]


def run(build: Build) -> None:
    """Import everything, with Python's own cache on."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [build.prefix / "bin" / "python", "-c", "import app, six"]
    subprocess.run(command, env=variables, check=True, timeout=300)
    subprocess.run([command[0], "-O", *command[1:]], env=variables, check=True, timeout=300)


@pytest.mark.parametrize("compiled", [False, True])
def test_what_python_compiles(tmp_path: Path, files: Index, compiled: bool) -> None:
    """What Python writes beside modules while it runs is no finding and leaves the digest as it was."""
    build = Build.make(tmp_path / "root", files, compiled=compiled)
    before = build.look()
    run(build)
    assert list(build.egg("app").glob("app/__pycache__/*.opt-1.pyc"))
    assert before == build.look()


def test_compiled_code_that_is_not_of_its_source(build: Build) -> None:
    """A compiled file that passes for a valid one, but holds other code than its source, is named."""
    run(build)
    path = next(build.egg("app").glob(f"app/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"))
    evil = build.root / "evil.py"
    evil.write_text(SOURCE.replace("Tell", "Evil"), "utf-8")
    compiled = Path(str(py_compile.compile(str(evil), str(build.root / "evil.pyc"))))
    path.write_bytes(path.read_bytes()[:16] + compiled.read_bytes()[16:])
    assert [f"extra: {path.relative_to(build.root)}"] == build.look()["findings"]


def test_compiled_code_of_a_compiled_build(tmp_path: Path, files: Index) -> None:
    """In a compiled build the compiled files are part of what is locked: one that is changed or gone is named."""
    build = Build.make(tmp_path / "root", files, compiled=True)
    path = next(build.egg("app").glob("app/__pycache__/__init__.*.pyc"))
    before, content = build.look()["digest"], path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    told = build.look()
    assert ([f"changed: {path.relative_to(build.root)}"], True) == (told["findings"], before != told["digest"])
    path.unlink()
    assert [f"missing: {path.relative_to(build.root)}"] == build.look()["findings"]


def test_a_store_for_builds_with_and_without_compiling(tmp_path: Path, files: Index) -> None:
    """Compiled eggs lie beside the others, which are as they were, and each build finds its own."""
    plain = Build.make(tmp_path / "plain", files)
    before = plain.look()
    shutil.copytree(plain.root / "eggs", tmp_path / "eggs", symlinks=True)
    compiled = Build.make(tmp_path / "compiled", files, compiled=True)
    assert plain.egg("app").name == compiled.egg("app").name
    assert f"{plain.egg('app').parent.name}-compiled" == compiled.egg("app").parent.name
    assert not list(plain.egg("app").rglob("*.pyc"))
    assert before == plain.look()


def test_what_pytest_keeps(build: Build) -> None:
    """What pytest has rewritten for itself is no finding, and is counted as not checked."""
    directory = build.egg("app") / "app" / "__pycache__"
    directory.mkdir()
    (directory / f"__init__.{sys.implementation.cache_tag}-pytest-8.4.1.pyc").write_bytes(b"x")
    told = build.look()
    assert ([], 1) == (told["findings"], told["unchecked"])


@pytest.mark.parametrize("compiled", [False, True])
def test_two_directories(tmp_path: Path, files: Index, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two builds in different directories, with other umasks, time zones, locales and hash seeds, are the same."""
    one = Build.make(tmp_path / "one", files, compiled=compiled).look()
    for name, value in {"TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "7"}.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    before = os.umask(0o077)
    try:
        other = Build.make(tmp_path / "another place", files, compiled=compiled)
    finally:
        os.umask(before)
    assert (NOTHING, one["digest"]) == (chosen(other.look()), other.look()["digest"])
    assert compiled == bool(list(other.egg("app").rglob("*.pyc")))
    for path in other.egg("app").rglob("*"):
        os.utime(path, (1, 1))
    assert one["digest"] == other.look()["digest"]


def test_the_version_of_python_counts(build: Build) -> None:
    """The full version of Python is part of the digest."""
    before = build.look()["digest"]
    build.order["python"] = [build.order["python"][0], "3.99.1"]
    assert before != build.look()["digest"]


def test_nothing_is_changed_by_looking(build: Build) -> None:
    """Verifying writes nothing and asks nobody."""
    build.index.requests.clear()
    before = {path: path.lstat().st_mtime_ns for path in build.root.rglob("*")}
    build.look()
    assert (before, []) == ({path: path.lstat().st_mtime_ns for path in build.root.rglob("*")}, build.index.requests)


def edit(build: Build, old: str, new: str) -> None:
    lock = build.root / "pylock.toml"
    text = lock.read_text("utf-8")
    assert old in text
    lock.write_text(text.replace(old, new), "utf-8")


def test_not_pinned(build: Build) -> None:
    """A lock with another version than stands here, or without one that is needed, does not keep the versions."""
    built = build.order["locked"][0]["built"]
    built["six"]["version"] = "0.9"
    assert ["six 0.9 stands here, and the lock has 1.0; run bin/buildout"] == build.look()["unpinned"]
    del built["six"]
    assert ["six 1.0 is locked and not yet built; run bin/buildout"] == build.look()["unpinned"]
    build.order["locked"][0]["needs"] = [["app>2", "part app"]]
    assert "part app needs app>2, the lock has app 1.0" == build.look()["unpinned"][0]
    (build.root / "pylock.toml").unlink()
    assert ["there is no pylock.toml; run bin/buildout, which makes it"] == build.look()["unpinned"]


def test_pinned_and_not_locked(build: Build) -> None:
    """A lock of the same versions with another sha256, or without one, keeps the versions and not the files."""
    sha256 = build.order["locked"][0]["built"]["six"]["sha256"]
    edit(build, sha256, "0" * 64)
    told = build.look()
    sentence = "six 1.0 came from a file whose sha256 the lock does not have; run bin/buildout"
    assert ([], [sentence], []) == (told["unpinned"], told["unlocked"], told["findings"])
    edit(build, f'hashes = {{ sha256 = "{"0" * 64}" }}', f'hashes = {{ md5 = "{"0" * 32}" }}')
    told = build.look()
    assert ([], 1, []) == (told["unpinned"], len(told["unlocked"]), told["findings"])
    assert "six-1.0-py3-none-any.whl has no sha256" in told["unlocked"][0]


def test_locked_and_not_verified(build: Build) -> None:
    """A changed byte is no matter of versions or of the lock."""
    build.place("module").write_text("pass\n", "utf-8")
    told = build.look()
    assert ([], [], 1, []) == (told["unpinned"], told["unlocked"], len(told["findings"]), told["absent"])


def test_verified_and_not_air_gapped(build: Build) -> None:
    """A locked file that is neither in wheels nor in the cache, or is spoilt there, leaves only the bundle open."""
    sha256 = build.order["locked"][0]["built"]["six"]["sha256"]
    cached = next((build.root / "cache").rglob(sha256))
    cached.write_bytes(b"spoilt")
    assert NOTHING | {"absent": ["six-1.0-py3-none-any.whl"]} == chosen(build.look())
    assert cached.exists()
    (build.root / "wheels").mkdir()
    shutil.copy(build.index.directory / "six-1.0-py3-none-any.whl", build.root / "wheels")
    assert NOTHING == chosen(build.look())


def test_compiling_is_what_compileall_does(tmp_path: Path, files: Index) -> None:
    """Each module has the file that compileall would write for its source, unchecked, and broken ones have none."""
    build = Build.make(tmp_path / "root", files, compiled=True)
    egg = build.egg("app")
    assert ["__init__"] == [path.name.partition(".")[0] for path in egg.glob("app/__pycache__/*")]
    ours = next(egg.glob("app/__pycache__/*")).read_bytes()
    assert 1 == int.from_bytes(ours[4:8], "little")
    copy = shutil.copytree(egg / "app", tmp_path / "copy" / "app", ignore=shutil.ignore_patterns("__pycache__"))
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_file(str(copy / "__init__.py"), quiet=2, invalidation_mode=mode)
    theirs = next((tmp_path / "copy").rglob("*.pyc")).read_bytes()
    assert theirs[:16] == ours[:16]
    assert str(tmp_path).encode() not in ours
