"""A zipped egg becomes a wheel, the same one each time, and is unpacked like any other."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.once import unpacked
from eggcarton.packages.store import Store, Unpacked
from eggcarton.packages.verify import of_egg
from eggcarton.packages.zipped_eggs import as_wheel, converted
from support.buildouts import Buildout
from support.distributions import wheel

PKG_INFO = "Metadata-Version: 1.0\nName: Old.Egg\nVersion: 1.5\nSummary: old\n\nAll about it.\n"
METADATA = ("METADATA", "WHEEL", "entry_points.txt", "top_level.txt", "RECORD")
REQUIRES = """\
six>=1

[:python_version < "3"]
enum34

[web]
paste

[web:python_version < "3.4"]
waitress
"""
FILES = {
    "EGG-INFO/PKG-INFO": PKG_INFO,
    "EGG-INFO/requires.txt": REQUIRES,
    "EGG-INFO/entry_points.txt": "[console_scripts]\nold = oldegg:main\n",
    "EGG-INFO/top_level.txt": "oldegg\n",
    "EGG-INFO/zip-safe": "\n",
    "EGG-INFO/scripts/older": "#!/usr/bin/python2.7 -u\nprint('older')\n",
    "oldegg/__init__.py": "import six\ndef main():\n    print('old', six.__name__)\n",
    "oldegg/__pycache__/__init__.cpython-35.pyc": "compiled",
    "oldegg/page.html": "<p>",
}


def egg(directory: Path, name: str = "Old.Egg-1.5-py3.5.egg", **more: str) -> Path:
    """Write a zipped egg."""
    directory.mkdir(exist_ok=True)
    with zipfile.ZipFile(directory / name, "w") as archive:
        for path, content in {**FILES, **more}.items():
            archive.writestr(path, content)
    return directory / name


def test_what_it_becomes(tmp_path: Path) -> None:
    """The wheel has the egg's modules and data, its metadata with requirements and extras, and its scripts."""
    made = as_wheel(egg(tmp_path), tmp_path)
    assert "Old_Egg-1.5-py35-none-any.whl" == made.name
    with zipfile.ZipFile(made) as archive:
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    assert [
        "Old_Egg-1.5.data/scripts/older",
        "oldegg/__init__.py",
        "oldegg/page.html",
        *(f"Old_Egg-1.5.dist-info/{name}" for name in METADATA),
    ] == list(found)
    assert "#!python -u\nprint('older')\n" == found["Old_Egg-1.5.data/scripts/older"]
    assert [
        "Metadata-Version: 2.1",
        "Name: Old.Egg",
        "Version: 1.5",
        "Summary: old",
        "Requires-Dist: six>=1",
        'Requires-Dist: enum34 ; python_version < "3"',
        "Provides-Extra: web",
        'Requires-Dist: paste ; extra == "web"',
        "Provides-Extra: web",
        'Requires-Dist: waitress ; (python_version < "3.4") and extra == "web"',
        "",
        "All about it.",
    ] == found["Old_Egg-1.5.dist-info/METADATA"].splitlines()


def test_a_damaged_egg(tmp_path: Path) -> None:
    """An egg whose files cannot be unpacked, as when a disk has damaged it, is told by its path with what to do."""
    path = tmp_path / "six-1.0.egg"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EGG-INFO/PKG-INFO", PKG_INFO * 20)
        begin = archive.infolist()[0].header_offset + 30 + len("EGG-INFO/PKG-INFO")
    data = bytearray(path.read_bytes())
    data[begin] = 0xFF
    path.write_bytes(data)
    with pytest.raises(EggcartonError) as raised:
        as_wheel(path, tmp_path)
    assert str(raised.value).startswith(f"{path} is not a zipped egg: ")
    assert str(raised.value).endswith("; remove it or put a whole one there")


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Old.Egg-1.5.egg", "py3-none-any"),
        ("Old.Egg-1.5-py3.11.egg", "py311-none-any"),
        ("Old.Egg-1.5-py3.11-linux-x86_64.egg", "cp311-cp311-linux_x86_64"),
        ("Old.Egg-1.5-py3.11-macosx-10.9-x86_64.egg", "cp311-cp311-macosx_10_9_x86_64"),
    ],
)
def test_for_which_python(tmp_path: Path, name: str, tag: str) -> None:
    """A pure egg suits its Python and later ones, one with compiled modules its Python and platform alone."""
    assert f"Old_Egg-1.5-{tag}.whl" == as_wheel(egg(tmp_path, name), tmp_path).name


