"""What parts take from the machine's own Python: the names that they allow, or all of it, and nothing unasked."""

from __future__ import annotations

import re

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import pytest_stand_in
from support.machines import Machine

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = app
interpreter = py
allowed-eggs-from-site-packages = native
"""
TOLD = "taken from the machine, so neither locked nor verified: native 2.0 in"


@pytest.fixture
def own(build: Buildout, machine: Machine) -> Buildout:
    """A buildout whose Python has native 2.0 and a stranger; the index has native 1.0 and an app that needs it."""
    machine.runs(build)
    for name in ("native", "stranger"):
        machine.install(wheel(build.home, name, "2.0", {f"{name}/__init__.py": "", f"{name}/version.py": "own = 2"}))
    wheel(build.index.directory, "native", "1.0", {"native/__init__.py": "", "native/version.py": "own = 1"})
    wheel(build.index.directory, "app", "1.0", requires=["native"], console_scripts={"app": "app:main"})
    build.configure(CONFIG)
    return build


def imports(build: Buildout, statement: str, program: str = "py") -> str:
    """Return the last line that an interpreter of the buildout says to a statement."""
    return (build.run("-c", statement, program=program).output.splitlines() or [""])[-1]


def version(build: Buildout, program: str = "py") -> str:
    """Return which native an interpreter imports, as it says it."""
    return imports(build, "import native.version; print(native.version.own)", program)


def test_what_is_allowed_comes_from_the_machine(own: Buildout, machine: Machine) -> None:
    """What is allowed is imported from the machine and in no lock; what else the machine has is not seen."""
    output = own.build()
    assert f"[app] {TOLD} {machine.site_packages}\n" in output
    assert "2" == version(own)
    assert "ModuleNotFoundError: No module named 'stranger'" == imports(own, "import stranger")
    assert 'name = "app"' in own.lock.read_text("utf-8")
    assert 'name = "native"' not in own.lock.read_text("utf-8")
    assert [] == [path for _, path in own.index.requests if "native" in path]
    assert 1 == len(own.build().splitlines())


def test_nothing_has_to_require_it(own: Buildout) -> None:
    """A name that is allowed is there although nothing that is installed asks for it, with no egg at all too."""
    own.configure(CONFIG.replace("eggs = app", "eggs ="))
    own.build()
    assert "2" == version(own)
    assert "ModuleNotFoundError: No module named 'app'" == imports(own, "import app")


def test_another_recipe(own: Buildout) -> None:
    """Tests import it from the machine, too, so that an application can be tested that no index has all of."""
    pytest_stand_in(own.index.directory)
    own.configure(CONFIG.replace("eggcarton:scripts", "eggcarton:test").replace("interpreter = py\n", ""))
    own.build()
    assert 'name = "native"' not in own.lock.read_text("utf-8")
    assert 1 == len(list((own.root / "parts/.eggcarton/environments").glob("*/lib/*/site-packages/native")))


def test_a_pattern_allows_what_is_required(own: Buildout) -> None:
    """Of what a pattern allows a part has what it requires."""
    own.configure(CONFIG.replace("packages = native", "packages = *"))
    own.build()
    assert "2" == version(own)
    assert "ModuleNotFoundError: No module named 'stranger'" == imports(own, "import stranger")


def test_what_it_requires_is_locked(own: Buildout, machine: Machine) -> None:
    """What a distribution of the machine requires is locked, unless it is allowed as well."""
    machine.remove("native")
    machine.install(wheel(own.home, "native", "3.0", {"native/__init__.py": ""}, requires=["library>=1", "stranger"]))
    wheel(own.index.directory, "library", "1.0")
    own.configure(CONFIG.replace("packages = native", "packages = native stranger"))
    own.build()
    assert 'name = "library"' in own.lock.read_text("utf-8")
    assert 'name = "stranger"' not in own.lock.read_text("utf-8")
    assert "" == imports(own, "import native, library, stranger.version")


def test_another_version_is_asked_for(own: Buildout) -> None:
    """A requirement that the machine's version does not answer is refused before anything is locked."""
    own.configure(CONFIG.replace("eggs = app", "eggs = native>=3"))
    output = own.fails(status=2)
    assert (
        "Error: part app needs native>=3, and the machine has native 2.0; leave the name out of "
        "allowed-eggs-from-site-packages to have it locked, or change the machine's\n"
    ) in output
    assert not own.lock.exists()


