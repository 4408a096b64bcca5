"""Builds share one store at the same moment, as several users, and when one of them is killed or out of room."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggcarton.packages.store_names import HIDDEN
from support.buildouts import CHECKOUT, WAIT, Buildout, Result, stop, wait_for
from support.distributions import wheel
from support.index import Index
from support.users import same_python_for_anybody

pytestmark = pytest.mark.slow

NUMBER = 12
CONFIG = """
[buildout]
extensions = eggcarton
parts = app
eggs-directory = {store}

[app]
recipe = eggcarton:scripts
eggs = many0
interpreter = py
"""


def fill(index: Index) -> None:
    """Put a chain of distributions on an index."""
    for number in range(NUMBER):
        requires = [f"many{number + 1}"] if number + 1 < NUMBER else []
        modules = {f"many{number}.py": f"n = {number}\n", f"more{number}/data.py": f"d = '{'x' * 30_000}'\n"}
        wheel(index.directory, f"many{number}", modules=modules, requires=requires)


@pytest.fixture
def both(build: Buildout, tmp_path: Path) -> tuple[Buildout, Buildout]:
    """Two checkouts with one store and one cache, neither built."""
    fill(build.index)
    build.configure(CONFIG.format(store="eggs"))
    other = Buildout(root=tmp_path / "other", home=build.home, index=build.index, variables=build.variables)
    shutil.copytree(build.root, other.root, symlinks=True, ignore=shutil.ignore_patterns("eggs"))
    for name in ("buildout", "eggcarton"):
        script = other.bin / name
        script.write_text(script.read_text("utf-8").replace(f"{build.root}/bin", f"{other.root}/bin"), "utf-8")
    other.configure(CONFIG.format(store=build.root / "eggs"))
    return build, other


def places(build: Buildout) -> list[Path]:
    """The directories of the files of what is locked here, and not of the toolchain, which is another store's."""
    hidden = build.root / "eggs/v5" / HIDDEN
    found = (place for place in hidden.iterdir() if re.fullmatch("[0-9a-f]{64}", place.name))
    return sorted(place for place in found if not place.is_symlink())


def fetched(output: str) -> int:
    """The number of distributions that a run has unpacked out of files that it fetched, or found in the cache."""
    cached = re.search(r", (\d+) from the cache", output)
    return int(re.findall(r"(\d+) fetched", output)[-1]) + int(cached[1] if cached else 0)


def asked(index: Index) -> list[str]:
    """The files that were asked for."""
    return sorted(path for path in index.paths("/files/*.whl"))


def half_there(build: Buildout, project: str) -> bool:
    """Whether the first bytes of the file of a project have come."""
    (sha256,) = (found.sha256 for found in build.index.distributions() if found.project == project)
    path = build.cache / "partial" / sha256
    return path.exists() and path.stat().st_size > 0


def works(build: Buildout) -> bool:
    """Whether all that a build needs is there, to the last byte."""
    code = "import importlib; print(sum(len(importlib.import_module(f'more{n}.data').d) for n in range(12)))"
    status, output = build.run("verify", program="eggcarton")
    return build.run("-c", code, program="py") == Result(0, "360000\n") and status == 0 and "This build is" in output


def test_two_builds_at_once(both: tuple[Buildout, Buildout]) -> None:
    """Two builds that begin at the same moment fetch each file once and unpack each egg once, and both are whole."""
    started = [each.start() for each in both]
    outputs = [process.communicate(timeout=WAIT)[0] for process in started]
    assert [0, 0] == [process.returncode for process in started], outputs
    assert NUMBER == len(places(both[0])) == sum(map(fetched, outputs))
    assert NUMBER == len(asked(both[0].index)) == len(set(asked(both[0].index)))
    assert [True, True] == [works(build) for build in both]


def test_one_of_two_is_killed(both: tuple[Buildout, Buildout]) -> None:
    """When the build is killed that another one waits for, that goes on where it was."""
    build, other = both
    build.index.fault("/files/*many5-*.whl", "stall:0.5", "ok")
    first = build.start()
    # Half of that file is there, and no more comes of it. The others come and go meanwhile, and are not looked at.
    wait_for(lambda: half_there(build, "many5"), first)
    second = other.start()
    # It has locked, and fetches next.
    wait_for(other.lock.exists, second)
    assert -signal.SIGKILL == stop(first, signal.SIGKILL).status
    output, _ = second.communicate(timeout=WAIT)
    assert 0 == second.returncode, output
    assert works(other)
    assert 2 == len([path for path in asked(build.index) if "many5" in path])
    assert f"{NUMBER} in the store, 0 fetched" in build.build()
    assert works(build)


def test_an_egg_that_was_cut_off(both: tuple[Buildout, Buildout]) -> None:
    """An egg that lost a file is replaced by the next build that needs anything of the store, and that is told."""
    build, other = both
    build.build()
    (first,) = (build.root / "eggs/v5" / HIDDEN).glob("*/many3-*.egg")
    os.truncate(first / "more3/data.py", 100)
    output = other.build()
    assert f"{first.name} in the store was cut off; it was unpacked anew" in output.replace("\n", " ")
    assert 1 == fetched(output)
    assert [True, True] == [works(other), works(build)]
    shutil.rmtree(first / "more3")
    Path(f"{first}.seal").unlink()
    assert f"{first.name} in the store was cut off" in build.build()
    assert works(build)


