"""The session and the transaction of the buildout that runs now, if our extension is part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session
    from eggcarton.buildout.transaction import Transaction

_SESSION = "_eggcarton_session"
_TRANSACTION = "_eggcarton_transaction"


def session(buildout: Any) -> Session | None:
    """Return the session of a buildout, None when the extension is not in force."""
    found: Session | None = getattr(buildout, _SESSION, None)
    return found


def transaction(buildout: Any) -> Transaction | None:
    """Return the transaction of a buildout's run, None when there is none."""
    found: Transaction | None = getattr(buildout, _TRANSACTION, None)
    return found


def begin(buildout: Any, session: Session, transaction: Transaction | None) -> None:
    """Make a session, and a transaction, those of a buildout."""
    setattr(buildout, _SESSION, session)
    setattr(buildout, _TRANSACTION, transaction)
