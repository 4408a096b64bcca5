"""A bundle is carried to a machine without a network, and everything is built there; what is wrong with it is told."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support import denied
from support.buildouts import CHECKOUT, PYTHON, Buildout, Result, environment, run, tree
from support.distributions import sdist, wheel
from support.fakes import GREETING, recipes
from support.kept import Kept
from support.repositories import Repository, served
from support.users import NOBODY, bare_python_for_anybody

pytestmark = pytest.mark.slow

PARTS = """
[other]
recipe = eggcarton:scripts
eggs = six
interpreter = other
lock-group = other

[note]
recipe = noting
output = note
"""
CONFIG = f"""
[buildout]
extensions = eggcarton
extends = {{site}}/base.cfg
parts = app other note
{PARTS}
[eggcarton]
allow-sdist = source

[app]
recipe = eggcarton:scripts
eggs =
    greeting @ git+{{site}}/greeting/.git@v1.0
    archive @ {{site}}/archive-1.0.tar.gz
    source
interpreter = py
"""
NAMES = ("archive-1.0.tar.gz", "noting-1.0-py3-none-any.whl", "six-1.16.0-py3-none-any.whl",
         "six-1.17.0-py3-none-any.whl", "source-2.0.tar.gz", "tool-1.0-py3-none-any.whl")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Site:
    """Repositories, archives and configurations, served while the module's tests run, and what is built of them."""

    wheels: Path
    servers: ExitStack
    addresses: dict[Path, str] = field(default_factory=dict)

    def make(self, build: Buildout) -> None:
        """Build all that a bundle can hold, where there is a network; the index has the rest, and the toolchain."""
        for path in self.wheels.glob("*.whl"):
            (build.index.directory / path.name).symlink_to(path)
        place = build.root.parent / "site"
        repository = Repository(place / "greeting")
        repository.project("greeting", "1.0", {"greeting.py": GREETING}, requires=["six"])
        repository.write(
            {"wheel/greeting-1.0.dist-info/entry_points.txt": "[console_scripts]\ngreet = greeting:main\n"}
        )
        repository.commit(tag="v1.0")
        sdist(place, "archive", "1.0", files={"native.c": "int native;"})
        (place / "base.cfg").write_text("[buildout]\nextends = pins.cfg\n", "utf-8")
        (place / "pins.cfg").write_text("[versions]\nsource = 2.0\n[versions-other]\nsix = 1.16.0\n", "utf-8")
        for version in ("1.16.0", "1.17.0"):
            wheel(build.index.directory, "six", version)
        for version in ("2.0", "3.0"):
            sdist(build.index.directory, "source", version, build_requires=["tool"])
        wheel(build.index.directory, "tool")
        recipes(build.index.directory)
        address = self.addresses[build.root] = self.servers.enter_context(served(place))
        build.configure(CONFIG.format(site=address))
        build.build()

    def carry(self, build: Buildout) -> None:
        """Bootstrap a checkout from a bundle of all that, without any part so far."""
        self.make(build)
        bundle, root, home = (build.root.with_name(name) for name in ("bundle", "there", "new home"))
        fetch(build, "--to", str(bundle))
        build.index.stop()
        root.mkdir()
        home.mkdir()
        for path in configuration(build.root):
            shutil.copy(path, root)
        command = [PYTHON, bundle / "bootstrap.py", root, "--from", bundle, "buildout:parts="]
        done = run(command, cwd=root, variables=environment(home))
        assert 0 == done.status, done.output
        # What no part needs was taken out.
        for path in configuration(build.root):
            shutil.copy(path, root)


@pytest.fixture(scope="module")
def site(wheels: Path) -> Iterator[Site]:
    """What the index does not have."""
    with ExitStack() as servers:
        yield Site(wheels, servers)


@pytest.fixture
def built(kept: Kept, site: Site) -> Buildout:
    """A buildout with all that a bundle can hold, built where there is a network."""
    return kept(site.make)


def fetch(build: Buildout, *arguments: str, before: tuple[str, ...] = ()) -> str:
    """Run bin/eggcarton fetch, which has to succeed, and return what it said."""
    status, output = build.run(*before, "fetch", *arguments, program="eggcarton")
    assert 0 == status, output
    return output


def configuration(root: Path) -> list[Path]:
    """Return what of a checkout is committed: the configuration and the locks."""
    return [root / "buildout.cfg", *sorted(root.glob("*.toml"))]


