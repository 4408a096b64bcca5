"""Facts about scripts: they start isolated, under any path, and their children are not led elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from eggcarton.core.interpreter_script import interpreter
from eggcarton.core.isolation import AS_STARTED, FULL, HEARD_ISOLATED, NONE, OPEN_BELOW, USER, Isolation
from eggcarton.core.layout import EntryPoint
from eggcarton.core.script import Start, entry_point_body, runtime_body, script

BARE = {"PATH": "/usr/bin:/bin"}
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
    ours = "sorted(name for name in os.environ if name.startswith(('PY', 'EGG')))"
    body = f"print(sys.prefix, sys.flags.isolated, {ours}, sys.argv[1:])"
    place = tmp_path / "my script"
    found = run(place, script(Start(python=python), place, body), "a b", "c")
    assert (f"{python.parent.parent} 1 ['EGGCARTON_ISOLATION'] ['a b', 'c']\n", "") == (found.stdout, found.stderr)


@pytest.mark.parametrize(
    ("isolation", "told"),
    [
        (OPEN_BELOW, "1 1 1 False None"),
        (USER, "0 1 1 False None"),
        (NONE, "0 0 0 True None"),
        (FULL, "1 1 1 False full"),
    ],
    ids=["open below", "user", "none", "full"],
)
def test_less_isolated(python: Path, tmp_path: Path, isolation: Isolation, told: str) -> None:
    """Each isolation leaves out what it says: isolated mode, the user's site-packages, Python's variables."""
    body = (
        "print(sys.flags.isolated, sys.flags.no_user_site, sys.flags.ignore_environment, 'PYTHONPATH' in os.environ,"
        " os.environ.get('EGGCARTON_ISOLATION'))"
    )
    place = tmp_path / "tool"
    place.write_text(script(Start(python=python, isolation=isolation), place, body), encoding="utf-8")
    place.chmod(0o755)
    astray = {"PYTHONPATH": "/nowhere", "PATH": "/usr/bin:/bin"}
    found = subprocess.run([place], capture_output=True, text=True, env=astray, check=False)
    assert (f"{told}\n", "") == (found.stdout, found.stderr)


def test_entry_point(python: Path, tmp_path: Path) -> None:
    """A script calls its entry point with the given arguments, after what comes before, and hands on its status."""
    point = EntryPoint("tool", "console_scripts", "tool", "tool", "Tool.main")
    body = entry_point_body(point, preamble="os.environ['SET'] = 'yes'", arguments="1, 'two' # and no more")
    found = run(tmp_path / "tool", script(Start(python=python), tmp_path / "tool", body))
    assert (f"{python.parent.parent} 1 two yes False\n", 3, "") == (
        found.stdout,
        found.returncode,
        found.stderr,
    )


def test_what_a_module_leaves_open_is_written(tmp_path: Path) -> None:
    """A file that a module opens when it is imported, and never closes, has all that was written when a script ends."""
    (tmp_path / "tool.py").write_text(
        f"log = open({str(tmp_path / 'log')!r}, 'w')\nlog.write('kept')\ndef main():\n    return log.closed\n"
    )
    point = EntryPoint("tool", "console_scripts", "tool", "tool", "main")
    body = entry_point_body(point, preamble=f"sys.path.append({str(tmp_path)!r})")
    found = run(tmp_path / "started", script(Start(python=Path(sys.executable)), tmp_path / "started", body))
    assert (0, "kept") == (found.returncode, (tmp_path / "log").read_text("utf-8")), found.stderr


def test_interpreter(python: Path, tmp_path: Path) -> None:
    """An interpreter script takes every option of a real one."""
    path = tmp_path / "py"
    text = interpreter(Start(python=python), path)
    found = run(path, text, "-X", "utf8", "-W", "error", "-c", "import sys; print(sys.prefix, sys.argv[1:])", "x")
    assert (f"{python.parent.parent} ['x']\n", "") == (found.stdout, found.stderr)
    assert 0 == run(path, text, "-m", "tool").returncode


def test_runtime(python: Path, tmp_path: Path) -> None:
    """A runtime script sets variables and calls main of its file with its settings, and hands on the status."""
    source = tmp_path / "it's mine.py"
    source.write_text(
        "import os\ndef main(arguments, *, a, b):\n    print(arguments, a, b, os.environ['X'])\n    return 4\n"
    )
    settings = {"a": ["x", None], "b": {"c": "d'\n", "e": {"f": 1.5}, "g": {}}}
    start, place = Start(python=python), tmp_path / "run"
    found = run(place, script(start, place, runtime_body(start, place, source, (("X", "y'z"),), settings)), "-v")
    expected = f"['-v'] {settings['a']} {settings['b']} y'z\n"
    assert (expected, 4, "") == (found.stdout, found.returncode, found.stderr)


def test_first_line() -> None:
    """What is not isolated names a short path without blanks on the first line; a shell starts all others."""

    def begins(path: Path, isolation: Isolation) -> str:
        return script(Start(python=path, isolation=isolation), Path("/b"), "pass")

    assert begins(Path("/e/bin/python"), NONE).startswith("#!/e/bin/python\nimport os\n")
    longest = Path("/" + "e" * (127 - len("#!/")))
    assert begins(longest, NONE).startswith("#!/e")
    assert begins(Path(f"{longest}e"), NONE).startswith("#!/bin/sh\n''':'\nexec /e")
    shell = "#!/bin/sh\n''':'\nunset PYTHONEXECUTABLE __PYVENV_LAUNCHER__\nexec /e/bin/python -I \"$0\" \"$@\"\n' '''\n"
    assert begins(Path("/e/bin/python"), FULL).startswith(shell)


@pytest.mark.parametrize("name", HEARD_ISOLATED)
def test_another_interpreter_is_not_taken(python: Path, tmp_path: Path, name: str) -> None:
    """Variables that name another environment's interpreter, which Python hears with -I too, have no effect."""
    other = tmp_path / "other"
    venv.create(other, symlinks=True)
    place = tmp_path / "tool"
    place.write_text(script(Start(python=python), place, "print(sys.prefix)"), encoding="utf-8")
    place.chmod(0o755)
    astray = {**LED_ASTRAY, name: f"{other}/bin/python"}
    found = subprocess.run([place], capture_output=True, text=True, env=astray, check=False)
    assert (f"{python.parent.parent}\n", "") == (found.stdout, found.stderr)


