"""A lock goes out to other tools, and theirs come in, as the child process is asked for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eggcarton.child.exchange import bring_in, export
from eggcarton.core.errors import EggcartonError, IntegrityProblem, Unavailable, UsageProblem
from eggcarton.indexes.cache import file_digest
from eggcarton.packages.lock import read
from support.distributions import sdist, wheel
from support.index import Index
from support.repositories import Repository

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1]}"
HERE = f">={sys.version_info[0]}.{sys.version_info[1]}"


class Project:
    """What one buildout asks of the child process."""

    def __init__(self, root: Path, index: Index) -> None:
        self.root, self.index, self.lock = root, index, root / "pylock.toml"
        self.hashes: dict[str, str] = {}

    def upload(self, name: str, version: str, **more: Any) -> None:
        path = wheel(self.index.directory, name, version, **more)
        self.hashes[f"{name} {version}"] = file_digest(path)

    def pinned(self, name: str, version: str) -> str:
        return f"{name}=={version} --hash=sha256:{self.hashes[f'{name} {version}']}\n"

    def sources(self, *, offline: bool = False) -> dict[str, Any]:
        fields: dict[str, Any] = {"index": self.index.url, "find_links": [], "cache": str(self.root / "cache")}
        return fields | {"offline": offline, "directories": []}

    def bring_in(
        self, text: str, *needs: str, name: str = "requirements.txt", pins: Mapping[str, str] | None = None, **more: Any
    ) -> list[str]:
        """Import a file of this text and return what was told."""
        (self.root / name).write_text(text, "utf-8")
        order: dict[str, Any] = {
            "lock": str(self.lock),
            "needs": [[need, "part app"] for need in needs],
            "pins": pins or {},
            "develop": [],
            "requires_python": HERE,
            "terms": {},
            "allow_sdist": [],
            "toolchain": {"paths": [], "versions": {}},
            "sources": self.sources(),
        }
        answer = bring_in(file=str(self.root / name), **(order | more))
        told: list[str] = answer["changed"]
        return told

    def versions(self) -> dict[str, str]:
        return {package.name: package.version for package in read(self.lock).packages}

    def export(self, kind: str, *, urls: bool = False, offline: bool = False) -> str:
        return export(kind=kind, lock=str(self.lock), urls=urls, sources=self.sources(offline=offline))


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Project:
    """A project, and an index that has newer versions of all than it uses."""
    (tmp_path / "root").mkdir()
    made = Project(tmp_path / "root", index)
    for version in ("1.0", "2.0"):
        made.upload("six", version)
        made.upload("colour", version)
        made.upload("web", version, requires=["six", "colour"])
    return made


def test_versions_and_hashes_are_taken(project: Project) -> None:
    """What the file has is locked as it is there, what it has not is resolved, what is not needed is left out."""
    text = project.pinned("web", "1.0") + "six==1.0\nunneeded==3.0\n"
    assert [
        "2 distributions, 1 with the hashes of requirements.txt, 1 only by version: hashes taken from the index",
        "left out, since the configuration does not need them: unneeded",
        "resolved, since requirements.txt does not have them: colour 2.0",
    ] == project.bring_in(text, "web")
    assert {"web": "1.0", "six": "1.0", "colour": "2.0"} == project.versions()


def test_what_the_file_does_not_have_keeps_its_version(project: Project) -> None:
    """What an older lock has, and the file has not, stays; what the file has changes."""
    project.bring_in("web==1.0\nsix==1.0\ncolour==1.0\n", "web")
    project.bring_in("six==2.0\n", "web")
    assert {"web": "1.0", "six": "2.0", "colour": "1.0"} == project.versions()


def test_other_files_of_the_same_version(project: Project) -> None:
    """What is imported again with hashes of other files has these, whatever the older lock holds."""
    digests = [project.hashes["six 1.0"], file_digest(wheel(project.index.directory, "six", "1.0", build="1"))]
    for sha256 in digests:
        project.bring_in(f"six==1.0 --hash=sha256:{sha256}\n", "six")
        (six,) = read(project.lock).packages
        assert [sha256] == [file.sha256 for file in six.wheels]


def test_the_same_twice(project: Project) -> None:
    """Importing the same again gives the same lock byte for byte."""
    text = project.pinned("web", "1.0") + project.pinned("six", "1.0")
    project.bring_in(text, "web")
    before = project.lock.read_bytes()
    project.bring_in(text, "web")
    assert before == project.lock.read_bytes()


def test_a_hash_that_the_index_contradicts(project: Project) -> None:
    """Where the index has other bytes nothing is written, and the place in the file is told."""
    text = f"six==1.0\nweb==1.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(IntegrityProblem, match=r"requirements.txt, line 2: none of its hashes .* of web 1.0"):
        project.bring_in(text, "web")
    assert not project.lock.exists()


def test_versions_of_the_configuration(project: Project) -> None:
    """A version that [versions] contradicts is named with both lines before anything is asked."""
    with pytest.raises(UsageProblem) as caught:
        project.bring_in("six==1.0\n", "web", pins={"Six": "2.0"})
    assert (
        "[versions] and requirements.txt exclude each other; take the line out of one of them:\n"
        "  [versions] asks for six ==2.0, requirements.txt, line 1 has 1.0"
    ) == str(caught.value)
    assert [] == project.index.requests


def test_versions_that_do_not_answer(project: Project) -> None:
    """A file whose versions what is needed excludes is named, and nothing is written."""
    with pytest.raises(EggcartonError, match=r"what requirements.txt pins does not answer this configuration"):
        project.bring_in("six==1.0\n", "six>=2")
    assert not project.lock.exists()


def test_what_comes_from_no_index(project: Project) -> None:
    """What cannot be locked is refused when it is needed, however late that turns out, and else left out."""
    text = "hg+https://code.example/six@v1#egg=six\n"
    for need in ("six", "web"):
        with pytest.raises(UsageProblem, match=r"requirements.txt, line 1: six comes from hg\+https://code.example"):
            project.bring_in(text, need)
    assert not project.lock.exists()
    assert "left out, since the configuration does not need them: six" in project.bring_in(text, "colour")


def test_repositories_and_archives(project: Project, tmp_path: Path) -> None:
    """What the file names by an address is locked so where something leads to it, and stays so without being asked."""
    repository = Repository(tmp_path / "six.git")
    repository.project("six", "3.0")
    commit = repository.commit(tag="v3")
    path = wheel(tmp_path / "files", "colour", "5.0")
    text = f"six @ {repository.url}@v3\n{path.as_uri()} --hash=sha256:{file_digest(path)}\n"
    text += "unneeded @ git+https://code.example/unneeded\n"
    told = project.bring_in(text, "web", "colour")
    assert "0 distributions, 2 more from the addresses that it names" == told[0]
    locked = {package.name: package for package in read(project.lock).packages}
    assert ["3.0", "5.0"] == [locked[name].version for name in ("six", "colour")]
    assert locked["six"].origin is not None
    assert (commit, True) == (locked["six"].origin.commit, locked["six"].origin.imported)
    # The same once more, with nothing but what is locked.
    before = project.lock.read_bytes()
    project.bring_in("nothing==1.0\n", "web", "colour")
    assert before == project.lock.read_bytes()
    with pytest.raises(IntegrityProblem, match="is asked for; nothing of it was built"):
        project.bring_in(f"{path.as_uri()} --hash=sha256:{'0' * 64}\n", "colour")


def test_a_develop_package_is_none_of_the_file(project: Project) -> None:
    """What is developed here stays so, whatever the file says of it."""
    developed = [{"name": "six", "version": "9", "requires": [], "extras": []}]
    told = project.bring_in("six==1.0\nweb==1.0\ncolour==1.0\n", "web", "six", develop=developed)
    assert ["2 distributions, 2 only by version: hashes taken from the index"] == told
    assert {"web": "1.0", "colour": "1.0"} == project.versions()


def test_forks(project: Project) -> None:
    """Versions that hold under different markers are locked under them."""
    text = "six==1.0 ; sys_platform == 'win32'\nsix==2.0 ; sys_platform != 'win32'\n"
    project.bring_in(text, "six")
    found = {package.version: package.marker for package in read(project.lock).packages}
    assert {"1.0": "sys_platform == 'win32'", "2.0": "sys_platform != 'win32'"} == found


def test_a_prerelease(project: Project) -> None:
    """A prerelease that the file names is locked, though the configuration prefers final releases."""
    project.upload("six", "3.0rc1")
    project.bring_in("six==3.0rc1\n", "web")
    assert "3.0rc1" == project.versions()["six"]


def test_a_source_distribution(project: Project) -> None:
    """What has no wheel, and may be built, is locked by the hash that the file has of its source distribution."""
    path = sdist(project.index.directory, "old", "1.0")
    text = f"old==1.0 --hash=sha256:{file_digest(path)}\n"
    project.bring_in(text, "old", allow_sdist=["old"])
    (old,) = read(project.lock).packages
    assert old.sdist is not None
    assert (file_digest(path), ()) == (old.sdist.sha256, old.wheels)


def test_a_source_distribution_with_other_bytes(project: Project) -> None:
    """A source distribution that is not the one that the file means is not built, nor even fetched."""
    sdist(project.index.directory, "old", "1.0")
    with pytest.raises(IntegrityProblem, match=r"old: old-1.0.tar.gz on the index has another sha256 than is trusted"):
        project.bring_in(f"old==1.0 --hash=sha256:{'0' * 64}\n", "old", allow_sdist=["old"])
    assert [] == project.index.paths("*.tar.gz")
    assert not project.lock.exists()


def test_hashes_for_another_platform_alone(project: Project) -> None:
    """A file that has hashes for another platform alone is taken, and what that means here is told."""
    wheel(project.index.directory, "fast", "1.0")
    path = wheel(project.index.directory, "fast", "1.0", tag=f"{PYTHON}-{PYTHON}-win_arm64")
    text = f"fast==1.0 --hash=sha256:{file_digest(path)}\n"
    assert [
        "1 distribution, 1 with the hashes of requirements.txt",
        "fast 1.0: requirements.txt has no hash of a file for this Python and platform, so that it cannot be installed "
        "here; have that file made here, or for all platforms",
    ] == project.bring_in(text, "fast")


def test_offline(project: Project) -> None:
    """Offline nothing is asked and nothing written."""
    with pytest.raises(Unavailable, match=r"offline, and what requirements.txt names must be asked of the index"):
        project.bring_in("six==1.0\n", "six", sources=project.sources(offline=True))
    assert [] == project.index.requests


def test_a_file_without_a_distribution(project: Project) -> None:
    """A file that names nothing is refused."""
    with pytest.raises(UsageProblem, match=r"requirements.txt names no distribution that could be locked"):
        project.bring_in("# nothing\n", "six")


def test_a_foreign_lock_in_the_place_of_ours(project: Project) -> None:
    """A pylock.toml of another tool may lie where ours will, and is replaced by it."""
    project.bring_in("six==1.0\n", "six")
    ours, theirs = project.lock.read_bytes(), project.export("pylock", urls=True)
    # Nobody needs this one, which a lock of ours could not hold.
    theirs += '[[packages]]\nname = "other"\nvcs = { type = "git", url = "https://code.example/", commit-id = "1" }\n'
    assert [
        "1 distribution, 1 with the hashes of pylock.toml",
        "left out, since the configuration does not need them: other",
    ] == project.bring_in(theirs, "six", name="pylock.toml")
    assert ours == project.lock.read_bytes()


def test_exports_hold_no_address(project: Project) -> None:
    """No export that was not asked for addresses names the host of an index, or asks it."""
    project.bring_in("six==1.0\n", "web")
    project.index.requests.clear()
    for kind in ("requirements", "constraints", "versions", "pylock"):
        assert project.index.address.partition("://")[2] not in project.export(kind, offline=True)
    assert [] == project.index.requests


def test_export_with_addresses(project: Project) -> None:
    """With addresses each file has that at which its index lists it now."""
    project.bring_in("six==1.0\n", "web")
    document = tomllib.loads(project.export("pylock", urls=True))
    for entry in document["packages"]:
        for file in entry["wheels"]:
            assert f"{project.index.address}/files/" in file["url"]
            assert file["url"].endswith(file["name"])
    with pytest.raises(Unavailable, match="offline, and only the index tells where files lie"):
        project.export("pylock", urls=True, offline=True)


def test_addresses_of_mirrors_are_never_told(project: Project) -> None:
    """Where only a mirror answers no address is told, or another tool would go there for ever."""
    project.bring_in("six==1.0\n", "six")
    with Index(project.index.directory) as mirror:
        main = {"name": "main", "url": project.index.url, "mirrors": [{"url": mirror.url}]}
        sources = {**project.sources(), "indexes": [main]}
        whole = export(kind="pylock", lock=str(project.lock), urls=True, sources=sources)
        assert f'url = "{project.index.address}/files/' in whole
        project.index.fault("*", "status:403", forever=True)
        with pytest.raises(Unavailable, match="does not tell where six lies, only a mirror does"):
            export(kind="pylock", lock=str(project.lock), urls=True, sources=sources)


def test_addresses_of_an_index_with_credentials(project: Project) -> None:
    """The credentials that an index wants are in no address that is told."""
    project.bring_in("six==1.0\n", "six")
    project.index.credentials = "ada:secret"
    sources = project.sources() | {"index": project.index.url.replace("://", "://ada:secret@")}
    text = export(kind="pylock", lock=str(project.lock), urls=True, sources=sources)
    assert f'url = "{project.index.address}/files/' in text
    assert "secret" not in text


def test_export_without_a_lock(project: Project) -> None:
    """Without a lock there is nothing to export."""
    with pytest.raises(UsageProblem, match=r"^there is no pylock.toml; bin/eggcarton lock makes it$"):
        project.export("requirements")
