"""The sides of the contest: eggcarton, stock zc.buildout with the same parts and pins, and uv alone."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from material import Material, Pin, normalized
from measure import REPOSITORY, Runner, put_aside, run

EXAMPLE = REPOSITORY / "examples/guestbook"
IMPORTS = [
    "guestbook",
    "pyramid",
    "pyramid_jinja2",
    "pyramid_tm",
    "sqlalchemy",
    "transaction",
    "zope.sqlalchemy",
    "zope.interface",
    "jinja2",
    "webob",
]
LEFTOVERS = shutil.ignore_patterns(
    "bin",
    "parts",
    "eggs",
    "develop-eggs",
    "var",
    "etc",
    ".installed.cfg",
    "*.egg-info",
    "__pycache__",
    ".*cache",
)

STOCK_CONFIG = """\
[buildout]
develop = .
parts = app web test coverage
index = {index}
versions = versions
allow-picked-versions = false

[app]
recipe = zc.recipe.egg
eggs = guestbook
interpreter = py

[web]
recipe = zc.recipe.egg
eggs =
    guestbook
    waitress
scripts = web
entry-points = web=waitress.runner:run

[test]
recipe = zc.recipe.egg
eggs = guestbook[test]
scripts = test
entry-points = test=pytest:console_main
initialization =
    import os, sys
    os.chdir({directory!r})
    sys.argv[1:] = sys.argv[1:] or ["-q", "--pyargs", "guestbook"]

[coverage]
recipe = zc.recipe.egg
eggs =
    guestbook[test]
    coverage
scripts = coverage
entry-points = coverage=coverage.cmdline:main

[versions]
{versions}"""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way to build the example: a copy of it, its own home, and a copy of both as they were after bootstrap."""

    name: str
    place: Path
    python: Path
    material: Material
    index: str

    @property
    def application(self) -> Path:
        return self.place / "application"

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables with nothing of this machine's but its PATH: one index, no configuration, an empty home."""
        home = self.place / "home"
        return {
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PIP_INDEX_URL": self.index,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_DEFAULT_INDEX": self.index,
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "EGGCARTON_CACHE": str(home / ".cache/eggcarton"),
        }

    def bootstrap(self) -> None:
        """Make a fresh copy of the example and everything that a build begins with; keep a copy of that state."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.check_out()
        (self.place / "home").mkdir()
        self.make_tools()
        shutil.copytree(self.application, self.place / "kept/application", symlinks=True)

    def check_out(self) -> None:
        """Make the directory of what is to be built."""
        shutil.copytree(EXAMPLE, self.application, ignore=LEFTOVERS)

    def make_tools(self) -> None:
        """Make what is there before the clock starts."""
        raise NotImplementedError

    def empty(self) -> None:
        """Bring back the state after bootstrap: nothing built, every store, cache and home empty."""
        put_aside(self.place, "application", "home")
        shutil.copytree(self.place / "kept/application", self.application, symlinks=True)
        (self.place / "home").mkdir()

    @property
    def build(self) -> tuple[str | Path, ...]:
        """The command that builds everything, and that does nothing the second time."""
        return (self.application / "bin/buildout",)

    def check(self) -> None:
        """See that what was built works: imports in the lock's versions, the application's own tests, its script."""
        check_imports(self, self.application / "bin/py")
        run([self.application / "bin/test"], self.place, self.environment)
        run(self.script, self.place, self.environment)

    @property
    def script(self) -> tuple[str | Path, ...]:
        """A generated console script that imports much of the application and ends at once."""
        return (self.application / "bin/guestbook-admin", "--help")

    def building(self, *, from_nothing: bool) -> Runner:
        """Return the build as something to measure."""
        return Runner(
            name=self.name,
            command=self.build,
            directory=self.application,
            environment=self.environment,
            prepare=self.empty if from_nothing else lambda: None,
            check=self.check if from_nothing else lambda: None,
        )

    def starting(self) -> Runner:
        """Return the start of the console script as something to measure."""
        return Runner(name=self.name, command=self.script, directory=self.place, environment=self.environment)


class Ours(Side):
    """eggcarton, from this checkout."""

    def make_tools(self) -> None:
        """Run bootstrap.py with no parts to build; its toolchain comes from the machine's own index."""
        nothing = ["buildout:parts=", "buildout:develop="]
        environment = {**os.environ, "HOME": str(self.place / "home")}
        environment["EGGCARTON_CACHE"] = self.environment["EGGCARTON_CACHE"]
        run([self.python, REPOSITORY / "bootstrap.py", self.application, *nothing], self.place, environment)


