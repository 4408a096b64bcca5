"""What builds from source require is locked once, obeyed, and leaves no trace of where and by whom it was used."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from eggcarton.child import building
from eggcarton.child.building import BuildRequirements
from eggcarton.child.door import Door, Sources
from eggcarton.core.errors import Drift, EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import build_lock
from support.closed import toolchain
from support.distributions import EPOCH, sdist, tarred, wheel
from support.index import Index

HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"
HOOKS = """
import {needs}

def get_requires_for_build_wheel(settings=None):
    return {asked}

"""
BACKEND = """
import os, zipfile
def build_wheel(directory, settings=None, metadata=None):
    import used
    name = "old-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        archive.writestr("old.py", f"used = {used.version!r}\\n")
        archive.writestr("old-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: old\\nVersion: 1.0\\n")
        archive.writestr("old-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr("old-1.0.dist-info/RECORD", "")
    return name
"""


class Workshop:
    """A buildout's build requirements, in a directory of its own, with the setuptools that runs here as toolchain."""

    def __init__(self, root: Path, index: Index) -> None:
        self.root, self.index = root, index
        self.lock = root / build_lock.NAME

    def open(
        self, *, offline: bool = False, allow: Sequence[str] = (), **changes: Any
    ) -> tuple[Door, BuildRequirements]:
        sources = {"index": self.index.url, "find_links": [], "cache": str(self.root / "cache"), "directories": []}
        door = Sources.of(sources | {"offline": offline}).open()
        tools = toolchain()
        place = {
            "lock": str(self.lock),
            "frozen": False,
            "store": str(self.root / "store"),
            "tag": f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}",
            "requires_python": HERE,
            "exclude_newer": None,
            "developed": [],
        }
        told = {"paths": list(tools.paths), "versions": dict(tools.versions), "builds": place | changes}
        requirements = building.allow(door, told, allow)
        assert requirements is not None
        return door, requirements

    def build(self, archive: Path, **options: Any) -> Path:
        """Build a source distribution into a wheel, as a run of its own would."""
        door, _ = self.open(**options)
        assert door.builder is not None
        return door.builder.wheel(archive, file_digest(archive), archive.name)


@pytest.fixture
def workshop(tmp_path: Path, index: Index) -> Workshop:
    """A workshop without a lock, and an index with two versions of what its builds use."""
    for version in ("1.0", "2.0"):
        wheel(index.directory, "used", version, {"used.py": f"version = {version!r}\n"}, requires=["more"])
    wheel(index.directory, "more", "1.0", {"more.py": ""})
    (tmp_path / "workshop").mkdir()
    return Workshop(tmp_path / "workshop", index)


def old(directory: Path, *requires: str, hooks: str = "") -> Path:
    """Write a source distribution whose wheel tells which version it was built with."""
    return sdist(directory, "old", build_requires=requires, files={"backend.py": hooks + BACKEND})


