"""What stands installed: eggs that the scripts of a buildout name, and the packages of a Python, with their origins."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from eggcarton.buildout import installation
from eggcarton.buildout.installation import Installation
from eggcarton.core.errors import UsageProblem

SCRIPT = """\
#!/usr/bin/python3

import sys
sys.path[0:0] = [
{paths}  ]

import app

if __name__ == '__main__':
    sys.exit(app.main())
"""
RELATIVE = SCRIPT.replace("import sys\n", "import os\n\njoin = os.path.join\nbase = ''\nimport sys\n")


def egg(directory: Path, name: str, version: str, requires: str = "") -> Path:
    """Make an unpacked egg as old setuptools left it."""
    path = directory / f"{name.replace('-', '_')}-{version}-py3.11.egg"
    (path / "EGG-INFO").mkdir(parents=True)
    (path / "EGG-INFO/PKG-INFO").write_text(f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n", "utf-8")
    (path / "EGG-INFO/requires.txt").write_text(requires, "utf-8")
    return path


def script(path: Path, *entries: str, text: str = SCRIPT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(paths="".join(f"  {entry},\n" for entry in entries)), "utf-8")
    return path


def dist_info(site: Path, name: str, version: str, direct: Mapping[str, object] | None = None) -> None:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    if direct is not None:
        (info / "direct_url.json").write_text(json.dumps(direct), "utf-8")


def buildout(root: Path, **sections: str) -> Path:
    root.mkdir(exist_ok=True)
    text = "".join(f"[{name}]\n{body}\n\n" for name, body in {"buildout": "parts =", **sections}.items())
    (root / ".installed.cfg").write_text(text, "utf-8")
    return root


def told(found: Installation, *uses: installation.Use) -> list[str]:
    return [item.requirement for item in found.chosen(*uses).values()]


def test_the_scripts_of_a_buildout_tell_what_is_used(tmp_path: Path) -> None:
    """Eggs on the path of a script are used, be it in bin or in a part's directory, absolute or relative."""
    store = tmp_path / "shared"
    web, six, old = (egg(store, name, "1.0", "six\n") for name in ("Web.App", "six", "old"))
    root = buildout(tmp_path / "site", app="__buildout_installed__ = parts/app\n\tbin/run", bad="recipe = %(x")
    script(root / "bin/run", f"'{web}'", f"'{root / 'src'}'")
    script(root / "bin/buildout", f"'{old}'")
    script(root / "parts/app/bin/more", f"'{six}'", "join(base, 'eggs/not_there-2.5-py3.11.egg')", text=RELATIVE)
    found = installation.of(str(root), {})
    assert ["not-there==2.5", "six==1.0", "web-app==1.0"] == told(found, "part")
    assert ("six",) == found.chosen("part")["web-app"].requires
    assert [] == told(found, "there")
    assert found.is_buildout


def test_recipes_and_what_only_lies_there(tmp_path: Path) -> None:
    """Signatures tell the eggs of recipes; an own eggs directory, and a site-packages on a path, hold versions."""
    root = tmp_path / "site"
    signature = "noting-1.0-py3.11.egg setuptools-533d5cc62adca17611133a0fa1e3b4ec"
    buildout(root, app=f"__buildout_signature__ = {signature}\neggs-directory = {root}/eggs")
    for name, version in (("noting", "1.0"), ("noting", "2.0"), ("lone", "1.0"), ("two", "1.0"), ("two", "2.0")):
        egg(root / "eggs", name, version)
    dist_info(tmp_path / "lib/site-packages", "setuptools", "80.1")
    script(root / "bin/run", f"'{tmp_path}/lib/site-packages'")
    found = installation.of(str(root), {})
    assert ["noting==1.0"] == told(found, "recipe")
    assert ["lone==1.0", "setuptools==80.1"] == told(found, "there")
    assert (
        "noting lies there as 1.0, 2.0, and nothing tells which is used: it is left out",
        "two lies there as 1.0, 2.0, and nothing tells which is used: it is left out",
    ) == found.remarks


def test_what_is_developed_is_left_out(tmp_path: Path) -> None:
    """A develop package is named with its place, and is no egg to be locked, though one of its name lies there."""
    root = buildout(tmp_path / "site")
    (root / "develop-eggs").mkdir()
    (root / "develop-eggs/my-app.egg-link").write_text("/srv/my app/src\n../", "utf-8")
    egg(root / "eggs", "my-app", "1.0")
    egg(root / "eggs", "six", "1.0")
    found = installation.of(str(root), {})
    assert ["six==1.0"] == told(found, "there")
    assert (
        "my-app is developed in /srv/my app/src, and left out; name that directory in 'develop' of [buildout]",
    ) == found.remarks


def test_the_directory_of_the_project_is_named(tmp_path: Path) -> None:
    """What is developed is told with the directory that 'develop' takes, and not where that is named there already."""
    root, project = buildout(tmp_path / "site"), tmp_path / "site/guestbook"
    (root / "develop-eggs").mkdir()
    (project / "src").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    (root / "develop-eggs/guestbook.egg-link").write_text(f"{project / 'src'}\n.", "utf-8")
    left = "and left out; name that directory in 'develop' of [buildout]"
    assert (f"guestbook is developed in {project}, {left}",) == installation.of(str(root), {}).remarks
    assert () == installation.of(str(root), {}, [project]).remarks


