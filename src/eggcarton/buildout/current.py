"""The session and the transaction of the buildout that runs now, if our extension is part of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session
    from eggcarton.buildout.transaction import Transaction

_SESSION = "_eggcarton_session"
_TRANSACTION = "_eggcarton_transaction"
_CONFIG = "_eggcarton_config"


def session(buildout: Any) -> Session | None:
    """Return the session of a buildout, None when the extension is not in force."""
    found: Session | None = getattr(buildout, _SESSION, None)
    return found


def transaction(buildout: Any) -> Transaction | None:
    """Return the transaction of a buildout's run, None when there is none."""
    found: Transaction | None = getattr(buildout, _TRANSACTION, None)
    return found


def config(buildout: Any) -> str | None:
    """Return the real path of the file that a buildout was read from, None where it came from an address."""
    found: str | None = getattr(buildout, _CONFIG, None)
    return found


def place_of(name: str) -> str:
    """Return a configuration's address, or its real path: zc.buildout leaves the directory that a name starts from."""
    return name if "://" in name else os.path.realpath(name)


def set_config(buildout: Any, name: str) -> None:
    """Note which file a buildout was read from."""
    setattr(buildout, _CONFIG, None if "://" in name else place_of(name))


def begin(buildout: Any, session: Session, transaction: Transaction | None) -> None:
    """Make a session, and a transaction, those of a buildout."""
    setattr(buildout, _SESSION, session)
    setattr(buildout, _TRANSACTION, transaction)