@dataclass(frozen=True)
class Machine:
    """A machine without a network, a home, pip, ensurepip, a compiler or git, and its user, who is nobody."""

    place: Path
    python: Path

    @property
    def root(self) -> Path:
        return self.place / "checkout"

    @property
    def bundle(self) -> Path:
        return self.place / "bundle"

    def carry(self, build: Buildout, bundle: Path) -> None:
        """Bring the checkout and the bundle here."""
        self.root.mkdir()
        for path in configuration(build.root):
            shutil.copy(path, self.root)
        shutil.copytree(bundle, self.bundle)
        os.chown(self.root, NOBODY, NOBODY)

    def run(self, *command: str | Path) -> Result:
        """Run a command, which is killed when it asks for a connection, where no network is at all."""
        home = self.place / "no directory" / "home"
        variables = {"PATH": str(self.python.parent), "HOME": str(home), "LANG": "C.UTF-8"}
        guard = [self.python, "-IS", self.place / "denied.py", "network"]
        return run([*_alone(), *guard, *command], cwd=self.root, variables=variables, user=NOBODY)

    def bootstrap(self) -> Result:
        """Build from the bundle."""
        return self.run(self.python, self.bundle / "bootstrap.py", self.root, "--from", self.bundle)


def _alone() -> list[str]:
    """Return what to put before a command so that it has no network, nothing where the system permits no such thing."""
    program = shutil.which("unshare", path=os.defpath)
    if program is None or subprocess.call([program, "-rn", "true"], stderr=subprocess.DEVNULL, user=NOBODY):
        return []
    return [program, "-rn"]


@pytest.fixture
def machine() -> Iterator[Machine]:
    if told := denied.reason("network"):
        pytest.skip(told)
    with tempfile.TemporaryDirectory(prefix="eggcarton-air-gapped-") as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "no directory").write_text("", "utf-8")
        shutil.copyfile(denied.__file__, place / "denied.py")
        yield Machine(place, bare_python_for_anybody(place / "python"))


def test_everything_is_built_from_a_bundle(built: Buildout, machine: Machine, tmp_path: Path) -> None:
    """Wheels, sources, a repository, an archive, a recipe, lock groups and extended files come from it alone."""
    fetch(built, "--to", str(tmp_path / "bundle"))
    built.index.stop()
    machine.carry(built, tmp_path / "bundle")
    status, output = machine.bootstrap()
    assert 0 == status, output
    assert "Installing note.\n" in output
    assert Result(0, "greeting 1.0\n") == machine.run("bin/greet")
    ask = "from importlib.metadata import version; print(*map(version, {}))"
    assert "1.0 2.0 1.17.0\n" == machine.run("bin/py", "-c", ask.format("('archive', 'source', 'six')")).output
    assert "1.16.0\n" == machine.run("bin/other", "-c", ask.format("('six',)")).output
    # A later run, which names no bundle, finds it as well.
    assert (0, 1) == ((done := machine.run("bin/buildout")).status, len(done.output.splitlines())), done.output
    for egg in (machine.root / "eggs").glob("*/six-*.egg"):
        shutil.rmtree(egg.resolve())
    shutil.rmtree(machine.root / ".eggcarton" / "cache")
    status, output = machine.run("bin/buildout")
    assert (0, True) == (status, ", 2 from the cache" in output), output
    assert "This build is air-gapped." in machine.run("bin/eggcarton", "verify").output


def test_what_a_bundle_holds(built: Buildout, tmp_path: Path) -> None:
    """Each lock's files lie below wheels, what is extended below extends; all are listed, and sha256sum agrees."""
    bundle = tmp_path / "bundle"
    output = fetch(built, "--to", str(bundle))
    [archive] = (bundle / "wheels").glob("greeting-*.tar")
    assert sorted([*NAMES, archive.name]) == sorted(os.listdir(bundle / "wheels"))
    assert 2 == len(os.listdir(bundle / "extends"))
    assert {"uv", "pip", "zc_buildout", "markupsafe"} <= {
        p.name.split("-")[0] for p in (bundle / "toolchain").iterdir()
    }
    assert built.lock.read_bytes() == (bundle / "pylock.toml").read_bytes()
    assert "source 2.0 has no wheel for " in output
    listed = [line.split("  ")[1] for line in (bundle / "bundle.sha256").read_text("utf-8").splitlines()[1:]]
    there = [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]
    assert sorted([*listed, "bundle.sha256"]) == sorted(there)
    done = run(["sha256sum", "--check", "--strict", "bundle.sha256"], cwd=bundle, variables=environment(built.home))
    assert 0 == done.status, done.output


