"""Facts about scripts: they start isolated, under any path, and their children are not led elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from eggcarton.core.layout import EntryPoint
from eggcarton.core.script import entry_point_script, interpreter, runtime_script, script

LED_ASTRAY = {
    "PYTHONPATH": "/nowhere",
    "PYTHONHOME": "/nowhere",
    "PYTHONSTARTUP": "/nowhere",
    "PATH": "/usr/bin:/bin",
}
PLACES = [
    "plain",
    "with space",
    "it's ''quoted''",
    'say "x"',
    "größe",
    "back\\slash\\x",
    "$HOME `id`",
    "d" * 140,
]


@pytest.fixture(scope="module", params=PLACES)
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real environment's interpreter, in places that are harder and harder to name."""
    place = tmp_path_factory.mktemp("places") / request.param
    venv.create(place, symlinks=True)
    (next(place.glob("lib/*/site-packages")) / "tool.py").write_text(
        "import os, sys\n"
        "class Tool:\n"
        "    @staticmethod\n"
        "    def main(*words):\n"
        "        print(sys.prefix, *words, os.environ.get('SET', '-'), 'PYTHONPATH' in os.environ)\n"
        "        return 3\n"
    )
    return Path(place, "bin/python")


def run(path: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return subprocess.run([path, *arguments], capture_output=True, text=True, env=LED_ASTRAY, check=False)


def test_isolated(python: Path, tmp_path: Path) -> None:
    """A script runs isolated in its environment, and scrubs what would lead its children elsewhere."""
    body = (
        "print(sys.prefix, sys.flags.isolated, sorted(n for n in os.environ if n.startswith('PYTHON')), sys.argv[1:])"
    )
    found = run(tmp_path / "my script", script(python, body), "a b", "c")
    assert (f"{python.parent.parent} 1 [] ['a b', 'c']\n", "") == (found.stdout, found.stderr)


def test_entry_point(python: Path, tmp_path: Path) -> None:
    """A script calls its entry point with the given arguments, after the initialization, and hands on its status."""
    point = EntryPoint("tool", "console_scripts", "tool", "tool", "Tool.main")
    text = entry_point_script(
        python, point, initialization="os.environ['SET'] = 'yes'", arguments="1, 'two' # and no more"
    )
    found = run(tmp_path / "tool", text)
    assert (f"{python.parent.parent} 1 two yes False\n", 3, "") == (
        found.stdout,
        found.returncode,
        found.stderr,
    )


@pytest.mark.parametrize("initialization", ["", "import os\nos.environ['SET'] = 'yes'"])
def test_interpreter(python: Path, tmp_path: Path, initialization: str) -> None:
    """An interpreter script takes every option of a real one, and keeps the variables that were set."""
    path = tmp_path / "py"
    text = interpreter(python, initialization)
    program = "import sys, os; print(sys.prefix, sys.flags.isolated, sys.argv[1:], os.environ.get('SET'))"
    found = run(path, text, "-X", "utf8", "-W", "error", "-c", program, "x")
    wanted = "yes" if initialization else "None"
    assert (f"{python.parent.parent} 1 ['x'] {wanted}\n", "") == (found.stdout, found.stderr)
    found = run(path, text, "-m", "tool")
    assert 0 == found.returncode


def test_runtime(python: Path, tmp_path: Path) -> None:
    """A runtime script sets variables and calls main of its file with its settings, and hands on the status."""
    source = tmp_path / "it's mine.py"
    source.write_text(
        "import os\ndef main(arguments, *, a, b):\n    print(arguments, a, b, os.environ['X'])\n    return 4\n"
    )
    settings = {"a": ["x", None], "b": {"c": "d'\n", "e": {"f": 1.5}, "g": {}}}
    text = runtime_script(python, source, (("X", "y'z"),), settings)
    found = run(tmp_path / "run", text, "-v")
    expected = f"['-v'] {settings['a']} {settings['b']} y'z\n"
    assert (expected, 4, "") == (found.stdout, found.returncode, found.stderr)


def test_first_line() -> None:
    """A short path without blanks is named on the first line, as everybody expects it."""
    assert script(Path("/e/bin/python"), "pass").startswith("#!/e/bin/python -I\nimport os\n")
    longest = Path("/" + "e" * (127 - len("#!/ -I")))
    assert script(longest, "pass").startswith("#!/e")
    assert script(Path(f"{longest}e"), "pass").startswith("#!/bin/sh\n'''exec' ")


def test_line_end() -> None:
    """A path with a line end cannot be named by any script."""
    with pytest.raises(ValueError, match="there is a line end in the path"):
        script(Path("/a\nb"), "pass")


def test_found_on_the_search_path(tmp_path: Path) -> None:
    """A script that starts through a shell is found on PATH too."""
    place = tmp_path / "a b"
    place.mkdir()
    (place / "python").symlink_to(sys.executable)
    (place / "hello").write_text(script(place / "python", "print(sys.argv[0])"))
    (place / "hello").chmod(0o755)
    found = subprocess.run(
        ["hello"], capture_output=True, text=True, env={**os.environ, "PATH": f"{place}:/bin"}, check=True
    )
    assert f"{place}/hello\n" == found.stdout
