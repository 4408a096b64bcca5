"""Editors, pyright and mypy see what a part imports: nothing is missing, and what is missing is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.buildouts import Buildout, Shared
from support.built_example import Example, build_example
from support.distributions import PKG_RESOURCES_NAMESPACE, wheel
from support.type_checkers import Missing, Pyright, mypy_missing, pyright

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Example:
    """The example, built outside the checkout from its committed lock, with its editor set up for the tests."""
    return build_example(tmp_path_factory.mktemp("example"), shared)


@pytest.fixture(scope="module")
def checker(shared: Shared) -> Pyright:
    """The real pyright."""
    return pyright(shared)


def set_up(output: str) -> str:
    """Return the command for mypy that bin/eggcarton editor has told."""
    return re.findall("^For mypy: (.+)$", output, re.MULTILINE)[0]


def test_the_example_and_a_planted_import(example: Example, checker: Pyright) -> None:
    """Both find every import of the example and of its tests, and both report one that is nowhere."""
    status, output = example.run("eggcarton", "editor", "test")
    assert 0 == status, output
    command = set_up(output)
    assert ([], []) == (checker.missing(example.root), mypy_missing(command, example.root, "src"))
    planted = example.root / "src/guestbook/planted.py"
    planted.write_text("import nothing_of_that_name\nimport pyramid.config\nimport zope.sqlalchemy\n", "utf-8")
    try:
        expected = [Missing("planted.py", "nothing_of_that_name")]
        assert expected == checker.missing(example.root)
        assert expected == mypy_missing(command, example.root, "src")
    finally:
        planted.unlink()


def test_what_only_tests_import(example: Example, checker: Pyright) -> None:
    """Told of a part without the test tools, both miss these: what they see is what that part imports."""
    status, output = example.run("eggcarton", "editor", "app")
    assert 0 == status, output
    expected = {"pytest", "webtest"}
    assert expected == {missing.module.partition(".")[0] for missing in checker.missing(example.root)}
    missing = mypy_missing(set_up(output), example.root, "src")
    assert expected == {missing.module.partition(".")[0] for missing in missing}


FINDER = """
[buildout]
extensions = eggcarton
develop = dev
parts = app

[app]
recipe = eggcarton:scripts
eggs =
    acme.dev
    acme.lib
    old.lib
    types-lib
    lib
"""


def test_namespaces_stubs_and_finders(build: Buildout, checker: Pyright) -> None:
    """Packages of one namespace, packages of stubs and a develop package that enters by a finder are all found."""
    files = build.index.directory
    wheel(files, "acme.lib", "1", {"acme/lib/__init__.py": "", "acme/lib/py.typed": ""})
    old = {"old/__init__.py": PKG_RESOURCES_NAMESPACE, "old/lib/__init__.py": "", "old/lib/py.typed": ""}
    wheel(files, "old.lib", "1", old, namespaces=["old"])
    wheel(files, "lib", "1", {"lib/__init__.py": "answer = 42\n"})
    wheel(files, "types-lib", "1", {"lib-stubs/__init__.pyi": "answer: int\n"})
    build.write("dev/lib/python/acme/dev/__init__.py", "name = 'dev'\n")
    build.write("dev/lib/python/acme/dev/py.typed", "")
    build.write(
        "dev/setup.py",
        """
        from setuptools import setup
        setup(
            name="acme.dev",
            version="1",
            packages=["acme.dev"],
            package_dir={"acme.dev": "lib/python/acme/dev"},
        )
        """,
    )
    build.configure(FINDER)
    build.build()
    assert list((build.root / "develop-eggs").glob("__editable___*_finder.py"))
    status, output = build.run("editor", program="eggcarton")
    assert 0 == status, output
    config = json.loads((build.root / "pyrightconfig.json").read_text("utf-8"))
    assert ["dev/lib/python"] == config["extraPaths"]
    imports = "import acme.dev\nimport acme.lib\nimport old.lib\nimport lib\nvalue: int = lib.answer\n"
    source = build.write("src/uses.py", imports + "import acme.nowhere\n")
    told = [Missing("uses.py", "acme.nowhere")]
    assert told == checker.missing(build.root, "src")
    assert told == mypy_missing(set_up(output), build.root, "src", typed=True)
    source.write_text(imports, "utf-8")
    assert [] == checker.missing(build.root, "src")
    assert [] == mypy_missing(set_up(output), build.root, "src", typed=True)


def test_it_stays_right(example: Example, checker: Pyright) -> None:
    """After a change of the environment editors see the new one, without being told again."""
    assert 0 == example.run("eggcarton", "editor", "app").status
    written = (example.root / "pyrightconfig.json").read_bytes()
    extra = example.root / "more"
    extra.mkdir()
    (extra / "added.py").write_text("", "utf-8")
    planted = example.root / "src/guestbook/planted.py"
    planted.write_text("import added\n", "utf-8")
    try:
        assert [Missing("planted.py", "added")] == checker.missing(example.root, str(Path("src/guestbook/planted.py")))
        status, output = example.run("buildout", "app:extra-paths=more")
        assert 0 == status, output
        assert [] == checker.missing(example.root, str(Path("src/guestbook/planted.py")))
    finally:
        planted.unlink()
        assert 0 == example.run("buildout").status
    assert written == (example.root / "pyrightconfig.json").read_bytes()
