"""What is asked for by its address is locked by commit and digest, and built of what is kept."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import Cache, file_digest
from eggcarton.indexes.client import Client
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Route
from eggcarton.indexes.routing import Routing
from eggcarton.packages import origin as origins
from eggcarton.packages.addresses import given_up
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.direct import Direct
from eggcarton.packages.lock import Lock, LockedPackage, read, text_of
from eggcarton.packages.needs import Need, Needs, drift
from eggcarton.packages.resolve import Resolver
from eggcarton.packages.sdists import Builder
from support.closed import uv_program
from support.distributions import sdist, wheel
from support.index import Index
from support.repositories import Repository, served

HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever proxy and whatever git configuration this machine has, the tests have none."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    place = tmp_path / "served"
    for version in ("1.16.0", "1.17.0"):
        wheel(place, "six", version)
    wheel(place, "app", "1.0", requires=["greeting"])
    wheel(place, "greeting", "9.0")
    with Index(place) as serving:
        yield serving


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "greeting.git")
    made.project("greeting", "1.0", requires=["six<1.17"])
    made.commit(tag="v1.0")
    return made


class Machine:
    """What locks, with a cache of its own."""

    def __init__(self, index: Index, place: Path, *, offline: bool = False, kept: Path | None = None) -> None:
        self.place, self._index, self._offline = place, index, offline
        self._kept = (kept,) if kept else ()

    def direct(self, given: Mapping[str, str] | None = None) -> Direct:
        return self._parts(given)[0]

    def _parts(self, given: Mapping[str, str] | None) -> tuple[Direct, Routing, Pages, Network, Fetcher, Builder]:
        routing, network = Routing((Route("default", self._index.url),)), Network(Client(), sleep=lambda seconds: None)
        pages = Pages(routing, network)
        cache = Cache(self.place / "cache")
        fetcher = Fetcher(cache, pages, network, directories=self._kept)
        builder = Builder(Toolchain((), {}), self.place / "cache")
        direct = Direct(cache, fetcher, builder, self._offline, given or {})
        return direct, routing, pages, network, fetcher, builder

    def lock(
        self,
        *lines: str,
        old: Lock | None = None,
        upgrade: list[str] | None = None,
        given: Mapping[str, str] | None = None,
        wanted: Needs | None = None,
    ) -> Lock:
        direct, routing, pages, _, fetcher, builder = self._parts(given)
        resolver = Resolver(
            program=uv_program(),
            routing=routing,
            pages=pages,
            fetcher=fetcher,
            cache=self.place / "cache",
            builder=builder,
            direct=direct,
        )
        return resolver.resolve(wanted or needs(*lines), old=old, upgrade=upgrade)


@pytest.fixture
def machine(index: Index, tmp_path: Path) -> Machine:
    return Machine(index, tmp_path / "one")


def needs(*lines: str, pins: Mapping[str, str] | None = None, develop: tuple[LockedPackage, ...] = ()) -> Needs:
    return Needs(tuple(Need(line, "part app") for line in lines), pins or {}, develop, HERE)


def versions(lock: Lock) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


def test_a_tag(machine: Machine, repository: Repository, tmp_path: Path) -> None:
    """A tag is locked by its commit and by the digest of an archive; what others need by name is that, too."""
    lock = machine.lock("app", f"greeting @ {repository.url}@v1.0")
    assert {"app": "1.0", "greeting": "1.0", "six": "1.16.0"} == versions(lock)
    (greeting,) = lock.named("greeting")
    assert greeting.origin is not None
    assert greeting.sdist is not None
    commit = repository.git("rev-parse", "HEAD")
    assert ("git", "v1.0", commit) == (greeting.origin.kind, greeting.origin.revision, greeting.origin.commit)
    assert (f"greeting-{commit}.tar", ("six<1.17",)) == (greeting.sdist.name, greeting.requires)
    assert Cache(machine.place / "cache").find(greeting.sdist.sha256)
    path = tmp_path / "pylock.toml"
    path.write_text(text_of(lock), "utf-8")
    assert lock == read(path)
    assert text_of(lock) == text_of(machine.lock("app", f"greeting @ {repository.url}@v1.0", old=lock))


def test_the_archive_depends_on_the_commit_alone(index: Index, repository: Repository, tmp_path: Path) -> None:
    """Two machines make the same archive of a commit, whatever their configuration of git says of line ends."""
    one = Machine(index, tmp_path / "one").lock(f"greeting @ {repository.url}")
    (tmp_path / ".gitconfig").write_text("[core]\n\tautocrlf = true\n\tabbrev = 30\n", "utf-8")
    two = Machine(index, tmp_path / "two").lock(f"greeting @ {repository.url}")
    assert text_of(one) == text_of(two)


def test_a_branch_moves_by_upgrade_only(machine: Machine, repository: Repository) -> None:
    """A branch that has moved, and a tag, change nothing until the name is taken anew."""
    line = f"greeting @ {repository.url}@main"
    old = machine.lock(line)
    repository.project("greeting", "1.1")
    new = repository.commit()
    assert old == machine.lock(line, old=old)
    assert old == machine.lock(line, old=old, upgrade=["six"])
    for upgrade in (["greeting"], []):
        lock = machine.lock(line, old=old, upgrade=upgrade)
        assert {"greeting": "1.1"} == versions(lock)
        assert new == (lock.packages[0].origin and lock.packages[0].origin.commit)


def test_another_commit_of_the_same_version(machine: Machine, repository: Repository) -> None:
    """A commit that did not change the version is another archive all the same."""
    old = machine.lock(f"greeting @ {repository.url}")
    repository.write({"wheel/greeting.py": "changed = True\n"})
    repository.commit()
    new = machine.lock(f"greeting @ {repository.url}", old=old, upgrade=["greeting"])
    assert old.named("greeting")[0].version == new.named("greeting")[0].version
    assert old.named("greeting")[0].sdist != new.named("greeting")[0].sdist


def test_a_commit(machine: Machine, repository: Repository) -> None:
    """A commit is asked for by its name, or by the beginning of it; it answers an old lock that has it by a tag."""
    commit = repository.git("rev-parse", "HEAD")
    repository.project("greeting", "2.0")
    repository.commit()
    for revision in (commit, commit[:8], "v1.0"):
        lock = machine.lock(f"greeting @ {repository.url}@{revision}")
        assert "1.0" == versions(lock)["greeting"]
    assert [] == drift(lock, needs(f"greeting @ {repository.url}@{commit}"))


def test_a_subdirectory(machine: Machine, repository: Repository) -> None:
    """Of a repository with several projects one is kept, and a link that leads out of it becomes the file itself."""
    repository.project("inner", "3.0", below="packages/inner")
    repository.write({"LICENSE": "free\n"})
    (repository.place / "packages/inner/LICENSE").symlink_to("../../LICENSE")
    (repository.place / "packages/inner/nowhere").symlink_to("../../../elsewhere")
    repository.commit()
    lock = machine.lock(f"inner @ {repository.url}#subdirectory=packages/inner")
    (inner,) = lock.packages
    assert ("3.0", "packages/inner") == (inner.version, inner.origin and inner.origin.subdirectory)
    with tarfile.open(machine.direct().source(inner)) as archive:
        top = f"{archive.getnames()[0].partition('/')[0]}/"
        assert {"LICENSE", "backend.py", "pyproject.toml"} == {
            name.removeprefix(top) for name in archive.getnames() if not name.startswith(f"{top}wheel/")
        }
        assert archive.getmember(f"{top}LICENSE").isfile()
    with pytest.raises(UsageProblem, match="has no directory other"):
        machine.lock(f"inner @ {repository.url}#subdirectory=other")


def test_submodules(machine: Machine, repository: Repository, tmp_path: Path) -> None:
    """A submodule is kept in its place, at the commit that the repository names."""
    module = Repository(tmp_path / "module.git")
    module.write({"data.txt": "of the submodule\n"})
    module.commit()
    repository.git("submodule", "--quiet", "add", "../module.git", "wheel/module")
    repository.commit()
    module.write({"data.txt": "later\n"})
    module.commit()
    (greeting,) = machine.lock(f"greeting @ {repository.url}").named("greeting")
    with tarfile.open(machine.direct().source(greeting)) as archive:
        [name] = [name for name in archive.getnames() if name.endswith("wheel/module/data.txt")]
        stream = archive.extractfile(name)
        assert stream is not None
        assert b"of the submodule\n" == stream.read()


def test_what_is_kept_serves_without_the_repository(index: Index, repository: Repository, tmp_path: Path) -> None:
    """What is kept, in the cache or in a folder, is enough; the repository is asked for nothing then."""
    one = Machine(index, tmp_path / "one")
    (greeting,) = one.lock(f"greeting @ {repository.url}").named("greeting")
    kept = one.direct().source(greeting)
    assert greeting.sdist is not None
    (tmp_path / "wheels").mkdir()
    shutil.copyfile(kept, tmp_path / "wheels" / greeting.sdist.name)
    shutil.rmtree(repository.place)
    two = Machine(index, tmp_path / "two", offline=True, kept=tmp_path / "wheels")
    assert "greeting-1.0-py3-none-any.whl" == two.direct().wheel(greeting).name
    with pytest.raises(Unavailable) as caught:
        Machine(index, tmp_path / "three", offline=True).direct().wheel(greeting)
    assert f"  {greeting.sdist.name}" == str(caught.value).splitlines()[-1]


def test_what_is_lost_is_made_anew(index: Index, repository: Repository, tmp_path: Path) -> None:
    """On another machine the archive is made anew of the commit, though the tag stands for another one by now."""
    (greeting,) = Machine(index, tmp_path / "one").lock(f"greeting @ {repository.url}@v1.0").named("greeting")
    assert greeting.sdist is not None
    repository.project("greeting", "1.1")
    repository.commit()
    repository.git("tag", "--force", "v1.0")
    source = Machine(index, tmp_path / "two").direct().source(greeting)
    assert greeting.sdist.sha256 == file_digest(source)
    spoilt = replace(greeting, sdist=replace(greeting.sdist, sha256="0" * 64))
    with pytest.raises(IntegrityProblem, match=r"has the sha256 .*, and 0{64} is locked"):
        Machine(index, tmp_path / "two").direct().source(spoilt)


def test_a_lost_commit(index: Index, repository: Repository, tmp_path: Path) -> None:
    """A commit that the repository has no more is named, with what helps."""
    (greeting,) = Machine(index, tmp_path / "one").lock(f"greeting @ {repository.url}").named("greeting")
    shutil.rmtree(repository.place)
    again = Repository(repository.place)
    again.project("greeting", "2.0")
    again.commit()
    with pytest.raises(Unavailable, match=r"has the commit [0-9a-f]{40} no more; put the kept archive back into"):
        Machine(index, tmp_path / "two").direct().source(greeting)


@pytest.mark.parametrize(
    ("tool", "written", "path"),
    [("setuptools-scm", b"describe-name: v1.0-2-g", ".git_archival.txt"), ("pbr", b"Version: 1.1.dev2+g", "PKG-INFO")],
)
def test_a_version_made_of_history(
    index: Index, repository: Repository, tmp_path: Path, tool: str, written: bytes, path: str
) -> None:
    """What a version is made of is kept with the source; a tag that is set later does not change what is made anew."""
    repository.write({"setup.cfg": f"# {tool}\n"})
    repository.commit()
    repository.write({"more.txt": ""})
    repository.commit()
    (greeting,) = Machine(index, tmp_path / "one").lock(f"greeting @ {repository.url}").named("greeting")
    repository.git("tag", "v1.5")
    source = Machine(index, tmp_path / "two").direct().source(greeting)
    with tarfile.open(source) as archive:
        [name] = [name for name in archive.getnames() if name.endswith(f"/{path}")]
        stream = archive.extractfile(name)
        assert stream is not None
        assert written in stream.read()
    assert greeting.origin is not None
    assert greeting.origin.history is not None
    assert greeting.origin.history.startswith("v1.0-2-g")


def test_without_a_tag(machine: Machine, tmp_path: Path) -> None:
    """A history without a tag tells how long it is."""
    repository = Repository(tmp_path / "young.git")
    repository.project("young", "0", files={"setup.cfg": "# setuptools_scm\n"})
    repository.commit()
    (young,) = machine.lock(f"young @ {repository.url}").packages
    assert young.origin is not None
    assert str(young.origin.history).startswith("0.0-1-g")


def test_a_wheel_and_a_source_archive(machine: Machine, tmp_path: Path) -> None:
    """A wheel is locked with its digest, a source archive too, and the latter is built; a digest is checked."""
    place = tmp_path / "files"
    path, source = wheel(place, "colour", "1.0"), sdist(place, "old", "2.0", requires=["six"])
    with served(place) as address:
        lines = (f"colour @ {address}/{path.name}", f"old @ {address}/{source.name}#sha256={file_digest(source)}")
        lock = machine.lock(*lines)
    assert {"colour": "1.0", "old": "2.0", "six": "1.17.0"} == versions(lock)
    (colour,), (old,) = lock.named("colour"), lock.named("old")
    assert (path.name, file_digest(path)) == (colour.wheels[0].name, colour.wheels[0].sha256)
    assert old.sdist is not None
    assert (source.name, file_digest(source)) == (old.sdist.name, old.sdist.sha256)
    assert f'archive = {{ url = "{address}/{path.name}", size = ' in text_of(lock)
    (tmp_path / "pylock.toml").write_text(text_of(lock), "utf-8")
    assert lock == read(tmp_path / "pylock.toml")
    assert [] == drift(lock, needs(*lines))


def test_a_wrong_digest(machine: Machine, tmp_path: Path) -> None:
    """An archive with another digest than its address tells is refused, and nothing of it is built."""
    source = sdist(tmp_path / "files", "old", "2.0")
    with served(tmp_path / "files") as address, pytest.raises(IntegrityProblem) as caught:
        machine.lock(f"old @ {address}/{source.name}#sha256={'0' * 64}")
    assert f"part app asks for old: {address}/{source.name} has the sha256 {file_digest(source)}" in str(caught.value)
    assert not (machine.place / "cache/built").exists()


def test_a_part_of_an_archive(machine: Machine, tmp_path: Path) -> None:
    """Of an archive with several projects the one that is asked for is built."""
    inner = Repository(tmp_path / "whole")
    inner.project("inner", "3.0", below="whole-1/inner")
    archive = tmp_path / "whole-1.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(inner.place / "whole-1", "whole-1")
    lock = machine.lock(f"inner @ {archive.as_uri()}#subdirectory=inner")
    assert {"inner": "3.0"} == versions(lock)


def test_another_name(machine: Machine, repository: Repository) -> None:
    """What has another name than it is asked for by is refused with the line that would do."""
    with pytest.raises(UsageProblem) as caught:
        machine.lock(f"salute @ {repository.url}@v1.0")
    told = f"what is there is called greeting; ask for 'greeting @ {repository.url}@v1.0'"
    assert f"part app asks for salute at {repository.url}@v1.0, and {told}" == str(caught.value)


def test_no_such_revision(machine: Machine, repository: Repository) -> None:
    """A revision that is not there is named."""
    with pytest.raises(UsageProblem, match="has no branch, tag or commit v9; ask for one that it has"):
        machine.lock(f"greeting @ {repository.url}@v9")


def test_an_unreachable_repository(machine: Machine, tmp_path: Path) -> None:
    """A repository that cannot be asked is told as that, with what git said."""
    with pytest.raises(Unavailable) as caught:
        machine.lock(f"greeting @ git+{(tmp_path / 'none.git').as_uri()}")
    assert "does not appear to be a git repository" in str(caught.value)


def test_no_git(machine: Machine, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no git, that is what is said."""
    monkeypatch.setenv("PATH", os.path.dirname(uv_program()))
    with pytest.raises(EggcartonError, match="there is no git on PATH; install it"):
        machine.lock(f"greeting @ {repository.url}")


