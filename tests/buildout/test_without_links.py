"""A whole build where the system refuses links."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from support import denied
from support.buildouts import PYTHON, Buildout, Result, run
from support.distributions import wheel
from support.fakes import greeting
from support.users import NOBODY, python_for_anybody

CONFIG = """
[buildout]
extensions = eggcarton
develop = developed
parts = app theirs

[app]
recipe = eggcarton:scripts
eggs =
    developed
    greeting
    other
interpreter = py

[theirs]
recipe = zc.recipe.egg
eggs = greeting
scripts = greet=theirs
"""
PROJECT = """\
[project]
name = "developed"
version = "1.0"
"""
INSTEAD = {"symbolic": "hard links, and copies where those cannot be made either,", "symbolic,hard": "copies"}


@pytest.mark.slow
@pytest.mark.parametrize("kinds", INSTEAD)
def test_a_build_without_links(build: Buildout, kinds: str) -> None:
    """Where the system refuses links a build works as ever, says so once, is found as it was, and verifies."""
    if why := denied.reason():
        pytest.skip(why)
    greeting(build.index.directory)
    # The namespace that both have is a directory with entries of both.
    data = {"scripts/tool": "#!python\nimport shared.one, shared.two\nprint('tool')\n", "data/share/other/text": "text"}
    wheel(build.index.directory, "other", modules={"shared/one.py": ""}, data=data, requires=["another"])
    wheel(build.index.directory, "another", modules={"shared/two.py": ""})
    build.write("developed/pyproject.toml", PROJECT)
    build.write("developed/src/developed.py", "")
    build.configure(CONFIG)

    def within(program: str | Path, *arguments: str) -> Result:
        return run(
            [*denied.command(kinds), build.bin / program, *arguments], cwd=build.root, variables=build.environment()
        )

    (environments, store) = (build.root / "parts/.eggcarton/environments", build.root / "eggs/v5")
    # uv cannot lock a develop package without links; a lock is committed, and made once.
    assert 0 == build.run("lock", program="eggcarton").status
    status, output = within("buildout")
    assert 0 == status, output
    for place in (environments, store):
        sentence = f"{place}: symbolic links cannot be made here; {INSTEAD[kinds]} are made instead"
        assert 1 == output.count(sentence), output
    (prefix,) = (path for path in environments.iterdir() if path.is_dir())
    assert [] == [path for path in prefix.rglob("*") if path.is_symlink()]
    assert (0, "greeting 1.0 here\n") == within("greet", "here")
    assert (0, "greeting 1.0\n") == within("theirs")
    assert (0, "tool\n") == within(prefix / "bin/tool")
    script = "import developed, sys; print(developed.__file__, sys.prefix, sys.executable)"
    expected = f"{build.root / 'developed/src/developed.py'} {prefix} {prefix / 'bin/python'}\n"
    assert (0, expected) == within("py", "-c", script)
    before = build.tree()
    status, output = within("buildout")
    assert (0, 1) == (status, len(output.splitlines())), output
    assert before == build.tree()
    status, output = within("eggcarton", "verify")
    assert 0 == status, output
    told = [within("eggcarton", "environment", *parts) for parts in ([], ["app"], ["app", "app"])]
    assert [0, 0, 0] == [one.status for one in told], told
    assert f"environment:                   {prefix.relative_to(build.root)}\n" in told[1].output
    assert re.search(rf"\nPython: .*, {re.escape(str(PYTHON.parent))}/python", told[1].output)
    assert (0, True) == (within("eggcarton", "editor").status, (build.root / "pyrightconfig.json").is_file())
    # What stands as copies is compared, byte for byte, where links could be made.
    status, output = build.run("verify", program="eggcarton")
    assert 0 == status, output
    spoilt = next(prefix.glob("lib/*/site-packages/shared/one.py"))
    spoilt.unlink()
    spoilt.write_text("evil = 1\n", "utf-8")
    assert f"changed: {spoilt.relative_to(build.root)}" in within("eggcarton", "verify").output


@pytest.mark.parametrize("as_another", [False, True], ids=["as the tester", "as another user"])
def test_links_are_refused(tmp_path: Path, as_another: bool) -> None:
    """What is run with links denied cannot make one, nor can what that starts; all else it can."""
    python = python_for_anybody() if as_another else PYTHON
    if why := denied.reason():
        pytest.skip(why)
    tmp_path.chmod(0o777)
    (tmp_path / "file").write_text("", "utf-8")
    for kinds, allowed in (("symbolic", ["hard"]), ("symbolic,hard", [])):
        place = tmp_path / kinds
        place.mkdir()
        place.chmod(0o777)
        code = (
            "import os, subprocess, sys\n"
            "for name, make in (('soft', os.symlink), ('hard', os.link)):\n"
            "    try: make('own', name)\n"
            "    except PermissionError as error: assert error.errno == 1\n"
            "subprocess.run(['ln', '-s', 'own', 'by-child'], stderr=subprocess.DEVNULL)\n"
        )
        command = [str(python), "-IS", "-c", denied_source(kinds, code)]
        made = subprocess.run(
            command, cwd=place, capture_output=True, text=True, user=NOBODY if as_another else None, check=False
        )
        assert (0, "") == (made.returncode, made.stderr)
        assert sorted([*allowed, "own"]) == sorted(os.listdir(place))


def denied_source(kinds: str, code: str) -> str:
    """Return a program that refuses itself links, makes a file, and runs code; another user may not read this one."""
    source = Path(denied.__file__).read_text("utf-8").partition("\ndef reason(")[0]
    return f"{source}\nrefuse({kinds.split(',')!r})\nopen('own', 'w').close()\n{code}"
