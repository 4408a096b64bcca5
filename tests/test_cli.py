"""bin/eggcarton: what it tells, what it writes, and how it ends."""

from __future__ import annotations

import shutil

import pytest

from support.buildouts import Buildout, tree
from support.fakes import greeting, recipes
from support.mixed import CONFIG

pytestmark = pytest.mark.slow


def planned(build: Buildout, *arguments: str, status: int = 0) -> str:
    """Return what bin/eggcarton plan says, once it is sure that it has changed nothing and asked nobody."""
    before = tree(build.root, build.home)
    found, output = build.run("plan", *arguments, program="eggcarton")
    assert status == found, output
    assert before == tree(build.root, build.home)
    assert [] == build.index.requests
    return output


def test_plan_with_nothing_to_do(built: Buildout) -> None:
    """When everything stands as planned, each part says that there is nothing to do."""
    assert (
        "[text] nothing to do\n[app] nothing to do\n[theirs] is built by zc.recipe.egg, whose plan is not known\n"
        == planned(built)
    )


def test_plan_shows_a_difference(built: Buildout) -> None:
    """What would change in a file is shown as a diff, a new file as a whole, and the parts named are shown alone."""
    built.configure(CONFIG.replace("world", "moon"))
    output = planned(built, "text")
    assert "[text]\n" == output[:7]
    assert {"-hello world", "+hello moon", " and good bye"} <= set(output.splitlines())
    assert "[app]" not in output
    built.configure(CONFIG.replace("etc/text.ini", "etc/new.ini"))
    output = planned(built)
    assert {"+hello world", "+and good bye", "removed: etc/text.ini"} <= set(output.splitlines())
    assert "[app] nothing to do\n" in output


def test_plan_shows_what_somebody_changed(built: Buildout) -> None:
    """A file that was edited by hand is shown as what would become of it."""
    (built.root / "etc/text.ini").write_text("hello, edited\nand good bye\n", "utf-8")
    assert {"-hello, edited", "+hello world"} <= set(planned(built, "text").splitlines())


def test_plan_shows_scripts_that_go(built: Buildout) -> None:
    """A script that a part does not make any more is shown as removed."""
    built.configure(CONFIG.replace("interpreter = py\n", ""))
    assert "[app]\nremoved: bin/py\n\n" == planned(built, "app")


def test_plan_shows_an_environment_that_is_missing(built: Buildout) -> None:
    """An environment that somebody removed, or that is not whole, is shown, and the next run makes it."""
    prefix = (built.root / "parts/.eggcarton/by-part/app").resolve()
    name = prefix.relative_to(built.root)
    (prefix / "eggcarton.json").unlink()
    assert f"[app]\nenvironment made over: {name}\n\n" == planned(built, "app")
    shutil.rmtree(prefix)
    assert f"[app]\nnew environment: {name}\n\n" == planned(built, "app")
    built.build()
    assert "[app] nothing to do\n" == planned(built, "app")


def test_plan_of_a_build_that_is_not_up_to_date(built: Buildout) -> None:
    """Plans hang on what is installed: when the lock or the store does not answer, plan says so with status 3."""
    built.configure(CONFIG.replace("eggs = greeting\ninterpreter", "eggs =\n    greeting\n    noting\ninterpreter"))
    recipes(built.index.directory)
    sentence = (
        "Error: the build is not up to date (eggs, versions, the lock or the store have changed since the last run), "
        "so its plans are not known; run bin/buildout, or bin/eggcarton lock to see first what it would lock\n"
    )
    assert sentence == planned(built, status=3)
    built.configure(CONFIG)
    next((built.root / "eggs/v5").glob("greeting-*")).resolve().rename(built.home / "gone")
    assert sentence == planned(built, status=3)


def test_plan_shows_parts_that_go(built: Buildout) -> None:
    """A part that is no longer named is shown with what the next run removes, recipes from elsewhere included."""
    built.configure(CONFIG + "\n[note]\nrecipe = eggcarton:template\ninput = inline: x\noutput = note.txt\n")
    built.build("buildout:parts=text app theirs note")
    built.index.requests.clear()
    assert "[note] is no longer in parts: removed: note.txt" == planned(built).splitlines()[-1]
    assert "[note] is no longer in parts: removed: note.txt\n" == planned(built, "note")
    built.build()
    assert not (built.root / "note.txt").exists()
    assert "note" not in planned(built)


