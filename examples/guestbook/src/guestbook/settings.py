"""What one guestbook is told from outside: an INI file, named by an environment variable, read once."""

from __future__ import annotations

import configparser
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "GUESTBOOK_SETTINGS"
SECTION = "guestbook"


class SettingsProblem(Exception):
    """The guestbook cannot start as it is set up; the text is a finished sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one guestbook, checked."""

    database: Path
    secret_file: Path
    title: str = "Guestbook"
    entries_per_page: int = 10
    busy_timeout: float = 5.0
    secure_cookies: bool = False
    log_level: int = logging.INFO


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the file that GUESTBOOK_SETTINGS names; relative paths in it start at its directory."""
    name = environment.get(VARIABLE, "")
    if not name:
        raise SettingsProblem(f"The environment variable {VARIABLE} is not set; let it name the settings file.")
    path = Path(name).absolute()
    values = _section(path)
    readers: dict[str, Callable[[str], object]] = {
        "title": _text,
        "database": lambda text: path.parent / _text(text),
        "secret-file": lambda text: path.parent / _text(text),
        "entries-per-page": _count,
        "busy-timeout": _seconds,
        "secure-cookies": _truth,
        "log-level": _level,
    }
    if unknown := sorted(set(values) - set(readers)):
        known = ", ".join(readers)
        raise SettingsProblem(f"{path}: '{unknown[0]}' is not a setting of the guestbook; there are {known}.")
    for required in ("database", "secret-file"):
        if required not in values:
            raise SettingsProblem(f"{path}: the setting '{required}' is missing.")
    found = {}
    for key, text in values.items():
        try:
            found[key.replace("-", "_")] = readers[key](text)
        except ValueError as error:
            raise SettingsProblem(f"{path}: {key} = {text} {error}.") from None
    return Settings(**found)  # type: ignore[arg-type]  # The readers above give each field its type.


def _section(path: Path) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise SettingsProblem(f"The settings file {path} cannot be read: {error.strerror}.") from error
    except (configparser.Error, UnicodeDecodeError) as error:
        reason = str(error).replace("\n", " ")
        raise SettingsProblem(f"The settings file {path} is not in INI format: {reason}.") from error
    if parser.sections() != [SECTION]:
        raise SettingsProblem(f"{path}: there must be the section [{SECTION}], and no other.")
    return parser[SECTION]


def _text(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise ValueError("is not a whole number from 1 to 1000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise ValueError("is not a number of seconds from 0 to 3600")
    return seconds


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text == "true"


def _level(text: str) -> int:
    names = ("DEBUG", "INFO", "WARNING", "ERROR")
    if text not in names:
        raise ValueError(f"is not one of {', '.join(names)}")
    return int(getattr(logging, text))
