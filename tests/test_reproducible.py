"""The example is the same tree wherever and whenever it is built, and no byte of it can be changed unnoticed."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, PYTHON, Result, Shared, environment, locked, run, user_cache
from support.example import EXAMPLE, sources

NO_NETWORK = 4
CACHED = f"{sys.implementation.cache_tag}.pyc"

pytestmark = pytest.mark.slow


@dataclass(kw_only=True)
class Surroundings:
    """Where, when and how one build happens; nothing of it may be seen in what is built."""

    root: Path
    home: Path
    mask: int
    day: int
    backwards: bool
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path, **more: str) -> Result:
        """Run a command in these surroundings."""
        before = os.umask(self.mask)
        try:
            cache = {"EGGCARTON_CACHE": str(user_cache())}
            return run(command, cwd=self.root, variables=environment(self.home, **cache, **self.variables) | more)
        finally:
            os.umask(before)

    def build(self) -> None:
        """Copy the example in this order, its files of this day, and build it, byte-compiled."""
        self.home.mkdir(parents=True)
        for name in sorted(sources(EXAMPLE), reverse=self.backwards):
            place = self.root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(EXAMPLE / name, place)
            os.utime(place, (self.day * 86400, self.day * 86400))
        config = self.root / "buildout.cfg"
        text = config.read_text("utf-8")
        assert 1 == text.count("[eggcarton]\n")
        config.write_text(text.replace("[eggcarton]\n", "[eggcarton]\ncompile = true\n"), "utf-8")
        status, output = self.run(PYTHON, BOOTSTRAP, self.root)
        if status == NO_NETWORK:
            # What this machine has not fetched before comes from the index that it knows.
            status, output = self.run(PYTHON, BOOTSTRAP, self.root, **os.environ)
        if status == NO_NETWORK:
            pytest.skip(f"the example's files are neither in the cache nor to be had: {output.splitlines()[-1]}")
        assert 0 == status, output

    def verified(self) -> tuple[int, list[str], str]:
        """Return the exit code of verify, what it said, and the tree digest."""
        status, output = self.run(self.root / "bin/eggcarton", "verify", "--tree-digest")
        *lines, digest = output.splitlines()
        assert 64 == len(digest), output
        return status, lines, digest

    def egg(self, name: str) -> Path:
        """Return an egg in the store."""
        (found,) = (self.root / "eggs/v5").glob(f"{name}-*.egg")
        return found.resolve()

    @property
    def prefix(self) -> Path:
        """The environment of a part."""
        found = re.search(r"(/[^'\n]*)/bin/python", (self.root / "bin/py").read_text("utf-8"))
        assert found is not None
        return Path(found[1])


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Path]:
    """A directory where files are listed in another order: that of their making, the last one first."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK) and not os.statvfs(memory).f_flag & os.ST_NOEXEC
    with tempfile.TemporaryDirectory(prefix="eggcarton-", dir=memory if usable else None) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def builds(
    tmp_path_factory: pytest.TempPathFactory, elsewhere: Path, shared: Shared
) -> tuple[Surroundings, Surroundings]:
    """The example, built twice with nothing alike."""
    place = tmp_path_factory.mktemp("reproducible")
    ours = Surroundings(root=place / "ä", home=place / "home", mask=0o022, day=20000, backwards=False)
    # So long a path, with blanks, that scripts have to be started by a shell.
    root = elsewhere / f"quite another place {'d' * 120}" / "b"
    theirs = Surroundings(root=root, home=elsewhere / "home", mask=0o077, day=10, backwards=True)
    theirs.variables |= {"TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "7"}
    with locked(shared.directory / "example"):
        ours.build()
        theirs.build()
    return ours, theirs


def test_two_builds(builds: tuple[Surroundings, Surroundings]) -> None:
    """Directory, day, umask, time zone, locale, hash seed and order of files leave the tree digest as it is."""
    (status, lines, digest), other = (one.verified() for one in builds)
    assert (0, digest) == (status, other[2]), lines
    assert (
        "This build is reproducible."
        in builds[1].run(builds[1].root / "bin/eggcarton", "verify", "--against", digest).output
    )


def flipped(place: Path) -> None:
    """Change one bit in the middle of a file, which keeps its mode and its size."""
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.chmod(place.stat().st_mode | 0o200)
    place.write_bytes(bytes(data))


def classes(build: Surroundings) -> dict[str, Path]:
    """Return one path for each class of files that a build consists of."""
    webob, pyramid = build.egg("WebOb"), build.egg("pyramid")
    site_packages = build.prefix / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    return {
        "module": webob / "webob/request.py",
        "compiled module": webob / f"webob/__pycache__/request.{CACHED}",
        "metadata": next(webob.glob("*.dist-info")) / "METADATA",
        "entry points": next(pyramid.glob("*.dist-info")) / "entry_points.txt",
        "data": build.egg("pyramid_jinja2") / "pyramid_jinja2/configure.zcml",
        "extension module": next(build.egg("MarkupSafe").rglob("*.so")),
        "generated script": build.root / "bin/guestbook-admin",
        "script of an environment": build.prefix / "bin/pserve",
        "link of an environment": site_packages / "webob",
        "environment": build.prefix / "pyvenv.cfg",
        "configuration": build.root / "etc/guestbook.ini",
        "metadata of a develop package": next((build.root / "develop-eggs").glob("guestbook-*.dist-info")) / "METADATA",
        "path of a develop package": next((build.root / "develop-eggs").glob("__editable__.guestbook-*.pth")),
    }


def test_one_bit(builds: tuple[Surroundings, Surroundings]) -> None:
    """In each class of files one bit that is changed gives another tree digest, and verify names the file."""
    build = builds[0]
    _, _, digest = build.verified()
    for name, path in classes(build).items():
        kept = build.home / "kept"
        path.rename(kept)
        if kept.is_symlink():
            path.symlink_to(f"{os.readlink(kept)}/..")
        else:
            shutil.copy2(kept, path)
            flipped(path)
        status, lines, changed = build.verified()
        found = [line for line in lines if line.startswith(("changed:", "missing:", "extra:"))]
        path.unlink()
        kept.rename(path)
        assert (5, True) == (status, digest != changed), name
        assert [f"changed: {os.path.relpath(path, build.root)}"] == found, name
    assert (0, digest) == build.verified()[::2]
