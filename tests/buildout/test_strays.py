"""A name that is almost right is never silently nothing, and neither is a pin that holds on some Pythons only."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.distributions import source, wheel

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = library
"""


@pytest.fixture
def simple(build: Buildout) -> Buildout:
    """A buildout that wants a library of which there are two versions."""
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "library", version, {"library.py": ""})
    build.configure(CONFIG)
    return build


def test_a_section_almost_called_like_ours(simple: Buildout) -> None:
    """That a lock is frozen is never lost by a slip: the run ends before anything is done."""
    assert "nothing reads the section [egcarton]: did you mean [eggcarton]?" in simple.fails(
        "egcarton:policy=frozen", status=2
    )
    assert not simple.lock.exists()


def test_an_extension_almost_called_like_ours(simple: Buildout) -> None:
    """No index is asked for it, unless a pin says that it is meant, or it is developed here."""
    for word in ("eggcartn", "egg-carton"):
        told = (
            f"Error: [buildout] option 'extensions': there is no {word} here: did you mean eggcarton? If not, pin it in"
        )
        assert f"{told} [versions]\n" in simple.fails(f"buildout:extensions={word}", status=2)
    assert [] == simple.index.requests
    wheel(simple.index.directory, "eggcartons", "1.0", {"eggcartons.py": ""})
    simple.configure(CONFIG + "[versions]\neggcartons = 1.0\n")
    assert "did you mean" not in simple.run("buildout:extensions=eggcartons").output
    assert [] != simple.index.paths("*eggcartons*")
    source(simple.root, "eggcarton2", "1.0", {"eggcarton2.py": ""})
    simple.configure(CONFIG)
    output = simple.run("buildout:extensions=eggcarton2", "buildout:develop=eggcarton2").output
    assert "did you mean" not in output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[version]\nlibrary = 1.0\n", "nothing is pinned by the section [version]: did you mean [versions]?"),
        ("[versions-odl]\nlibrary = 1.0\n", "nothing reads the section [versions-odl]: no part has lock-group = odl"),
        ("[eggcarton]\nlock-group = x\n", "[eggcarton] option 'lock-group' has no effect"),
        ("[buildout]\npolicy = frozen\n", "[buildout] option 'policy' has no effect: it belongs into [eggcarton]"),
        ("[buildout]\ndownload-cache = .\ninstall-from-cache = true\n", "option 'install-from-cache' has no effect"),
        ("index = http://elsewhere.index.example/simple\n", "[app] option 'index' has no effect under the extension"),
    ],
)
def test_what_has_no_effect(simple: Buildout, text: str, told: str) -> None:
    """What nothing reads is told, and the run goes on."""
    simple.configure(CONFIG + text)
    assert told in simple.build()


def test_names_that_are_right(simple: Buildout) -> None:
    """What is read is not warned of."""
    own = f"[app]\nlock-group = old\nindex = {simple.index.url.rstrip('/')}"
    simple.configure(CONFIG.replace("[app]", own) + "[versions-old]\nlibrary = 1.0\n")
    output = simple.build()
    assert "nothing" not in output
    assert "no effect" not in output


def test_pins_under_a_condition(simple: Buildout) -> None:
    """That a condition is decided where the lock is made is told when it is made, and when it is why a lock drifted."""
    condition = "[versions:python_version >= '3.0']\nlibrary = 1.0\n"
    simple.configure(CONFIG + condition)
    told = "[versions:python_version >= '3.0'] in buildout.cfg: conditions are decided where the lock is made"
    assert told in simple.build()
    assert told not in simple.build()
    simple.configure(CONFIG + condition.replace("1.0", "2.0") + "[eggcarton]\npolicy = frozen\n")
    output = simple.fails(status=3)
    assert "[versions] asks for library 2.0, the lock has 1.0" in output
    assert told in output


def test_a_lock_for_each_condition(simple: Buildout) -> None:
    """A condition on our section gives what it holds for a lock of its own."""
    simple.configure(
        CONFIG
        + "[versions:python_version >= '3.0']\nlibrary = 1.0\n"
        + "[eggcarton:python_version >= '3.0']\nlock = pylock.three.toml\n"
    )
    simple.build()
    assert (simple.root / "pylock.three.toml").exists()
    assert not simple.lock.exists()