def test_plan_of_a_part_that_is_renamed(built: Buildout) -> None:
    """What a part with another name takes over is not shown as removed."""
    built.configure(CONFIG.replace("parts = text", "parts = words").replace("[text]", "[words]"))
    assert "[text] is no longer in parts: nothing to remove" == planned(built).splitlines()[-1]


def test_plan_shows_parts_that_go_with_what_they_need(built: Buildout) -> None:
    """Where plans are not known because needs went with the part, what it made is told all the same."""
    built.configure(CONFIG.replace("parts = text app theirs", "parts = text app"))
    gone = "[theirs] is no longer in parts: removed where no other part makes it: bin/theirs\n"
    assert planned(built, status=3).startswith(f"{gone}Error: the build is not up to date")


def test_plan_of_a_part_without_a_recipe(built: Buildout) -> None:
    """A part that no recipe builds is told in zc.buildout's words."""
    built.configure(CONFIG.replace("recipe = zc.recipe.egg\n", ""))
    assert "Error: Missing option: theirs:recipe\n" == planned(built, status=1)


def test_plan_never_makes_the_recipe_of_another(built: Buildout) -> None:
    """The recipe of another may write when it is made: for a plan it is not."""
    built.write("recipe/eager.py", "class Eager:\n    def __init__(self, *_):\n        raise ValueError('made')\n")
    built.write(
        "recipe/setup.py",
        """
        from setuptools import setup
        setup(
            name="eager",
            version="1",
            py_modules=["eager"],
            entry_points={"zc.buildout": ["default = eager:Eager"]},
        )
        """,
    )
    config = CONFIG.replace("parts = text app theirs", "develop = recipe\nparts = text app theirs")
    built.configure(config)
    built.build()
    built.index.requests.clear()
    built.configure(config + "\n[eager]\nrecipe = eager\n")
    assert "[eager] is built by eager, whose plan is not known\n" == planned(built, "buildout:parts+=eager", "eager")


def test_plan_without_what_fills_in_templates(built: Buildout) -> None:
    """Where the libraries that fill in a template are not in the store, that is said, and nothing is fetched."""
    [closed_set] = (built.root / "eggs/v5/.eggcarton").glob("closed-set-*")
    closed_set.unlink()
    built.configure(CONFIG.replace("etc/text.ini", "etc/new.ini"))
    assert (
        f"[text]\nnew rendered file: etc/new.ini from {built.root}/text.in\n"
        "not known: what etc/new.ini will hold, since what fills in templates is not installed; run bin/buildout,"
        " which installs it\n"
        "removed: etc/text.ini\n\n"
    ) == planned(built, "text")


def test_plan_when_the_lock_must_not_change(built: Buildout) -> None:
    """Under a frozen policy bin/buildout may refuse what is due: then it is the lock that comes first."""
    more = CONFIG.replace("eggs = greeting\ninterpreter", "eggs =\n    greeting\n    noting\ninterpreter")
    built.configure(more + "\n[eggcarton]\npolicy = frozen\n")
    advice = "; where policy = frozen has it refuse, run bin/eggcarton lock where the lock may change\n"
    assert planned(built, status=3).endswith(advice)
    assert "run bin/eggcarton lock where it may change" in built.fails(status=3)


def test_plan_needs_the_extension(built: Buildout) -> None:
    """Where the configuration does not name the extension no plan is known, with the line that changes it."""
    built.configure(CONFIG.replace("extensions = eggcarton\n", ""))
    assert "Error: nothing is locked here: 'extensions = eggcarton' in [buildout] turns that on\n" == planned(
        built, status=2
    )


def test_plan_before_the_first_run(build: Buildout) -> None:
    """In a directory that was never built, plan ends with status 3 and makes nothing."""
    build.configure(CONFIG)
    build.write("text.in", "")
    assert "Error: the build is not up to date" in planned(build, status=3)


def test_plan_of_a_part_that_is_not_there(built: Buildout) -> None:
    """A wrong name is told with the right ones."""
    assert "Error: there is no part 'ap'; the parts are text, app, theirs\n" == planned(built, "ap", status=2)