def test_credentials(machine: Machine, repository: Repository, tmp_path: Path) -> None:
    """Credentials of the configuration are used for a repository, and stand neither in the lock nor in what is kept."""
    with served(tmp_path, credentials="me:se%cret") as address:
        line = f"greeting @ git+{address}/greeting.git/.git@v1.0".replace("://", "://me:se%25cret@")
        given = origins.given([line])
        assert [f"{address}/greeting.git/.git"] == list(given)
        lock = machine.lock(origins.cleaned(line), given=given)
        with pytest.raises(Unavailable) as caught:
            Machine(machine._index, tmp_path / "two").lock(origins.cleaned(line))
    assert "could not read Username" in str(caught.value)
    assert "cret" not in text_of(lock)
    kept = machine.place / "cache" / "git"
    assert [] == [path for path in kept.rglob("*") if path.is_file() and b"cret" in path.read_bytes()]


def test_variables_that_would_steer_git(
    machine: Machine, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables of git that somebody has set do not lead it elsewhere."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")
    assert "1.0" == versions(machine.lock(f"greeting @ {repository.url}"))["greeting"]


def test_two_addresses_of_one_name(machine: Machine, repository: Repository) -> None:
    """Two revisions asked for by one name exclude each other, and both who ask are named."""
    asked = Needs(
        (Need(f"greeting @ {repository.url}@v1.0", "part a"), Need(f"greeting @ {repository.url}@main", "part b")),
        {},
        (),
        HERE,
    )
    with pytest.raises(UsageProblem, match=r"part a asks for greeting at .*@v1\.0, and part b at .*@main; one lock"):
        machine.lock(wanted=asked)


