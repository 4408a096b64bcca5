"""Isolation, tested by attack: strangers wherever a Python may import from, and what each isolation makes of them."""

from __future__ import annotations

import json
import py_compile
import sys
import venv
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from support.buildouts import PYTHON, Buildout, run
from support.distributions import wheel
from support.machines import Machine

pytestmark = pytest.mark.slow

PROBE = """\
import importlib
import json

def strangers():
    found = []
    for name in ("in_site_packages", "in_user_site", "in_python_path", "in_working_directory", "by_pth", "in_bin"):
        try:
            importlib.import_module(f"stranger_{name}")
        except ModuleNotFoundError:
            continue
        found.append(name)
    return found

if __name__ == "__main__":
    print(json.dumps(strangers()))
"""
APPLICATION = """\
import json
import multiprocessing
import os
import subprocess
import sys

from probe import strangers

def child(*words, text=None):
    done = subprocess.run([sys.executable, *words], input=text, capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    return json.loads(done.stdout)

def in_a_process(method):
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply(strangers)

def main():
    if sys.argv[1:] == ["anew"]:
        print(json.dumps(strangers()))
        return
    program = "import probe, json; print(json.dumps(probe.strangers()))"
    again = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])"
    told = {
        "itself": strangers(),
        "child -c": child("-c", program),
        "child -m": child("-m", "probe"),
        "child, standard input": child(text=program),
        "child, -": child("-", text=program),
        "child, program": child(__file__.replace("attacked", "probe")),
        "started anew": child(*sys.argv, "anew"),
        "child of a child": child("-c", again),
        "spawn": in_a_process("spawn"),
        "forkserver": in_a_process("forkserver"),
        "executable": sys.executable,
        "prefix": sys.prefix,
    }
    print(json.dumps(told))

if __name__ == "__main__":
    main()
"""
CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = attacked
interpreter = py
isolation = {isolation}
"""
STATEMENT = "import probe, json; print(json.dumps(probe.strangers()))"


def said(place: str) -> str:
    return f"import sys; sys.stderr.write('a stranger in {place} runs\\n')\n"


@pytest.fixture
def attacked(build: Buildout, machine: Machine, tmp_path: Path) -> Buildout:
    """A buildout under attack from everywhere: each stranger says so when it runs, and none is needed."""
    machine.runs(build)
    files = {"attacked.py": APPLICATION, "probe.py": PROBE}
    wheel(build.index.directory, "attacked", "1.0", files, console_scripts={"attacked": "attacked:main"})
    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places = {
        "in_site_packages": machine.site_packages,
        "in_user_site": build.home / ".local" / "lib" / minor / "site-packages",
        "in_python_path": tmp_path / "python path",
        "in_working_directory": tmp_path / "working directory",
        "by_pth": tmp_path / "by pth",
        "in_bin": build.bin,
    }
    for name, place in places.items():
        place.mkdir(parents=True, exist_ok=True)
        for module in (f"stranger_{name}", "sitecustomize", "usercustomize", "probe_of_nobody"):
            (place / f"{module}.py").write_text(said(name) if "customize" in module else "", "utf-8")
    for name in ("in_site_packages", "in_user_site"):
        (places[name] / "strangers.pth").write_text(f"{places['by_pth']}\n{said('strangers.pth')}", "utf-8")
    startup = tmp_path / "startup.py"
    startup.write_text(said("PYTHONSTARTUP"), "utf-8")
    build.variables |= {
        "PYTHONPATH": str(places["in_python_path"]),
        "PYTHONSTARTUP": str(startup),
        "PYTHONUSERBASE": str(build.home / ".local"),
        "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled"),
    }
    return build


def outcome(build: Buildout, *command: str | Path, text: str = "") -> tuple[object, str]:
    """Return what a command says as JSON, and what strangers say beside it."""
    place = build.home.parent / "working directory"
    shell = ["sh", "-c", 'printf %s "$0" | "$@"', text, *map(str, command)]
    status, output = run(shell, cwd=place, variables=build.environment())
    assert 0 == status, output
    lines = output.splitlines()
    return json.loads(lines[-1]), "\n".join(lines[:-1])


INTERPRETER = {
    "-c": ["-c", STATEMENT],
    "-m": ["-m", "probe"],
    "-": ["-"],
    "standard input": [],
    "options": ["-X", "utf8", "-W", "error", "-c", STATEMENT],
}


def test_full(attacked: Buildout, machine: Machine) -> None:
    """At full no stranger is imported or run by a script or an interpreter, nor by any Python that they start."""
    attacked.configure(CONFIG.format(isolation="full"))
    attacked.build()
    told, beside = outcome(attacked, attacked.bin / "attacked")
    assert isinstance(told, dict)
    prefix = told.pop("prefix")
    assert (f"{prefix}/bin/python", "") == (told.pop("executable"), beside)
    assert (attacked.root / "parts") in Path(prefix).parents
    assert {key: [] for key in told} == told
    for words in INTERPRETER.values():
        assert ([], "") == outcome(attacked, attacked.bin / "py", *words, text="" if words[1:] else STATEMENT)
    # A file beside strangers, named without and with its directory.
    program = attacked.home.parent / "working directory" / "program.py"
    program.write_text(STATEMENT, "utf-8")
    for name in (program, "program.py"):
        assert ([], "") == outcome(attacked, attacked.bin / "py", name)


def test_user(attacked: Buildout) -> None:
    """At user what PYTHONPATH and the user's own site-packages hold is left out, and not what lies beside a program."""
    attacked.configure(CONFIG.format(isolation="user"))
    attacked.build()
    told, beside = outcome(attacked, attacked.bin / "attacked")
    assert isinstance(told, dict)
    assert (["in_bin"], ["in_bin"], []) == (told["itself"], told["started anew"], told["child, program"])
    assert (["in_working_directory"], "") == (told["child -c"], beside)
    program = attacked.home.parent / "working directory" / "program.py"
    program.write_text(STATEMENT, "utf-8")
    assert (["in_working_directory"], "") == outcome(attacked, attacked.bin / "py", program)


