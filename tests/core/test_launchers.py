"""Plans for Windows, which were never run there: a script and the command that starts it, made by the same code."""

from __future__ import annotations

import dataclasses
from pathlib import PureWindowsPath
from typing import Any

from eggcarton.core.layout import EntryPoint, Environment, Layout, ScriptFile
from eggcarton.core.options import read_options
from eggcarton.core.plan import File, OwnedDirectory
from eggcarton.recipes import coverage, scripts, test, wsgi

ROOT: Any = PureWindowsPath("C:\\Users\\me\\100% mine")
PREFIX = ROOT / "parts" / ".eggcarton" / "environments" / "3f2a"
ENVIRONMENT = Environment(
    python=PREFIX / "Scripts" / "python.exe",
    prefix=PREFIX,
    site_packages=PREFIX / "Lib" / "site-packages",
    distributions=(("guestbook", "1.0"),),
    entry_points=(
        EntryPoint("guestbook", "console_scripts", "admin", "guestbook.cli", "main"),
        EntryPoint("guestbook", "gui_scripts", "window", "guestbook.cli", "window"),
    ),
    digest="3f2a",
    store=ROOT / "eggs",
    script_files=(ScriptFile("guestbook", "old.py", "python"), ScriptFile("guestbook", "tool.exe", "program")),
)


def planned(module: Any, relative: bool = False, **values: str) -> dict[str, str]:
    """Return the text of each file that a recipe plans for Windows, by its path below the root."""
    given = {"eggs": "guestbook", **{name.replace("_", "-"): value for name, value in values.items()}}
    layout = dataclasses.replace(Layout.under(ROOT, "app"), windows=True, relative=relative)
    plan = module.plan(read_options(module.Options, "app", given).options, layout, ENVIRONMENT)
    assert all(isinstance(item, File | OwnedDirectory) or item.path.name == "app" for item in plan.items)
    return {str(item.path.relative_to(ROOT)): str(item.content) for item in plan.items if isinstance(item, File)}


PYTHON = '"C:\\Users\\me\\100%% mine\\parts\\.eggcarton\\environments\\3f2a\\Scripts\\python.exe"'


def test_a_script() -> None:
    """A script is a file of Python, and a command that runs it isolated and ends with its status."""
    found = planned(scripts, scripts="admin")
    assert ["bin\\admin-script.py", "bin\\admin.cmd"] == list(found)
    command = f'@echo off\r\nsetlocal\r\n{PYTHON} -I "C:\\Users\\me\\100%% mine\\bin\\admin-script.py" %*\r\n'
    assert command == found["bin\\admin.cmd"]
    text = found["bin\\admin-script.py"]
    assert text.startswith("import os\nimport sys\n")
    assert "from guestbook.cli import main as entry_point" in text
    compile(text, "admin-script.py", "exec")


def test_a_script_with_windows() -> None:
    """A program with windows of its own is started by the interpreter that opens no console."""
    found = planned(scripts, scripts="window")
    assert ["bin\\window-script.pyw", "bin\\window.cmd"] == list(found)
    assert PYTHON.replace("python.exe", "pythonw.exe") in found["bin\\window.cmd"]


def test_an_interpreter() -> None:
    """An interpreter is a command that takes away what would lead it elsewhere, and hands all arguments on."""
    found = planned(scripts, scripts="", interpreter="py")
    lines = found["bin\\py.cmd"].split("\r\n")
    assert ["@echo off", "setlocal"] == lines[:2]
    assert 'set "PYTHONPATH="' in lines
    assert 'set "EGGCARTON_ISOLATION=full"' in lines
    assert [f"{PYTHON} -I %*", ""] == lines[-2:]


def test_an_interpreter_that_is_initialized() -> None:
    """It is told the file that it runs first, as everywhere."""
    found = planned(scripts, scripts="", interpreter="py", initialization="import logging")
    assert ["parts\\app\\interpreter.py", "bin\\py.cmd"] == list(found)
    first = '-X eggcarton="C:\\Users\\me\\100%% mine\\parts\\app\\interpreter.py"'
    assert found["bin\\py.cmd"].endswith(f"{PYTHON} -I {first} %*\r\n")


def test_relative() -> None:
    """Where the tree may be moved, a command finds all by the way from itself."""
    found = planned(scripts, relative=True, scripts="admin")
    python = '"%~dp0..\\parts\\.eggcarton\\environments\\3f2a\\Scripts\\python.exe"'
    assert found["bin\\admin.cmd"].endswith(f'{python} -I "%~dp0admin-script.py" %*\r\n')


def test_script_files() -> None:
    """Scripts that are files are started as everywhere, those that are programs as a child."""
    found = planned(scripts, scripts="old.py tool.exe")
    assert ["bin\\old.py-script.py", "bin\\old.py.cmd", "bin\\tool.exe-script.py", "bin\\tool.exe.cmd"] == list(found)
    assert "subprocess.call" in found["bin\\tool.exe-script.py"]
    for name, text in found.items():
        if name.endswith(".py"):
            compile(text, name, "exec")


def test_the_other_recipes() -> None:
    """Servers and tests are started in the same way."""
    for module, more in ((wsgi, {"application": "guestbook:app"}), (test, {}), (coverage, {})):
        found = planned(module, **more)
        assert {"bin\\app-script.py", "bin\\app.cmd"} <= set(found)
        compile(found["bin\\app-script.py"], "app-script.py", "exec")
