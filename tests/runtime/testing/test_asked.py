"""What the command line says of coverage."""

from __future__ import annotations

import pytest

from eggcarton.runtime.testing import asked
from eggcarton.runtime.testing.asked import Asked


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Asked(())),
        (["-k", "few", "--diff", "main", "-v"], Asked(("-k", "few", "-v"), diff="main")),
        (["--diff=HEAD~3"], Asked((), diff="HEAD~3")),
        (["--trend"], Asked((), trend=True)),
        (["--", "--trend", "--diff"], Asked(("--", "--trend", "--diff"))),
    ],
)
def test_read(words: list[str], expected: Asked) -> None:
    """What is meant for coverage is taken out, and the runner gets the rest."""
    assert expected == asked.read(words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--diff"], "--diff needs a revision, such as --diff main"),
        (["--diff="], "--diff needs a revision, such as --diff main"),
        (["--diff", "-v"], "--diff needs a revision, such as --diff main"),
        (["--trend", "-v"], "--trend runs no tests: it stands alone on the command line"),
        (["--diff=main", "--trend"], "--trend runs no tests: it stands alone on the command line"),
    ],
)
def test_problems(words: list[str], sentence: str) -> None:
    """What makes no sense is one sentence."""
    assert sentence == asked.read(words).problem


def test_the_status_of_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that makes no sense ends with 2, as one does that coverage does not know."""
    assert 2 == asked.answered(["--diff"], {})[1]
    assert "--diff needs a revision, such as --diff main\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "is_whole"),
    [([], True), (["-q", "--tb=short", "-vv", "-rA", "-n4"], True), (["-k", "few"], False), (["a.py"], False),
     (["--lf"], False), (["-x"], False), (["-m", "slow"], False)],
)  # fmt: skip
def test_whole(words: list[str], is_whole: bool) -> None:
    """A run counts as one of all tests only where no argument can have left some out."""
    assert is_whole is asked.read(words).is_whole