class Stock(Side):
    """zc.buildout and zc.recipe.egg in a virtual environment, parts and pins equal to ours."""

    def make_tools(self) -> None:
        """Make the virtual environment with uv, and the configuration that says the same as the example's."""
        venv = self.place / "toolchain"
        (self.application / "buildout.cfg").write_text(self.config())
        wanted = self.place / "toolchain.txt"
        wanted.write_text("".join(f"{pin}\n" for pin in self.pins))
        uv = self.material.uv
        run([uv, "venv", "-q", "--python", self.python, venv], self.place, self.environment)
        names = ["zc.buildout", "zc.recipe.egg", "setuptools", "pip", "wheel"]
        into = ["--python", str(venv / "bin/python"), "-c", str(wanted)]
        run([uv, "pip", "install", "-q", *into, *names], self.place, self.environment)
        run([venv / "bin/buildout", "bootstrap"], self.application, self.environment)

    @property
    def pins(self) -> list[Pin]:
        """The lock's, and those of what the lock has no need for."""
        return [*self.material.pins, *self.material.toolchain]

    def config(self) -> str:
        """Return the configuration that says the same as ours."""
        versions = "".join(f"{pin.name} = {pin.version}\n" for pin in self.pins)
        return STOCK_CONFIG.format(index=self.index, directory=str(self.application), versions=versions)

    def not_newest(self) -> Runner:
        """Return the build that does not look for newer versions, as a third side of the second run."""
        return Runner(
            name=f"{self.name}, newest=false",
            command=(*self.build, "-N"),
            directory=self.application,
            environment=self.environment,
        )


class Uv(Side):
    """uv alone: a virtual environment with the same wheels and the example as an editable package."""

    def make_tools(self) -> None:
        """Write the requirements and the one line of shell that makes the environment from them."""
        wanted = self.place / "requirements.txt"
        wanted.write_text(f"-e {self.application}\n{self.material.requirements}")

    @property
    def build(self) -> tuple[str | Path, ...]:
        """`uv venv` and `uv pip sync`, one after the other."""
        line = '"$0" venv -q --clear --python "$1" .venv && "$0" pip sync -q --python .venv/bin/python "$2"'
        return ("/bin/sh", "-c", line, self.material.uv, self.python, self.place / "requirements.txt")

    @property
    def script(self) -> tuple[str | Path, ...]:
        return (self.application / ".venv/bin/guestbook-admin", "--help")

    def check(self) -> None:
        python = self.application / ".venv/bin/python"
        check_imports(self, python)
        run([python, "-m", "pytest", "-q", "--pyargs", "guestbook"], self.application, self.environment)
        run(self.script, self.place, self.environment)


IMPORT_ALL = f"""
import importlib, importlib.metadata, json
found = [(one.metadata["Name"], one.version) for one in importlib.metadata.distributions()]
for name in {IMPORTS!r}:
    importlib.import_module(name)
print(json.dumps(found))
"""


def check_imports(side: Side, python: Path) -> None:
    """See that an interpreter imports what it should, in the versions of the lock."""
    found = json.loads(run([python, "-c", IMPORT_ALL], side.place, side.environment))
    pins = {normalized(pin.name): pin.version for pin in side.material.pins}
    wrong = [(name, version) for name, version in found if pins.get(normalized(name), version) != version]
    if wrong:
        raise SystemExit(f"{side.name} installed other versions than the lock's: {wrong}")
