"""What the first start makes: whole or not at all, whoever else starts at that moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from guestbook.settings import SettingsProblem

SHORTEST_SECRET = 32


def create_once(path: Path, make: Callable[[Path], None]) -> bool:
    """Make a file by make(scratch path), unless one stands at the path, and say whether this call made it.

    The file appears whole, in one step that only one of several processes can take; all of them then
    use the same file.
    """
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch:
            new = Path(scratch, path.name)
            make(new)
            # A rename would replace the file of a faster process; a link never does.
            os.link(new, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise SettingsProblem(
            f"{path} cannot be made: {error.strerror}; let the settings name another place."
        ) from error
    return True


def signing_secret(path: Path) -> str:
    """Return the secret that signs the cookies; a missing file is made, for its owner only."""
    create_once(path, _write_secret)
    try:
        secret = path.read_text("ascii").strip()
    except OSError as error:
        raise SettingsProblem(f"The secret file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < SHORTEST_SECRET:
        raise SettingsProblem(
            f"The secret file {path} holds fewer than {SHORTEST_SECRET} ASCII characters;"
            " remove it, and the next start makes a good one."
        )
    return secret


def _write_secret(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(os.urandom(32).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