def test_templates_of_addresses(built: Buildout, site: Site, tmp_path: Path) -> None:
    """What parts take from addresses by its sha256 is in the bundle, two files of one name too, and fills them in."""
    addresses = {}
    for name in ("one", "two"):
        path = built.root.with_name("site") / name / "template.in"
        path.parent.mkdir()
        path.write_text(f"{name} of {{{{ word }}}}\n", "utf-8")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        addresses[name] = f"{site.addresses[built.root]}/{name}/template.in\nsha256 = {sha256}"
    parts = "".join(
        f"[{name}]\nrecipe = eggcarton:template\nurl = {address}\noutput = {name}.txt\nword = all\n"
        for name, address in addresses.items()
    )
    built.configure(f"[buildout]\nextensions = eggcarton\nparts = one two\n{parts}")
    built.build()
    fetch(built, "--to", str(tmp_path / "bundle"))
    root, home = tmp_path / "there", tmp_path / "another home"
    root.mkdir()
    home.mkdir()
    for path in configuration(built.root):
        shutil.copy(path, root)
    command = [PYTHON, tmp_path / "bundle/bootstrap.py", root, "--from", tmp_path / "bundle", "-o"]
    done = run(command, cwd=root, variables=environment(home))
    assert 0 == done.status, done.output
    assert ["one of all\n", "two of all\n"] == [(root / f"{name}.txt").read_text("utf-8") for name in addresses]


def test_again_nothing_is_fetched(built: Buildout, site: Site, tmp_path: Path) -> None:
    """A second run asks nobody and changes nothing; what is wrong is replaced and told, and the rest left alone."""
    bundle = tmp_path / "bundle"
    fetch(built, "--to", str(bundle))
    built.index.stop()
    shutil.rmtree(built.cache / "sha256")
    before = tree(bundle)
    assert "none fetched, " in fetch(built, "--to", str(bundle))
    assert before == tree(bundle)
    built.index.start()
    built.index.requests.clear()
    (bundle / "mine").write_text("mine", "utf-8")
    (bundle / "wheels" / NAMES[2]).write_bytes(b"PK")
    (bundle / "toolchain" / "mine.whl").write_bytes(b"")
    output = fetch(built, "--to", str(bundle))
    assert f"replaced, since its bytes were wrong: {bundle}/wheels/{NAMES[2]}\n" in output
    assert ": 1 fetched (0.0 MB), " in output
    assert 1 == len(built.index.paths("*.whl"))
    changed = {path for path, standing in tree(bundle).items() if before.get(path) != standing}
    assert {str(bundle / name) for name in ("mine", f"wheels/{NAMES[2]}", "toolchain/mine.whl")} == changed


def test_offline_it_is_made_of_the_cache(built: Buildout, tmp_path: Path) -> None:
    """With -o a bundle is made of what the cache has; what it has not is named at once, toolchain and all."""
    fetch(built)
    built.index.stop()
    fetch(built, "--to", str(tmp_path / "bundle"), before=("-o",))
    for name in (NAMES[2], NAMES[3]):
        sha256 = next(
            line.split("  ")[0]
            for line in (tmp_path / "bundle/bundle.sha256").read_text("utf-8").splitlines()
            if line.endswith(f"  wheels/{name}")
        )
        (built.cache / "sha256" / sha256[:2] / sha256).unlink()
    for path in (built.cache / "sha256").glob("*/*"):
        if path.stat().st_size > 10_000_000:
            path.unlink()
    output = built.fails("-o", "fetch", "--to", str(tmp_path / "other"), status=4, program="eggcarton")
    lines = output.splitlines()
    assert lines[0].startswith("Error: offline, and ")
    assert [f"  {NAMES[2]}", f"  {NAMES[3]}"] == lines[1:3]
    assert lines[3].startswith("  uv ")
    assert " for " in lines[3]
    assert 4 == len(lines)
    assert not (tmp_path / "other" / "bundle.sha256").exists()


def test_the_cache_alone(built: Buildout, template: Path) -> None:
    """Without a directory the cache is filled, so that a build elsewhere needs no network."""
    shutil.rmtree(built.cache / "sha256")
    assert "The cache: " in fetch(built)
    built.index.stop()
    shutil.rmtree(built.root / "eggs")
    shutil.copytree(template / "eggs", built.root / "eggs", symlinks=True)
    assert "fetched" in built.build("-o")


