"""What is wrong with a configuration file is told in one sentence, with the file and the line."""

from __future__ import annotations

import ast
import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from zc.buildout import UserError, configparser

from eggcarton.core.errors import UsageProblem

_ENOUGH = 3
# What zc.buildout makes while it reads, by the names that it calls the options' values.
_MADE = {"eggs_cache": "eggs-directory", "download_cache": "download-cache", "extends_cache": "extends-cache"}


@contextmanager
def readable() -> Iterator[None]:
    """Tell what zc.buildout cannot read, where it would show a traceback; its own sentences stay as they are.

    Raises:
        UsageProblem: a configuration file is none, or is not there, or a directory that it names cannot be made.
    """
    try:
        yield
    except configparser.MissingSectionHeaderError as error:
        raise UsageProblem(
            f"{error.filename}, line {error.lineno}: {error.line.strip()!r} stands before the first [section]"
        ) from error
    except configparser.ParsingError as error:
        raise UsageProblem(f"{error.filename}, {_lines(error.errors)}: neither [section] nor option = value") from error
    except UserError:
        raise
    except OSError as error:
        if not_made := unmade(error):
            raise UsageProblem(not_made) from error
        named = f"{error.filename}: " if error.filename else ""
        raise UsageProblem(f"the configuration cannot be read: {named}{error.strerror or error}") from error
    except Exception as error:
        place = _place(error)
        if place is None:
            raise
        raise UsageProblem(_told(error, *place)) from error


def unmade(error: OSError) -> str | None:
    """Return a sentence on the directory that zc.buildout could not make when it read, None where it could."""
    made: dict[str, str] = {}
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code is os.makedirs.__code__:
            place = frame.f_locals["name"]
            what, remedy = "directory", "name another one in [buildout]"
            if option := made.get(place):
                kind = "eggs directory" if option == "eggs-directory" else option.replace("-", " ")
                what, remedy = kind, f"name another one with '{option}' in [buildout]"
            why = (error.strerror or str(error)).lower()
            mend = "give the right to write there" if isinstance(error, PermissionError) else "correct its path"
            return f"the {what} {place} cannot be made: {why}; {mend}, or {remedy}"
        made |= {str(frame.f_locals.get(name)): option for name, option in _MADE.items()}
    return None


def _lines(wrong: Sequence[tuple[int, str]]) -> str:
    """Return the first lines of those that are wrong, which are kept as their repr, line end and all."""
    told = ", ".join(f"line {number}: {ast.literal_eval(line).strip()!r}" for number, line in wrong[:_ENOUGH])
    return told if len(wrong) <= _ENOUGH else f"{told} and {len(wrong) - _ENOUGH} more"


def _place(error: Exception) -> tuple[str, int] | None:
    """Return the file and the line that zc.buildout was reading, as its own "While:" learns such things."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code is configparser.parse.__code__:
            return frame.f_locals["fpname"], frame.f_locals["lineno"]
    return None


def _told(error: Exception, file: str, line: int) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"{file}{_line_not_in(error.encoding, file)} is not text in {error.encoding.upper()}"
    reason = error.msg if isinstance(error, SyntaxError) else error
    return f"{file}, line {line}: the condition of the section cannot be evaluated: {reason}"


def _line_not_in(encoding: str, file: str) -> str:
    """Return which line it is: what decodes reads far ahead of the line that is looked at."""
    for number, line in enumerate(Path(file).read_bytes().splitlines() if Path(file).is_file() else (), 1):
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            return f", line {number},"
    return ""
