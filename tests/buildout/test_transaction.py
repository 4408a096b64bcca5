"""Nothing that worked is taken away: not by an error, not by Ctrl-C, not by a kill."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from eggcarton.buildout.transaction import Transaction
from eggcarton.core import writing
from eggcarton.core.errors import EggcartonError, StagingProblem
from support.buildouts import Buildout, Stock, stop, wait_for
from support.fakes import greeting, pytest_stand_in, recipes
from support.kept import Kept
from support.users import NOBODY, python_for_anybody

pytestmark = pytest.mark.slow
INTERRUPTED = "Interrupted: parts that were done by then stay as they are now, the others wait for the next run."

CONFIG = """
[buildout]
extensions = eggcarton
parts = text app theirs note notes last

[text]
recipe = eggcarton:template
input = inline: hello {{ name }}
output = etc/text.ini
name = world

[app]
recipe = eggcarton:scripts
eggs = greeting
arguments = "ours"

[theirs]
recipe = zc.recipe.egg
eggs = greeting
scripts = greet=theirs
arguments = "theirs"

[note]
recipe = noting
output = note.txt

[notes]
recipe = noting
output = notes
directory = true

[last]
recipe = eggcarton:test
eggs = greeting
"""
SMALL = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
"""
CHANGES = {
    "name = world": "name = moon",
    '"ours"': '"ours, changed"',
    '"theirs"': '"theirs, changed"',
    "output = note.txt": "output = note.txt\ntext = noted again",
    "directory = true": "directory = true\ntext = noted again",
    "eggs = greeting\n": "eggs = greeting\ndefaults = -q\n",
}


def changed(config: str) -> str:
    """Return the configuration with something else in every part."""
    for old, new in CHANGES.items():
        head, found, tail = config.rpartition(old)
        assert found
        config = head + new + tail
    return config


OWN_AND_STOCK = pytest.mark.parametrize(
    "built",
    [None, "6.0.1", "5.2.0"],
    indirect=True,
    ids=["own bin/buildout", "stock 6.0.1", "stock 5.2.0"],
)


@functools.cache
def made_by(version: str | None, stock: Stock | None) -> Callable[[Buildout], None]:
    """Return what builds everything with our own bin/buildout, or with a stock one of this version."""

    def make(build: Buildout) -> None:
        if stock is not None and version is not None:
            stock.take_over(build, version)
        greeting(build.index.directory)
        recipes(build.index.directory)
        pytest_stand_in(build.index.directory)
        build.configure(CONFIG)
        build.build()
        assert [] == problems(build, "")

    return make


@pytest.fixture
def built(request: pytest.FixtureRequest, kept: Kept) -> Buildout:
    """A buildout with parts of ours and of others, built once by our own bin/buildout or by a stock one."""
    version = getattr(request, "param", None)
    return kept(made_by(version, request.getfixturevalue("stock") if version else None))


def problems(build: Buildout, more: str) -> list[str]:
    """Return what does not work as it does after a whole run of the configuration, changed or not."""
    again, name = (" again", "moon") if more else ("", "world")
    expected = {
        "greet": f"greeting 1.0 ours{more}\n",
        "theirs": f"greeting 1.0 theirs{more}\n",
        "etc/text.ini": f"hello {name}\n",
        "note.txt": f"noted{again}",
        "notes/note": f"noted{again}",
    }
    found = {
        program: build.run(program=program).output if (build.bin / program).exists() else "missing"
        for program in ("greet", "theirs")
    } | {
        path: (build.root / path).read_text("utf-8") if (build.root / path).exists() else "missing"
        for path in ("etc/text.ini", "note.txt", "notes/note")
    }
    wrong = [f"{key}: {found[key]!r} is not {expected[key]!r}" for key in expected if expected[key] != found[key]]
    return wrong + ([] if (build.bin / "last").exists() else ["last: missing"])


def everything(build: Buildout) -> dict[str, str]:
    """Return the content of all that parts have written, and of zc.buildout's own record."""
    standing = build.tree("bin", "etc", "notes", "parts/last")
    found = {name: one.content for name, one in standing.items()}
    return found | {name: (build.root / name).read_text("utf-8") for name in ("note.txt", ".installed.cfg")}


