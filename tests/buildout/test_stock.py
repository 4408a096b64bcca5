"""Under a stock bin/buildout what was loaded before the extension is brought in line with the lock, or told."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from eggcarton.buildout import stock
from eggcarton.core.errors import UsageProblem
from support.adoption import VERSIONS, Adoption
from support.buildouts import Buildout, run
from support.distributions import wheel
from support.fakes import greeting
from support.index import Index

TELLING = "def load(buildout):\n    print('telling', {!r})\n"
CONFIG = """
[buildout]
extensions = telling eggcarton
find-links = {}
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
interpreter = py
"""


@pytest.fixture(params=VERSIONS)
def site(request: pytest.FixtureRequest, tmp_path: Path, index: Index, adoption: Adoption) -> Buildout:
    """A checkout whose only part has a recipe of ours, with an extension of somebody else."""
    adoption.fill(index.directory)
    greeting(index.directory)
    telling(index, "1.0")
    build = adoption.checkout(tmp_path, request.param, index)
    build.configure(CONFIG.format(adoption.vendored()))
    return build


def telling(index: Index, version: str) -> None:
    """Put another version of the extension on the index."""
    modules = {"telling.py": TELLING.format(version)}
    wheel(
        index.directory,
        "telling",
        version,
        modules,
        entry_points={"zc.buildout.extension": {"default": "telling:load"}},
    )


def fresh_with_newer(site: Buildout) -> None:
    """Take away all but what a fresh checkout has, and put a newer extension on the index."""
    telling(site.index, "2.0")
    for name in ("eggs", "downloads/dist"):
        shutil.rmtree(site.home / name, ignore_errors=True)
    for name in ("parts", "develop-eggs"):
        shutil.rmtree(site.root / name)
    (site.root / ".installed.cfg").unlink()
    (site.bin / "eggcarton").unlink()


def test_the_configuration_of_a_command_line() -> None:
    """The file that a stock main reads is known by its arguments, which may stand in one word."""
    lines = (
        "",
        "-n",
        "-c site.cfg",
        "-vc site.cfg install a=b",
        "-csite.cfg -t 5",
        "buildout:parts=c -t 5 -Nc site.cfg",
    )
    assert ["buildout.cfg", "buildout.cfg", *["site.cfg"] * 4] == [stock.config(line.split()) for line in lines]
    assert "buildout.cfg" == stock.config(["install", "-c", "site.cfg"])


def test_a_zc_buildout_that_is_too_old() -> None:
    """An old zc.buildout is refused with the command that upgrades it; the one that runs here is not."""
    stock.check()
    with pytest.raises(UsageProblem) as raised:
        stock.check("99.1")
    assert "works with 99.1 and later" in str(raised.value)
    assert str(raised.value).endswith(f"\n{sys.executable} -m pip install --upgrade 'zc.buildout>=99.1'")


@pytest.mark.slow
def test_nothing_is_asked_twice(site: Buildout) -> None:
    """The first run gets the extension and locks; whatever newest says later runs ask nobody and change nothing."""
    site.build()
    assert "greeting 1.0\n" == site.run(program="greet").output
    before = site.tree("bin", "parts")
    site.index.requests.clear()
    for newest in ("-n", "-N", "-o"):
        output = site.build(newest)
        assert 1 == output.count("eggcarton: "), output
        assert "1 part unchanged" in output
    assert [] == site.index.requests
    changed = {path for path, standing in site.tree("bin", "parts").items() if before.get(path) != standing}
    assert [] == [path for path in changed if "/.eggcarton/state/" not in path]


@pytest.mark.slow
def test_a_run_starts_anew_with_what_is_locked(site: Buildout) -> None:
    """A fresh checkout for which stock has taken a newer extension goes on with the locked one; so do later runs."""
    assert "telling 1.0\n" in site.build()
    fresh_with_newer(site)
    lock = (site.root / "pylock.recipes.toml").read_bytes()
    output = site.build()
    assert "locked are telling 1.0: zc.buildout had taken telling 2.0, so this run starts anew" in output
    assert output.rindex("telling 1.0\n") > output.index("starts anew")
    site.index.requests.clear()
    output = site.build()
    assert ("telling 1.0\n" in output, "telling 2.0\n" in output) == (True, False), output
    assert [] == site.index.requests
    assert lock == (site.root / "pylock.recipes.toml").read_bytes()
    assert "greeting 1.0\n" == site.run(program="greet").output


@pytest.mark.slow
def test_a_run_from_elsewhere(site: Buildout) -> None:
    """Where the command line is relative to another directory, the same configuration is gone on with, and noted."""
    site.build()
    fresh_with_newer(site)
    words = ["site/bin/buildout", "-c", "site/buildout.cfg", "install", "app"]
    status, output = run(words, cwd=site.root.parent, variables=site.environment())
    assert 0 == status, output
    assert output.rindex("telling 1.0\n") > output.index("starts anew")
    noted = json.loads((site.root / "parts/.eggcarton/state/extended.json").read_text("utf-8"))
    assert [str(site.root / "buildout.cfg")] == list(noted)


@pytest.mark.slow
def test_the_program_beside_it(site: Buildout) -> None:
    """bin/eggcarton is written, works, and goes with the line; one that somebody else has put there stays as it is."""
    site.build()
    status, output = site.run("lock", "--check", program="eggcarton")
    assert (0, "pylock.toml, pylock.recipes.toml answer the configuration.") == (status, output.splitlines()[-1]), (
        output
    )
    config = (site.root / "buildout.cfg").read_text("utf-8")
    site.configure(config.replace("telling eggcarton", "telling"))
    assert "eggcarton's extension is not in force" in site.build()
    assert not (site.bin / "eggcarton").exists()
    assert "greeting 1.0\n" == site.run(program="greet").output
    (site.bin / "eggcarton").write_text("mine", "utf-8")
    site.configure(config)
    site.build()
    assert "mine" == (site.bin / "eggcarton").read_text("utf-8")


@pytest.mark.slow
def test_offline_from_the_start(site: Buildout) -> None:
    """With -o a checkout that has eggcarton, and not yet what that works with, opens no socket, and says what to do."""
    site.build()
    hidden = next(site.home.glob("eggs/v5/.eggcarton"))
    shutil.rmtree(next(hidden.glob("closed-set-*")))
    shutil.rmtree(site.cache / "closed-set")
    (site.root / "pylock.toml").unlink()
    site.index.requests.clear()
    output = site.fails("-o", status=4)
    assert "offline, and the libraries that eggcarton itself works with are not in" in output
    assert "nor in the cache" in output
    assert [] == site.index.requests


@pytest.mark.slow
def test_another_store_offline(site: Buildout) -> None:
    """What eggcarton works with is in the cache since it was fetched; another store has it without asking anybody."""
    site.build()
    hidden = next(site.home.glob("eggs/v5/.eggcarton"))
    shutil.rmtree(next(hidden.glob("closed-set-*")))
    shutil.rmtree(site.root / "parts")
    site.index.requests.clear()
    assert "Getting" not in site.build("-o", "eggcarton:policy=frozen")
    assert [] == site.index.requests
    assert "greeting 1.0\n" == site.run(program="greet").output


@pytest.mark.slow
def test_a_lock_that_was_made_under_bootstrap(site: Buildout) -> None:
    """It has no zc.recipe.egg, which a stock zc.buildout needs: frozen, that is told with what does help."""
    config = (site.root / "buildout.cfg").read_text("utf-8").replace("eggcarton:scripts", "zc.recipe.egg")
    site.configure(config.replace("telling eggcarton", "eggcarton"))
    site.build()
    answers_both = (site.root / "pylock.recipes.toml").read_bytes()
    (site.root / "pylock.recipes.toml").unlink()
    output = site.fails("eggcarton:policy=frozen", status=3)
    assert "run bin/buildout here without policy = frozen, and commit the lock for both" in output
    site.build()
    assert answers_both == (site.root / "pylock.recipes.toml").read_bytes()
    site.build("eggcarton:policy=frozen")
    assert "greeting 1.0\n" == site.run(program="greet").output