def test_a_pin_that_contradicts(machine: Machine, repository: Repository) -> None:
    """A version that [versions] or another need does not admit is a conflict as with any index."""
    with pytest.raises(EggcartonError) as caught:
        machine.lock(wanted=needs(f"greeting @ {repository.url}", pins={"greeting": "2.0"}))
    assert "[versions] has greeting = 2.0" in str(caught.value)
    with pytest.raises(EggcartonError, match="part app asks for greeting>=2"):
        machine.lock(f"greeting @ {repository.url}", "greeting>=2")


def test_what_a_source_needs_by_address(machine: Machine, repository: Repository, tmp_path: Path) -> None:
    """What develop packages and repositories need by address is taken, from wherever it is asked for."""
    outer = Repository(tmp_path / "outer.git")
    outer.project("outer", "1.0", requires=[f"greeting @ {repository.url}@v1.0"])
    outer.commit()
    stub = LockedPackage("mine", "1.0", requires=(f"outer @ {outer.url}",))
    wanted = needs("mine", develop=(stub,))
    lock = machine.lock(wanted=wanted)
    assert {"outer": "1.0", "greeting": "1.0", "six": "1.16.0"} == versions(lock)
    assert [] == drift(lock, wanted)


def test_what_an_index_needs_by_address(machine: Machine, repository: Repository, index: Index) -> None:
    """An address in a distribution of an index is refused: nobody here has asked for it."""
    wheel(index.directory, "leads", "1.0", requires=[f"greeting @ {repository.url}"])
    with pytest.raises(UsageProblem, match="needs greeting by an address, which nobody here has asked for"):
        machine.lock("leads")


