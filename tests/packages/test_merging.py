"""Where several distributions have the same name, which one wins is defined, and it is said aloud."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest

from eggcarton.core.layout import Environment
from eggcarton.packages import environment, merging
from eggcarton.packages.member import Member
from eggcarton.packages.verify import of_environment
from support.distributions import PKG_RESOURCES_NAMESPACE, PKGUTIL_NAMESPACE, Files, wheel
from support.environments import PYTHON, made, makeup, members, python, run, told


def several(place: Path, content: Mapping[str, Files]) -> list[Member]:
    """Return distributions by their names and modules."""
    return members(place, *(wheel(place, name, "1", modules) for name, modules in content.items()))


NAMESPACES = {
    "PEP 420": ("", []),
    "pkgutil": (PKGUTIL_NAMESPACE, []),
    "pkg_resources": (PKG_RESOURCES_NAMESPACE, ["acme"]),
    "pkgutil, with a long comment": (f"# {'x' * 99}\n" * 9 + PKGUTIL_NAMESPACE, []),
}


@pytest.mark.parametrize(("init", "declared"), NAMESPACES.values(), ids=NAMESPACES)
def test_namespaces_are_merged(tmp_path: Path, init: str, declared: list[str]) -> None:
    """Packages that share a namespace are imported side by side, in whatever way they declare it."""
    paths = []
    for name in ("a", "b", "c"):
        modules = {f"acme/{name}/__init__.py": f"name = {name!r}\n"} | ({"acme/__init__.py": init} if init else {})
        paths.append(wheel(tmp_path, f"acme.{name}", "1", modules, namespaces=declared))
    found = made(tmp_path, members(tmp_path, *paths))
    assert "abc" == python(found, "import acme.a, acme.b, acme.c; print(acme.a.name + acme.b.name + acme.c.name)")


def test_shared_packages_are_merged(tmp_path: Path) -> None:
    """Distributions that put different modules into one package, deep down too, are merged."""
    one = wheel(tmp_path, "one", "1", {"p/__init__.py": "", "p/q/__init__.py": "", "p/q/one.py": ""})
    two = wheel(tmp_path, "two", "1", {"p/__init__.py": "", "p/q/__init__.py": "", "p/q/two.py": "", "p/two.py": ""})
    found = made(tmp_path, members(tmp_path, one, two))
    python(found, "import p.q.one, p.q.two, p.two")


def test_an_unshared_package_is_one_link(tmp_path: Path) -> None:
    """A package that one distribution has to itself is one link into the store, so that making it costs nothing."""
    (member,) = found = members(tmp_path, wheel(tmp_path, "six", "1", {"six/__init__.py": "", "six/a/b.py": ""}))
    result = made(tmp_path, found)
    assert member.place / "six" == (result.site_packages / "six").resolve()
    assert (result.site_packages / "six").is_symlink()


def test_data_files(tmp_path: Path) -> None:
    """Data files lie below the prefix, where programs look for them, merged from all members; none is importable."""
    one = wheel(
        tmp_path, "one", "1", data={"data/share/doc/one.txt": "1", "data/etc/one.ini": "e", "headers/one.h": "h"}
    )
    two = wheel(tmp_path, "two", "1", data={"data/share/doc/two.txt": "2"})
    found = made(tmp_path, members(tmp_path, one, two))
    assert ["1", "2", "e"] == [
        (found.prefix / name).read_text() for name in ("share/doc/one.txt", "share/doc/two.txt", "etc/one.ini")
    ]
    assert 1 == len([name for _, _, names in os.walk(found.prefix / "include", followlinks=True) for name in names])
    assert ["one", "two"] == sorted(p.name.partition("-")[0] for p in found.site_packages.glob("*.dist-info"))
    assert not {"share", "etc", "include", "bin"} & set(os.listdir(found.site_packages))


@pytest.mark.parametrize("path", ["shared.py", "pack/age/shared.py", "pack/age/data.txt"])
def test_two_owners(tmp_path: Path, path: str) -> None:
    """Where distributions own a file with different content, the first by name wins, and it is said."""
    found, remarks = told(tmp_path, several(tmp_path, {name: {path: f"owner = {name!r}\n"} for name in "bac"}))
    assert (f"{path} is in several distributions; the one of a is used, not that of b, c",) == remarks
    assert "owner = 'a'\n" == (found.site_packages / path).read_text()


def test_two_owners_of_the_same(tmp_path: Path) -> None:
    """Where two distributions own a file with the same content, nothing is said."""
    made(tmp_path, several(tmp_path, {name: {"shared.py": "a = 1\n"} for name in "ab"}))


def test_two_owners_of_much(tmp_path: Path) -> None:
    """Two distributions that are variants of one another are told of in one sentence, however much they share."""
    content = {name: {f"p/{number}.py": name for number in range(9)} | {f"{name}.py": ""} for name in "ab"}
    _, remarks = told(tmp_path, several(tmp_path, content))
    assert ("p/0.py and 8 more files are in several distributions; those of a are used, not those of b",) == remarks


STRAYS = {"LICENSE.txt": "", "README.md": "", "tests/__init__.py": "", "docs/conf.py": "", "setup.py": "", "NEWS": ""}


def test_what_is_normal(tmp_path: Path) -> None:
    """Files that many distributions leave beside their packages by mistake are counted, and none of them is named."""
    content = {name: dict.fromkeys(STRAYS, name) | {"docs/same.txt": ""} for name in "ab"}
    found, remarks = told(tmp_path, several(tmp_path, content))
    said = "6 files such as LICENSE.txt, which nothing should import, are in several distributions; "
    assert (f"{said}those of the first one are there",) == remarks
    assert "a" == (found.site_packages / "tests/__init__.py").read_text()


def test_declarations_of_one_namespace(tmp_path: Path) -> None:
    """Nothing is said of a namespace that is declared in different ways, and all of it is imported."""
    kept = {"ns/__init__.py": PKGUTIL_NAMESPACE, "ns/data.txt": ""}
    content = {
        "a": {"ns/a.py": "", **kept},
        "b": {"ns/b.py": "", "ns/__init__.py": PKG_RESOURCES_NAMESPACE, "b.py": ""},
    }
    found = made(tmp_path, several(tmp_path, content))
    python(found, "import ns.a, ns.b, b")


def test_two_owners_of_a_script(tmp_path: Path) -> None:
    """Of console scripts of one name that of the first distribution is there, and of scripts that are files too."""
    main = "def main():\n    print(__name__)\n"
    found, remarks = told(
        tmp_path,
        members(
            tmp_path,
            wheel(tmp_path, "c", "1", {"c.py": main}, console_scripts={"run": "c:main"}),
            wheel(tmp_path, "b", "1", {"b.py": main}, data={"scripts/run": "#!/bin/sh\necho shell\n"}),
            wheel(tmp_path, "a", "1", {"a.py": main}, console_scripts={"run": "a:main"}),
        ),
    )
    assert ("the environment's bin/run is in several distributions; the one of a is used, not that of b, c",) == remarks
    assert "a" == run([found.prefix / "bin/run"])


def test_a_script_called_like_the_interpreter(tmp_path: Path) -> None:
    """A develop package's script that is called as the interpreter is does not take its place, and it is said."""
    info = tmp_path / "own-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[console_scripts]\npython3 = own:main\n", "utf-8")
    found, remarks = told(tmp_path, [Member("own", "1.0", tmp_path, "x", (info.name,))])
    assert ("bin/python3 of own is left out: the environment's interpreter is called so",) == remarks
    assert str(found.prefix) == run([found.prefix / "bin/python3", "-I", "-c", "import sys; print(sys.prefix)"])


