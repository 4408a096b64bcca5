"""git is run without what would steer it, asks nobody, and goes nowhere but where it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggcarton.core.errors import Unavailable, UsageProblem
from eggcarton.indexes.git import Repository, environment
from eggcarton.packages.checkouts import tree
from support import repositories


@pytest.fixture
def served(tmp_path: Path) -> repositories.Repository:
    made = repositories.Repository(tmp_path / "served.git")
    made.write({"file.txt": "one\n"})
    made.commit(tag="v1")
    return made


def copy(served: repositories.Repository, place: Path) -> Repository:
    return Repository.below(place, served.place.as_uri())


def test_variables() -> None:
    """Variables of git go, those that prompt too; certificates that the environment names are git's as well."""
    inherited = {"PATH": "/bin", "HOME": "/nowhere", "GIT_DIR": "x", "SSH_ASKPASS": "x", "SSH_AUTH_SOCK": "kept"}
    found = environment(inherited, local=False)
    assert {"PATH": "/bin", "HOME": "/nowhere", "SSH_AUTH_SOCK": "kept"}.items() <= found.items()
    assert ("0", "", "http:https:ssh:git") == tuple(
        found[name] for name in ("GIT_TERMINAL_PROMPT", "GIT_ASKPASS", "GIT_ALLOW_PROTOCOL")
    )
    assert not {"GIT_DIR", "SSH_ASKPASS"} & found.keys()


def test_revisions(served: repositories.Repository, tmp_path: Path) -> None:
    """A branch comes before a tag of its name; what git calls otherwise, such as HEAD~1, is no revision."""
    first = served.git("rev-parse", "HEAD")
    served.write({"file.txt": "two\n"})
    second = served.commit()
    served.git("tag", "main", first)
    served.git("update-ref", "refs/pull/1/head", first)
    repository = copy(served, tmp_path / "copies")
    repository.update()
    assert [second, second, first, first, first] == [
        repository.resolve(name) for name in (None, "main", "v1", first[:6], "refs/pull/1/head")
    ]
    assert (second, first) == (repository.current("main"), repository.current("v1"))
    assert None is repository.current(first)
    for name in ("HEAD~1", "v1^", "v2", "refs/pull/2/head", "0" * 40):
        with pytest.raises(UsageProblem, match="has no branch, tag or commit"):
            repository.resolve(name)


def test_a_branch_that_became_a_directory(served: repositories.Repository, tmp_path: Path) -> None:
    """A branch whose name stands in the way of new ones goes with them, and its commits stay."""
    served.git("branch", "topic")
    repository = copy(served, tmp_path / "copies")
    repository.update()
    commit = repository.resolve("topic")
    served.git("branch", "--delete", "--force", "topic")
    served.git("branch", "topic/one")
    served.git("update-server-info")
    repository.update()
    assert commit == repository.resolve("topic/one")


def test_an_empty_repository(tmp_path: Path) -> None:
    """A repository without a commit cannot be asked for anything."""
    made = repositories.Repository(tmp_path / "empty.git")
    with pytest.raises(Unavailable, match="cannot be asked"):
        copy(made, tmp_path / "copies").update()


@pytest.mark.parametrize("url", ["ext::sh -c touch%20pwned", "/srv/module", "file:///srv/module", ""])
def test_submodules_that_lead_elsewhere(url: str, tmp_path: Path) -> None:
    """A submodule of a repository behind http may neither run a program nor come from this machine."""
    made = repositories.Repository(tmp_path / "outer.git")
    made.write({"file.txt": "one\n", ".gitmodules": f'[submodule "m"]\n\tpath = m\n\turl = {url}\n'})
    made.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},m")
    made.git("add", ".gitmodules")
    made.git("commit", "--quiet", "--message", "a module")
    made.git("update-server-info")
    with repositories.served(tmp_path) as address:
        repository = Repository.below(tmp_path / "copies", f"{address}/outer.git/.git")
        repository.update()
        with pytest.raises(UsageProblem, match=r"the submodule m of .* has no address that may be asked"):
            tree(repository, tmp_path / "copies", repository.resolve(None))


def test_addresses_of_submodules(tmp_path: Path) -> None:
    """A relative address is relative to that of its repository; one as scp has it is behind ssh."""
    repository = Repository("https://host.example/team/outer.git", tmp_path / "copy")
    assert "https://host.example/team/inner.git" == repository.absolute("../inner.git")
    assert "ssh://git@host.example/team/inner.git" == repository.absolute("git@host.example:team/inner.git")
    assert "https://other.example/x" == repository.absolute("https://other.example/x")