AGAIN = """
import importlib.util
import subprocess

print(importlib.util.find_spec("stranger") is not None, flush=True)
if sys.argv[1:] != ["again"]:
    sys.argv.append("again")
    subprocess.run([sys.executable, *sys.argv])
"""


@pytest.mark.parametrize(
    ("isolation", "told"),
    [(FULL, "False False"), (OPEN_BELOW, "False False"), (USER, "True True"), (NONE, "True True")],
    ids=["full", "open below", "user", "none"],
)
def test_started_anew_by_itself(tmp_path: Path, isolation: Isolation, told: str) -> None:
    """What starts itself anew imports what it did before: nothing from beside its script where it is alone."""
    venv.create(tmp_path / "e", symlinks=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "stranger.py").write_text("")
    place = tmp_path / "bin" / "tool"
    text = script(Start(python=tmp_path / "e" / "bin" / "python", isolation=isolation), place, AGAIN)
    (tmp_path / "link").symlink_to(place)
    place.write_text(text, encoding="utf-8")
    place.chmod(0o755)
    # By its name alone, too, as by somebody who works there.
    for name in (place, tmp_path / "link", "./tool"):
        done = subprocess.run([name], cwd=place.parent, capture_output=True, text=True, env=BARE, check=False)
        assert (told.split(), "") == (done.stdout.split(), done.stderr)


@pytest.mark.parametrize(
    ("isolation", "told"),
    [(OPEN_BELOW, "None"), (USER, "None"), (NONE, "None"), (AS_STARTED, "full")],
    ids=["open below", "user", "none", "as started"],
)
def test_started_by_one_that_is_isolated_more(tmp_path: Path, isolation: Isolation, told: str) -> None:
    """Below a script that is fully isolated those of other parts are as isolated as alone, programs beside it as it."""
    venv.create(tmp_path / "e", symlinks=True)
    start = Start(python=tmp_path / "e" / "bin" / "python", isolation=isolation)
    fully = tmp_path / "fully"
    print_guard = "import os; print(os.environ.get('EGGCARTON_ISOLATION'))"
    child = "import subprocess\n\nsys.exit(subprocess.call(sys.argv[1:]))"
    for place, text in (
        (fully, script(Start(python=start.python), fully, child)),
        (tmp_path / "tool", script(start, tmp_path / "tool", print_guard)),
        (tmp_path / "py", interpreter(start, tmp_path / "py")),
    ):
        place.write_text(text, encoding="utf-8")
        place.chmod(0o755)
    for words in ([tmp_path / "tool"], [tmp_path / "py", "-c", print_guard]):
        done = subprocess.run([fully, *words], capture_output=True, text=True, env=BARE, check=False)
        assert (f"{told}\n", 0) == (done.stdout, done.returncode), done.stderr


def test_line_end() -> None:
    """A path with a line end cannot be named by any script."""
    with pytest.raises(ValueError, match="there is a line end in the path"):
        script(Start(python=Path("/a\nb")), Path("/b"), "pass")