def test_the_environments_of_parts_tell_what_is_used(tmp_path: Path) -> None:
    """Of several versions that lie there those are taken that the environments of scripts consist of, if one."""
    root = buildout(tmp_path / "site", app=f"eggs-directory = {tmp_path}/site/eggs")
    eggs = {(name, v): egg(root / "eggs", name, v) for name in ("flask", "six") for v in ("2.0.0", "3.1.3")}
    for digit, versions in (("a", ("3.1.3", "2.0.0")), ("b", ("3.1.3", "3.1.3")), ("c", ("2.0.0", "2.0.0"))):
        prefix = root / "parts/.eggcarton/environments" / (digit * 16)
        prefix.mkdir(parents=True)
        pairs = zip(("flask", "six"), versions, strict=True)
        members = [[name, version, str(eggs[name, version]), "1" * 64, []] for name, version in pairs]
        (prefix / "eggcarton.json").write_text(json.dumps({"members": members}), "utf-8")
        if digit != "c":
            (root / "bin").mkdir(exist_ok=True)
            (root / "bin" / digit).write_text(f"#!{prefix}/bin/python -I\n", "utf-8")
    found = installation.of(str(root), {})
    assert ["flask==3.1.3"] == told(found, "there")
    assert ("six lies there as 2.0.0, 3.1.3, and nothing tells which is used: it is left out",) == found.remarks


def test_the_environments_of_a_tree_that_may_be_moved(tmp_path: Path) -> None:
    """They are found by the names of their parts, since no script names them, and the eggs by where the tree is now."""
    root = buildout(tmp_path / "site", app=f"eggs-directory = {tmp_path}/site/eggs")
    used, _ = (egg(root / "eggs", "web", version, "six\n") for version in ("2.0.0", "3.1.3"))
    prefix, links = root / "parts/.eggcarton/environments" / ("a" * 16), root / "parts/.eggcarton/by-part"
    prefix.mkdir(parents=True)
    links.mkdir()
    (links / "app").symlink_to(f"../environments/{prefix.name}")
    record = {"root": "../../../..", "members": [["web", "2.0.0", f"eggs/{used.name}", "1" * 64, []]]}
    (prefix / "eggcarton.json").write_text(json.dumps(record), "utf-8")
    found = installation.of(str(root), {}).chosen("there")["web"]
    assert ("2.0.0", str(used), ("six",)) == (found.version, found.place, found.requires)


def test_several_versions_in_use(tmp_path: Path) -> None:
    """Scripts that use several versions of one distribution are named all at once, unless a pin decides."""
    root, store = buildout(tmp_path / "site"), tmp_path / "eggs"
    for number, version in enumerate(("1.0", "2.0")):
        entries = [f"'{egg(store, name, version)}'" for name in ("six", "web")]
        script(root / f"bin/run{number}", *entries)
    with pytest.raises(UsageProblem) as caught:
        installation.of(str(root), {"six": "3.0"})
    assert "pin those that are meant in [versions]:\n  six 1.0: " in str(caught.value)
    assert "\n  web 2.0: " in str(caught.value)
    assert ["six==1.0", "web==2.0"] == told(installation.of(str(root), {"six": "1.0", "web": "2.0"}), "part")


def test_where_the_packages_of_a_python_come_from(tmp_path: Path) -> None:
    """Directories are left out with a sentence; addresses and commits stay, without credentials; files are versions."""
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True, timeout=300)
    [site] = (place / "lib").glob("python*/site-packages")
    commit = {"vcs": "git", "commit_id": "4f42225", "requested_revision": "main"}
    dist_info(site, "six", "1.0")
    dist_info(site, "pip", "26.3")
    dist_info(site, "Edited", "1.0", {"url": "file:///srv/edited", "dir_info": {"editable": True}})
    at = "https://user:secret@git.example/a.git"
    dist_info(site, "ours", "1.0", {"url": at, "vcs_info": commit, "subdirectory": "sub"})
    dist_info(site, "direct", "1.0", {"url": "https://files.example/direct-1.0.zip", "archive_info": {}})
    dist_info(site, "local", "1.0", {"url": "file:///srv/local-1.0-py3-none-any.whl", "archive_info": {}})
    (site / "nameless-1.0.dist-info").mkdir()
    (site / "source.pth").write_text(f"{tmp_path / 'source'}\n", "utf-8")
    dist_info(tmp_path / "source", "pathed", "1.0")
    found = installation.of(str(place), {})
    assert [
        "direct @ https://files.example/direct-1.0.zip",
        "local==1.0",
        "ours @ git+https://git.example/a.git@4f42225#subdirectory=sub",
        "six==1.0",
    ] == told(found, "part")
    assert ["pip==26.3"] == told(found, "there")
    left = "and left out; name that directory in 'develop' of [buildout]"
    assert sorted(found.remarks) == [
        f"edited is installed from /srv/edited, {left}",
        f"pathed is developed in {tmp_path / 'source'}, {left}",
        f"what lies in {site} has metadata without name and version, and is left out",
    ]
    assert found.distributions == installation.of(str(place / "bin/python"), {}).distributions


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("nowhere", "there is no nowhere; name a Python, or the directory of a buildout or virtual environment"),
        ("empty", "empty has neither the .installed.cfg of a buildout nor the bin/python of a virtual environment; "),
        ("true", "true does not tell what is installed there: "),
        ("text", "text does not tell what is installed there: "),
        ("broken", "broken/.installed.cfg cannot be read: "),
    ],
)
def test_what_is_no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, told: str) -> None:
    """A place that is not there, or is nothing of the kind, is refused in one sentence."""
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("text").write_text("no program\n", "utf-8")
    Path("broken").mkdir()
    Path("broken/.installed.cfg").write_text("before = any section\n", "utf-8")
    with pytest.raises(UsageProblem) as caught:
        installation.of(given, {})
    assert told in str(caught.value)
