"""bin/eggcarton diff: what is different in the locks since a revision, or from another file."""

from __future__ import annotations

import subprocess

import pytest

from support.buildouts import Buildout, tree
from support.distributions import wheel
from support.fakes import greeting, recipes

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = greeting
"""


def git(build: Buildout, *arguments: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@index.example"]
    subprocess.run(["git", *identity, *arguments], cwd=build.root, check=True, capture_output=True)


@pytest.fixture
def committed(build: Buildout) -> Buildout:
    """A buildout whose lock is committed."""
    greeting(build.index.directory)
    build.configure(CONFIG)
    assert (0, "1 distribution locked, for all platforms\n") == build.run("lock", program="eggcarton")
    git(build, "init", "--quiet")
    git(build, "add", "pylock.toml")
    git(build, "commit", "--quiet", "--message", "lock")
    build.index.requests.clear()
    return build


def diff(build: Buildout, *arguments: str, status: int = 0) -> str:
    """Return what bin/eggcarton diff says, once it is sure that nothing was changed and nobody asked."""
    before = tree(*(path for path in build.root.iterdir() if path.name != ".git"), build.home)
    found, output = build.run("diff", *arguments, program="eggcarton")
    assert status == found, output
    assert before == tree(*(path for path in build.root.iterdir() if path.name != ".git"), build.home)
    assert [] == build.index.requests
    return output


def upgrade(build: Buildout) -> None:
    greeting(build.index.directory, "2.0")
    wheel(build.index.directory, "six", "1.17.0")
    recipes(build.index.directory)
    build.configure(
        CONFIG.replace("= app", "= app note").replace("= greeting", "=\n    greeting\n    six")
        + "[note]\nrecipe = noting\n"
    )
    status, output = build.run("lock", "--upgrade", program="eggcarton")
    assert 0 == status, output
    build.index.requests.clear()


def test_nothing_is_different(committed: Buildout) -> None:
    """A lock as it was committed has no difference."""
    assert "pylock.toml: no difference since HEAD.\n" == diff(committed)
    assert "pylock.toml: no difference since HEAD.\n" == diff(committed, "--exit-code")


def test_since_a_revision(committed: Buildout) -> None:
    """All locks are compared with the revision, HEAD by default; the exit code tells of it only when it is asked to."""
    upgrade(committed)
    expected = (
        "pylock.recipes.toml, {0}:\n  added, with 1 distribution\n"
        "pylock.toml, {0}:\n  greeting 1.0 -> 2.0 upgraded\n  six 1.17.0 added\n"
    )
    assert expected.format("since HEAD") == diff(committed)
    assert expected.format("since HEAD") == diff(committed, "--exit-code", status=3)
    git(committed, "add", "--all", "*.toml")
    git(committed, "commit", "--quiet", "--message", "upgrade")
    assert "pylock.recipes.toml: no difference since HEAD.\npylock.toml: no difference since HEAD.\n" == diff(committed)
    assert expected.format("since HEAD~1") == diff(committed, "HEAD~1")
    committed.lock.unlink()
    assert "pylock.toml, since HEAD:\n  removed, with 2 distributions\n" in diff(committed)


def test_other_bytes_are_named_loudly(committed: Buildout) -> None:
    """A sha256 that was changed under the same version is marked and told what to do about."""
    text = committed.lock.read_text("utf-8")
    [sha256] = {word.strip('"') for word in text.split() if len(word.strip('"')) == 64}
    committed.lock.write_text(text.replace(sha256, sha256[::-1]), "utf-8")
    output = diff(committed)
    assert "  !!! greeting: greeting-1.0-py3-none-any.whl has OTHER BYTES under the same name: sha256 " in output


def test_another_file(committed: Buildout) -> None:
    """Another lock file is compared with the one of ours that has its name, else with the main one."""
    (committed.root / "old.toml").write_bytes(committed.lock.read_bytes())
    upgrade(committed)
    expected = "pylock.toml, against old.toml:\n  greeting 1.0 -> 2.0 upgraded\n  six 1.17.0 added\n"
    assert expected == diff(committed, "old.toml")
    (committed.root / "kept").mkdir()
    (committed.root / "pylock.recipes.toml").rename(committed.root / "kept/pylock.recipes.toml")
    (committed.root / "pylock.recipes.toml").write_bytes((committed.root / "kept/pylock.recipes.toml").read_bytes())
    assert "pylock.recipes.toml: no difference against kept/pylock.recipes.toml.\n" == diff(
        committed, "kept/pylock.recipes.toml"
    )


def test_a_lock_that_cannot_be_read(committed: Buildout) -> None:
    """Which of the two locks is no lock is said, with status 5."""
    (committed.root / "old.toml").write_text("nothing", "utf-8")
    output = diff(committed, "old.toml", status=5)
    assert output.startswith("Error: the differences against old.toml are not known: old.toml is not a valid lock: ")


def test_a_revision_that_is_not_there(committed: Buildout) -> None:
    """A name that is neither a file nor a revision is refused, one that looks like an option too."""
    for name in ("nowhere", "HEAD~5"):
        output = diff(committed, name, status=2)
        assert f"Error: {name} is neither a file nor a git revision of {committed.root}; correct it\n" == output


def test_no_checkout(build: Buildout) -> None:
    """Outside a git checkout that is said in one sentence."""
    build.configure(CONFIG)
    build.variables["GIT_CEILING_DIRECTORIES"] = str(build.root.parent)
    output = diff(build, status=2)
    assert output.startswith(f"Error: {build.root} is not a git checkout that can be read (")
    assert output.endswith("so there is no revision to compare with; name another lock file instead\n")


def test_no_git(build: Buildout) -> None:
    """On a machine without git, the sentence is the same."""
    build.configure(CONFIG)
    build.variables["PATH"] = str(build.home)
    assert "Error: " in diff(build, status=2)
