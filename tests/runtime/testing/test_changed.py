"""Facts about lines that changed since a revision: real repositories of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from eggcarton.runtime.testing import changed
from eggcarton.runtime.testing.changed import Changes, Covered, Unknown

NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


class Repository:
    """A repository with one branch, in which a test changes things."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@host.example", "-c", "protocol.file.allow=always")
        command = ["git", *who, *words]
        environment = {"PATH": os.environ["PATH"], **NOBODY}
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=True
        ).stdout

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    found = Repository(tmp_path / "project")
    found.write("a.py", "one = 1\ntwo = 2\nthree = 3\n")
    found.write("moved.py", "".join(f"line_{number} = {number}\n" for number in range(20)))
    found.write("gone.py", "x = 1\n")
    found.commit()
    monkeypatch.chdir(found.root)
    for name, value in {"HOME": str(tmp_path), **NOBODY}.items():
        monkeypatch.setenv(name, value)
    return found


def lines(revision: str = "main") -> dict[str, list[int] | None]:
    found = changed.since(revision).lines
    return {os.path.relpath(path): None if numbers is None else sorted(numbers) for path, numbers in found.items()}


def test_what_is_not_committed_counts(repository: Repository) -> None:
    """Changes of the working tree count, and new files as a whole, but for those that are ignored."""
    repository.write("a.py", "one = 1\ntwo = 22\nthree = 3\nfour = 4\n")
    repository.write("new file.py", "x = 1\n")
    repository.write(".gitignore", "ignored.py\n")
    repository.write("ignored.py", "x = 1\n")
    assert {"a.py": [2, 4], "new file.py": None, ".gitignore": None} == lines()


def test_since_the_branches_parted(repository: Repository) -> None:
    """What the other branch has got since then does not count, and what is committed here does."""
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.write("a.py", "one = 1\ntwo = 2\nthree = 33\n")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.write("gone.py", "x = 2\n")
    repository.commit()
    repository.git("checkout", "--quiet", "feature")
    assert {"a.py": [3]} == lines()


def test_renamed_deleted_and_binary(repository: Repository) -> None:
    """Of a file with another name its changed lines count; deleted and binary files have none."""
    text = (repository.root / "moved.py").read_text()
    repository.git("mv", "moved.py", "elsewhere.py")
    repository.write("elsewhere.py", text.replace("line_7 = 7", "line_7 = 77"))
    (repository.root / "gone.py").unlink()
    (repository.root / "binary.py").write_bytes(b"\0\1\2\n")
    repository.git("add", "--all")
    assert {"elsewhere.py": [8]} == lines()


def test_links(repository: Repository) -> None:
    """A new link, added or not, and a file that has become one, change nothing of what they lead to."""
    repository.write("a.py", "one = 1\ntwo = 22\nthree = 3\n")
    (repository.root / "new.py").symlink_to("a.py")
    (repository.root / "added.py").symlink_to("a.py")
    repository.git("add", "added.py")
    (repository.root / "gone.py").unlink()
    (repository.root / "gone.py").symlink_to("moved.py")
    assert {"a.py": [2]} == lines()


def test_only_deleted_lines(repository: Repository) -> None:
    """Where lines have only gone nothing can be covered, nor is the file told as one that was not measured."""
    repository.write("a.py", "one = 1\nthree = 3\n")
    repository.write("moved.py", "")
    found = changed.since("main")
    assert {"a.py": [], "moved.py": []} == lines()
    nothing = f"Lines changed since {found.since}:\nnone of those can run and is measured"
    assert nothing == changed.table(found, [], [])
    repository.write("a.py", "one = 1\nthree = 33\n")
    assert "Changed, but not measured: a.py" == changed.table(changed.since("main"), [], []).splitlines()[-1]