def test_a_store_without_room(both: tuple[Buildout, Buildout]) -> None:
    """Where there is no room for an egg that is told in one sentence, and with room again the build goes on."""
    build, _ = both
    wheel(build.index.directory, "many3", modules={"many3.py": "", "more3/data.py": f"d = '{'x' * 30_000}'\n" * 50})
    code = "import os, resource, signal, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000)); "
    code += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, build.bin / "buildout"],
        cwd=build.root, env=build.environment(), capture_output=True, text=True, timeout=WAIT, check=False,
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert 1 == done.returncode, told
    why = "cannot be written: file too large; make room or give the right to write there, or name another one"
    assert f"Error: the eggs directory {build.root / 'eggs/v5'} {why}" in told
    assert (1, 0) == (told.count("Error: "), told.count("Traceback"))
    assert [] == [path.name for place in places(build) for path in place.iterdir() if "many3" in path.name]
    wheel(build.index.directory, "many3", modules={"many3.py": "", "more3/data.py": f"d = '{'x' * 30_000}'\n"})
    build.build()


SHARED = """
[buildout]
eggs-directory = {shared}/eggs
index = {index}
"""


class Machine:
    """A machine on which several users build, of whom some share a store and a cache by their group."""

    def __init__(self, place: Path, index: Index) -> None:
        self.place, self.index = place, index
        self.shared = place / "shared"
        for name in ("", "cache", "eggs"):
            (self.shared / name).mkdir()
            os.chown(self.shared / name, 0, GROUP)
            (self.shared / name).chmod(0o2775)

    def run(self, user: int, *command: str | Path, group: int) -> Result:
        """Run a command in the user's own checkout, which is made where it is not there."""
        root = self.place / str(user)
        if not root.exists():
            (root / ".buildout").mkdir(parents=True)
            (root / "site").mkdir()
            (root / ".buildout/default.cfg").write_text(SHARED.format(shared=self.shared, index=self.index.url))
            cache = self.shared / "cache" if group == GROUP else root / "cache"
            config = CONFIG.replace("eggs-directory = {store}\n", "") + f"\n[eggcarton]\ncache = {cache}\n"
            (root / "site/buildout.cfg").write_text(config, "utf-8")
            for path in (root, *root.rglob("*")):
                os.chown(path, user, group)
        variables = {"PATH": os.defpath, "HOME": str(root), "LANG": "C.UTF-8", "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            list(map(str, command)), cwd=root / "site", env=variables, user=user, group=group, extra_groups=[],
            umask=0o002, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=WAIT, check=False,
        )  # fmt: skip
        return Result(done.returncode, done.stdout)


ONE, TWO, READER = 50_001, 50_002, 50_003
GROUP, READERS = 60_001, 60_002


@pytest.fixture
def machine(wheels: Path) -> Iterator[tuple[Machine, list[str | Path]]]:
    """Such a machine and the command that bootstraps, where any user may read what it needs."""
    python = same_python_for_anybody()
    with tempfile.TemporaryDirectory(prefix="eggcarton-users-") as name:
        place = Path(name)
        (place / "index").mkdir()
        checkout = place / "checkout"
        for path in ("bootstrap.py", "toolchain.txt", "setup.py", "README.rst", "LICENSE.txt"):
            checkout.mkdir(exist_ok=True)
            shutil.copyfile(CHECKOUT / path, checkout / path)
        made = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(CHECKOUT / "src", checkout / "src", ignore=made)
        shutil.copytree(wheels, checkout / "wheels", copy_function=shutil.copyfile)
        for below in (place, *place.rglob("*")):
            below.chmod(0o755 if below.is_dir() else 0o644)
        with Index(place / "index") as index:
            fill(index)
            bootstrap = [python, checkout / "bootstrap.py", "--from", checkout / "wheels"]
            yield Machine(place, index), bootstrap


def test_several_users(machine: tuple[Machine, list[str | Path]]) -> None:
    """Users of one group fill one store and mend each other's eggs; one who may only read it builds from it, too."""
    users, bootstrap = machine
    status, output = users.run(ONE, *bootstrap, group=GROUP)
    assert 0 == status, output
    status, output = users.run(TWO, *bootstrap, group=GROUP)
    assert 0 == status, output
    assert f"{NUMBER} in the store, 0 fetched" in output
    (egg,) = (users.shared / "eggs/v5" / HIDDEN).glob("*/many3-*.egg")
    os.truncate(egg / "many3.py", 0)
    (users.place / str(TWO) / "site/parts/.eggcarton/state/selection-parts.json").unlink()
    status, output = users.run(TWO, "bin/buildout", group=GROUP)
    assert (0, True) == (status, "was cut off" in output), output
    assert "n = 3\n" == (egg / "many3.py").read_text("utf-8")
    status, output = users.run(READER, *bootstrap, group=READERS)
    assert 0 == status, output
    assert f"{NUMBER} in the store, 0 fetched" in output
    assert 1 == output.count("cannot be noted there"), output
    status, output = users.run(READER, "bin/buildout", group=READERS)
    assert (0, 1) == (status, len(output.splitlines())), output
    status, output = users.run(ONE, "bin/eggcarton", "store", "--clean", "--yes", group=GROUP)
    assert (0, "Known builds use all that the store holds.\n") == (status, output)
    for user in (ONE, TWO):
        assert 0 == users.run(user, "bin/py", "-c", "import many3, many11", group=GROUP).status