def test_a_locked_one_asks_for_another_version(own: Buildout) -> None:
    """Where what is locked wants another version, an older one is taken that does not, or nothing is locked at all."""
    wheel(own.index.directory, "app", "2.0", requires=["native>=3"])
    wheel(own.index.directory, "native", "3.0")
    own.build()
    assert 'name = "app"\nversion = "1.0"' in own.lock.read_text("utf-8")
    own.configure(CONFIG.replace("eggs = app", "eggs = app==2.0"))
    before = own.lock.read_bytes()
    output = own.fails(status=1)
    assert "  part app asks for app==2.0 (buildout.cfg:7, [app] eggs)\n  the machine has native 2.0\n" in output
    assert "\n  native left out of allowed-eggs-from-site-packages: native 3.0 would be locked\n" in output
    assert before == own.lock.read_bytes()


def test_a_machine_without_it(own: Buildout, machine: Machine) -> None:
    """What the machine does not have is locked where something requires it, and refused where nothing does."""
    machine.remove("native")
    output = own.build()
    assert f"option 'allowed-eggs-from-site-packages': {machine.python} does not have native; what requires" in output
    assert "1" == version(own)
    assert 1 == len(own.build().splitlines())
    own.configure(CONFIG.replace("eggs = app", "eggs ="))
    assert (
        f"Error: [app] option 'allowed-eggs-from-site-packages': {machine.python} does not have native, and nothing "
        "that the part installs requires it: install it on the machine, or leave it out\n"
    ) in own.fails(status=2)


def test_frozen_on_a_machine_that_lost_it(own: Buildout, machine: Machine) -> None:
    """A frozen lock that was made where the machine had it is refused where the machine has not, and says so."""
    own.build()
    machine.remove("native")
    own.configure(f"{CONFIG}\n[eggcarton]\npolicy = frozen\n")
    output = own.fails(status=3)
    assert f"{machine.python} does not have native" in output
    assert "app needs native, which the lock does not have" in output
    assert "2" != version(own)


def test_frozen_on_a_machine_that_upgraded_it(own: Buildout, machine: Machine) -> None:
    """A frozen lock is refused where the machine has another version by now than what is locked wants."""
    wheel(own.index.directory, "app", "1.1", requires=["native<3"])
    own.build()
    machine.remove("native")
    machine.install(wheel(own.home, "native", "3.0"))
    own.configure(f"{CONFIG}\n[eggcarton]\npolicy = frozen\n")
    assert "app needs native<3, the machine has native 3.0\n" in own.fails(status=3)
    assert (3, True) == (
        (found := own.run("lock", "--check", program="eggcarton")).status,
        "the machine has native 3.0" in found.output,
    )
    own.configure(CONFIG)
    assert "pylock.toml: app 1.1 -> 1.0\n" in own.build()


def test_another_part_needs_it_locked(own: Buildout) -> None:
    """A part that does not allow it has it from the lock they share, and the one that does from the machine."""
    own.configure(
        CONFIG.replace("parts = app", "parts = app other") + "[other]\nrecipe = eggcarton:scripts\neggs = app\n"
        "interpreter = other\nscripts =\n"
    )
    own.build()
    assert ["2", "1"] == [version(own), version(own, "other")]
    assert 'name = "native"\nversion = "1.0"' in own.lock.read_text("utf-8")
    assert 1 == len(own.build().splitlines())
    before = own.lock.read_bytes()
    assert (0, before) == (own.run("lock", "--check", program="eggcarton").status, own.lock.read_bytes())
    assert (0, before) == (own.run("lock", program="eggcarton").status, own.lock.read_bytes())
    assert (0, "") == (own.run("verify", program="eggcarton").status, "")