def test_found_on_the_search_path(tmp_path: Path) -> None:
    """A script that starts through a shell is found on PATH too."""
    place = tmp_path / "a b"
    place.mkdir()
    (place / "python").symlink_to(sys.executable)
    (place / "hello").write_text(script(Start(python=place / "python"), place / "hello", "print(sys.argv[0])"))
    (place / "hello").chmod(0o755)
    found = subprocess.run(
        ["hello"], capture_output=True, text=True, env={**os.environ, "PATH": f"{place}:/bin"}, check=True
    )
    assert f"{place}/hello\n" == found.stdout


def test_relative(tmp_path: Path) -> None:
    """Where its tree may be moved, a script finds its interpreter and its files from where it really lies."""
    root = tmp_path / "it's a tree"
    venv.create(root / "parts" / "e", symlinks=True)
    (root / "bin").mkdir()
    (root / "etc").mkdir()
    place, data = root / "bin" / "tool", root / "etc" / "my data"
    data.write_text("data\n")
    start = Start(python=root / "parts" / "e" / "bin" / "python", root=root)
    text = script(start, place, f"print(sys.executable, open({start.in_python(place, data)}).read(), end='')")
    assert str(tmp_path) not in text
    found = run(place, text)
    assert (f"{start.python} data\n", "") == (found.stdout, found.stderr)
    moved = tmp_path / "moved" / "größe"
    moved.parent.mkdir()
    root.rename(moved)
    (tmp_path / "link").symlink_to(moved / "bin" / "tool")
    (tmp_path / "tree").symlink_to(moved)
    for path in (moved / "bin" / "tool", tmp_path / "link", tmp_path / "tree" / "bin" / "tool"):
        done = subprocess.run([path], capture_output=True, text=True, env=LED_ASTRAY, check=False, cwd=tmp_path)
        assert (f"{moved}/parts/e/bin/python data\n", "") == (done.stdout, done.stderr)
    done = subprocess.run(["../link"], capture_output=True, text=True, env=LED_ASTRAY, check=False, cwd=moved.parent)
    assert f"{moved}/parts/e/bin/python data\n" == done.stdout


def test_what_lies_outside_is_named_whole() -> None:
    """What does not lie in the tree that may be moved is named by its whole path; a script outside names all so."""
    start = Start(python=Path("/usr/bin/python3"), root=Path("/srv/site"))
    assert "\nexec /usr/bin/python3 -I" in script(start, Path("/srv/site/bin/x"), "pass")
    start = Start(python=Path("/srv/site/e/bin/python"), root=Path("/srv/site"))
    assert "\nexec /srv/site/e/bin/python -I" in script(start, Path("/usr/local/bin/x"), "pass")


def test_relative_interpreter(tmp_path: Path) -> None:
    """So does an interpreter script, with the file that it is told to run first."""
    root = tmp_path / "tree"
    venv.create(root / "e", symlinks=True)
    (root / "bin").mkdir()
    start = Start(python=root / "e" / "bin" / "python", root=root)
    text = interpreter(start, root / "bin" / "py", root / "it's first.py")
    assert str(tmp_path) not in text
    place = root / "bin" / "py"
    found = run(place, text, "-c", "import sys; print(sys.prefix, sys._xoptions)")
    told = {"eggcarton": f"{root}/it's first.py"}
    assert f"{root}/e {told}\n" == found.stdout


def test_settings_and_variables_move_along(tmp_path: Path) -> None:
    """What a script hands on of a tree that may be moved, settings and variables, is where the tree is now."""
    root = tmp_path / "tree"
    venv.create(root / "e", symlinks=True)
    (root / "bin").mkdir()
    (root / "run.py").write_text("import os\n\ndef main(arguments, **given):\n    print(given, os.environ['A'])\n")
    start, place = Start(python=root / "e" / "bin" / "python", root=root), root / "bin" / "run"
    settings = {"a": root / "x", "b": [root / "y", "z"], "c": {"d": tmp_path / "outside"}}
    body = runtime_body(start, place, root / "run.py", (("A", str(root / "etc")), ("B", "/usr")), settings)
    assert str(root) not in script(start, place, body)
    place.write_text(script(start, place, body), encoding="utf-8")
    place.chmod(0o755)
    moved = tmp_path / "moved"
    root.rename(moved)
    told = {"a": f"{moved}/x", "b": [f"{moved}/y", "z"], "c": {"d": f"{tmp_path}/outside"}}
    done = subprocess.run([moved / "bin" / "run"], capture_output=True, text=True, env=LED_ASTRAY, check=False)
    assert (f"{told} {moved}/etc\n", "") == (done.stdout, done.stderr)
