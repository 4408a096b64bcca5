"""What a Python of an environment does when it starts, where it was told to."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest

from eggcarton.core.interpreter_script import XOPTION
from eggcarton.core.isolation import GUARD, MEASURED
from eggcarton.core.plan import runtime_source


class Place:
    """A virtual environment with the startup file, and a working directory with a stranger in it."""

    def __init__(self, directory: Path) -> None:
        self.prefix, self.work = directory / "environment", directory / "work"
        venv.create(self.prefix, symlinks=True)
        [site_packages] = self.prefix.glob("lib/python*/site-packages")
        asked = f"{XOPTION!r} in sys._xoptions or {GUARD!r} in os.environ or {MEASURED!r} in os.environ"
        line = f"import os, sys; ({asked})"
        (site_packages / "~startup.pth").write_text(f'{line} and __import__("_startup").begin()\n')
        (site_packages / "_startup.py").write_text(runtime_source("startup"))
        (site_packages / "sitecustomize.py").write_text("import string\n")
        self.work.mkdir()
        (self.work / "stranger.py").write_text("print('stranger')\n")

    def run(self, *words: str | Path, text: str = "", **variables: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [self.prefix / "bin/python", *words],
            input=text,
            cwd=self.work,
            env={"PATH": os.defpath, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.strip().rpartition("\n")[2]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("startup"))


STATEMENT = "import stranger"
NOT_FOUND = "ModuleNotFoundError: No module named 'stranger'"
WAYS = {"-c": (["-c", STATEMENT], ""), "standard input": ([], STATEMENT), "-": (["-"], STATEMENT)}


@pytest.mark.parametrize("way", WAYS)
def test_the_working_directory_is_left_out(place: Place, way: str) -> None:
    """Below a script that is fully isolated nothing is imported from the working directory; else it is."""
    words, text = WAYS[way]
    assert (1, "", NOT_FOUND) == place.run(*words, text=text, **{GUARD: "full"})
    assert "stranger\n" == place.run(*words, text=text)[1]
    assert "stranger\n" == place.run(*words, text=text, **{GUARD: "user"})[1]


def test_what_is_typed_does_not_see_it(place: Place) -> None:
    """Nor is it seen where statements are typed."""
    assert "" == place.run("-i", "-q", text=STATEMENT, **{GUARD: "full"})[1]
    assert "stranger\n" == place.run("-i", "-q", text=STATEMENT)[1]


def test_modules_of_the_working_directory_are_not_run(place: Place) -> None:
    """`-m` does not find them either, and finds those of the environment and of the standard library."""
    assert (1, "") == place.run("-m", "stranger", **{GUARD: "full"})[:2]
    assert (0, "stranger\n") == place.run("-m", "stranger")[:2]
    assert (0, "", "") == place.run("-m", "_startup", **{GUARD: "full"})
    assert (0, "1\n") == place.run("-m", "json.tool", "--compact", text="1", **{GUARD: "full"})[:2]


@pytest.mark.parametrize("way", WAYS)
def test_modules_that_are_part_of_python(place: Place, way: str) -> None:
    """The first import of a Python that is kept apart finds those, too, which are no files."""
    statement = "import gc, sys; print('gc' in sys.builtin_module_names)"
    words = [statement if word == STATEMENT else word for word in WAYS[way][0]]
    assert (0, "True\n", "") == place.run(*words, text=statement, **{GUARD: "full"})


def test_a_program_keeps_its_own_directory(place: Place) -> None:
    """What lies beside a program can be imported from it, also where it is started in that directory."""
    program = place.work / "program.py"
    program.write_text("import stranger\n")
    for name in (program, "program.py", "./program.py"):
        assert (0, "stranger\n") == place.run(name, **{GUARD: "full"})[:2]


def test_a_working_directory_that_is_gone(place: Place, tmp_path: Path) -> None:
    """Python starts all the same."""
    (tmp_path / "gone").mkdir()
    command = 'cd "$1" && rmdir "$1" && exec "$2" -c "import string; print(1)"'
    words = ["sh", "-c", command, "sh", str(tmp_path / "gone"), str(place.prefix / "bin/python")]
    done = subprocess.run(words, env={GUARD: "full", "PATH": os.defpath}, capture_output=True, text=True, check=False)
    assert (0, "1\n") == (done.returncode, done.stdout)


def test_a_file_runs_first(place: Place, tmp_path: Path) -> None:
    """The file runs once, knows what it is called, and what it defines is there for what runs then."""
    file = tmp_path / "first.py"
    file.write_text("import sys\nprint('first', __name__, __file__, sys.argv)\nvalue = 5\n")
    option = f"{XOPTION}={file}"
    said = f"first __main__ {file} "
    assert f"{said}['-c', 'a']\n5\n" == place.run("-X", option, "-c", "print(value)", "a")[1]
    assert f"{said}['']\n5\n" == place.run("-X", option, text="print(value)")[1]
    program = tmp_path / "program.py"
    program.write_text("print(value, __file__)\n")
    assert f"{said}['{program}']\n5 {program}\n" == place.run("-X", option, program)[1]
    assert f"{said}['-c']\nFalse\n" == place.run("-X", option, "-c", "print('__file__' in globals())")[1]


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("raise SystemExit", (0, "", "")),
        ("raise SystemExit(3)", (3, "", "")),
        ("print('out'); raise SystemExit('no')", (1, "out\n", "no")),
        ("1 / 0", (1, "", "ZeroDivisionError: division by zero")),
        ("raise KeyboardInterrupt", (1, "", "KeyboardInterrupt")),
        ("a b", (1, "", "SyntaxError: invalid syntax")),
        ("raise SystemExit(['of', 3])", (1, "", "['of', 3]")),
        ("raise SystemExit(2**70 + 5)", (5, "", "")),
        ("import sys; sys.stdout = None; 1 / 0", (1, "", "ZeroDivisionError: division by zero")),
        ("import sys; sys.stderr = None; raise SystemExit('no')", (1, "", "")),
        ("import sys; sys.stdout.close(); raise SystemExit(4)", (4, "", "")),
    ],
)
def test_a_file_that_ends_it(place: Place, tmp_path: Path, text: str, ending: tuple[int, str, str]) -> None:
    """Where the file fails, or ends the process, nothing else runs."""
    file = tmp_path / "first.py"
    file.write_text(text)
    assert ending == place.run("-X", f"{XOPTION}={file}", "-c", "print('ran')")


def test_a_file_that_is_gone(place: Place, tmp_path: Path) -> None:
    """Where the file is gone, the interpreter says so and runs nothing."""
    status, told, said = place.run("-X", f"{XOPTION}={tmp_path}/gone.py", "-c", "print('ran')")
    assert (1, "") == (status, told)
    assert f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path}/gone.py'" == said


def test_what_is_typed_can_be_completed(place: Place) -> None:
    """In isolated mode, where Python leaves it out, the keys of readline and completion are there too."""
    statement = "import sys; print(getattr(sys, '__interactivehook__', None) is not None)"
    assert (0, "True\n") == place.run("-I", "-c", statement, **{GUARD: "full"})[:2]
    assert (0, "False\n") == place.run("-I", "-c", statement)[:2]


@pytest.mark.parametrize("text", ["print('begun')", "raise ValueError", "import sys; sys.exit(3)", "no Python", None])
def test_what_measures_a_process_runs_first(place: Place, tmp_path: Path, text: str | None) -> None:
    """A file that measures the process runs before the program; where it fails or is gone, nothing is said of it."""
    file = tmp_path / "measure.py"
    if text is not None:
        file.write_text(text)
    begun = "begun\n" if text == "print('begun')" else ""
    assert (0, f"{begun}ran\n", "") == place.run("-I", "-c", "print('ran')", **{MEASURED: str(file)})