def test_the_machine_has_another_one(own: Buildout, machine: Machine) -> None:
    """A part is built again when the machine's distribution is another one, and verify says that it is not yet."""
    own.build()
    assert 0 == own.run("verify", program="eggcarton").status
    machine.remove("native")
    again = wheel(own.home, "native", "2.0", {"native/__init__.py": "", "native/version.py": "own = 3", "other.py": ""})
    machine.install(again)
    status, output = own.run("verify", program="eggcarton")
    assert (5, True) == (status, "the machine's native is another one than when it was made" in output), output
    assert TOLD in own.build()
    assert "" == imports(own, "import other")
    assert 0 == own.run("verify", program="eggcarton").status


def test_commands(own: Buildout) -> None:
    """Commands that look at locks know what comes from the machine."""
    own.build()
    assert (0, True) == (
        (found := own.run("why", "native", program="eggcarton")).status,
        "app needs native : native 2.0, taken from the machine\n" in found.output,
    ), found.output
    for command in (("lock", "--check"), ("plan",), ("outdated",), ("verify",)):
        status, output = own.run(*command, program="eggcarton")
        assert (0, False) == (status, "Traceback" in output), (command, output)


def test_a_name_that_nothing_requires_is_told_with_its_option(own: Buildout) -> None:
    """A name that only the option asks for is told with it."""
    own.configure(CONFIG.replace("eggs = app", "eggs ="))
    own.build()
    expected = [
        "part app asks for native : native 2.0, taken from the machine",
        "asked in buildout.cfg by [app] allowed-eggs-from-site-packages",
    ]
    assert expected == own.run("why", "native", program="eggcarton").output.splitlines()


def test_without_the_extension(own: Buildout, machine: Machine) -> None:
    """Without the extension it comes from the machine, too, whatever newer ones the index has, and is checked."""
    wheel(own.index.directory, "native", "3.0", {"native/__init__.py": "", "native/version.py": "own = 3"})
    own.configure(CONFIG.replace("extensions = eggcarton", ""))
    assert f"[app] {TOLD} {machine.site_packages}\n" in own.build()
    assert "2" == version(own)
    assert "ModuleNotFoundError: No module named 'stranger'" == imports(own, "import stranger")
    assert [] == [path for _, path in own.index.requests if "native" in path]
    wheel(own.index.directory, "app", "2.0", requires=["native>=3"])
    assert (
        "Error: [app] native>=3 is asked for, and the machine has native 2.0; leave the name out of "
        "allowed-eggs-from-site-packages, or change the machine's\n"
    ) in own.fails(status=2)
    machine.remove("native")
    own.build()
    assert "3" == version(own)


def test_all_of_the_machine(own: Buildout, machine: Machine) -> None:
    """With include-site-packages all of the machine is seen behind what is locked, but never the user's own."""
    users = own.home / ".local/lib" / machine.site_packages.parent.name / "site-packages"
    users.mkdir(parents=True)
    (users / "users_own.py").touch()
    machine.write("app.py", "raise ImportError('the wrong one')\n")
    own.configure(CONFIG.replace("allowed-eggs-from-site-packages = native", "include-site-packages = true"))
    output = own.build()
    assert "[app] include-site-packages = true: all that" in output
    assert "1" == version(own)
    assert "" == imports(own, "import app, stranger")
    assert "ModuleNotFoundError: No module named 'users_own'" == imports(own, "import users_own")
    own.configure(CONFIG.replace("allowed-eggs-from-site-packages = native", "include-site-packages = false"))
    own.build()
    assert "ModuleNotFoundError: No module named 'stranger'" == imports(own, "import stranger")


@pytest.mark.parametrize("everything", [False, True], ids=["one name", "all of it"])
def test_it_is_not_called_locked(own: Buildout, everything: bool) -> None:
    """verify does not promise more for a build with something of the machine than that versions are pinned."""
    if everything:
        own.configure(CONFIG.replace("allowed-eggs-from-site-packages = native", "include-site-packages = true"))
    own.build()
    status, output = own.run("verify", program="eggcarton")
    assert (0, "This build is pinned.") == (status, re.sub(r"(?s).*?(This build is [a-z-]+\.).*", r"\1", output)), (
        output
    )
    told = "a part has include-site-packages = true" if everything else "native 2.0 comes from the machine's own Python"
    assert told in output
