"""Facts about errors: each is one finished sentence, with an exit code and data."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggcarton.core import errors


@pytest.mark.parametrize(
    ("error", "exit_code", "text"),
    [
        (errors.EggcartonError("It failed."), 1, "It failed."),
        (errors.UsageProblem("no such part"), 2, "no such part"),
        (errors.Drift("2 differ:", differences=["a", "b"]), 3, "2 differ:\n  a\n  b"),
        (errors.Unavailable("x is nowhere", tried=["index.example"]), 4, "x is nowhere\n  index.example"),
        (errors.IntegrityProblem("x is not x", expected="1", found="2"), 5, "x is not x"),
        (errors.PlanProblem("planned twice"), 1, "planned twice"),
        (
            errors.ForeignFile(Path("/x"), "web"),
            1,
            "[web] /x exists and was not put there by this part: move it away, or rename the part or its output",
        ),
        (
            errors.ForeignFile(Path("/bin/x"), "old", "app", is_script=True),
            1,
            "[old] /bin/x exists and belongs to part [app]: give [old] another name for it, with "
            "'interpreter = x-old', or with NAME=x-old in 'scripts', which lists all that [old] makes",
        ),
        (errors.StagingProblem(Path("/x"), "full"), 1, "/x could not be written: full; nothing was changed"),
        (
            errors.RecordProblem(Path("/x"), "torn"),
            1,
            "/x is not a record of what a part owns (torn): delete it and run again",
        ),
        (
            errors.CommandFailed(("a", "b c"), "ended with exit status 1", ["why"]),
            1,
            "a b c: ended with exit status 1\n  why",
        ),
    ],
)
def test_sentences(error: errors.EggcartonError, exit_code: int, text: str) -> None:
    """str() of an error is what the user reads, and its class knows the exit code."""
    assert (exit_code, text) == (error.exit_code, str(error))


def test_option_problems() -> None:
    """All problems of a section are one message, one line each, each with the section."""
    error = errors.OptionProblems("nightly", ["option 'a': 'x' is bad", "option 'b' is missing"])
    assert "[nightly] option 'a': 'x' is bad\n[nightly] option 'b' is missing" == str(error)
    assert ("nightly", 2, 2) == (error.section, len(error.problems), error.exit_code)


def test_depth() -> None:
    """Errors inherit one level deep."""
    children = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    assert {errors.EggcartonError, Exception} == {child.__base__ for child in children}
