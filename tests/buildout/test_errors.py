"""Whatever goes wrong, in whichever process, is told once, in a sentence without a traceback, with its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.buildouts import Buildout, wait_for
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = text

[text]
recipe = eggcarton:template
input = text.in
output = text.txt
name = world
"""


def test_a_template_with_an_undefined_name(build: Buildout) -> None:
    """An error in the child process names the template, its line and what may be used; the old file stays."""
    build.configure(CONFIG)
    build.write("text.in", "hello {{ name }}\n")
    build.build()
    build.write("text.in", "one\nhello {{ nmae }}\n")
    output = build.fails(status=2)
    assert (
        f"Error: {build.root}/text.in, line 2: 'nmae' is undefined; the template may use buildout, name, part\n"
        in output
    )
    assert "hello world\n" == (build.root / "text.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("config", "status", "sentence"),
    [
        (CONFIG.replace("input = text.in\n", ""), 2, "Error: [text] option 'input' is missing"),
        (CONFIG.replace("[text]\n", "[text]\nmode = rw\n"), 2, "Error: [text] option 'mode': 'rw' is not"),
        (
            CONFIG + "[eggcarton]\npolicy =\n",
            2,
            "Error: [eggcarton] option 'policy': '' is not 'update' or 'frozen'",
        ),
        (
            CONFIG + "[eggcarton]\npolicy = forzen\n",
            2,
            "Error: [eggcarton] option 'policy': 'forzen' is not 'update' or 'frozen'",
        ),
        (CONFIG.replace("parts = text", "parts = txet"), 1, "Error: The referenced section, 'txet', was not defined."),
        (
            CONFIG.replace(":template", ":templat"),
            2,
            "Error: [text] option 'recipe': eggcarton has no 'templat': did you mean 'template'?",
        ),
        (
            CONFIG.replace("eggcarton:template", "egg carton:template"),
            2,
            "Error: [text] option 'recipe': 'egg carton:template' is neither a distribution nor distribution:name\n",
        ),
        (CONFIG.replace("= eggcarton:template", "="), 2, "Error: [text] option 'recipe': '' is neither a distribution"),
        (
            CONFIG.replace("[text]", "[te/xt]").replace("parts = text", "parts = te/xt"),
            2,
            "Error: [te/xt] no file can have this name",
        ),
        (
            CONFIG.replace("= text.txt", "= ../text.txt"),
            2,
            "Error: [text] option 'output': '../text.txt' leads through",
        ),
        (CONFIG.replace("= text.in", "= absent.in"), 2, "absent.in cannot be read: No such file or directory"),
    ],
    ids=[
        "a missing option",
        "a wrong value",
        "a setting left empty",
        "a wrong setting",
        "no such part",
        "no such recipe",
        "no distribution",
        "an empty recipe",
        "no name of a file",
        "a path that leaves",
        "no input",
    ],
)
def test_what_is_wrong_in_a_configuration(build: Buildout, config: str, status: int, sentence: str) -> None:
    """Mistakes in the configuration end a run before anything is written."""
    build.configure(config)
    build.write("text.in", "hello {{ name }}\n")
    found, output = build.run()
    assert (status, True) == (found, sentence in output), output
    assert "Traceback" not in output
    assert not (build.root / "text.txt").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"parts =\n[buildout]\n", "buildout.cfg, line 1: 'parts =' stands before the first [section]\n"),
        (b"[buildout]\nparts =\n[te\n", "buildout.cfg, line 3: '[te': neither [section] nor option = value\n"),
        (
            b"[buildout]\n" + b"?\n" * 5,
            "buildout.cfg, line 2: '?', line 3: '?', line 4: '?' and 2 more: neither [section] nor option = value\n",
        ),
        (b"[buildout]\nparts =\n# caf\xe9\n", "buildout.cfg, line 3, is not text in UTF-8\n"),
        (
            b"[buildout]\nparts =\n[x: 1 / 0]\n",
            "buildout.cfg, line 3: the condition of the section cannot be evaluated: division by zero\n",
        ),
        (b"[buildout]\nextends = gone.cfg\n", "gone.cfg: No such file or directory\n"),
        (b"[buildout]\nextends = below.cfg\n", "below.cfg, line 1: 'x = 1' stands before the first [section]\n"),
    ],
    ids=["no section", "no option", "many lines", "not text", "condition", "no file", "in another file"],
)
@pytest.mark.parametrize(("program", "arguments"), [("buildout", ()), ("eggcarton", ("plan",))])
def test_a_configuration_that_cannot_be_read(
    build: Buildout, program: str, arguments: tuple[str, ...], text: bytes, told: str
) -> None:
    """A file that is no configuration is told with its line, alike by both commands, and nothing else is said."""
    (build.root / "buildout.cfg").write_bytes(text)
    build.write("below.cfg", "x = 1\n")
    output = build.fails(*arguments, program=program, status=2)
    assert 1 == len(output.splitlines()), output
    assert output.endswith(f"{build.root}/{told}"), output


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("${text:absent}", "Error: Referenced option does not exist: text absent\n"),
        ("${absent:x}", "Error: The referenced section, 'absent', was not defined.\n"),
        ("${:x}", "Error: Circular reference in substitutions.\n"),
    ],
    ids=["option", "section", "circle"],
)
@pytest.mark.parametrize(("program", "arguments"), [("buildout", ()), ("eggcarton", ("plan",))])
def test_a_reference_that_leads_nowhere(
    build: Buildout, program: str, arguments: tuple[str, ...], value: str, words: str
) -> None:
    """What zc.buildout itself finds wrong is told in its own words."""
    build.configure(CONFIG)
    build.write("text.in", "hello {{ name }}\n")
    build.build()
    build.configure(f"{CONFIG}x = {value}\n")
    assert words in build.fails(*arguments, program=program, status=1)