def test_none(attacked: Buildout) -> None:
    """At none PYTHONPATH counts, as in any virtual environment: the attack is one."""
    attacked.configure(CONFIG.format(isolation="none"))
    attacked.build()
    told, beside = outcome(attacked, attacked.bin / "attacked")
    assert isinstance(told, dict)
    assert (["in_python_path", "in_bin"], ["in_python_path", "in_working_directory"]) == (
        told["itself"],
        told["child -c"],
    )
    assert "a stranger in in_python_path runs" in beside


def test_site_packages(attacked: Buildout) -> None:
    """With include-site-packages what the machine has is seen; what its user has is not, nor by what scripts start."""
    attacked.configure(CONFIG.format(isolation="full\ninclude-site-packages = true"))
    attacked.build()
    told, _ = outcome(attacked, attacked.bin / "attacked")
    assert isinstance(told, dict)
    del told["executable"], told["prefix"]
    assert {key: ["in_site_packages", "by_pth"] for key in told} == told


def test_site_packages_for_an_initialization(attacked: Buildout, machine: Machine) -> None:
    """What the machine has is there for an initialization, in a script and in an interpreter."""
    option = "initialization = import stranger_in_site_packages, probe"
    attacked.configure(CONFIG.format(isolation=f"full\ninclude-site-packages = true\n{option}"))
    attacked.build()
    assert isinstance(outcome(attacked, attacked.bin / "attacked")[0], dict)
    where = "import json; print(json.dumps(stranger_in_site_packages.__file__))"
    found, _ = outcome(attacked, attacked.bin / "py", "-c", where)
    assert str(machine.site_packages / "stranger_in_site_packages.py") == found


@pytest.mark.parametrize("variable", ["PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"])
def test_the_place_of_another_python(attacked: Buildout, tmp_path: Path, variable: str) -> None:
    """An interpreter, and what it starts, does not take itself for a Python of another environment."""
    attacked.configure(CONFIG.format(isolation="full"))
    attacked.build()
    venv.create(tmp_path / "another")
    [other] = (tmp_path / "another").glob("lib/python*/site-packages")
    (other / "sitecustomize.py").write_text(said("another environment"), "utf-8")
    attacked.variables[variable] = str(tmp_path / "another" / "bin" / "python")
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STATEMENT!r}])"
    for statement in (STATEMENT, child):
        assert ([], "") == outcome(attacked, attacked.bin / "py", "-c", statement)


def test_foreign_bytecode(attacked: Buildout, tmp_path: Path) -> None:
    """Compiled modules that PYTHONPYCACHEPREFIX leads to are taken neither by a script nor by what it starts."""
    attacked.configure(CONFIG.format(isolation="full"))
    attacked.build()
    where = "import probe; print('\"' + probe.__file__ + '\"')"
    found, _ = outcome(attacked, attacked.bin / "py", "-c", where)
    evil = tmp_path / "evil.py"
    evil.write_text("def strangers():\n    return ['in PYTHONPYCACHEPREFIX']\n", "utf-8")
    prefix, sys.pycache_prefix = sys.pycache_prefix, str(tmp_path / "compiled")
    try:
        target = cache_from_source(str(found))
    finally:
        sys.pycache_prefix = prefix
    py_compile.compile(str(evil), target, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    control = [str(PYTHON), "-c", f"import sys; sys.path.insert(0, {str(Path(str(found)).parent)!r}); {STATEMENT}"]
    assert ["in PYTHONPYCACHEPREFIX"] == outcome(attacked, *control)[0]
    told, _ = outcome(attacked, attacked.bin / "attacked")
    assert isinstance(told, dict)
    assert ([], []) == (told["itself"], told["child -c"])
