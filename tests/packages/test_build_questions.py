"""Programs that only tell may be asked again, and no other is ever started to see whether a build still stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eggcarton.packages.build_questions import ABSENT, UNKNOWN, ask, instead, is_question
from support.repositories import Repository


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git describe --tags --dirty", True),
        ("/usr/bin/git --git-dir x/.git -c a.b=c log -n 1 --format=%h", True),
        ("git --git-dir=x/.git -C .. status --porcelain", True),
        ("git --version", True),
        ("git symbolic-ref --short HEAD", True),
        ("git symbolic-ref HEAD refs/heads/other", False),
        ("git archive HEAD", True),
        ("git archive -o made.tar HEAD", False),
        ("git archive --output=made.tar HEAD", False),
        ("git diff --output=made.txt", False),
        ("git cat-file --batch", False),
        ("git tag v1.0", False),
        ("git fetch", False),
        ("git", False),
        ("git -c", False),
        ("hg id -i", True),
        ("hg update", False),
        ("make version", False),
        ("describe", False),
    ],
)
def test_what_only_tells(command: str, expected: bool) -> None:
    """A command of git or Mercurial that can do nothing but tell is a question, and nothing else is one."""
    assert expected is is_question(command.split())


def test_answers(tmp_path: Path) -> None:
    """The same state gives the same answer; how a command ends is part of it."""
    repository = Repository(tmp_path / "own")
    words = ["git", "describe", "--tags"]
    variables = {"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    nothing = ask(words, str(repository.place), variables)
    repository.commit(tag="v1.0")
    first = ask(words, str(repository.place), variables)
    assert first == ask(words, str(repository.place), variables)
    repository.commit(tag="v2.0")
    assert 3 == len({nothing, first, ask(words, str(repository.place), variables)})


def test_what_is_never_started(tmp_path: Path) -> None:
    """A program that does more than tell is not started; one that is not there has an answer of its own."""
    variables = {"PATH": os.environ["PATH"]}
    assert UNKNOWN == ask(["touch", "made"], str(tmp_path), variables)
    assert [] == list(tmp_path.iterdir())
    assert ABSENT == ask(["no-such-program"], str(tmp_path), variables)
    assert ABSENT == ask(["git", "describe"], str(tmp_path), {"PATH": str(tmp_path)})
    assert UNKNOWN == ask(["git", "describe"], str(tmp_path / "gone"), variables)


def test_attributes_of_files_by_their_names(tmp_path: Path) -> None:
    """What is asked of files that are named on the standard input can be asked of all files."""
    words = ["git", "--git-dir", ".git", "check-attr", "-z", "--stdin", "export-ignore"]
    assert ["git", "--git-dir", ".git", "ls-files", "-z"] == instead(words)[:5]
    assert is_question(instead(words))
    repository = Repository(tmp_path / "own")
    repository.write({"one.txt": "", "two.txt": ""})
    variables = {"PATH": os.environ["PATH"]}
    before = ask(instead(words), str(repository.place), variables)
    repository.write({".gitattributes": "two.txt export-ignore\n"})
    assert before != ask(instead(words), str(repository.place), variables)
    assert ["git", "log"] == instead(["git", "log"])
