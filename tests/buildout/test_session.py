"""One lock decides what is installed; it is written once, obeyed, and asked for nothing when nothing changed."""

from __future__ import annotations

import re
import sys

import pytest

from support.buildouts import Buildout, tree
from support.distributions import wheel
from support.fakes import greeting, recipes

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app theirs

[app]
recipe = eggcarton:scripts
eggs = application
scripts = application
interpreter = py

[theirs]
recipe = zc.recipe.egg
eggs = application
scripts = application=theirs
"""
APPLICATION = """
import greeting, library, importlib.metadata

def main():
    print(*(f"{name} {importlib.metadata.version(name)}" for name in ("application", "greeting", "library")))
"""


@pytest.fixture
def locked(build: Buildout) -> Buildout:
    """A buildout with a part of ours and one of zc.recipe.egg, built once from an index with two libraries."""
    directory = build.index.directory
    greeting(directory)
    wheel(directory, "library", "1.0")
    wheel(
        directory,
        "application",
        "1.0",
        {"application.py": APPLICATION},
        requires=["greeting", "library>=1; python_version > '3'"],
        console_scripts={"application": "application:main"},
    )
    build.configure(CONFIG)
    build.build()
    build.index.requests.clear()
    return build


def lose_files(build: Buildout, *, cache: bool = True) -> None:
    """Take away what was unpacked, and what was fetched, as on another machine."""
    for path in list((build.root / "eggs/v5/.eggcarton").iterdir()):
        if not path.is_symlink():
            path.rename(build.home / path.name)
    if cache:
        (build.cache / "sha256").rename(build.home / "lost")


def test_what_a_lock_holds(locked: Buildout) -> None:
    """Every file has its sha256, dependencies are written down with their markers, and no address is."""
    text = locked.lock.read_text("utf-8")
    lock = tomllib.loads(text)
    assert ["application", "greeting", "library"] == [package["name"] for package in lock["packages"]]
    for package in lock["packages"]:
        for file in package["wheels"]:
            assert re.fullmatch("[0-9a-f]{64}", file["hashes"]["sha256"])
            assert f"wheels/{file['name']}" == file["path"]
    assert "python_version > '3'" in text.replace('\\"', "'").replace('"3"', "'3'")
    assert "://" not in text
    assert "127.0.0.1" not in text
    assert str(locked.index.port) not in text
    assert str(locked.root) not in text


@pytest.mark.parametrize("newest", ["-n", "-N"])
def test_a_second_run_opens_no_socket(locked: Buildout, newest: str) -> None:
    """With a lock and unchanged inputs nobody asks the index for anything, newest or not, in parts of any recipe."""
    text = locked.lock.read_bytes()
    output = locked.build(newest)
    assert [] == locked.index.requests
    assert "3 in the store, 0 fetched; 2 parts unchanged" in output
    # A part that zc.recipe.egg installs anew asks zc.buildout's installer for everything once more.
    locked.configure(CONFIG + "arguments = \n")
    (locked.bin / "theirs").unlink()
    locked.build(newest)
    assert [] == locked.index.requests
    assert text == locked.lock.read_bytes()
    for program in ("application", "theirs"):
        assert "application 1.0 greeting 1.0 library 1.0\n" == locked.run(program=program).output


def test_a_new_checkout_obeys_the_lock(locked: Buildout) -> None:
    """Without a store, a locked build fetches exactly the locked files, though the index has newer ones by now."""
    lose_files(locked)
    greeting(locked.index.directory, "2.0")
    text = locked.lock.read_bytes()
    assert "0 in the store, 3 fetched" in locked.build()
    assert "application 1.0 greeting 1.0 library 1.0\n" == locked.run(program="theirs").output
    assert text == locked.lock.read_bytes()
    assert 3 == len(locked.index.paths("*-1.0-py3-none-any.whl"))


def test_a_store_that_was_removed(locked: Buildout) -> None:
    """Files that were fetched once are taken from the cache, without a request."""
    lose_files(locked, cache=False)
    assert "0 in the store, 0 fetched" in locked.build()
    assert [] == locked.index.requests


def test_a_changed_input_keeps_the_old_pins(locked: Buildout) -> None:
    """A part that needs one thing more gets it; everything else stays at its version, and what changed is told."""
    greeting(locked.index.directory, "2.0")
    wheel(locked.index.directory, "library", "2.0")
    recipes(locked.index.directory)
    locked.configure(
        CONFIG.replace(
            "eggs = application\nscripts = application\n",
            "eggs =\n    application\n    noting\nscripts = application\n",
        )
    )
    output = locked.build()
    assert ["eggcarton: pylock.toml: noting 1.0 added"] == [line for line in output.splitlines() if "pylock" in line]
    assert "application 1.0 greeting 1.0 library 1.0\n" == locked.run(program="application").output


def test_a_requirement_that_an_old_pin_does_not_meet(locked: Buildout) -> None:
    """Only the pin that is in the way gives way, and the change is told."""
    greeting(locked.index.directory, "2.0")
    wheel(locked.index.directory, "library", "2.0")
    locked.configure(CONFIG + "[versions]\nlibrary = 2.0\n")
    output = locked.build()
    assert "eggcarton: pylock.toml: library 1.0 -> 2.0\n" in output
    for program in ("application", "theirs"):
        assert "application 1.0 greeting 1.0 library 2.0\n" == locked.run(program=program).output


def test_upgrade(locked: Buildout) -> None:
    """bin/eggcarton lock --upgrade NAME takes that one anew; without a name it takes all."""
    greeting(locked.index.directory, "2.0")
    wheel(locked.index.directory, "library", "2.0")
    assert (0, "pylock.toml is up to date.\n") == locked.run("lock", program="eggcarton")
    assert (0, "library 1.0 -> 2.0\n") == locked.run("lock", "--upgrade", "library", program="eggcarton")
    assert (0, "greeting 1.0 -> 2.0\n") == locked.run("lock", "--upgrade", program="eggcarton")
    locked.build()
    assert "application 1.0 greeting 2.0 library 2.0\n" == locked.run(program="application").output


def test_upgrade_of_what_is_not_locked(locked: Buildout) -> None:
    """A name that nothing is locked of is refused with the nearest one, and no lock is written."""
    text = locked.lock.read_bytes()
    greeting(locked.index.directory, "2.0")
    refused = locked.run("lock", "--upgrade", "greeting", "libary", program="eggcarton")
    assert (2, "Error: --upgrade: nothing is locked of libary; did you mean library?\n") == refused
    assert text == locked.lock.read_bytes()


def test_only_files_changed(locked: Buildout) -> None:
    """A lock whose versions stay is written when an index has more files of them, and that is told."""
    wheel(locked.index.directory, "library", "1.0", tag="py3-none-win_amd64")
    told = locked.run("lock", "--upgrade", program="eggcarton")
    assert (0, "library 1.0: other files, markers or requirements\n") == told
    assert "library-1.0-py3-none-win_amd64.whl" in locked.lock.read_text("utf-8")


def test_locking_holds_no_more_than_is_asked_for(locked: Buildout) -> None:
    """A run leaves what nothing asks for any more in the lock; bin/eggcarton lock takes it out, and asks no index."""
    only = CONFIG.replace("eggs = application", "eggs = library").replace("scripts = application\n", "scripts =\n")
    locked.configure(only.replace("scripts = application=theirs\n", ""))
    text = locked.lock.read_bytes()
    locked.build()
    assert text == locked.lock.read_bytes()
    told = locked.run("lock", program="eggcarton")
    assert (0, "application 1.0 removed\ngreeting 1.0 removed\n") == told
    assert [] == locked.index.requests


@pytest.mark.parametrize("allowed", [False, True])
def test_an_extra_that_is_not_there(locked: Buildout, allowed: bool) -> None:
    """A need that names an extra which is not there is refused, unless [buildout] allows it."""
    text = locked.lock.read_bytes()
    locked.configure(CONFIG.replace("eggs = application", "eggs = application[loud]", 1))
    if allowed:
        locked.build("allow-unknown-extras=true")
        return
    assert "part app needs application[loud], and application 1.0 has no extra loud" in locked.fails(status=2)
    assert text == locked.lock.read_bytes()


def test_locking_under_frozen(locked: Buildout) -> None:
    """bin/eggcarton lock writes the lock under policy = frozen too: it is the command that a refused run advises."""
    wheel(locked.index.directory, "library", "2.0")
    locked.configure(CONFIG + "[eggcarton]\npolicy = frozen\n[versions]\nlibrary = 2.0\n")
    assert "run bin/eggcarton lock" in locked.fails(status=3)
    assert (0, "library 1.0 -> 2.0\n") == locked.run("lock", program="eggcarton")
    locked.build()


def test_frozen_refuses_drift(locked: Buildout) -> None:
    """Under policy = frozen a lock that does not answer ends the run with status 3, and what drifted is named."""
    before = locked.tree("bin", "parts", "etc")
    text = locked.lock.read_bytes()
    frozen = CONFIG + "[eggcarton]\npolicy = frozen\n[versions]\nlibrary = 2.0\n"
    frozen = frozen.replace(
        "eggs = application\nscripts = application\n", "eggs =\n    application\n    absent\nscripts = application\n"
    )
    locked.configure(frozen)
    output = locked.fails(status=3)
    assert "policy = frozen" in output
    assert "  part app needs absent, which the lock does not have\n" in output
    assert "  [versions] asks for library 2.0, the lock has 1.0\n" in output
    assert before == locked.tree("bin", "parts", "etc")
    assert text == locked.lock.read_bytes()
    assert [] == locked.index.requests


def test_frozen_obeys_a_lock_that_answers(locked: Buildout) -> None:
    """Under policy = frozen a build whose lock answers succeeds, and without any lock it ends with status 3."""
    locked.configure(CONFIG + "[eggcarton]\npolicy = frozen\n")
    locked.build()
    locked.lock.unlink()
    assert "  there is no pylock.toml\n" in locked.fails(status=3)


def test_a_tampered_wheel(build: Buildout) -> None:
    """Bytes that are not those of the lock end the run with status 5; nothing of them is left or installed."""
    greeting(build.index.directory)
    build.configure(CONFIG.replace("eggs = application", "eggs = greeting").replace("application", "greet"))
    build.run("lock", program="eggcarton")
    build.index.fault("*.whl", "flip", forever=True)
    output = build.fails(status=5)
    assert "greeting-1.0-py3-none-any.whl" in output
    assert "the bytes hash to" in output
    assert [] == build.scripts()
    assert [] == [path for path in tree(build.root / "eggs", build.cache / "sha256") if "greeting" in path]
    assert not (build.root / ".installed.cfg").exists()


def test_a_wheel_that_was_replaced_on_the_index(locked: Buildout) -> None:
    """Another file under the locked name is refused, and the error says which it is."""
    lose_files(locked)
    wheel(locked.index.directory, "library", "1.0", {"library.py": "planted = True"})
    output = locked.fails(status=5)
    assert "library-1.0-py3-none-any.whl" in output
    assert "planted" not in "".join(path for path in tree(locked.root / "eggs"))


def test_an_index_that_is_down(build: Buildout) -> None:
    """Without an index, locking ends with status 4 in one sentence, and leaves no lock."""
    greeting(build.index.directory)
    build.configure(CONFIG.replace("application", "greeting"))
    build.index.stop()
    output = build.fails(status=4)
    assert f"127.0.0.1:{build.index.port}" in output
    assert not build.lock.exists()
    assert [] == build.scripts()


def test_an_index_that_is_down_when_a_locked_file_is_missing(locked: Buildout) -> None:
    """A locked file that cannot be had ends the run with status 4, and bin is as it was."""
    lose_files(locked)
    before = locked.tree("bin")
    locked.index.stop()
    output = locked.fails(status=4)
    assert "library-1.0-py3-none-any.whl: no route of index default serves it:\n" in output
    assert f"  http://127.0.0.1:{locked.index.port}/simple/: no connection" in output
    assert before == locked.tree("bin")


def test_offline_names_all_that_is_missing(locked: Buildout) -> None:
    """With -o no socket is opened, and every file that is neither in the store nor in the cache is named at once."""
    locked.build("-o")
    lose_files(locked)
    output = locked.fails("-o", status=4)
    assert output.endswith(
        "Error: offline, and 3 files are neither in the store nor in the cache:\n"
        "  application-1.0-py3-none-any.whl\n  greeting-1.0-py3-none-any.whl\n  library-1.0-py3-none-any.whl\n"
    )
    assert [] == locked.index.requests


def test_offline_cannot_lock(build: Buildout) -> None:
    """With -o a lock that has to be made is refused with status 4 and its reason."""
    build.configure(CONFIG)
    output = build.fails("-o", status=4)
    assert "offline, and pylock.toml must be made anew:\n  there is no pylock.toml\n" in output
    assert [] == build.index.requests


def test_wheels_beside_the_lock(locked: Buildout) -> None:
    """Files that lie in wheels/ beside the lock are taken from there, checked like any other, without the index."""
    lose_files(locked)
    (locked.root / "wheels").symlink_to(locked.index.directory)
    locked.build("-o")
    assert "application 1.0 greeting 1.0 library 1.0\n" == locked.run(program="application").output


def test_a_damaged_lock_is_named(locked: Buildout) -> None:
    """A lock without a sha256 is refused with status 5 before any request; one that is no TOML is told as such."""
    text = locked.lock.read_text("utf-8")
    locked.lock.write_text(re.sub(r"sha256 = \"[0-9a-f]+\"", 'md5 = "00"', text), "utf-8")
    assert "pylock.toml" in locked.fails(status=5)
    locked.lock.write_text("not = [toml", "utf-8")
    assert "pylock.toml is not a valid lock: " in locked.fails(status=5)
    assert [] == locked.index.requests


def test_what_cannot_be_solved_names_who_asks(build: Buildout) -> None:
    """When no versions fit, the message names the parts that ask and the pin that stands in the way."""
    for version in ("1.0", "2.0"):
        greeting(build.index.directory, version)
    build.configure(CONFIG.replace("eggs = application", "eggs = greeting>=2") + "[versions]\ngreeting = 1.0\n")
    output = build.fails(status=1)
    assert "  part app and part theirs ask for greeting>=2 (buildout.cfg:" in output
    assert "  [versions] has greeting = 1.0 (buildout.cfg:" in output


def test_a_requirement_that_is_none(build: Buildout) -> None:
    """A requirement that cannot be read is told with its part, before any request."""
    build.configure(
        CONFIG.replace("eggs = application\ninterp", "eggs = application=>1\ninterp").replace(
            "eggs = application", "eggs = =bad", 1
        )
    )
    output = build.fails(status=2)
    assert "Error: [app] option 'eggs'" in output
    assert [] == build.index.requests


def test_a_foreign_egg_under_a_right_name_is_not_trusted(locked: Buildout) -> None:
    """A directory that somebody put into the store under a distribution's name is not what a part imports."""
    planted = next((locked.root / "eggs/v5").glob("library-1.0-*.egg"))
    planted.unlink()
    planted.mkdir()
    (planted / "library.py").write_text("raise SystemExit('planted')", "utf-8")
    locked.run()
    assert "application 1.0 greeting 1.0 library 1.0\n" == locked.run(program="application").output