def of_others(build: Buildout) -> dict[str, str]:
    """Return the same without what our own parts may have replaced, which is old or new at every moment."""
    ours = {str(build.bin / "greet"), str(build.bin / "last"), str(build.root / "etc/text.ini")}
    return {path: content for path, content in everything(build).items() if path not in ours}


@OWN_AND_STOCK
def test_a_wrong_option_stops_a_run_before_anything_is_touched(built: Buildout) -> None:
    """A mistake in one part is told before any other part, changed in the same run, loses or gains a file."""
    before = built.tree("bin", "parts", "etc", "notes")
    built.configure(changed(CONFIG).replace("defaults = -q", "defualts = -q"))
    output = built.fails(status=2)
    assert "Error: [last] option 'defualts' is not known: did you mean 'defaults'?" in output
    assert before == built.tree("bin", "parts", "etc", "notes")
    built.configure(changed(CONFIG))
    built.build()
    assert [] == problems(built, ", changed")


@OWN_AND_STOCK
def test_an_update_that_fails_leaves_the_parts_files(built: Buildout) -> None:
    """zc.buildout deletes a part whose update fails; ours keeps its script when its other file cannot be written."""
    in_the_way = built.root / "parts/last/eggcarton_runtime/testing/job.py"
    in_the_way.unlink()
    in_the_way.mkdir()
    (in_the_way / "something").write_text("", "utf-8")
    before = everything(built)
    output = built.fails(status=1)
    assert f"Error: [last] {in_the_way} exists and was not put there by this part" in output
    assert before == everything(built)
    shutil.rmtree(in_the_way)
    built.build()
    assert [] == problems(built, "")


def test_a_new_plan_that_fails_leaves_the_old_one(built: Buildout) -> None:
    """Other parts were installed anew already when the last one is refused: its old script stays, theirs come back."""
    before = of_others(built)
    (built.bin / "py").write_text("a stranger's", "utf-8")
    built.configure(changed(CONFIG).replace("[last]\n", "[last]\nscript = py\n"))
    output = built.fails(status=1)
    assert f"Error: [last] {built.bin / 'py'} exists and was not put there by this part" in output
    (built.bin / "py").unlink()
    assert before == of_others(built)
    assert {"greet", "last", "theirs"} == set(built.scripts())
    built.configure(changed(CONFIG))
    built.build()
    assert [] == problems(built, ", changed")


@OWN_AND_STOCK
def test_a_script_that_a_part_gives_up_stays_when_another_part_fails(built: Buildout) -> None:
    """A file that a new plan no longer names goes when the whole run has succeeded, and not before."""
    config = CONFIG.replace('"ours"', '"ours"\ninterpreter = old')
    built.configure(config)
    built.build()
    renamed = config.replace("interpreter = old", "interpreter = new")
    # text comes after app here, so that app is done when text fails.
    broken = renamed.replace("parts = text app", "parts = app text").replace("{{ name }}", "{{ nobody }}")
    built.configure(broken)
    status, output = built.run()
    assert (2, True) == (status, "nobody" in output)
    assert (built.root / "bin/old").is_file()
    built.configure(renamed)
    built.build()
    assert (False, True) == ((built.root / "bin/old").exists(), (built.root / "bin/new").is_file())


@OWN_AND_STOCK
def test_an_error_in_a_recipe_from_elsewhere_leaves_everything(built: Buildout) -> None:
    """What zc.buildout has taken from parts of any kind is back after a recipe has failed, told in its own words."""
    before = of_others(built)
    built.configure(changed(CONFIG))
    built.variables["FAIL_WHEN"] = "installing notes"
    status, output = built.run()
    assert (1, True) == (status, "told to fail" in output), output
    assert before == of_others(built)
    assert "greeting 1.0 ours" in built.run(program="greet").output
    del built.variables["FAIL_WHEN"]
    built.build()
    assert [] == problems(built, ", changed")


def test_a_new_part_that_was_done_before_another_failed_is_not_built_again(built: Buildout) -> None:
    """It stays noted with its directory, which its recipe would not make over, and goes when it is no longer named."""
    config = CONFIG.replace("last\n", "last more\n", 1) + "\n[more]\nrecipe = noting\noutput = more\ndirectory = true\n"
    built.configure(
        config.replace(" last more", " more broken") + "\n[broken]\nrecipe = noting\noutput = none/at/all\n"
    )
    status, output = built.run()
    assert (1, True) == (status, "none/at/all" in output), output
    built.configure(config)
    assert "Installing more" not in built.build()
    assert [] == problems(built, "")
    built.configure(CONFIG)
    built.build()
    assert not (built.root / "more").exists()


