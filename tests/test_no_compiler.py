"""Where there is no compiler and no home: what is usually compiled comes as wheels, and can be imported."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.indexes.configured import pip_settings
from support.buildouts import CHECKOUT, Result, run
from support.users import NOBODY, same_python_for_anybody

NO_NETWORK = 4
COMPILERS = ("cc", "gcc", "clang", "c99", "c++", "g++", "x86_64-linux-gnu-gcc", "rustc", "cargo", "pg_config")

pytestmark = pytest.mark.slow

CONFIG = """\
[buildout]
extensions = eggcarton
parts = app stock

[app]
recipe = eggcarton:scripts
eggs =
    Twisted
    lxml
    cryptography
    psycopg[binary]
interpreter = py

[stock]
recipe = zc.recipe.egg
eggs = ${app:eggs}
interpreter = stock
scripts = twistd=stock-twistd
"""
USED = """\
import os, shutil, sys
import lxml.etree, psycopg.pq
from cryptography.fernet import Fernet
from twisted.internet import defer, reactor

assert 2 == len(lxml.etree.fromstring("<a><b/><c/></a>"))
assert b"secret" == Fernet(key := Fernet.generate_key()).decrypt(Fernet(key).encrypt(b"secret"))
reactor.callLater(0, reactor.stop)
reactor.run()
print(psycopg.pq.__impl__, os.getuid(), [name for name in sys.argv[1:] if shutil.which(name)])
"""
IMPORTED = """\
import cryptography.fernet, lxml.etree, psycopg.pq, twisted.internet.defer
print(psycopg.pq.__impl__)
"""


class Account:
    """A user without a home, on a machine with Python, a shell, and no compiler."""

    def __init__(self, place: Path, python: Path) -> None:
        self.root, self.python = place / "site", python
        self.programs = place / "programs"
        self.programs.mkdir()
        for name in ("sh", "env"):
            (self.programs / name).symlink_to(shutil.which(name, path=os.defpath) or "")
        self.root.mkdir()
        os.chown(self.root, NOBODY, -1)

    def run(self, *command: str | Path) -> Result:
        """Run a command as this user, with the machine's own way to an index."""
        variables = {"PATH": str(self.programs), "HOME": "/nonexistent", "LANG": "C.UTF-8"}
        variables |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        known = pip_settings(os.environ, Path.home())
        given = {"PIP_INDEX_URL": known.index, "PIP_CERT": known.certificate, "PIP_PROXY": known.proxy}
        variables |= {name: value for name, value in given.items() if value}
        return run(command, cwd=self.root, variables=variables, user=NOBODY)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that any user may enter; pytest closes its own to all others whenever another pytest starts."""
    with tempfile.TemporaryDirectory(prefix="eggcarton-account-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def checkout(place: Path, wheels: Path) -> Path:
    """What bootstrap.py needs, where any user may read it; the toolchain's wheels are beside it."""
    checkout = place / "checkout"
    checkout.mkdir()
    for name in ("bootstrap.py", "toolchain.txt", "setup.py", "README.rst", "LICENSE.txt"):
        shutil.copyfile(CHECKOUT / name, checkout / name)
    made = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(CHECKOUT / "src", checkout / "src", ignore=made)
    shutil.copytree(wheels, checkout / "wheels", copy_function=shutil.copyfile)
    for path in (checkout, *checkout.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return checkout


def test_binary_distributions(place: Path, checkout: Path) -> None:
    """Twisted, lxml, cryptography and psycopg's binary form are locked, installed and used, by stock recipes too."""
    account = Account(place, same_python_for_anybody())
    (account.root / "buildout.cfg").write_text(CONFIG, "utf-8")
    status, output = account.run(account.python, checkout / "bootstrap.py", account.root, "--from", checkout / "wheels")
    if status == NO_NETWORK:
        pytest.skip(f"the four cannot be locked here: {output.splitlines()[-1]}")
    assert 0 == status, output
    assert f"{account.root}/.eggcarton/cache is used." in output
    used = account.run(account.root / "bin/py", "-c", USED, *COMPILERS)
    assert Result(0, f"binary {NOBODY} []\n") == used
    # The interpreter of zc.recipe.egg lets the machine's own packages in, and Twisted takes what it finds there.
    imported = account.run(account.root / "bin/stock", "-c", IMPORTED)
    assert Result(0, "binary\n") == imported
    status, output = account.run(account.root / "bin/eggcarton", "verify")
    assert (0, True) == (status, "This build is air-gapped." in output), output
