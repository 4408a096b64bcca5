"""A part is written when its plan has changed, and only then; what it did not write itself it does not touch."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.fakes import greeting, pytest_stand_in

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = text app tests

[text]
recipe = eggcarton:template
input = inline: hello {{ name }}
output = etc/text.ini
name = world

[app]
recipe = eggcarton:scripts
eggs = greeting
interpreter = py

[tests]
recipe = eggcarton:test
eggs = greeting
"""


@pytest.fixture
def built(build: Buildout) -> Buildout:
    """A buildout with three parts of ours."""
    greeting(build.index.directory)
    pytest_stand_in(build.index.directory)
    build.configure(CONFIG)
    build.build()
    assert ["greet", "py", "tests"] == build.scripts()
    return build


def test_a_second_run_rewrites_nothing(built: Buildout) -> None:
    """A run with nothing to do changes no file below bin, parts, etc and develop-eggs, and says one line."""
    before = built.tree()
    output = built.build()
    assert before == built.tree()
    assert 1 == len(output.splitlines()), output
    assert output.startswith("eggcarton: 2 distributions: 2 in the store, 0 fetched; 3 parts unchanged; ")


def test_only_a_part_whose_plan_changed_is_installed_anew(built: Buildout) -> None:
    """A new plan is made true, and the files of the other parts are not touched; nor are its own that stay the same."""
    before = built.tree("bin", "etc", "parts/tests")
    built.configure(CONFIG.replace("world", "moon"))
    output = built.build()
    assert "Installing text.\n" in output
    assert "2 parts unchanged, 1 installed" in output
    after = built.tree("bin", "etc", "parts/tests")
    assert {str(built.root / "etc/text.ini")} == {path for path in before if before[path] != after.get(path)}
    assert "hello moon\n" == (built.root / "etc/text.ini").read_text("utf-8")


def test_a_template_that_changed_is_filled_in_again(built: Buildout) -> None:
    """A part's plan holds what it reads, so that a change in a file is a change of the part."""
    built.configure(CONFIG.replace("inline: hello {{ name }}", "text.in"))
    built.write("text.in", "one {{ name }}\n")
    built.build()
    assert "one world\n" == (built.root / "etc/text.ini").read_text("utf-8")
    built.write("text.in", "two {{ name }}\n")
    assert "Installing text.\n" in built.build()
    assert "two world\n" == (built.root / "etc/text.ini").read_text("utf-8")


def test_a_file_that_is_no_longer_planned_is_gone(built: Buildout) -> None:
    """A script that a part does not make any more is removed, and its other scripts are kept."""
    built.configure(CONFIG.replace("interpreter = py\n", ""))
    built.build()
    assert ["greet", "tests"] == built.scripts()


def test_a_part_that_is_no_more_takes_its_files_along(built: Buildout) -> None:
    """What a removed part wrote is removed with it, the record of it too."""
    built.configure(CONFIG.replace("parts = text app tests", "parts = app"))
    built.build()
    assert ["greet", "py"] == built.scripts()
    assert not (built.root / "parts/tests").exists()
    assert not (built.root / "etc/text.ini").exists()
    assert ["app.json"] == [path.name for path in (built.root / "parts/.eggcarton").glob("*.json")]


def test_a_renamed_part_keeps_its_script(built: Buildout) -> None:
    """The new part takes over what the old one gave up in the same run, without a moment in which it is missing."""
    before = (built.bin / "greet").stat().st_ino
    built.configure(CONFIG.replace("app", "application"))
    output = built.build()
    assert "Installing application.\n" in output
    assert ["greet", "py", "tests"] == built.scripts()
    assert before == (built.bin / "greet").stat().st_ino
    assert "greeting 1.0\n" == built.run(program="greet").output
    built.configure(CONFIG)
    built.build()
    assert ["greet", "py", "tests"] == built.scripts()


def test_a_renamed_output_leaves_nothing_behind(built: Buildout) -> None:
    """A part whose output is another file now has written the new one, and the old one is gone."""
    built.configure(CONFIG.replace("text.ini", "other.ini"))
    built.build()
    assert ["other.ini"] == [path.name for path in (built.root / "etc").iterdir()]


def test_a_strangers_file_is_refused(build: Buildout) -> None:
    """A file that no part wrote is never overwritten, nor deleted after the error; the part goes in once it is away."""
    greeting(build.index.directory)
    pytest_stand_in(build.index.directory)
    build.configure(CONFIG)
    (build.bin / "py").write_text("mine", "utf-8")
    output = build.fails(status=1)
    assert output.endswith(
        f"Error: [app] {build.bin / 'py'} exists and was not put there by this part: move it away, or rename the part"
        " or its output\n"
    )
    assert "mine" == (build.bin / "py").read_text("utf-8")
    assert not (build.bin / "greet").exists()
    (build.bin / "py").unlink()
    build.build()
    assert ["greet", "py", "tests"] == build.scripts()


def test_two_parts_that_want_one_file(build: Buildout) -> None:
    """The second part that would write a file is refused by the name of the first."""
    greeting(build.index.directory)
    build.configure(
        """
        [buildout]
        extensions = eggcarton
        parts = one two
        [one]
        recipe = eggcarton:scripts
        eggs = greeting
        [two]
        <= one
        arguments = "two"
        """
    )
    assert f"Error: [two] {build.bin / 'greet'} exists and belongs to part [one]" in build.fails(status=1)


def test_a_file_that_somebody_deleted_comes_back(built: Buildout) -> None:
    """A part whose file is missing is installed anew."""
    (built.bin / "greet").unlink()
    built.build()
    assert "greeting 1.0\n" == built.run(program="greet").output


def test_a_file_that_somebody_changed_is_put_right(built: Buildout) -> None:
    """What a part wrote is what stands after every run."""
    text = (built.bin / "greet").read_text("utf-8")
    (built.bin / "greet").write_text("changed", "utf-8")
    built.build()
    assert text == (built.bin / "greet").read_text("utf-8")


def test_outputs_are_there_for_other_parts(built: Buildout) -> None:
    """What a plan tells of itself can be referred to as ${part:output}, in whatever order the parts stand."""
    built.configure(CONFIG.replace("name = world", "name = ${app:bin-directory} ${tests:script}"))
    built.build()
    assert f"hello {built.bin} {built.bin}/tests\n" == (built.root / "etc/text.ini").read_text("utf-8")


def test_the_parts_named_on_the_command_line(built: Buildout) -> None:
    """bin/buildout install PART builds that part, and the others keep what they have."""
    built.configure(CONFIG.replace("world", "moon").replace("interpreter = py\n", ""))
    built.build("install", "text")
    assert "hello moon\n" == (built.root / "etc/text.ini").read_text("utf-8")
    assert ["greet", "py", "tests"] == built.scripts()
    built.build()
    assert ["greet", "tests"] == built.scripts()
