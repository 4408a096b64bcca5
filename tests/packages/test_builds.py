"""Builds are closed: they import the toolchain and nothing else, and what they read is known afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import file_digest
from eggcarton.packages import builds
from eggcarton.packages.builds import Built, Toolchain
from support.closed import toolchain
from support.distributions import source, wheel

NOTHING = Toolchain((), {})

BACKEND = """
{code}
def build_wheel(directory, settings=None, metadata=None):
    {body}
    import shutil
    shutil.copy("own-1.0-py3-none-any.whl", directory)
    return "own-1.0-py3-none-any.whl"
{also}
"""
EDITABLE = "build_editable = build_wheel"
PROJECT = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    place = tmp_path / "out"
    place.mkdir()
    return place


@pytest.fixture
def setuptools() -> Toolchain:
    """A toolchain of nothing but setuptools, in a directory of its own as the store has it."""
    return toolchain()


def project(place: Path, body: str = "pass", code: str = "", pyproject: str = PROJECT, also: str = EDITABLE) -> Path:
    """A project with a backend of its own, whose hook does something before it answers."""
    wheel(place, "own", "1.0")
    (place / "backend.py").write_text(BACKEND.format(body=body, code=code, also=also), "utf-8")
    (place / "pyproject.toml").write_text(pyproject, "utf-8")
    return place


def test_a_wheel_is_built(tmp_path: Path, out: Path) -> None:
    """The wheel lies in the directory given, by the name that is told."""
    built = builds.build("wheel", project(tmp_path / "own"), NOTHING, out)
    assert built.wheel == "own-1.0-py3-none-any.whl"
    assert (out / built.wheel).is_file()


def test_foreign_requirements(tmp_path: Path, out: Path) -> None:
    """A build requirement that the toolchain does not answer stops the build before any of its code runs."""
    pyproject = PROJECT.replace("[]", "['flit-core>=3', 'six; python_version<\"3\"', 'setuptools<1']", 1)
    place = project(tmp_path / "own", code="raise SystemExit(1)", pyproject=pyproject)
    assert Built(None, ("flit-core>=3", "setuptools<1")) == builds.build(
        "wheel", place, Toolchain((), {"setuptools": "84"}), out
    )


def test_requirements_that_the_backend_tells(tmp_path: Path, out: Path) -> None:
    """A requirement that only the backend itself tells is foreign too."""
    code = "def get_requires_for_build_wheel(settings=None):\n    return ['cython']\n"
    assert ("cython",) == builds.build("wheel", project(tmp_path / "own", code=code), NOTHING, out).foreign


MORE = "from setuptools import setup; setup(name='more', version='1', {})\n"


@pytest.mark.parametrize(
    "files",
    [
        {"setup.py": MORE.format("setup_requires=['fetched-first']")},
        {"setup.py": MORE.format("**{'setup' + '_requires': ['fetched-first']}")},
        {"setup.py": "import os, more\n", "more.py": MORE.format("setup_requires=['fetched-first']")},
        {"setup.py": "exec(open('more').read())\n", "more": MORE.format("setup_requires=['fetched-first']")},
        {"setup.py": MORE.format(""), "setup.cfg": "[options]\nsetup_requires = fetched-first\n"},
    ],
)
def test_requirements_that_setup_py_tells(
    tmp_path: Path, out: Path, setuptools: Toolchain, files: dict[str, str]
) -> None:
    """What setup.py or setup.cfg wants fetched before it runs is foreign, however it is said."""
    source = tmp_path / "more"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text, "utf-8")
    assert ("fetched-first",) == builds.build("wheel", source, setuptools, out).foreign


def test_a_backend_without_the_hook(tmp_path: Path, out: Path) -> None:
    """A backend that cannot make what is asked for is told of, and what would help."""
    with pytest.raises(EggcartonError) as caught:
        builds.build("editable", project(tmp_path / "own", also=""), NOTHING, out)
    assert (
        f"{tmp_path}/own cannot be built: its build backend backend has no hook build_editable; require a version of "
        "it that has one, or use another backend"
    ) == str(caught.value)


@pytest.mark.parametrize(
    ("versions", "requirement", "foreign"),
    [
        ({"setuptools": "84"}, "setuptools>=77", False),
        ({"setuptools": "84"}, "SetupTools", False),
        ({"setuptools": "84"}, "setuptools<80", True),
        ({"setuptools": "84.0b1"}, "setuptools>=77", False),
        ({}, "wheel", True),
        ({}, "wheel ; python_version < '3'", False),
        ({}, "not a requirement", True),
    ],
)
def test_what_a_toolchain_answers(versions: dict[str, str], requirement: str, foreign: bool) -> None:
    """A toolchain answers a requirement by name, version and marker; what is no requirement is foreign."""
    assert ([requirement] if foreign else []) == Toolchain((), versions).foreign([requirement])


def test_a_failure_is_told_with_its_last_words(tmp_path: Path, out: Path) -> None:
    """A build that fails is told with the source and the end of what it said."""
    place = project(tmp_path / "own", "raise RuntimeError('no compiler here')")
    with pytest.raises(EggcartonError) as caught:
        builds.build("wheel", place, NOTHING, out)
    assert str(caught.value).startswith(f"{place} could not be built:\n")
    assert str(caught.value).endswith("RuntimeError: no compiler here")


def test_a_build_that_hangs(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that does not end is ended, and told with the end of what it said."""
    monkeypatch.setattr(builds, "_LONGEST", 5.0)
    place = project(tmp_path / "own", "import time; print('asking', flush=True); time.sleep(600)")
    with pytest.raises(EggcartonError, match=r"(?s) could not be built:.*asking.* had not ended itself after 5 s\Z"):
        builds.build("wheel", place, NOTHING, out)


