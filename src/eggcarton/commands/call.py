"""One call of ``bin/eggcarton``: what was asked for, and the buildout that it is asked of."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eggcarton.buildout import current, extended, patches
from eggcarton.buildout.session import Session, begun
from eggcarton.core.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Call:
    """The options of a command, and the assignments ``section:option=value`` beside them."""

    options: argparse.Namespace
    settings: Sequence[tuple[str, str, str]]

    def buildout(self, *, writing: bool = False, refresh: bool = False) -> Any:
        """Return the buildout as its configuration says, whether or not it names the extension; nothing is run."""
        settings = [*self.settings, *([("buildout", "offline", "true")] if self.options.offline else [])]
        buildout = patches.opened(
            self.options.config,
            settings,
            user_defaults=self.options.defaults,
            writing=writing,
            refresh=refresh,
        )
        extended.recall(buildout)
        return buildout

    @contextmanager
    def session(self, *, writing: bool = False, refresh: bool = False) -> Iterator[Session]:
        """Open the buildout while the block runs.

        Args:
            writing: whether the lock may be written; other runs are kept out then.
            refresh: whether configuration files from addresses are asked for anew.

        Raises:
            UsageProblem: the extension is not named, so that there is no lock.
        """
        buildout = self.buildout(writing=writing, refresh=refresh)
        logging.getLogger().setLevel(logging.INFO if writing else logging.WARNING)
        if not patches.is_named(buildout):
            raise UsageProblem("nothing is locked here: 'extensions = eggcarton' in [buildout] turns that on")
        session, transaction = begun(buildout, reading=not writing), None
        current.begin(buildout, session, None)
        try:
            transaction = patches.transaction_of(session) if writing else None
            yield session
        finally:
            session.close()
            if transaction is not None:
                transaction.undo()