def used(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("old.py").decode().strip()


def versions(workshop: Workshop) -> list[dict[str, str]]:
    return [{p.name: p.version for p in e.lock.packages} for e in build_lock.read(workshop.lock).builds]


def test_what_is_locked(workshop: Workshop, tmp_path: Path) -> None:
    """What pyproject.toml requires is locked with all it leads to, each file by its sha256, and nothing else."""
    assert "used = '2.0'" == used(workshop.build(old(tmp_path, "used>=1")))
    [entry] = build_lock.read(workshop.lock).builds
    assert (("old 1.0",), ("used>=1",), ()) == (entry.builds, entry.requires, entry.asked)
    assert [{"used": "2.0", "more": "1.0"}] == versions(workshop)
    for package in entry.lock.packages:
        (file,) = package.wheels
        assert file_digest(workshop.index.directory / file.name) == file.sha256
    assert workshop.index.address not in workshop.lock.read_text("utf-8")


def test_old_pins_stay(workshop: Workshop, tmp_path: Path) -> None:
    """What is locked is used although the index has newer, and stays as far as it suits when requirements change."""
    (workshop.index.directory / "used-2.0-py3-none-any.whl").rename(tmp_path / "newer.whl")
    workshop.build(old(tmp_path, "used"))
    (tmp_path / "newer.whl").rename(workshop.index.directory / "used-2.0-py3-none-any.whl")
    before = workshop.lock.read_bytes()
    shutil.rmtree(workshop.root / "cache/built")
    assert "used = '1.0'" == used(workshop.build(old(tmp_path, "used")))
    assert before == workshop.lock.read_bytes()
    assert "used = '1.0'" == used(workshop.build(old(tmp_path, "used>=1")))
    assert "used = '2.0'" == used(workshop.build(old(tmp_path, "used>=1.5")))
    assert [{"used": "2.0", "more": "1.0"}] == versions(workshop)


def test_what_the_backend_asks_for(workshop: Workshop, tmp_path: Path) -> None:
    """What only the backend asks for is locked with the rest, and the backend runs with what it required so far."""
    wheel(workshop.index.directory, "asked", "3.0", {"asked.py": ""})
    workshop.build(old(tmp_path, "used", hooks=HOOKS.format(needs="used", asked="['asked>=2']")))
    [entry] = build_lock.read(workshop.lock).builds
    assert (("used",), ("asked>=2",)) == (entry.requires, entry.asked)
    assert [{"used": "2.0", "more": "1.0", "asked": "3.0"}] == versions(workshop)


def test_a_backend_that_never_has_enough(workshop: Workshop, tmp_path: Path) -> None:
    """A backend that asks for something else each time ends in one sentence."""
    asked = "[f'used>={__import__(\"random\").random()}']"
    with pytest.raises(EggcartonError, match="asks for other build requirements whenever it has what it asked for"):
        workshop.build(old(tmp_path, "used", hooks=HOOKS.format(needs="used", asked=asked)))


def test_nothing_but_what_is_locked_is_imported(workshop: Workshop, tmp_path: Path) -> None:
    """A build with locked requirements does not see the toolchain, nor what is installed here."""
    archive = old(tmp_path, "used", hooks="from importlib.util import find_spec\nassert not find_spec('setuptools')\n")
    assert "used = '2.0'" == used(workshop.build(archive))


def test_other_requirements_build_anew(workshop: Workshop, tmp_path: Path) -> None:
    """The wheel that was kept is of use as long as the same files built it."""
    archive = old(tmp_path, "used")
    first = workshop.build(archive)
    assert first == workshop.build(archive)
    _door, requirements = workshop.open()
    wheel(workshop.index.directory, "used", "3.0", {"used.py": "version = '3.0'\n"})
    requirements.renew([], {"old 1.0"})
    assert ["the build of old 1.0: more 1.0 -> none", "the build of old 1.0: used 2.0 -> 3.0"] == requirements.changed
    assert "used = '3.0'" == used(workshop.build(archive))
    assert "used = '2.0'" == used(first)


def test_a_requirement_without_a_wheel(workshop: Workshop, tmp_path: Path) -> None:
    """What builds require comes as wheels; what has none is built itself where that is allowed, closed as well."""
    sdist(workshop.index.directory, "raw", "1.0", {"raw.py": ""}, build_requires=["used"])
    archive = old(tmp_path, "used", "raw")
    with pytest.raises(UsageProblem, match="raw: there is no wheel"):
        workshop.build(archive)
    assert not workshop.lock.exists()
    workshop.build(archive, allow=["raw"])
    assert [("old 1.0",), ("raw 1.0",)] == sorted(entry.builds for entry in build_lock.read(workshop.lock).builds)


def test_a_circle(workshop: Workshop, tmp_path: Path) -> None:
    """Builds that require each other end in a sentence that names them."""
    for name, other in (("one", "two"), ("two", "one")):
        sdist(workshop.index.directory, name, "1.0", build_requires=[other])
    archive = workshop.index.directory / "one-1.0.tar.gz"
    with pytest.raises(EggcartonError, match=r"one 1\.0 needs two 1\.0 needs one 1\.0 to be built; take a version of"):
        workshop.build(archive, allow=["*"])


def test_frozen_and_offline(workshop: Workshop, tmp_path: Path) -> None:
    """What is not locked is refused by name, frozen or offline, and nothing of it is built."""
    archive = old(tmp_path, "used>=1")
    with pytest.raises(Drift, match=r"may change:\n  old 1\.0 requires used>=1$"):
        workshop.build(archive, frozen=True)
    with pytest.raises(Unavailable, match=r"does not have what builds require:\n  old 1\.0 requires used>=1$"):
        workshop.build(archive, offline=True)
    assert ([], False) == (workshop.index.requests, workshop.lock.exists())
    workshop.build(archive)
    shutil.rmtree(workshop.root / "cache")
    workshop.index.requests.clear()
    assert "used = '2.0'" == used(workshop.build(archive, frozen=True, offline=True))
    assert [] == workshop.index.requests
    with pytest.raises(Drift, match=r"old 1\.0 requires used==1\.0$"):
        workshop.build(old(tmp_path, "used==1.0"), frozen=True)


def test_another_python(workshop: Workshop, tmp_path: Path) -> None:
    """Requirements that were locked for other Pythons than this one do not answer."""
    archive = old(tmp_path, "used")
    workshop.build(archive)
    text = workshop.lock.read_text("utf-8").replace(f'requires-python = "{HERE}"', 'requires-python = ">=3.99"')
    workshop.lock.write_text(text, "utf-8")
    shutil.rmtree(workshop.root / "cache/built")
    with pytest.raises(Drift, match="does not answer what builds from source require"):
        workshop.build(archive, frozen=True)


def test_other_bytes(workshop: Workshop, tmp_path: Path) -> None:
    """A file that is not the one that was locked is refused, and nothing is built with it."""
    archive = old(tmp_path, "used")
    workshop.build(archive)
    for name in ("cache", "store"):
        shutil.rmtree(workshop.root / name)
    wheel(workshop.index.directory, "used", "2.0", {"used.py": "version = 'evil'\n"})
    with pytest.raises(IntegrityProblem, match=r"used-2\.0-py3-none-any\.whl: index default serves other bytes"):
        workshop.build(archive)
    assert [] == list((workshop.root / "cache/built").glob("*/*.whl"))


def test_what_is_developed_here(workshop: Workshop, tmp_path: Path) -> None:
    """A build requirement that is developed here is never asked for at an index."""
    with pytest.raises(EggcartonError, match=r"the build of old 1\.0 requires used, which is developed here"):
        workshop.build(old(tmp_path, "used"), developed=["used"])
    assert [] == workshop.index.requests


def test_several_builds_at_once(workshop: Workshop) -> None:
    """Builds that require the same at the same time lock it once, and all of them are named."""
    _, requirements = workshop.open()
    names = [f"package-{number}" for number in range(6)]
    threads = [threading.Thread(target=requirements.answer, args=(name, ["used"], [])) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [entry] = build_lock.read(workshop.lock).builds
    assert tuple(names) == entry.builds
    assert 1 == len(requirements.changed)


TRACES = """
import os, sys, tempfile, time, zipfile
def build_wheel(directory, settings=None, metadata=None):
    name = "old-1.0-py3-none-any.whl"
    with open("made.txt", "w") as stream:
        stream.write("made")
    told = [set("abcdefgh"), os.listdir("data"), [e.name for e in os.scandir("data")], time.localtime(0)[:5]]
    told += [os.stat("made.txt").st_mode, os.environ.get("LANG"), os.environ.get("USER")]
    told += [os.getcwd(), sys.executable, tempfile.mkdtemp(), tempfile.mkdtemp(dir=".")]
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        archive.writestr("old-1.0.dist-info/RECORD", "b,,\\na,,\\n")
        archive.write("made.txt")
        archive.writestr("old.py", repr(told))
        archive.writestr("old-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: old\\nVersion: 1.0\\n")
        archive.writestr("old-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    return name
"""
EXTENSION = """
from glob import glob
import os
from setuptools import Extension, setup
sources = [os.path.abspath(path) for path in glob("*.c")]
setup(name="old", version="1.0", ext_modules=[Extension("old", sources, extra_compile_args=["-g"])])
"""
MODULE = """
#include <Python.h>
extern const char *other(void);
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "old", __FILE__, -1, NULL};
PyMODINIT_FUNC PyInit_old(void) { other(); return PyModule_Create(&module); }
"""
HATCHLING = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "old"
version = "1.0"
"""
KINDS: dict[str, dict[str, str]] = {
    "setuptools": {},
    "traces": {"backend.py": TRACES, **{f"data/{name}": "" for name in "dacb"}},
    "hatchling": {"pyproject.toml": HATCHLING, **{f"src/old/{name}.py": "" for name in ("d", "__init__", "a", "c")}},
    "extension": {
        "setup.py": EXTENSION,
        "old.c": MODULE,
        "another.c": "const char *other(void) { return __FILE__; }\n",
        "pyproject.toml": "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bytes(
    tmp_path: Path, index: Index, backends: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Built twice, in another directory, umask, time zone, locale, order of files and with another hash seed, user and
    cache, a source distribution is the same wheel, byte for byte."""
    if kind == "extension" and not shutil.which(sysconfig.get_config_var("CC").split()[0]):
        pytest.skip("there is no C compiler")
    for path in backends.glob("*.whl"):
        (index.directory / path.name).symlink_to(path)
    files = dict(KINDS[kind])
    if kind == "setuptools":
        sdist(tmp_path, "old", "1.0", {"old/__init__.py": "", "old/b.py": "", "old/a.py": ""}, backend="setuptools")
    elif kind == "traces":
        sdist(tmp_path, "old", files=files)
    digests, found = set(), tmp_path / "old-1.0.tar.gz"
    for number, (place, zone, language) in enumerate((("one", "UTC", "C"), ("an other/place", "Asia/Tokyo", "de_DE"))):
        root = tmp_path / place
        root.mkdir(parents=True)
        archive = found
        if kind not in ("setuptools", "traces"):
            archive = root / "old-1.0.tar.gz"
            names = sorted(files, reverse=bool(number))
            archive.write_bytes(tarred({f"old-1.0/{name}": files[name] for name in names}))
            os.utime(archive, (EPOCH + number, EPOCH + number))
        names = {"TZ": zone, "LANG": language, "LC_ALL": language, "PYTHONHASHSEED": str(number + 1), "USER": place}
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(root)
        before = os.umask(0o77 if number else 0o2)
        try:
            built = Workshop(root, index).open()[0].builder
            assert built is not None
            # The digest of the archive would tell the order in it apart.
            digests.add(
                file_digest(built.wheel(archive, sha256(f"{kind} {tmp_path}".encode()).hexdigest(), archive.name))
            )
        finally:
            os.umask(before)
    assert 1 == len(digests)
