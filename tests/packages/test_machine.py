"""What a site-packages holds, and which of its entries belong to one distribution alone."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.packages.interpreter import Interpreter
from eggcarton.packages.machine import Distribution, allows, directories, entries, find, identity
from support.distributions import wheel


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty site-packages."""
    (tmp_path / "site-packages").mkdir()
    return tmp_path / "site-packages"


def install(place: Path, name: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> None:
    """Install a wheel made of these files."""
    with zipfile.ZipFile(wheel(place.parent, name, version, files, requires=requires)) as archive:
        archive.extractall(place)


def write(place: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, "utf-8")


def egg_info(place: Path, name: str, version: str, **files: str) -> None:
    """Write metadata as setuptools left it, with such files beside PKG-INFO."""
    info = f"{name.replace('-', '_')}-{version}.egg-info"
    told = {f"{info}/{file.replace('__', '.')}": text for file, text in files.items()}
    write(place, {f"{info}/PKG-INFO": f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n", **told})


def only(place: Path, name: str) -> Distribution:
    """Return one distribution of a directory."""
    return find([place], [name])[name]


def test_a_record_tells_what_is_its_own(place: Path) -> None:
    """What RECORD names is its own: whole directories, of a shared one the entries; what is compiled does not count."""
    install(place, "acme.one", "1.0", {"one.py": "", "acme/one/a.py": "", "acme/one/b/c.py": "", "own/x.py": ""})
    install(place, "acme.two", "1.0", {"acme/two.py": ""})
    write(place, {"own/__pycache__/x.pyc": "", "acme/__pycache__/two.pyc": ""})
    assert ("acme.one-1.0.dist-info", "acme/one", "one.py", "own") == entries(only(place, "acme-one"))
    assert ("acme.two-1.0.dist-info", "acme/two.py") == entries(only(place, "acme-two"))


def test_a_record_that_leads_out_of_the_directory(place: Path) -> None:
    """What RECORD names elsewhere, such as scripts, is not linked."""
    install(place, "one", "1.0", {"one.py": ""})
    write(place.parent, {"bin/one": "", "etc/one": ""})
    with (place / "one-1.0.dist-info/RECORD").open("a") as record:
        record.write(f"../bin/one,,\n{place.parent}/etc/one,,\n\n")
    assert ("one-1.0.dist-info", "one.py") == entries(only(place, "one"))


def test_what_older_installers_noted(place: Path) -> None:
    """installed-files.txt tells the same, relative to the metadata."""
    write(place, {"one/__init__.py": "", "one/a.py": "", "two.py": ""})
    egg_info(place, "one", "1.0", installed_files__txt="")
    (place / "one-1.0.egg-info/installed_files.txt").rename(place / "one-1.0.egg-info/installed-files.txt")
    (place / "one-1.0.egg-info/installed-files.txt").write_text("../one/__init__.py\n../one/a.py\nPKG-INFO\n")
    assert ("one-1.0.egg-info", "one") == entries(only(place, "one"))


def test_top_level_names(place: Path) -> None:
    """Without a record top_level.txt names packages, modules and extension modules, and none that begin alike."""
    extension = f"one_ext.cpython-{sys.version_info[0]}{sys.version_info[1]}-x86_64-linux-gnu.so"
    write(
        place, {"one/__init__.py": "", extension: "", "one_more.py": "", "oneself/a.py": "", "one_ext-stubs/a.pyi": ""}
    )
    egg_info(place, "python-one", "1.0", top_level__txt="one\none_ext\n")
    expected = ("python_one-1.0.egg-info", "one", "one_ext-stubs", extension)
    assert expected == entries(only(place, "python-one"))


def test_a_namespace_that_others_share(place: Path) -> None:
    """Of a package that others name as well it has what its own name says."""
    write(place, {"acme/one/a.py": "", "acme/two.py": "", "acme/three.py": ""})
    egg_info(place, "acme.one", "1.0", top_level__txt="acme\n", namespace_packages__txt="acme\n")
    egg_info(place, "acme.two", "1.0", top_level__txt="acme\n")
    assert ("acme.one-1.0.egg-info", "acme/one") == entries(only(place, "acme-one"))
    assert ("acme.two-1.0.egg-info", "acme/two.py") == entries(only(place, "acme-two"))


@pytest.mark.parametrize(("name", "module"), [("pyone", "one.py"), ("python-one", "one.py"), ("One", "one.py")])
def test_metadata_that_is_one_file(place: Path, name: str, module: str) -> None:
    """Where the metadata is a single file, the module that is called like the distribution is its own."""
    write(place, {module: "", "two.py": "", f"{name}-1.0.egg-info": f"Name: {name}\nVersion: 1.0\n"})
    assert (f"{name}-1.0.egg-info", module) == entries(only(place, name.lower()))


def test_what_cannot_be_told(place: Path) -> None:
    """Where nothing tells which files are its own, the error names the option that shows everything."""
    write(place, {"one.py": "", "Strange-1.0.egg-info": "Name: Strange\nVersion: 1.0\n"})
    with pytest.raises(UsageProblem) as caught:
        entries(only(place, "strange"))
    expected = (
        f"strange 1.0 of the machine does not tell which files in {place} are its own; set include-site-packages = "
        "true to see all of them, and leave it out of allowed-eggs-from-site-packages"
    )
    assert expected == str(caught.value)


def test_what_is_found(place: Path, tmp_path: Path) -> None:
    """Names are compared as they are normalized, patterns too; the first directory wins, and so do newer metadata."""
    install(place, "Acme.One", "1.0", {"one.py": ""}, ("six>=1", "b ; extra == 'more'"))
    egg_info(place, "Acme.One", "0.9")
    (tmp_path / "second").mkdir()
    install(tmp_path / "second", "acme-one", "2.0", {"one.py": ""})
    install(tmp_path / "second", "other", "2.0", {"other.py": ""})
    both = [place, tmp_path / "second"]
    assert [("acme-one", "1.0", place)] == [(d.name, d.version, d.place) for d in find(both, ["ACME_one"]).values()]
    assert ["acme-one"] == list(find(both, ["acme.*"]))
    assert ["acme-one", "other"] == sorted(find([*both, tmp_path / "none"], ["*"]))
    assert {} == find(both, ["acme"])
    expected = {"name": "acme-one", "version": "1.0", "requires": ["six>=1", "b ; extra == 'more'"], "extras": []}
    assert {**expected, "machine": True} == only(place, "acme-one").stub()


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [("python-apt", "python-apt", True), ("Python_Apt", "python-apt", True), ("apt", "python-apt", False),
     ("*", "gi", True), ("lazr.*", "lazr-uri", True), ("lazr.*", "lazr", False), ("g[ij]", "gi", True)],
)  # fmt: skip
def test_allowed(pattern: str, name: str, expected: bool) -> None:
    """A name is allowed by itself, however it is spelt, and by a pattern that it fits as a whole."""
    assert expected == allows([pattern], name)


def test_the_identity_follows_the_record(place: Path) -> None:
    """Another RECORD is another identity; when a file was touched alone, it is the same one."""
    install(place, "one", "1.0", {"one.py": ""})
    files = entries(only(place, "one"))
    before = identity(place, files)
    os.utime(place / "one.py", (0, 0))
    assert before == identity(place, files)
    install(place, "one", "1.0", {"one.py": "changed"})
    assert before != identity(place, files)


def test_the_identity_without_a_record(place: Path) -> None:
    """Without a RECORD the size and time of each file count, deep below a directory too."""
    write(place, {"one/a/b.py": ""})
    egg_info(place, "one", "1.0", top_level__txt="one\n")
    files = entries(only(place, "one"))
    before = identity(place, files)
    assert before == identity(place, files)
    os.utime(place / "one/a/b.py", (0, 0))
    assert before != identity(place, files)


def test_a_member_of_an_environment(place: Path) -> None:
    """It is linked from where it lies, and known to be the machine's."""
    install(place, "one", "1.0", {"one.py": ""})
    member = only(place, "one").member()
    assert ("one", "1.0", place, ("one-1.0.dist-info", "one.py")) == (
        member.name,
        member.version,
        member.place,
        member.files,
    )
    assert member.is_of_machine


def test_the_directories_of_this_python() -> None:
    """A Python tells the directories of its own site-packages, that of its user not among them."""
    python = Interpreter.running().executable
    found = directories(python)
    assert [] == [path for path in found if not path.is_dir() or path.is_relative_to(Path.home() / ".local")]
    assert {path.name for path in found} <= {"site-packages", "dist-packages"}
    assert found


def test_a_python_that_does_not_run(tmp_path: Path) -> None:
    """A Python that cannot be asked is told in a sentence."""
    with pytest.raises(UsageProblem, match="does not tell where its distributions lie"):
        directories(tmp_path / "none")