def test_plan_takes_the_configuration_as_buildout_does(built: Buildout) -> None:
    """-c and section:option=value mean what they mean to bin/buildout."""
    built.write("other.cfg", CONFIG)
    built.write("buildout.cfg", "broken [")
    status, output = built.run("-c", "other.cfg", "plan", "text", "text:name=moon", program="eggcarton")
    assert 0 == status, output
    assert "+hello moon" in output.splitlines()


def test_a_configuration_that_is_wrong(built: Buildout) -> None:
    """What zc.buildout finds wrong with a configuration is told as one error."""
    built.configure(CONFIG + "[buildout]\nparts = ${nowhere:at-all}\n")
    assert "nowhere" in built.fails("plan", program="eggcarton", status=1)
    built.configure(CONFIG.replace("interpreter =", "interpretr ="))
    assert "did you mean 'interpreter'?" in built.fails("plan", program="eggcarton", status=2)


def test_a_configuration_that_cannot_be_parsed(built: Buildout) -> None:
    """What is no configuration at all is one error, without a traceback."""
    built.configure(CONFIG + "[broken\n")
    line = len(CONFIG.strip().splitlines()) + 1
    expected = f"Error: {built.root}/buildout.cfg, line {line}: '[broken': neither [section] nor option = value\n"
    assert expected == built.fails("plan", program="eggcarton", status=2)


def test_there_is_no_configuration(built: Buildout) -> None:
    """A missing buildout.cfg is one error."""
    (built.root / "buildout.cfg").unlink()
    assert "buildout.cfg" in built.fails("plan", program="eggcarton", status=1)


def test_lock_needs_the_extension(built: Buildout) -> None:
    """Where the configuration does not name the extension there is nothing to lock, with the line that changes it."""
    built.configure(CONFIG.replace("extensions = eggcarton\n", ""))
    assert "Error: nothing is locked here: 'extensions = eggcarton' in [buildout] turns that on\n" == built.fails(
        "lock", program="eggcarton", status=2
    )


def test_lock_writes_the_lock_alone(build: Buildout) -> None:
    """No script, no part and nothing into the store; beside the lock only what keeps other runs out, and says where."""
    greeting(build.index.directory)
    build.configure(CONFIG)
    before = tree(build.root)
    assert (0, "1 distribution locked, for all platforms\n") == build.run("lock", program="eggcarton")
    new = set(tree(build.root)) - set(before)
    notes = {str(build.root / "parts/.eggcarton/state" / name) for name in ("lock", "directory", "mirrors.json")}
    assert {str(build.lock), *notes} == new
    assert (0, "pylock.toml is up to date.\n") == build.run("lock", program="eggcarton")


def test_a_command_that_is_not_there(build: Buildout) -> None:
    """A wrong command line ends with status 2 and the commands that there are."""
    status, output = build.run("lok", program="eggcarton")
    assert (2, True) == (status, "lock" in output)
    status, output = build.run("--help", program="eggcarton")
    assert 0 == status
    assert "exit codes: 0 done, 1 error, 2 usage, 3 drift or finding, 4 unavailable, 5 integrity" in " ".join(
        output.split()
    )


def test_lock_takes_no_version_for_a_setting(built: Buildout) -> None:
    """A requirement after --upgrade is refused, and a name without --upgrade too: neither is passed over."""
    output = built.fails("lock", "--upgrade", "greeting==1.0", status=2, program="eggcarton")
    wanted = "names are wanted, and versions go into [versions]"
    assert f"--upgrade: nothing is locked of greeting==1.0; {wanted}; did you mean greeting?\n" in output
    output = built.fails("lock", "--upgrade", "other==3.0.3", status=2, program="eggcarton")
    assert f"--upgrade: nothing is locked of other==3.0.3; {wanted}\n" in output
    status, output = built.run("lock", "greeting", program="eggcarton")
    assert (2, True) == (status, "unrecognized arguments: greeting" in output)


def test_a_configuration_whose_name_holds_an_equals_sign(built: Buildout) -> None:
    """What follows -c is a file, whatever its name."""
    (built.root / "buildout.cfg").rename(built.root / "x=y.cfg")
    assert (0, "pylock.toml is up to date.\n") == built.run("-c", "x=y.cfg", "lock", program="eggcarton")