@pytest.mark.parametrize(
    ("option", "what", "below"),
    [
        ("eggs-directory", "eggs directory", "/v5"),
        ("download-cache", "download cache", ""),
        ("extends-cache", "extends cache", ""),
    ],
)
@pytest.mark.parametrize(("program", "arguments"), [("buildout", ()), ("eggcarton", ("plan",))])
def test_a_directory_that_cannot_be_made(
    build: Buildout, program: str, arguments: tuple[str, ...], option: str, what: str, below: str
) -> None:
    """What zc.buildout makes while it reads a configuration is told with its option, and no file of it is blamed."""
    build.configure(CONFIG + f"[buildout]\n{option} = /proc/none\n")
    said = f"the {what} /proc/none{below} cannot be made: no such file or directory; correct its path, or name another"
    assert f"Error: {said} one with '{option}' in [buildout]\n" in build.fails(*arguments, status=2, program=program)


def test_two_mistakes_in_one_section(build: Buildout) -> None:
    """All problems of a section are told at once, a line each."""
    build.configure(CONFIG.replace("output = text.txt\n", "").replace("[text]\n", "[text]\nmode = rw\n"))
    output = build.fails(status=2)
    assert {"option 'output'", "option 'mode'"} == {
        line.partition("] ")[2][:14].strip("':") + "'" for line in output.splitlines()
    }


def children_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that a process has started."""
    try:
        return [int(number) for number in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    except FileNotFoundError:
        pytest.skip("this system does not tell what a process has started")


def test_a_child_that_is_killed(build: Buildout) -> None:
    """When the child process dies, the run ends with one sentence that says what it was doing."""
    greeting(build.index.directory)
    build.index.fault("*.whl", "stall:0.5")
    build.configure("[buildout]\nextensions = eggcarton\nparts = app\n[app]\nrecipe = eggcarton\neggs = greeting\n")
    process = build.start()
    wait_for(lambda: build.index.paths("*.whl"), process)
    [child] = children_of(process)
    os.kill(child, signal.SIGKILL)
    output, _ = process.communicate(timeout=300)
    assert 1 == process.returncode
    assert output.endswith("Error: the process that was to provide ended with status -9; its last words are above\n")
    build.build()


def test_a_pipe_that_closes(build: Buildout) -> None:
    """bin/buildout | head is no error worth a traceback of ours."""
    build.configure(CONFIG)
    build.write("text.in", "")
    command = f"'{build.bin}/buildout' 2>&1 | true"
    done = subprocess.run(
        ["sh", "-c", command], cwd=build.root, env=build.environment(), capture_output=True, text=True, check=False
    )
    assert "" == done.stderr