def test_two_owners_of_a_data_file(tmp_path: Path) -> None:
    """Of data files of one name that of the first distribution is there, and it is said."""
    paths = [wheel(tmp_path, name, "1", data={"data/share/x/x.txt": name}) for name in "ba"]
    found, remarks = told(tmp_path, members(tmp_path, *paths))
    assert ("share/x/x.txt is in several distributions; the one of a is used, not that of b",) == remarks
    assert "a" == (found.prefix / "share/x/x.txt").read_text()


def test_a_file_and_a_directory_of_one_name(tmp_path: Path) -> None:
    """Where one distribution has a file and another a directory of the same name, the first by name wins."""
    found, remarks = told(tmp_path, several(tmp_path, {"two": {"thing": "file"}, "one": {"thing/x.txt": "directory"}}))
    assert "directory" == (found.site_packages / "thing/x.txt").read_text()
    assert ("thing is in several distributions; the one of one is used, not that of two",) == remarks


def test_the_standard_library_comes_first(tmp_path: Path) -> None:
    """Modules that the standard library has too, as old backports, cannot be imported, which one sentence says."""
    content = {
        "enum34": {"enum/__init__.py": "", "enum/more.py": ""},
        "dataclasses": {"dataclasses.py": ""},
        "old": {"old.py": "", "json.py": "", "asyncio/__init__.py": ""},
    }
    found, remarks = told(tmp_path, several(tmp_path, content))
    said = "dataclasses of dataclasses, enum of enum34, asyncio and json of old cannot be imported: "
    assert (f"{said}the standard library has them, and comes first",) == remarks
    python(found, "import dataclasses, enum, json, old; dataclasses.field, enum.Flag, json.loads")


def test_what_no_standard_library_here_has(tmp_path: Path) -> None:
    """A module that only the standard library of another platform has is imported, and nothing is said."""
    found = made(tmp_path, several(tmp_path, {"windows": {"winreg.py": "answer = 42\n"}}))
    assert "42" == python(found, "import winreg; print(winreg.answer)")


