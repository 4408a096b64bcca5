"""The scripts of a part as a user meets them: what they start with, and what a real interpreter is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.buildouts import Buildout, Result, run
from support.distributions import wheel

pytestmark = pytest.mark.slow

TOOL = """\
import os
import socket
import sys

def main():
    print(os.environ.get("GREETING"), os.environ.get("SECRET"), socket.getdefaulttimeout(), *sys.argv[1:])
"""
SCRIPTS = {
    "scripts/tool-python": "#!python\nimport sys, tool\nprint(tool.__name__, sys.flags.isolated, *sys.argv)\n",
    "scripts/tool-future": '#!python\n"""Says what it is."""\nfrom __future__ import annotations\nprint(__doc__)\n',
    "scripts/tool-found": "#!/usr/bin/env python3\nimport sys, tool\nprint(tool.__name__, sys.prefix)\n",
    "scripts/tool.sh": '#!/bin/sh\necho "$# $1"; tool-answer; command -v python\n',
    "scripts/tool-lines": 'echo "without a first line $1"\n',
    "scripts/tool-answer": "#!/bin/sh\necho 42; exit 3\n",
}
CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = tool
interpreter = py
"""


@pytest.fixture
def tool(build: Buildout) -> Buildout:
    """A buildout of a distribution with a console script and scripts in files of every kind."""
    points = {"gui_scripts": {"tool-window": "tool:main"}}
    wheel(
        build.index.directory,
        "tool",
        "1.0",
        {"tool.py": TOOL},
        console_scripts={"tool": "tool:main"},
        entry_points=points,
        data=SCRIPTS,
    )
    build.configure(CONFIG)
    return build


def call(build: Buildout, *command: str | Path) -> Result:
    """Run a program with an environment that holds nothing, in a directory that has nothing to do with it."""
    return run(command, cwd=Path("/"), variables={"PATH": os.defpath, "PYTHONPATH": str(build.home)})


def test_script_files(tool: Buildout) -> None:
    """Scripts that are files run unactivated, with the environment's own programs first on their PATH."""
    tool.build()
    names = {path.rpartition("/")[2] for path in SCRIPTS}
    assert sorted({*names, "tool", "tool-window", "py"}) == tool.scripts()
    assert (0, f"tool 1 {tool.bin}/tool-python a b\n") == call(tool, tool.bin / "tool-python", "a b")
    assert (0, "Says what it is.\n") == call(tool, tool.bin / "tool-future")
    assert (0, "without a first line x\n") == call(tool, tool.bin / "tool-lines", "x")
    assert (3, "42\n") == call(tool, tool.bin / "tool-answer")
    status, output = call(tool, tool.bin / "tool.sh", "a b", "c")
    prefix = Path(output.splitlines()[-1]).parent.parent
    assert (0, ["2 a b", "42"], tool.root / "parts") == (status, output.splitlines()[:-1], prefix.parents[2])
    assert (0, f"tool {prefix}\n") == call(tool, tool.bin / "tool-found")


def test_script_files_that_others_hide(tool: Buildout) -> None:
    """A script that is a file is run though a dependency with the same script comes before it; whose it is, is said."""
    wheel(tool.index.directory, "a", "1", {"a.py": "def main():\n    print('a')\n"}, console_scripts={"run": "a:main"})
    wheel(tool.index.directory, "b", "1", {"b.py": ""}, requires=["a"], data={"scripts/run": "#!python\nprint('b')\n"})
    wheel(tool.index.directory, "c", "1", {"c.py": ""}, requires=["a"], data={"scripts/run": "#!/bin/sh\necho c\n"})
    for name in "bc":
        tool.configure(
            f"[buildout]\nextensions = eggcarton\nparts = x\n[x]\nrecipe = eggcarton:scripts\neggs = {name}\n"
        )
        output = tool.build()
        assert f"[x] run is the script run of {name}, not that of a\n" in output, output
        assert (0, f"{name}\n") == call(tool, tool.bin / "run")
        assert 1 == len(tool.build().splitlines())


def test_script_files_in_a_place_no_kernel_can_name(tool: Buildout, tmp_path: Path) -> None:
    """They run in a directory whose name is too long, or has blanks, for the first line of a script."""
    deep = tmp_path / "with a space" / ("d" * 200)
    programs = deep / "bin"
    directories = f"parts = app\nparts-directory = {deep}/parts\nbin-directory = {programs}"
    tool.configure(CONFIG.replace("parts = app", directories))
    tool.build()
    assert (0, "Says what it is.\n") == call(tool, programs / "tool-future")
    assert (0, f"tool 1 {programs}/tool-python\n") == call(tool, programs / "tool-python")
    assert (3, "42\n") == call(tool, programs / "tool-answer")
    prefix = call(tool, programs / "py", "-c", "import sys; print(sys.prefix)").output.strip()
    assert (0, "Says what it is.\n") == call(tool, Path(prefix, "bin", "tool-future"))


