"""Every error says in one finished sentence where it is, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar


class EggcartonError(Exception):
    """What was asked for cannot be done, such as versions that conflict, or a build that fails."""

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class UsageProblem(EggcartonError):
    """What was asked for makes no sense: a command line or a configuration to mend."""

    exit_code = 2


class OptionProblems(EggcartonError):
    """All that is wrong with the options of one section, one line a problem."""

    exit_code = 2

    def __init__(self, section: str, problems: Sequence[str]) -> None:
        super().__init__("\n".join(f"[{section}] {problem}" for problem in problems))
        self.section = section
        self.problems = tuple(problems)


class Drift(EggcartonError):
    """What stands differs from what was recorded or locked."""

    exit_code = 3

    def __init__(self, sentence: str, *, differences: Sequence[str] = ()) -> None:
        super().__init__("\n".join([sentence, *(f"  {line}" for line in differences)]))
        self.differences = tuple(differences)


class Unavailable(EggcartonError):
    """Something that is needed could not be had: an index does not answer, or offline it is not here."""

    exit_code = 4

    def __init__(self, sentence: str, *, tried: Sequence[str] = ()) -> None:
        super().__init__("\n".join([sentence, *(f"  {line}" for line in tried)]))
        self.tried = tuple(tried)


class IntegrityProblem(EggcartonError):
    """Bytes are not those that were promised."""

    exit_code = 5

    def __init__(self, sentence: str, *, expected: str = "", found: str = "") -> None:
        super().__init__(sentence)
        self.expected = expected
        self.found = found


class PlanProblem(EggcartonError):
    """A plan that could never be made true."""


class ForeignFile(EggcartonError):
    """Something stands where a part would write, and the part did not put it there."""

    def __init__(self, path: Path, part: str, owner: str | None = None, *, is_script: bool = False) -> None:
        whose = f"belongs to part [{owner}]" if owner else "was not put there by this part"
        remedy = "move it away, or rename the part or its output"
        if owner and is_script:
            remedy = (
                f"give [{part}] another name for it, with 'interpreter = {path.name}-{part}', or with "
                f"NAME={path.name}-{part} in 'scripts', which lists all that [{part}] makes"
            )
        super().__init__(f"[{part}] {path} exists and {whose}: {remedy}")
        self.path = path
        self.part = part
        self.owner = owner


class UnmarkedFile(EggcartonError):
    """A file stands where one is to be kept up to date, and does not say that it may be replaced."""

    def __init__(self, path: Path, part: str, mark: str) -> None:
        super().__init__(
            f"[{part}] {path} exists and does not begin with {mark!r}, so that it is not replaced: move it away, or "
            "name another file"
        )
        self.path = path
        self.part = part


class StagingProblem(EggcartonError):
    """A file or directory could not be prepared; nothing was changed."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} could not be written: {reason}; nothing was changed")
        self.path = path
        self.reason = reason


class RecordProblem(EggcartonError):
    """The record of what a part owns cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not a record of what a part owns ({reason}): delete it and run again")
        self.path = path
        self.reason = reason


class CommandFailed(EggcartonError):
    """A program ended with an error, was killed, took too long or is not there."""

    def __init__(self, command: Sequence[str], how: str, last_lines: Sequence[str] = ()) -> None:
        sentence = f"{' '.join(command)}: {how}"
        super().__init__("\n".join([sentence, *(f"  {line}" for line in last_lines)]))
        self.command = tuple(command)
        self.how = how
        self.last_lines = tuple(last_lines)
