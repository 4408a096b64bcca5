"""Distributions made for tests are real ones: installers accept them, and their bytes depend on nothing else."""

import configparser
import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from support.distributions import PKGUTIL_NAMESPACE, sdist, source, wheel


def install(target: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Install files with pip, without any index."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "install",
        "--no-index",
        "--disable-pip-version-check",
    ]
    return subprocess.run(
        [*command, "--no-deps", "--target", str(target), *map(str, paths)],
        # A backend may look into the home, which need not be one that can be written.
        env={**os.environ, "HOME": str(target.parent)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run(target: Path, code: str) -> str:
    """Run code that sees what was installed."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(target)!r}); {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.strip()


def test_wheel_installs_with_all_its_parts(tmp_path: Path) -> None:
    """Modules, console scripts, scripts, headers and data of a wheel are where they belong."""
    path = wheel(
        tmp_path,
        "my-app",
        "1.0",
        {"my_app/__init__.py": "def main():\n    print('here')\n", "my_app/page.html": b"<p>\xff"},
        console_scripts={"my-app": "my_app:main"},
        data={"scripts/hello": "#!python\nprint('hello')\n", "data/share/words": "ä", "purelib/extra.py": ""},
    )
    assert "my_app-1.0-py3-none-any.whl" == path.name
    target = tmp_path / "target"
    assert 0 == install(target, path).returncode
    assert "here" == run(target, "import my_app, extra; my_app.main()")
    assert b"<p>\xff" == (target / "my_app/page.html").read_bytes()
    assert "ä" == (target / "share/words").read_text(encoding="utf-8")
    assert (target / "bin/my-app").stat().st_mode & 0o111
    assert "hello" == subprocess.check_output([target / "bin/hello"], text=True).strip()


def test_metadata(tmp_path: Path) -> None:
    """Requirements, extras, required Python and further headers are in METADATA."""
    path = wheel(
        tmp_path,
        "app",
        requires=["six>=1"],
        extras={"test": ["pytest", 'tomli ; python_version < "3.11"']},
        requires_python=">=3.10",
        headers=["Summary: An application"],
    )
    with zipfile.ZipFile(path) as archive:
        told = email.message_from_bytes(archive.read("app-1.0.dist-info/METADATA"))
    assert [
        "six>=1",
        'pytest ; extra == "test"',
        'tomli ; (python_version < "3.11") and extra == "test"',
    ] == (told.get_all("Requires-Dist"))
    assert ("test", ">=3.10", "An application") == (
        told["Provides-Extra"],
        told["Requires-Python"],
        told["Summary"],
    )


def test_entry_points(tmp_path: Path) -> None:
    """Console scripts and other groups share one entry_points.txt."""
    path = wheel(
        tmp_path,
        "app",
        console_scripts={"app": "app:main"},
        entry_points={"paste.app_factory": {"main": "app:f"}},
    )
    reader = configparser.ConfigParser(delimiters="=")
    with zipfile.ZipFile(path) as archive:
        reader.read_string(archive.read("app-1.0.dist-info/entry_points.txt").decode())
    assert {"console_scripts": {"app": "app:main"}, "paste.app_factory": {"main": "app:f"}} == {
        group: dict(reader[group]) for group in reader.sections()
    }


def test_tags(tmp_path: Path) -> None:
    """A platform wheel says that it is not pure and lists every tag that its name stands for."""
    path = wheel(tmp_path, "fast", tag="cp311.cp312-abi3-manylinux_2_28_x86_64", build="2")
    assert "fast-1.0-2-cp311.cp312-abi3-manylinux_2_28_x86_64.whl" == path.name
    with zipfile.ZipFile(path) as archive:
        told = email.message_from_bytes(archive.read("fast-1.0.dist-info/WHEEL"))
    assert ("false", "2") == (told["Root-Is-Purelib"], told["Build"])
    assert ["cp311-abi3-manylinux_2_28_x86_64", "cp312-abi3-manylinux_2_28_x86_64"] == told.get_all("Tag")


@pytest.mark.parametrize("make", [wheel, sdist])
def test_same_arguments_same_bytes(tmp_path: Path, make: object) -> None:
    """A distribution made twice has the same bytes."""
    assert callable(make)
    first, second = (make(tmp_path / name, "six", "1.17.0", {"six.py": "x = 1\n"}) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_namespaces(tmp_path: Path) -> None:
    """Two distributions share a namespace, native or in the style of pkgutil; pkg_resources ones are marked."""
    target = tmp_path / "target"
    paths = []
    for name in ("one", "two"):
        modules = {f"native/{name}.py": "", "old/__init__.py": PKGUTIL_NAMESPACE, f"old/{name}.py": ""}
        paths.append(wheel(tmp_path, f"ns-{name}", modules=modules))
    assert 0 == install(target, *paths).returncode
    run(target, "import native.one, native.two, old.two")
    with zipfile.ZipFile(wheel(tmp_path, "ns.three", modules={"ns/three.py": ""}, namespaces=["ns"])) as archive:
        assert b"ns\n" == archive.read("ns.three-1.0.dist-info/namespace_packages.txt")
        assert b"declare_namespace" in archive.read("ns/__init__.py")


def test_wrong_record(tmp_path: Path) -> None:
    """RECORD agrees with the files, unless it was asked not to."""
    for wrong in (False, True):
        path = wheel(tmp_path / str(wrong), "six", corrupt_record=wrong)
        installed = tmp_path / f"{wrong}-target"
        assert 0 == install(installed, path).returncode
        check = "import importlib.metadata as m, hashlib, base64; "
        check += "f = [f for f in m.files('six') if str(f) == 'six.py'][0]; "
        check += "d = base64.urlsafe_b64encode(hashlib.sha256(f.read_binary()).digest()).rstrip(b'='); "
        with zipfile.ZipFile(path) as archive:
            record = archive.read("six-1.0.dist-info/RECORD").decode()
        digest = run(installed, check + "print(d.decode())")
        assert wrong == (f"six.py,sha256={digest},0" not in record)


def test_sdist_builds_itself(tmp_path: Path) -> None:
    """A source distribution with its own backend is built and installed without an index."""
    path = sdist(tmp_path, "my.old", "2.0", {"old.py": "x = 2\n"}, console_scripts={"old": "old:x"}, requires=["six"])
    assert "my_old-2.0.tar.gz" == path.name
    done = install(tmp_path / "target", path)
    assert 0 == done.returncode, done.stderr
    assert "2 ['six']" == run(
        tmp_path / "target", "import old, importlib.metadata as m; print(old.x, m.requires('my.old'))"
    )


def test_setuptools_sdist_and_source_tree(tmp_path: Path) -> None:
    """A source distribution for setuptools, and a source tree of the same, name their build requirements."""
    arguments = {"modules": {"pack/__init__.py": "", "pack/sub/__init__.py": ""}, "build_requires": ["wheel"]}
    path = sdist(tmp_path, "pack", backend="setuptools", **arguments)  # type: ignore[arg-type]
    tree = source(tmp_path, "pack", **arguments)  # type: ignore[arg-type]
    with tarfile.open(path) as archive:
        assert "pack-1.0/PKG-INFO" in archive.getnames()
        extracted = archive.extractfile("pack-1.0/setup.py")
        assert extracted is not None
        assert (tree / "setup.py").read_bytes() == extracted.read()
    assert "packages=['pack', 'pack.sub']" in (tree / "setup.py").read_text()
    assert "requires = ['setuptools', 'wheel']" in (tree / "pyproject.toml").read_text()