def test_what_is_no_project(tmp_path: Path, out: Path) -> None:
    """A directory without a project, and one with a broken pyproject.toml, are told as that."""
    with pytest.raises(EggcartonError, match=r"holds neither pyproject\.toml nor setup\.py, so it cannot be built"):
        builds.build("wheel", tmp_path, NOTHING, out)
    (tmp_path / "pyproject.toml").write_text("[", "utf-8")
    with pytest.raises(EggcartonError, match=r"pyproject\.toml is not valid TOML: "):
        builds.build("wheel", tmp_path, NOTHING, out)


TELLS = """open(os.path.join(directory, "told"), "w").write(repr((
        sorted(n for n in os.environ if n.startswith(("PIP_", "UV_", "PYTHON"))), os.environ["SOURCE_DATE_EPOCH"],
        os.environ["TZ"], oct(os.umask(0)), hash("a fixed seed"), importable("pytest"), importable("told_here"))))"""


def test_the_surroundings_are_fixed(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever builds: time, locale, hash seed and umask are the same, variables that steer are gone, and nothing but
    the toolchain is imported."""
    for name in ("PIP_INDEX_URL", "UV_INDEX", "PYTHONPATH", "TZ"):
        monkeypatch.setenv(name, str(Path(pytest.__file__).parent.parent))
    (tmp_path / "told_here.py").touch()
    monkeypatch.chdir(tmp_path)
    seeded = [sys.executable, "-c", "print(hash('a fixed seed'))"]
    told = subprocess.run(seeded, env={"PYTHONHASHSEED": "0"}, stdout=subprocess.PIPE, check=True).stdout
    code = (
        "import os, sys\nfrom importlib.util import find_spec\ndef importable(name): return find_spec(name) is not None"
    )
    builds.build("wheel", project(tmp_path / "own", TELLS, code), NOTHING, out)
    names = ["PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"]
    expected = (names, "315532800", "UTC", "0o22", int(told), False, False)
    assert repr(expected) == (out / "told").read_text("utf-8")


LISTS = """class Accessor: listdir, scandir = os.listdir, os.scandir
    names = [os.listdir(path="many"), [entry.name for entry in os.scandir("many")], glob.glob("*", root_dir="many")]
    names += [Accessor().listdir("many"), [entry.name for entry in Accessor().scandir("many")]]
    names += [[path.name for path in listed] for listed in (Path("many").iterdir(), Path("many").glob("*"))]
    told = repr([found == sorted(found) and len(found) for found in names])
    open(os.path.join(directory, "told"), "w").write(told)"""


def test_directories_are_listed_in_order(tmp_path: Path, out: Path) -> None:
    """Whatever the order of a file system, a build finds files in that of their names, however it looks for them."""
    place = project(tmp_path / "own", LISTS, "import glob, os\nfrom pathlib import Path")
    (place / "many").mkdir()
    for number in range(100):
        (place / "many" / f"{number * 7919 % 101}").touch()
    assert sorted(os.listdir(place / "many")) != os.listdir(place / "many")
    builds.build("wheel", place, NOTHING, out)
    assert repr([100] * 7) == (out / "told").read_text("utf-8")


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_setuptools_builds_the_same_twice(tmp_path: Path, setuptools: Toolchain, kind: str) -> None:
    """A project of setuptools becomes the same wheel byte for byte, whatever the times of its files and the umask."""
    place = source(
        tmp_path, "own", "1.0", {"own/__init__.py": "", "own/more.py": ""}, console_scripts={"own": "own:main"}
    )
    digests = []
    for time, mask in ((1, 0o77), (2_000_000_000, 0o2)):
        for path in place.rglob("*.py"):
            os.utime(path, (time, time))
        out, before = tmp_path / f"out{time}", os.umask(mask)
        try:
            out.mkdir()
            built = builds.build(kind, place, setuptools, out)
        finally:
            os.umask(before)
        assert built.wheel is not None
        digests.append(file_digest(out / built.wheel))
    assert 1 == len(set(digests))


def test_setup_py_alone(tmp_path: Path, out: Path, setuptools: Toolchain) -> None:
    """A project without pyproject.toml is built by setuptools as it always was, and what its setup.py read is told."""
    place = source(tmp_path, "own", "1.0")
    (place / "pyproject.toml").unlink()
    (place / "version.txt").write_text("3.1", "utf-8")
    script = (place / "setup.py").read_text("utf-8").replace("'1.0'", "open('version.txt').read()")
    (place / "setup.py").write_text(script, "utf-8")
    built = builds.build("editable", place, setuptools, out)
    assert "own-3.1-0.editable-py3-none-any.whl" == built.wheel
    assert {"setup.py", "version.txt"} <= set(built.watched.files)


def test_python_is_this_one(tmp_path: Path, out: Path) -> None:
    """A build runs on the Python that runs us."""
    project_ = project(tmp_path / "own", "open(os.path.join(directory, 'v'), 'w').write(sys.version)", "import os, sys")
    builds.build("wheel", project_, NOTHING, out)
    assert sys.version == (out / "v").read_text("utf-8")
