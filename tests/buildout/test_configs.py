"""One lock serves several configurations: whenever something is locked, what all of them need is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.buildouts import Buildout
from support.distributions import source, wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow

COMMON = """
[buildout]
extensions = eggcarton
parts = app

[eggcarton]
configs = buildout.cfg production.cfg

[app]
recipe = eggcarton:scripts
eggs = web
interpreter = py
"""
PRODUCTION = """
[buildout]
extends = buildout.cfg
parts += server

[eggcarton]
policy = frozen

[server]
recipe = eggcarton:scripts
eggs = server<2
interpreter = server
"""


def versions(lock: Path) -> dict[str, str]:
    return {package["name"]: package["version"] for package in tomllib.loads(lock.read_text("utf-8"))["packages"]}


@pytest.fixture
def both(build: Buildout) -> Buildout:
    """A buildout with a configuration for development, and one for production that needs a server more."""
    wheel(build.index.directory, "web", "1.0", {"web.py": ""})
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "server", version, {"server.py": ""}, requires=["library"])
        wheel(build.index.directory, "library", version, {"library.py": ""})
    build.configure(COMMON)
    build.write("production.cfg", PRODUCTION)
    return build


def test_what_one_lock_holds(both: Buildout) -> None:
    """A run of one configuration locks what the others need; under frozen those then have all they ask for."""
    both.build()
    assert {"library": "2.0", "server": "1.0", "web": "1.0"} == versions(both.lock)
    assert "server" not in both.scripts()
    before = both.lock.read_bytes()
    both.build("-c", "production.cfg")
    assert "server" in both.scripts()
    assert before == both.lock.read_bytes()


def test_a_run_with_nothing_to_lock(both: Buildout) -> None:
    """Where the lock answers, the other configurations are not even read."""
    both.build()
    both.write("production.cfg", "no configuration at all")
    both.index.requests.clear()
    both.build()
    assert [] == both.index.requests


def test_locking_from_either(both: Buildout) -> None:
    """Whichever configuration the lock is made by, it is the same, and complete."""
    both.build()
    made = both.lock.read_bytes()
    for config in ("production.cfg", "buildout.cfg"):
        assert (0, "pylock.toml is up to date.\n") == both.run("-c", config, "lock", program="eggcarton")
        assert made == both.lock.read_bytes()
        both.lock.unlink()
        assert 0 == both.run("-c", config, "lock", program="eggcarton").status
        assert made == both.lock.read_bytes()


def test_what_no_configuration_needs_any_more(both: Buildout) -> None:
    """Locking by command takes out what none needs, and leaves what another needs."""
    both.build()
    both.write("production.cfg", PRODUCTION.replace("server<2", "library"))
    output = both.run("lock", "--check", program="eggcarton").output
    assert "the lock has server 1.0, which nothing leads to" in output
    assert "library 2.0" not in output
    assert (0, "server 1.0 removed\n") == both.run("lock", program="eggcarton")


def test_whose_need_it_is(both: Buildout) -> None:
    """What only another configuration asks for is told with its name and file."""
    both.build()
    status, output = both.run("why", "library", program="eggcarton")
    assert 0 == status
    assert "part server of production.cfg asks for server<2 > server needs library : library 2.0" in output
    assert "asked in production.cfg by [server] eggs" in output


def test_configurations_that_exclude_each_other(both: Buildout) -> None:
    """Versions that exclude each other are told with the configurations that ask for them; the lock stands."""
    both.build()
    before = both.lock.read_bytes()
    both.configure(COMMON.replace("eggs = web", "eggs =\n    web\n    server>=2"))
    output = both.fails(status=1)
    assert "part server of production.cfg asks for server<2" in output
    assert "part app asks for server>=2" in output
    assert before == both.lock.read_bytes()


def test_options_that_differ(both: Buildout) -> None:
    """What holds for a whole lock has to be the same in all configurations that share it."""
    both.write("production.cfg", PRODUCTION.replace("parts += server", "parts += server\nprefer-final = false"))
    assert "[buildout] prefer-final is false in production.cfg and true in the configuration" in both.fails(status=2)
    assert not both.lock.exists()


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (None, 2, "option 'configs': there is no production.cfg"),
        ("[buildout]\nparts =\n", 2, "production.cfg, which 'configs' in [eggcarton] names: it has no 'extensions"),
        (PRODUCTION + "recipe\n", 2, "production.cfg, which 'configs' in [eggcarton] names: "),
        (PRODUCTION.replace("policy = frozen", "lock = other.toml"), 2, "production.cfg locks to "),
    ],
)
def test_a_configuration_that_cannot_share(both: Buildout, text: str | None, status: int, told: str) -> None:
    """One that is not there, cannot be read, or locks elsewhere is named; nothing is locked."""
    if text is None:
        (both.root / "production.cfg").unlink()
    else:
        both.write("production.cfg", text)
    assert told in both.fails(status=status)
    assert not both.lock.exists()


def test_a_group_and_a_develop_package_of_one_alone(both: Buildout) -> None:
    """What only another configuration develops, and a lock group that only it has, are locked from here too."""
    source(both.root, "mine", "0.1", {"mine.py": ""}, requires=["library<2"])
    old = "\n[old]\nrecipe = eggcarton:scripts\neggs = server>=2\nlock-group = old\n"
    both.write("production.cfg", PRODUCTION.replace("parts += server", "parts += server old\ndevelop = mine") + old)
    assert 0 == both.run("lock", program="eggcarton").status
    assert {"library": "1.0", "server": "1.0", "web": "1.0"} == versions(both.lock)
    assert {"library": "2.0", "server": "2.0"} == versions(both.root / "pylock.old.toml")
    both.build("-c", "production.cfg")