def test_script_files_of_a_develop_package(build: Buildout) -> None:
    """A develop package's `scripts=` are made too, and renamed as any script."""
    files = {
        f"bin/{name.rpartition('/')[2]}": text for name, text in SCRIPTS.items() if "python" in name or "sh" in name
    }
    setup = "from setuptools import setup\nsetup(name='tool', version='1', py_modules=['tool'], scripts={})\n"
    place = build.root / "project"
    for name, text in {**files, "tool.py": TOOL, "setup.py": setup.format(sorted(files))}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text.replace("#!python", "#!/usr/bin/python3"), "utf-8")
    build.configure(CONFIG.replace("parts", "develop = project\nparts", 1) + "scripts = tool-python=shown tool.sh\n")
    build.build()
    assert ["py", "shown", "tool.sh"] == build.scripts()
    assert (0, f"tool 1 {build.bin}/shown x\n") == call(build, build.bin / "shown", "x")
    assert "1 a\n" == call(build, build.bin / "tool.sh", "a").output.partition("sh:")[0][:4]


def test_surroundings(tool: Buildout) -> None:
    """Variables, a file of them that is read at the start, and the time that sockets wait are there before all else."""
    tool.configure(
        CONFIG
        + """\
scripts = tool
environment = surroundings
environment-file = secrets.env
socket-timeout = 1m
initialization =
    import os
    seen = os.environ["SECRET"], 1

[surroundings]
GREETING = good morning
SECRET = not yet known
"""
    )
    tool.write("secrets.env", "# kept apart\nexport SECRET='it is \"this\"'\nOTHER = x\n")
    tool.build()
    assert (0, 'good morning it is "this" 60.0 a\n') == call(tool, tool.bin / "tool", "a")
    statement = "import socket; print(seen, os.environ['GREETING'], socket.getdefaulttimeout())"
    expected = "('it is \"this\"', 1) good morning 60.0\n"
    assert (0, expected) == call(tool, tool.bin / "py", "-c", statement)
    assert "it is" not in "".join(path.read_text("utf-8") for path in tool.bin.iterdir())
    tool.write("secrets.env", "SECRET=another\n")
    assert (0, "good morning another 60.0\n") == call(tool, tool.bin / "tool")
    assert 1 == len(tool.build().splitlines())
    tool.write("secrets.env", "SECRET=x\nhidden words\n")
    sentence = f"Error: the environment file {tool.root}/secrets.env cannot be read: line 2 is not KEY=VALUE\n"
    assert (1, sentence) == call(tool, tool.bin / "tool")
    assert (1, sentence) == call(tool, tool.bin / "py", "-c", "1")


def test_a_section_of_variables_that_is_not_there(tool: Buildout) -> None:
    """A word that is the name of no section is told as that."""
    tool.configure(CONFIG + "environment = surroundigs\n")
    said = tool.fails(status=2)
    assert (
        "[app] option 'environment': 'surroundigs' is neither KEY=VALUE, one a line, nor the name of a section" in said
    )


def test_a_part_is_no_section_of_variables(tool: Buildout) -> None:
    """The name of a part, its own or another's, is refused in so many words."""
    for name in ("app", "other"):
        other = "\n[other]\nrecipe = eggcarton:scripts\neggs = tool\nscripts =\n"
        tool.configure(CONFIG.replace("parts = app", "parts = app other") + f"environment = {name}\n{other}")
        said = tool.fails(status=2)
        assert f"option 'environment': [{name}] is a part; write the variables into another section" in said


OPTIONS = {
    "-c": (["-c", "import sys; print(sys.argv)", "-x", "a b"], "", "['-c', '-x', 'a b']\n"),
    "-": (["-", "a"], "import sys; print(sys.argv)", "['-', 'a']\n"),
    "standard input": ([], "print(1 + 1)", "2\n"),
    "-m": (["-m", "tool", "a"], "", ""),
    "-I": (["-I", "-c", "import sys; print(sys.flags.isolated)"], "", "1\n"),
    "-X": (["-X", "utf8", "-X", "dev", "-c", "import sys; print(sys.flags.dev_mode)"], "", "True\n"),
    "-W": (["-W", "error::UserWarning", "-c", "import sys; print(sys.warnoptions)"], "", "['error::UserWarning']\n"),
    "-O": (["-O", "-c", "print(__debug__)"], "", "False\n"),
    "-u -B -q": (["-u", "-B", "-q", "-c", "import sys; print(sys.flags.dont_write_bytecode)"], "", "1\n"),
    "-i": (["-i", "-q"], "print(2 + 2)\n", "4\n>>> >>> \n"),
    "-V": (["-V"], "", f"Python {sys.version.split()[0]}\n"),
}