def test_what_is_refused(built: Buildout) -> None:
    """A name that is none, and a place that is no directory, are told before anything is written."""
    for arguments, words in (
        (["--platform", "debian", "--to", "bundle"], "--platform debian is no platform; name one as wheels do"),
        (["--python", "2.7", "--to", "bundle"], "--python 2.7 is no version of Python; name one such as 3.12"),
        (["--simple"], "--simple writes pages into a bundle; name that with --to DIR"),
        (["--to", ""], "--to names no directory"),
        (["--to", "buildout.cfg"], "buildout.cfg is not a directory"),
        (["--to", str(CHECKOUT)], "is a checkout of eggcarton itself"),
    ):
        assert words in built.fails("fetch", *arguments, status=2, program="eggcarton")
    assert not (built.root / "bundle").exists()


def test_a_bundle_that_leads_elsewhere(built: Buildout, tmp_path: Path) -> None:
    """A directory of the bundle that is a link to the outside is refused, and nothing is written there."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "wheels").symlink_to(tmp_path / "outside")
    output = built.fails("fetch", "--to", str(tmp_path / "bundle"), status=2, program="eggcarton")
    assert f"{tmp_path}/bundle/wheels is a link that leaves {tmp_path}/bundle; remove it" in output
    assert [] == os.listdir(tmp_path / "outside")


def test_no_lock(build: Buildout) -> None:
    """Where nothing is locked there is nothing to fetch."""
    build.configure("[buildout]\nextensions = eggcarton\nparts =\n")
    assert "there is no pylock.toml; bin/eggcarton lock makes it" in build.fails("fetch", status=2, program="eggcarton")


def test_a_bundle_as_an_index(built: Buildout, tmp_path: Path) -> None:
    """With --simple any web server makes an index of it, for bootstrap.py and for the build after it."""
    bundle, root = tmp_path / "bundle", tmp_path / "there"
    fetch(built, "--to", str(bundle), "--simple")
    built.index.stop()
    root.mkdir()
    (root / "buildout.cfg").write_text("[buildout]\nextensions = eggcarton\nparts = note other\n" + PARTS, "utf-8")
    home = tmp_path / "another home"
    home.mkdir()
    with served(bundle) as address:
        index = f"{address}/simple/"
        command = [PYTHON, bundle / "bootstrap.py", root, "--index", index, f"buildout:index={index}"]
        done = run(command, cwd=root, variables=environment(home))
    assert 0 == done.status, done.output
    assert "Installing note.\n" in done.output
    assert f"/toolchain/{next((bundle / 'toolchain').glob('uv-*.whl')).name}" in address.asked
    assert f"/wheels/{NAMES[3]}" in address.asked


def damaged(bundle: Path, name: str) -> Path:
    """Change one byte of a file and return it."""
    path = bundle / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path


def refused(build: Buildout, bundle: Path, root: Path) -> Result:
    """Build from a bundle where nothing may be installed of it, and return what was said."""
    root.mkdir(exist_ok=True)
    for path in configuration(build.root):
        shutil.copy(path, root)
    before = tree(root)
    home = root.with_name("another home")
    home.mkdir(exist_ok=True)
    done = run([PYTHON, bundle / "bootstrap.py", root, "--from", bundle], cwd=root, variables=environment(home))
    assert before == tree(root)
    assert "Traceback" not in done.output
    return done


def test_a_bundle_that_is_not_what_was_made(built: Buildout, tmp_path: Path) -> None:
    """Wrong, truncated and missing files, paths and links that leave it: all are named at once, with exit code 5."""
    bundle, outside = tmp_path / "bundle", tmp_path / "outside.whl"
    fetch(built, "--to", str(bundle))
    damaged(bundle, f"wheels/{NAMES[3]}")
    [uv] = (bundle / "toolchain").glob("uv-*.whl")
    uv.write_bytes(uv.read_bytes()[:1000])
    (bundle / "wheels" / NAMES[1]).unlink()
    (bundle / "wheels" / NAMES[2]).rename(outside)
    (bundle / "wheels" / NAMES[2]).symlink_to(outside)
    with (bundle / "bundle.sha256").open("a", encoding="utf-8") as stream:
        stream.write(f"{'0' * 64}  ../outside.whl\n{'0' * 64}  /outside.whl\nwords\n")
    status, output = refused(built, bundle, tmp_path / "there")
    begin, *lines = output.splitlines()
    assert (5, f"Error: the bundle {bundle} is not what was made, and nothing was installed; copy it again:") == (
        status,
        begin,
    )
    size = (bundle / "wheels" / NAMES[3]).stat().st_size
    assert lines == [
        f"  toolchain/{uv.name}: its 1000 bytes have another sha256 than bundle.sha256 tells",
        f"  wheels/{NAMES[1]}: it is missing",
        f"  wheels/{NAMES[2]}: it is a link that leaves the bundle",
        f"  wheels/{NAMES[3]}: its {size} bytes have another sha256 than bundle.sha256 tells",
        "  bundle.sha256: ../outside.whl leaves the bundle",
        "  bundle.sha256: /outside.whl leaves the bundle",
        "  bundle.sha256: 'words' is no line of it",
    ]


def test_a_bundle_for_another_platform(built: Buildout, tmp_path: Path) -> None:
    """A bundle that was made for other machines is refused in one sentence, with the command that makes one."""
    bundle = tmp_path / "bundle"
    fetch(built, "--to", str(bundle))
    text = (bundle / "bundle.sha256").read_text("utf-8")
    for target in ("macosx_11_0_arm64 3.12", "macosx_11_0_arm64 all", "all 3.9"):
        (bundle / "bundle.sha256").write_text(f"# for {target}\n{text.partition(chr(10))[2]}", "utf-8")
        status, output = refused(built, bundle, tmp_path / "there")
        assert (1, 1) == (status, len(output.splitlines()))
        assert f"Error: the bundle {bundle} was made for {target}, and this is Python 3." in output
        assert "with bin/eggcarton fetch --to DIR --platform NAME --python 3." in output


def offline(place: Path, *arguments: str) -> Result:
    """Return how a build without a network ends; the bundle that it was bootstrapped from is changed before."""
    return run(["bin/buildout", "-o", *arguments], cwd=place, variables=environment(place.with_name("new home")))


@pytest.fixture
def there(kept: Kept, site: Site) -> Path:
    """A checkout that was bootstrapped from a bundle beside it, without any part so far, and no network."""
    build = kept(site.carry)
    build.index.stop()
    return build.root.with_name("there")


def test_offline_with_three_missing(there: Path) -> None:
    """What is missing of a bundle is named at once: wheels, sources, archives of repositories."""
    wheels = there.with_name("bundle") / "wheels"
    [archive] = wheels.glob("greeting-*.tar")
    for path in (archive, wheels / NAMES[0], wheels / NAMES[4]):
        path.unlink()
    status, output = offline(there, "buildout:parts=app")
    assert (4, [f"  {NAMES[0]}", f"  {archive.name}", f"  {NAMES[4]}"]) == (status, output.splitlines()[-3:])
    assert "Error: offline, and 3 files are neither in the store nor in the cache:" in output


def test_a_moved_bundle(there: Path) -> None:
    """Where a file is missing since the bundle was moved that is said, offline and with a network that has no index."""
    place, moved = there.with_name("bundle"), there.with_name("moved")
    variables = environment(there.with_name("new home"))
    place.rename(moved)
    for options in (["-o"], []):
        status, output = run(["bin/buildout", *options, "buildout:parts=app"], cwd=there, variables=variables)
        told = f"the bundle {place}, from which this was bootstrapped, is gone; where it was moved, run bootstrap.py "
        assert (4, True) == (status, told in output.splitlines()[-1]), output
    again = [PYTHON, moved / "bootstrap.py", there, "--from", moved]
    done = run(again, cwd=there, variables=variables)
    assert 0 == done.status, done.output


def test_offline_without_programs(there: Path) -> None:
    """Where something is missing, so are the programs that are: what makes the file, and what may build another."""
    [archive] = there.with_name("bundle").glob("wheels/greeting-*.tar")
    archive.unlink()
    variables = environment(there.with_name("new home"), PATH=str(there.parent))
    status, output = run(["bin/buildout", "-o", "buildout:parts=app"], cwd=there, variables=variables)
    assert (4, output.splitlines()[-3:]) == (
        status,
        [
            f"  {archive.name}",
            "  a C compiler such as cc, which the build of archive 1.0 may need",
            f"  the program git, which makes {archive.name} of its repository where there is a network",
        ],
    )


def test_offline_with_a_wrong_byte(there: Path) -> None:
    """A file of the bundle that is damaged after it was checked is named, exit code 5, and no part is installed."""
    path = damaged(there.with_name("bundle"), f"wheels/{NAMES[3]}")
    status, output = offline(there, "buildout:parts=app")
    assert 5 == status, output
    assert "these files are not what was locked, so that nothing was installed; copy them anew:" in output
    assert f"  {path}: its bytes hash to " in output
    assert not (there / "bin/greet").exists()