def test_an_egg_unpacked(tmp_path: Path) -> None:
    """Unpacked it is an egg of the store, each of whose files is as its RECORD says."""
    (tmp_path / "made").mkdir()
    made = as_wheel(egg(tmp_path), tmp_path / "made")
    sha256 = file_digest(made)
    store = Store(tmp_path / "eggs", "py3.11-test")
    (found,) = unpacked(store, {sha256: made}, [Unpacked("old-egg", "1.5", made.name, sha256)]).values()
    assert [] == list(of_egg(found, made))
    assert "<p>" == (found / "oldegg/page.html").read_text("utf-8")


def test_a_directory_of_them(tmp_path: Path) -> None:
    """The same eggs give the same bytes in the same place; what has a wheel or is for Python 2 is left out."""
    links = tmp_path / "links"
    assert None is converted([links], tmp_path / "made")
    egg(links)
    egg(links, "gone-1.0-py2.7.egg")
    egg(links, "six-1.0-py3.5.egg")
    wheel(links, "six", "1.0")
    (links / "dir-1.0-py3.5.egg").mkdir()
    first = converted([links, tmp_path / "nothing"], tmp_path / "made")
    assert first is not None
    assert ["Old_Egg-1.5-py35-none-any.whl"] == [path.name for path in first.iterdir()]
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    assert first == converted([links], tmp_path / "made")
    again = converted([links], tmp_path / "elsewhere")
    assert again is not None
    assert before == {path.name: path.read_bytes() for path in again.iterdir()}
    egg(links, **{"oldegg/more.py": ""})
    assert first != converted([links], tmp_path / "made")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"no archive", "is not a zipped egg: File is not a zip file; remove it"), (None, "has no EGG-INFO/PKG-INFO")],
)
def test_what_is_no_egg(tmp_path: Path, content: bytes | None, told: str) -> None:
    """What is no egg is told by its path, and nothing is left."""
    path = tmp_path / "links" / "six-1.0.egg"
    path.parent.mkdir()
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("six.py", "")
    else:
        path.write_bytes(content)
    with pytest.raises(EggcartonError, match=told):
        converted([path.parent], tmp_path / "made")
    assert [] == list((tmp_path / "made").iterdir())


@pytest.mark.slow
def test_a_build_of_them(build: Buildout) -> None:
    """A build with a zipped egg in find-links locks, unpacks and runs it, not one that lies in the store."""
    egg(build.root / "links")
    wheel(build.index.directory, "six", modules={"six.py": ""})
    stranger = {"oldegg/__init__.py": "def main():\n    print('a stranger')\n"}
    egg(build.root / "eggs/v5", "Old.Egg-1.5-py3.11.egg", **stranger)
    build.configure(
        """
        [buildout]
        extensions = eggcarton
        parts = app stock
        find-links = links
        [app]
        recipe = eggcarton:scripts
        eggs = old.egg
        [stock]
        recipe = zc.recipe.egg
        eggs = old.egg
        scripts = old=stock-old
        """
    )
    build.build()
    assert ["old six\n"] * 2 == [build.run(program=name).output for name in ("old", "stock-old")]
    assert 'name = "Old_Egg-1.5-py35-none-any.whl"' in build.lock.read_text("utf-8")
    (unpacked_one,) = (build.root / "eggs/v5").glob("Old.Egg-1.5-py3.*-*.egg")
    assert (unpacked_one / "oldegg/page.html").is_file()
    before = build.lock.read_bytes()
    for path in (build.root / "parts/.eggcarton/state").glob("selection-*"):
        path.unlink()
    build.build("-o")
    assert before == build.lock.read_bytes()
