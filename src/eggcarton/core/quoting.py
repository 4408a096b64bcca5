"""Text is quoted for the program that will read it, so that it arrives there as it was."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path, PurePath


def shell(word: str | Path) -> str:
    """Return a word as `/bin/sh` reads it back.

    >>> print(shell("it's"))
    'it'"'"'s'

    Raises:
        ValueError: for NUL, which no argument can hold.
    """
    return shlex.quote(_without(str(word), "\0", "a shell's word"))


def shell_command(words: Sequence[str | Path]) -> str:
    """Return words as one command that `/bin/sh` splits into them again."""
    return " ".join(shell(word) for word in words)


def python(value: str | PurePath) -> str:
    """Return the Python literal of a text or of a path's text.

    >>> print(python(Path("a b")))
    'a b'
    """
    return repr(str(value))


def systemd(word: str | Path) -> str:
    """Return one argument of a unit file's `ExecStart=` and the like.

    Raises:
        ValueError: for NUL.

    Source: systemd.service(5), Command lines; systemd.syntax(7), Quoting.
    """
    return _systemd_quoted(str(word)).replace("$", "$$")


def systemd_environment(name: str, value: str) -> str:
    """Return one assignment of a unit file's `Environment=`, where a dollar sign means nothing.

    Raises:
        ValueError: for NUL, or a name that is none.

    Source: systemd.exec(5), Environment.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"'{name}' is not the name of an environment variable")
    return _systemd_quoted(f"{name}={value}")


def nginx(value: str | Path) -> str:
    """Return one parameter of an nginx directive.

    Raises:
        ValueError: for NUL, and for a dollar sign, which nginx has no way to write.

    Source: ngx_conf_read_token in nginx's src/core/ngx_conf_file.c.
    """
    text = _without(str(value), "\0", "an nginx configuration")
    text = _without(text, "$", "an nginx configuration, where it begins a variable,")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def apache(value: str | Path) -> str:
    """Return one argument of an Apache directive.

    Raises:
        ValueError: for NUL and line ends, and for `${`, which Apache has no way to write.

    Source: ap_getword_conf in Apache's server/util.c.
    """
    text = _without(str(value), "\0\r\n", "an Apache configuration")
    if "${" in text:
        raise ValueError("'${' cannot stand in an Apache configuration, where it begins a variable")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def ini(value: str | Path) -> str:
    """Return a value of a file that Python's configparser reads with its usual interpolation.

    Raises:
        ValueError: for NUL, line ends, and blanks at either end, which configparser drops.
    """
    text = _without(str(value), "\0\r\n", "a value of an INI file")
    if text != text.strip():
        raise ValueError("blanks at the ends cannot be kept in a value of an INI file")
    return text.replace("%", "%%")


def crontab(command: str) -> str:
    """Return the command of a crontab line; it is shell text already, only cron's own signs are escaped.

    Raises:
        ValueError: for NUL, line ends, and an odd number of backslashes before a percent sign, which cron
            has no way to read.

    Source: crontab(5); child_process in cron's do_command.c.
    """
    text = _without(command, "\0\r\n", "a crontab's command")
    if re.search(r"(?<!\\)(?:\\\\)*\\%", text):
        raise ValueError("a backslash before '%' cannot stand in a crontab's command")
    return text.replace("%", "\\%")


def _without(text: str, refused: str, place: str) -> str:
    for character in refused:
        if character in text:
            raise ValueError(f"{character!r} cannot stand in {place}")
    return text


def _systemd_quoted(text: str) -> str:
    _without(text, "\0", "a unit file")
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + re.sub(r"[\x01-\x1f\x7f]", lambda match: f"\\x{ord(match[0]):02x}", text) + '"'