def test_drift(machine: Machine, repository: Repository) -> None:
    """Another address or revision is drift, and so is one that nothing asks for any more; a name alone is none."""
    line = f"greeting @ {repository.url}@v1.0"
    lock = machine.lock(line)
    assert [] == drift(lock, needs(line, "greeting>=1"))
    (problem,) = drift(lock, needs(f"greeting @ {repository.url}@v1.1"))
    assert problem.startswith(
        f"part app needs greeting @ {repository.url}@v1.1, the lock has it from {repository.url}@v1.0"
    )
    assert [] == given_up(lock, needs(line))
    (problem,) = given_up(lock, needs("greeting"))
    assert f"the lock has greeting from {repository.url}@v1.0, and nothing asks for that any more" == problem
    (problem,) = drift(machine.lock("greeting"), needs(line))
    assert problem.endswith("the lock has greeting 9.0 from an index")


def test_from_an_address_to_an_index_and_back(machine: Machine, repository: Repository) -> None:
    """What was asked for by its address and is not any more comes from the index, though its version is there."""
    line = f"greeting @ {repository.url}@v1.0"
    lock = machine.lock(line)
    indexed = machine.lock("greeting", old=lock)
    assert ("9.0", None) == (indexed.packages[0].version, indexed.packages[0].origin)
    assert lock == machine.lock(line, old=indexed)