def test_through_a_link(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the way to the repository is a link, its files are known by where they really lie."""
    (tmp_path / "way").symlink_to(repository.root)
    monkeypatch.chdir(tmp_path / "way")
    repository.write("a.py", "one = 11\ntwo = 2\nthree = 3\n")
    found = changed.since("main")
    analysis = changed.covered(found, [str(tmp_path / "way/a.py")], lambda file: (file, [1, 2], [], [1], ""))
    assert [Covered("a.py", 1, (1,))] == analysis


def test_in_the_middle_of_a_merge(repository: Repository) -> None:
    """A file in conflict has changed where it differs, with the marks that git has put there."""
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.write("a.py", "one = 1\ntwo = 22\nthree = 3\n")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.write("a.py", "one = 1\ntwo = 222\nthree = 3\n")
    repository.commit()
    repository.git("checkout", "--quiet", "feature")
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "--quiet", "main")
    assert {"a.py": [2, 3, 4, 5, 6]} == lines("feature~1")


@pytest.mark.parametrize("name", ["grüße.py", "with space.py", 'quote".py', "tab\t.py", "new\nline.py", "b/a/b.py"])
def test_unusual_names(repository: Repository, name: str) -> None:
    """A file may be called anything."""
    repository.write(name, "x = 1\n")
    repository.commit()
    repository.write(name, "x = 1\ny = 2\n")
    assert {name: [2]} == lines("HEAD")


def test_lines_that_look_like_headers(repository: Repository) -> None:
    """A changed line that looks like a part of a patch is a changed line."""
    repository.write("a.py", "one = 1\n++ b/other.py\n@@ -1 +50,9 @@\nthree = 3\n-- a/x")
    assert {"a.py": [2, 3, 5]} == lines()


@pytest.mark.parametrize(
    "setting",
    [
        "diff.noprefix=true",
        "diff.mnemonicPrefix=true",
        "color.ui=always",
        "diff.external=false",
        "diff.context=9",
        "core.quotePath=false",
        "diff.relative=true",
        "diff.interHunkContext=9",
        "diff.algorithm=histogram",
        "diff.wordRegex=.",
        "diff.renames=copies",
    ],
)
def test_whatever_git_is_configured_to(repository: Repository, setting: str) -> None:
    """Settings of the user's do not change what has changed."""
    repository.git("config", *setting.split("="))
    repository.write("a.py", "one = 11\ntwo = 2\nthree = 33\n")
    assert {"a.py": [1, 3]} == lines()


def test_below_the_top(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory may lie below the top of the repository, and a hook of git's may run the tests."""
    repository.write("below/b.py", "x = 1\n")
    repository.write("a.py", "one = 11\ntwo = 2\nthree = 3\n")
    monkeypatch.chdir(repository.root / "below")
    monkeypatch.setenv("GIT_DIR", ".git")
    assert {"../a.py": [1], "b.py": None} == lines()


def test_submodules(repository: Repository, tmp_path: Path) -> None:
    """A submodule at another commit is named, and its lines are not known."""
    library = Repository(tmp_path / "library")
    library.write("lib.py", "x = 1\n")
    library.commit()
    repository.git("submodule", "--quiet", "add", str(library.root), "lib")
    repository.commit()
    library.write("lib.py", "x = 2\n")
    library.commit()
    subprocess.run(["git", "-C", "lib", "pull", "--quiet"], cwd=repository.root, check=True)
    found = changed.since("main")
    assert (("lib",), {}) == (found.submodules, found.lines)


def sentence(revision: str) -> str:
    with pytest.raises(Unknown) as problem:
        changed.since(revision)
    return str(problem.value)


def test_unknown_revisions(repository: Repository) -> None:
    """A revision that is unknown, no commit, or has nothing in common is told, with what to do."""
    advice = "name a branch, tag or commit that this repository has"
    for revision in ("nowhere", "--output=x", "HEAD:a.py"):
        assert f"git knows no revision '{revision}' in {repository.root}: {advice}" == sentence(revision)
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.write("a.py", "one = 0\n")
    repository.commit()
    expected = f"what is checked out in {repository.root} has nothing in common with 'main': {advice}"
    assert expected == sentence("main")


def test_a_shallow_clone(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a clone that lacks the history, it is said how to get it."""
    repository.write("a.py", "one = 11\n")
    repository.commit()
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    assert "this clone is shallow; fetch what is missing" in sentence("HEAD~1")


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a repository, and without git, it is said that no change can be known."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert f"{tmp_path} is in no repository of git, so that no line is known to have changed" == sentence("main")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "changed lines are told by git, which is not installed, or not on PATH" == sentence("main")


def test_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has a line a file with the changed lines that did not run, and names what was not measured."""
    monkeypatch.chdir(tmp_path)
    names = {name: str(tmp_path / name) for name in ("a.py", "b.py", "c.py", "d.txt")}
    (tmp_path / "a.py").touch()
    (tmp_path / "b.py").touch()
    numbers = {names["a.py"]: frozenset(range(1, 9)), names["b.py"]: None, names["c.py"]: frozenset({1})}
    numbers |= {names["d.txt"]: frozenset({1}), str(tmp_path / "new.py"): None}
    changes = Changes("1a2b, where this parted from main", numbers, ("lib",))
    analyses = {names["a.py"]: ([1, 2, 3, 4, 5, 20], [2, 3, 5, 20]), names["b.py"]: ([1], [])}

    def analysis(file: str) -> tuple[object, ...]:
        statements, missing = analyses[file]
        return file, statements, [], missing, ""

    found = changed.covered(changes, analyses, analysis)
    assert [Covered("a.py", 5, (2, 3, 5)), Covered("b.py", 1, ())] == found
    assert 50.0 == changed.percent(found)
    assert [
        "Lines changed since 1a2b, where this parted from main:",
        "Name   Lines  Miss  Cover   Missing",
        "a.py       5     3    40%   2-3, 5",
        "b.py       1     0   100%",
        "TOTAL      6     3    50%",
        "Changed, but not measured: c.py",
        "Changed in repositories of their own, and not looked at: lib",
    ] == changed.table(changes, found, analyses).splitlines()
    nothing = changed.table(Changes("1a2b", {}), [], [])
    assert ["Lines changed since 1a2b:", "none of those can run and is measured"] == nothing.splitlines()
    assert 100.0 == changed.percent([])