def test_a_file_in_a_directory_that_is_given_up(built: Buildout) -> None:
    """A part may go on with less: what it has now is not removed with the directory that it had."""
    last = "[last]\nrecipe = eggcarton:test\neggs = greeting\n"
    inside = "[last]\nrecipe = eggcarton:template\ninput = inline: here\noutput = parts/last/file\n"
    assert last in CONFIG
    built.configure(CONFIG.replace(last, inside))
    built.build()
    assert ["file"] == os.listdir(built.root / "parts/last")


def test_what_another_recipe_writes_into_its_own_directory_stays(tmp_path: Path) -> None:
    """Noted first as files, then as the directory that holds them, they are not removed as given up."""
    records, installed, place = tmp_path / "parts/.eggcarton", tmp_path / ".installed.cfg", tmp_path / "parts/theirs"
    place.mkdir(parents=True)
    (place / "file").write_text("old", "utf-8")
    installed.write_text("[buildout]\nparts = theirs\n", "utf-8")
    transaction = Transaction.begin(records, installed, tmp_path)
    transaction.release(["parts/theirs/file"])
    (place / "file").write_text("new", "utf-8")
    transaction.commit([place], ["theirs"])
    assert "new" == (place / "file").read_text("utf-8")


@OWN_AND_STOCK
def test_an_update_that_fails_in_a_recipe_from_elsewhere_deletes_nothing(built: Buildout) -> None:
    """zc.buildout deletes the files of a part whose update fails; under a transaction they stay."""
    before = everything(built)
    built.variables["FAIL_WHEN"] = "updating notes"
    status, output = built.run()
    assert (1, True) == (status, "told to fail" in output), output
    assert before == everything(built)
    del built.variables["FAIL_WHEN"]
    built.build()
    assert [] == problems(built, "")


def paused(build: Buildout, when: str) -> subprocess.Popen[str]:
    """Start bin/buildout and return when it has come to where it waits to be stopped."""
    build.variables["PAUSE_WHEN"] = when
    process = build.start()
    del build.variables["PAUSE_WHEN"]
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if line == "paused\n":
            return process
    raise AssertionError("".join(said))


def test_ctrl_c_leaves_everything(built: Buildout) -> None:
    """Ctrl-C ends a run with one sentence and status 130, and what the run had taken is back at once."""
    before = of_others(built)
    built.configure(changed(CONFIG))
    status, output = stop(paused(built, "installing notes"), signal.SIGINT)
    assert (130, f"{INTERRUPTED}\n") == (status, output)
    assert before == of_others(built)
    assert "greeting 1.0 ours" in built.run(program="greet").output
    built.build()
    assert [] == problems(built, ", changed")


def test_two_runs_at_once(built: Buildout) -> None:
    """A second run is refused in one sentence, rather than to undo the first as if that had been killed."""
    built.configure(changed(CONFIG))
    first = paused(built, "installing notes")
    refused = f"Error: another run is at work in {built.root}: wait until it has ended, then run again\n"
    assert (1, refused) == built.run()
    assert (1, refused) == built.run("lock", program="eggcarton")
    stop(first, signal.SIGKILL)
    assert (0, "pylock.toml is up to date.\n") == built.run("lock", program="eggcarton")
    built.build()
    assert [] == problems(built, ", changed")


@pytest.mark.parametrize(
    ("built", "when"),
    [
        (None, "installing note"),
        (None, "installing notes"),
        (None, "updating notes"),
        ("6.0.1", "installing notes"),
        ("5.2.0", "installing notes"),
    ],
    indirect=["built"],
)
def test_a_kill_leaves_what_the_next_run_puts_right(built: Buildout, when: str) -> None:
    """After kill -9 the scripts of our parts still work, and the next run, of either configuration, succeeds."""
    if when.startswith("installing"):
        built.configure(changed(CONFIG))
    stop(paused(built, when), signal.SIGKILL)
    for program in ("greet", "theirs", "last"):
        assert (built.bin / program).exists()
    assert "greeting 1.0 ours" in built.run(program="greet").output
    built.configure(CONFIG)
    built.build()
    assert [] == problems(built, "")
    assert not (built.root / "parts/.eggcarton/state/transaction.json").exists()
    built.configure(changed(CONFIG))
    built.build()
    assert [] == problems(built, ", changed")