def test_what_has_moved(machine: Machine, repository: Repository) -> None:
    """A branch that stands for another commit by now is outdated; a tag and a commit that stay are not."""
    commit = repository.git("rev-parse", "HEAD")
    found = {
        revision: machine.lock(f"greeting @ {repository.url}{revision}").named("greeting")[0]
        for revision in ("", "@main", "@v1.0", f"@{commit}", f"@{commit[:7]}")
    }
    standing = machine.direct().standing
    assert [] == [line for package in found.values() for line in standing(package).lines()]
    repository.project("greeting", "2.0")
    new = repository.commit()
    assert [
        f"greeting 1.0 ({commit[:12]}) -> {new[:12]} of main: bin/eggcarton lock --upgrade greeting takes it"
    ] == standing(found["@main"]).lines()
    assert ["", "@main"] == [revision for revision in found if standing(found[revision]).is_finding]


def test_a_constraint(machine: Machine, repository: Repository) -> None:
    """An address in a constraint counts where something leads to its name, and is not asked elsewhere."""
    held = (Need(f"greeting @ {repository.url}@v1.0", "constraints.txt, line 1"),)
    held += (Need("unneeded @ git+https://host.example/unneeded", "constraints.txt, line 2"),)
    wanted = replace(needs("app"), constraints=held)
    lock = machine.lock(wanted=wanted)
    assert {"app": "1.0", "greeting": "1.0", "six": "1.16.0"} == versions(lock)
    assert [] == [*drift(lock, wanted), *given_up(lock, wanted)]
    (problem,) = drift(machine.lock("app"), wanted)
    assert problem.startswith(
        f"constraints.txt, line 1 asks for greeting @ {repository.url}@v1.0, the lock has greeting"
    )


def test_markers(machine: Machine, repository: Repository) -> None:
    """A marker that stands behind an address is that of its entry."""
    lock = machine.lock("six", f'greeting @ {repository.url} ; sys_platform == "win32"')
    assert "sys_platform == 'win32'" == lock.named("greeting")[0].marker