@pytest.mark.parametrize("initialization", ["", "initialization = value = 5\n"], ids=["plain", "initialized"])
def test_an_interpreter_takes_every_option(tool: Buildout, initialization: str) -> None:
    """The interpreter of a part is a real one: it takes all that Python takes, and is that of its environment."""
    tool.configure(CONFIG + initialization)
    tool.build()
    for words, text, expected in OPTIONS.values():
        done = subprocess.run(
            [tool.bin / "py", *words], input=text, capture_output=True, text=True, cwd="/", env={}, check=False
        )
        found = done.stdout if words != ["-i", "-q"] else done.stdout + done.stderr
        assert (expected, 0) == (found, done.returncode), (words, done.stderr)
    program = tool.write("program.py", "import sys\nprint(__name__, __file__, sys.argv[1:])\n")
    assert (0, f"__main__ {program} ['a']\n") == call(tool, tool.bin / "py", program, "a")
    where = "import sys; print(sys.executable == sys.prefix + '/bin/python', sys.prefix != sys.base_prefix)"
    assert (0, "True True\n") == call(tool, tool.bin / "py", "-c", where)
    if initialization:
        assert (0, "5\n") == call(tool, tool.bin / "py", "-c", "print(value)")


def test_an_initialization_that_fails(tool: Buildout) -> None:
    """An interpreter whose initialization fails, or ends it, ends with what that says and runs nothing else."""
    tool.configure(CONFIG + "initialization = raise SystemExit('not today')\n")
    tool.build()
    assert (1, "not today\n") == call(tool, tool.bin / "py", "-c", "print(1)")
    tool.configure(CONFIG + "initialization = 1 / 0\n")
    tool.build()
    status, output = call(tool, tool.bin / "py", "-c", "print(1)")
    assert (1, "ZeroDivisionError: division by zero") == (status, output.splitlines()[-1])
    tool.configure(CONFIG + "initialization = raise SystemExit(7)\n")
    tool.build()
    assert (7, "") == call(tool, tool.bin / "py", "-c", "print(1)")


def test_workers_of_a_server_stay_inside(build: Buildout, servers: Path) -> None:
    """Workers of gunicorn run the environment's own interpreter, and so does what they start."""
    for path in servers.iterdir():
        shutil.copy(path, build.index.directory)
    application = (
        "import subprocess, sys\n"
        "def application(environ, respond):\n"
        "    child = subprocess.run([sys.executable, '-c', 'import sys; print(sys.prefix)'], capture_output=True)\n"
        "    respond('200 OK', [])\n"
        "    return [f'{sys.prefix} {child.stdout.decode().strip()} {sys.executable}'.encode()]\n"
    )
    wheel(build.index.directory, "site-of-mine", "1.0", {"mine.py": application}, requires=["gunicorn"])
    build.configure(CONFIG.replace("eggs = tool", "eggs = site-of-mine\nscripts = gunicorn=serve"))
    build.build()
    socket = build.home / "socket"
    words = [build.bin / "serve", "--bind", f"unix:{socket}", "--workers", "2", "mine:application"]
    client = (
        "import http.client, socket, sys, time\n"
        "while True:\n"
        "    s = socket.socket(socket.AF_UNIX)\n"
        "    if s.connect_ex(sys.argv[1]) == 0: break\n"
        "    time.sleep(0.02)\n"
        "c = http.client.HTTPConnection('x')\n"
        "c.sock = s\n"
        "c.request('GET', '/')\n"
        "print(c.getresponse().read().decode())\n"
    )
    with subprocess.Popen(words, cwd="/", env={"PATH": os.defpath}, stderr=subprocess.PIPE) as server:
        try:
            told = run([sys.executable, "-c", client, str(socket)], cwd=Path("/"), variables={}).output.split()
        finally:
            server.terminate()
            server.communicate(timeout=300)
    assert build.root / "parts" in Path(told[0]).parents
    assert [told[0], told[0], f"{told[0]}/bin/python"] == told