def test_a_first_run_killed_between_writing_and_recording_goes_on(build: Buildout) -> None:
    """What a killed run has written before zc.buildout recorded it is no stranger's file to the next run."""
    greeting(build.index.directory)
    recipes(build.index.directory)
    pytest_stand_in(build.index.directory)
    build.configure(CONFIG.replace("text app theirs note notes last", "note text app theirs last"))
    stop(paused(build, "installing note"), signal.SIGKILL)
    build.configure(CONFIG.replace("text app theirs note notes last", "text app theirs last note"))
    stop(paused(build, "installing note"), signal.SIGKILL)
    os.unlink(build.root / ".installed.cfg")
    build.configure(CONFIG)
    os.unlink(build.root / "note.txt")
    build.build()
    assert [] == problems(build, "")


def test_a_run_killed_while_it_fetches_leaves_nothing_half_made(build: Buildout) -> None:
    """Killed in the middle of a file, a run leaves no egg and no lock behind that the next one would trust."""
    greeting(build.index.directory)
    build.index.fault("*.whl", "stall:0.5")
    build.configure(SMALL)
    process = build.start()
    wait_for(lambda: build.index.paths("*.whl"), process)
    stop(process, signal.SIGKILL)
    assert [] == list((build.root / "eggs/v5").glob("greeting*"))
    build.build()
    assert "greeting 1.0\n" == build.run(program="greet").output


def test_ctrl_c_while_it_fetches(build: Buildout) -> None:
    """Ctrl-C does not wait for a server that has stopped to answer, and is told once."""
    greeting(build.index.directory)
    build.index.fault("*.whl", "stall:0.5")
    build.configure(SMALL)
    process = build.start()
    wait_for(lambda: build.index.paths("*.whl"), process)
    status, output = stop(process, signal.SIGINT)
    assert (130, INTERRUPTED) == (status, output.splitlines()[-1])
    assert "Traceback" not in output
    build.build()


def test_a_directory_is_taken_over_from_what_lay_in_it(build: Buildout) -> None:
    """A part may have a directory that holds nothing but what another part gives up in the same run."""
    greeting(build.index.directory)
    pytest_stand_in(build.index.directory)
    build.configure(
        "[buildout]\nextensions = eggcarton\nparts = text\n"
        "[text]\nrecipe = eggcarton:template\ninput = inline: hello\noutput = parts/last/file\n"
    )
    build.build()
    build.configure(
        "[buildout]\nextensions = eggcarton\nparts = last\n[last]\nrecipe = eggcarton:test\neggs = greeting\n"
    )
    build.build()
    assert not (build.root / "parts/last/file").exists()
    assert (build.bin / "last").exists()


def test_a_directory_that_this_user_may_not_write() -> None:
    """A record that is as it was need not be put back; one that cannot be is told in a sentence, and kept in mind."""
    python_for_anybody()
    with tempfile.TemporaryDirectory(prefix="eggcarton-unwritable-") as name:
        root = Path(name)
        root.chmod(0o755)
        noted, journal = root / ".installed.cfg", root / "records/state/transaction.json"
        noted.write_text("[buildout]\nparts = theirs\n", "utf-8")
        (root / "records").mkdir()
        os.chown(root / "records", NOBODY, -1)
        os.seteuid(NOBODY)
        try:
            with pytest.raises(StagingProblem, match=f"this user may not write to {root}; run it as one who may"):
                writing.replace(root / "pylock.toml", "")
            transaction = Transaction.begin(root / "records", noted, root)
            transaction.release([])
            transaction.undo()
            assert not journal.exists()
            transaction = Transaction.begin(root / "records", noted, root)
            transaction.release([])
            os.seteuid(0)
            noted.write_text("[buildout]\nparts =\n", "utf-8")
            os.seteuid(NOBODY)
            with pytest.raises(EggcartonError, match="Permission denied, so that not all is as it was before the run"):
                transaction.undo()
            assert journal.exists()
        finally:
            os.seteuid(0)
        Transaction.begin(root / "records", noted, root)
        assert "parts = theirs" in noted.read_text("utf-8")