def test_extra_paths_come_last(tmp_path: Path) -> None:
    """A module of an extra path that a distribution has too is not imported, and it is said; a namespace is shared."""
    extra = tmp_path / "extra"
    for name in ("both", "ns/both", "ns/extra", "tests/x"):
        (extra / name).parent.mkdir(parents=True, exist_ok=True)
        (extra / f"{name}.py").write_text("whose = 'extra'\n", "utf-8")
    mine = {"both.py": "whose = 'locked'\n", "ns/both/__init__.py": "whose = 'locked'\n", "tests/__init__.py": ""}
    found, remarks = told(tmp_path, several(tmp_path, {"own": mine}), extra)
    said = f"both and ns.both of the extra path {extra} cannot be imported: own has them, and comes first"
    assert (said,) == remarks
    code = "import both, ns.both, ns.extra; print(both.whose, ns.both.whose, ns.extra.whose)"
    assert "locked locked extra" == python(found, code)


CASES = {
    "packages": ("Crypto/__init__.py", "crypto/__init__.py"),
    "modules": ("PIL.py", "pil.py"),
    "inside a shared package": ("p/Both.py", "p/both.py"),
    "composed letters": (unicodedata.normalize("NFC", "café.py"), unicodedata.normalize("NFD", "café.py")),
}


@pytest.mark.parametrize("folds", [False, True])
@pytest.mark.parametrize(("first", "second"), CASES.values(), ids=CASES)
def test_names_that_differ_in_case(tmp_path: Path, first: str, second: str, folds: bool) -> None:
    """Names that some file systems take for the same are told everywhere; on such a one only the first is there."""
    content = {"b": {second: "", "b.py": ""}, "a": {first: "", "a.py": ""}}
    place, makings = tmp_path / "environments", makeup(several(tmp_path, content))
    found, remarks = environment.ensure(place, makings, tmp_path / "store", folds=lambda directory: folds)
    one, other = (name.removesuffix("/__init__.py") for name in (first, second))
    assert (
        f"{one} of a and {other} of b are one name to a file system that takes no notice of case; there {one} is used, "
        "and the other one is missing",
    ) == remarks
    assert [True, not folds] == [(found.site_packages / name).exists() for name in (first, second)]
    assert folds == are_distinct(found.prefix)
    python(found, "import a, b")


def are_distinct(directory: Path) -> bool:
    """Tell whether no two names of a directory, or of one below it, are the same where a file system folds them."""
    for _, directories, files in os.walk(directory):
        names = [*directories, *files]
        if len({merging.folded(name) for name in names}) < len(names):
            return False
    return True


def test_scripts_that_differ_in_case(tmp_path: Path) -> None:
    """Scripts and data files whose names differ in case are told of as modules are."""
    paths = [
        wheel(tmp_path, name, "1", {}, console_scripts={script: "x:y"}, data={f"data/share/{script}": ""})
        for name, script in (("a", "Run"), ("b", "run"))
    ]
    place, makings = tmp_path / "environments", makeup(members(tmp_path, *paths))
    found, remarks = environment.ensure(place, makings, tmp_path / "store", folds=lambda directory: True)
    end = "are one name to a file system that takes no notice of case; there {} is used, and the other one is missing"
    assert (
        f"share/Run of a and share/run of b {end.format('share/Run')}",
        f"bin/Run of a and bin/run of b {end.format('bin/Run')}",
    ) == remarks
    assert (True, True) == (are_distinct(found.prefix), (found.prefix / "bin/Run").exists())


def test_whether_names_are_folded_is_found_out(tmp_path: Path) -> None:
    """What the file system does with names is asked of it, and nothing is left of the question."""
    (tmp_path / "Name").touch()
    assert (tmp_path / "nAME").exists() == merging.folds_names(tmp_path)
    assert ["Name"] == os.listdir(tmp_path)


def record(found: Environment) -> dict[str, object]:
    read: dict[str, object] = json.loads((found.prefix / "eggcarton.json").read_text("utf-8"))
    return read


def test_remarks_are_kept(tmp_path: Path) -> None:
    """What was said when an environment was made is in its record; it is said only once, and it is no finding."""
    one, two = several(tmp_path, {name: {"shared.py": name} for name in "ab"})
    found, remarks = told(tmp_path, [one, two])
    assert (found, ()) == told(tmp_path, [one, two])
    assert list(remarks) == record(found)["remarks"]
    assert 1 == len(remarks)
    known = [(member.name, member.identity, str(member.place)) for member in (one, two)]
    assert [] == list(of_environment(found.prefix, PYTHON, known, ()))
    assert [] == record(made(tmp_path, [one]))["remarks"]
