"""A part is written when its plan has changed, and only then; what it did not write itself it does not touch."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.fakes import greeting, pytest_stand_in
from support.kept import Kept

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


def make(build: Buildout) -> None:
    """Put everything into place and build it."""
    greeting(build.index.directory)
    pytest_stand_in(build.index.directory)
    build.configure(CONFIG)
    build.build()
    assert ["greet", "py", "tests"] == build.scripts()


@pytest.fixture
def built(kept: Kept) -> Buildout:
    """A buildout with three parts of ours."""
    return kept(make)


def test_a_second_run_rewrites_nothing(built: Buildout) -> None:
    """A run with nothing to do changes no file below bin, parts, etc and develop-eggs, and says one line."""
    before = built.tree()
    output = built.build()
    assert before == built.tree()
    assert 1 == len(output.splitlines()), output
    assert output.startswith("eggcarton: 1 distribution: 1 in the store, 0 fetched; 3 parts unchanged; ")


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
    output = built.build()
    assert f"[app] {built.bin / 'greet'} was not as this part had written it, and is again\n" in output
    assert "2 parts unchanged, 1 restored; " in output
    assert text == (built.bin / "greet").read_text("utf-8")


def test_a_part_that_went_without_the_extension(built: Buildout) -> None:
    """What a run without the extension has uninstalled is made anew, and not told of as what somebody changed."""
    built.configure("[buildout]\nparts =\n")
    built.build()
    assert not (built.bin / "greet").exists()
    built.configure(CONFIG)
    output = built.build()
    assert "was not as this part had written it" not in output
    assert "restored" not in output
    assert "greeting 1.0\n" == built.run(program="greet").output


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


SCRIPTS = """
[buildout]
extensions = eggcarton
parts = one two

[one]
recipe = eggcarton:scripts
eggs = greeting
scripts = greet=first
arguments = "one"

[two]
recipe = eggcarton:scripts
eggs = greeting
scripts = greet=second
arguments = "two"
"""


def exchanged(config: str) -> str:
    """Return the configuration with each part making the other's script."""
    return config.replace("first", "third").replace("second", "first").replace("third", "second")


def test_two_parts_exchange_their_scripts(build: Buildout) -> None:
    """What one part gives up another may take in the same run, whichever of them comes first."""
    greeting(build.index.directory)
    for config in (SCRIPTS, exchanged(SCRIPTS), SCRIPTS.replace("=first", "=greet").replace("=second", "=first")):
        build.configure(config)
        build.build()
    assert ["first", "greet"] == build.scripts()
    assert "greeting 1.0 two\n" == build.run(program="first").output


def test_what_a_part_has_taken_up_again_is_its_own(build: Buildout) -> None:
    """A script that its part makes anew in this run is not given up, and is refused to another part."""
    greeting(build.index.directory)
    build.configure(SCRIPTS)
    build.build()
    build.configure(SCRIPTS.replace('"one"', '"one, changed"').replace("second", "first").replace('"two"', '"changed"'))
    assert f"Error: [two] {build.bin / 'first'} exists and belongs to part [one]" in build.fails(status=1)
    assert ["first", "second"] == build.scripts()


def test_the_same_file_in_two_parts(build: Buildout) -> None:
    """The second part that would write a file is refused even if it would write the very same."""
    build.configure(
        """
        [buildout]
        extensions = eggcarton
        parts = one two
        [one]
        recipe = eggcarton:template
        input = inline: the same
        output = etc/same.ini
        [two]
        <= one
        """
    )
    assert f"Error: [two] {build.root}/etc/same.ini exists and belongs to part [one]" in build.fails(status=1)


def test_a_part_gets_another_recipe(build: Buildout) -> None:
    """A part changes from a recipe from elsewhere to ours and back, and its script is that of its recipe each time."""
    greeting(build.index.directory)
    ours = SCRIPTS.replace("parts = one two", "parts = one")
    theirs = ours.replace("recipe = eggcarton:scripts", "recipe = zc.recipe.egg")
    record = build.root / "parts/.eggcarton/one.json"
    for config in (theirs, ours, theirs, ours):
        build.configure(config)
        build.build()
        assert ["first"] == build.scripts()
        assert "greeting 1.0 one\n" == build.run(program="first").output
        assert (config is ours) == record.exists()
        assert (config is theirs) == ("sys.path[0:0]" in (build.bin / "first").read_text("utf-8"))


def test_a_script_of_another_recipe_comes_back_after_an_error(build: Buildout) -> None:
    """What a recipe from elsewhere had written is there again when the run in which ours took it over has failed."""
    greeting(build.index.directory)
    config = SCRIPTS.replace("[one]\nrecipe = eggcarton:scripts", "[one]\nrecipe = zc.recipe.egg")
    build.configure(config)
    build.build()
    before = (build.bin / "first").read_bytes()
    (build.bin / "mine").write_text("mine", "utf-8")
    build.configure(SCRIPTS.replace("second", "mine"))
    assert "mine exists and was not put there by this part" in build.fails(status=1)
    assert before == (build.bin / "first").read_bytes()
    build.configure(config)
    build.build()
    assert before == (build.bin / "first").read_bytes()


def test_directories_elsewhere(build: Buildout) -> None:
    """The directories of scripts and parts may be given with dots, lie outside, or be links; names may hold blanks."""
    greeting(build.index.directory)
    pytest_stand_in(build.index.directory)
    (build.root / "real größe").mkdir()
    (build.root / "linked").symlink_to("real größe")
    places = "bin-directory = ../scripts größe\nparts-directory = linked/../linked/the parts\n"
    config = CONFIG.replace("extensions = eggcarton\n", f"extensions = eggcarton\n{places}")
    build.configure(config)
    build.build()
    place = build.root.parent / "scripts größe"
    assert ["greet", "py", "tests"] == sorted(path.name for path in place.iterdir())
    assert 1 == len(build.build().splitlines())
    build.configure(config.replace("interpreter = py\n", "").replace("hello", "good morning"))
    build.build()
    assert ["greet", "tests"] == sorted(path.name for path in place.iterdir())
    assert "good morning world\n" == (build.root / "etc/text.ini").read_text("utf-8")
