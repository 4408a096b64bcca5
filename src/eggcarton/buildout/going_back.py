"""The line ``extensions = eggcarton`` is taken out: the ``bin/buildout`` that stood there before ours does the run.

It makes anew what was made with us, as it never was what made it.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from eggcarton.buildout import current, last_run
from eggcarton.buildout.ending import stop
from eggcarton.buildout.recipes import OURS, ours
from eggcarton.buildout.sections import Sections
from eggcarton.core.errors import EggcartonError
from eggcarton.packages import store_names

logger = logging.getLogger("eggcarton")
KEPT = "buildout.before"
"""What ``bootstrap.py`` keeps another ``bin/buildout`` as."""


def go_back(buildout: Any) -> None:
    """Have a run that names the extension no more be a stock one; where there was another ``bin/buildout``, its own.

    Then this does not return. Only the configuration that the last run was of is heeded: another one may never have
    named the extension. What still has recipes of ours goes on as it is.
    """
    if OURS in buildout["buildout"].get("extensions", "").split():
        return
    sections = Sections(buildout)
    if not _was_named(buildout) or any(ours(sections.section(part)) for part in sections.parts()):
        return
    place, store = Path(buildout["buildout"]["bin-directory"]), Path(buildout["buildout"]["eggs-directory"])
    # Behind a link zc.buildout takes an egg for a develop package, which no newer one may take the place of.
    store_names.plain(store, _eggs(store))
    last_run.forget(buildout)
    if (place / KEPT).is_file() and _is_of_bootstrap(place / "buildout"):
        _run_former(buildout, place)


def _run_former(buildout: Any, place: Path) -> None:
    from eggcarton.buildout import stock

    script = place / "buildout"
    logger.info(
        "The extension is not named any more: %s is again what stood there before ours, and does this run.", script
    )
    os.replace(place / KEPT, script)
    if _is_of_bootstrap(place / "eggcarton"):
        (place / "eggcarton").unlink()
    try:
        stock.run_instead(buildout, [str(script)])
    except OSError as error:
        reason = error.strerror or error
        stop(
            EggcartonError(
                f"{script}, which stands again as it was before eggcarton, cannot be started ({reason}); have its "
                "zc.buildout write it anew with 'buildout bootstrap', or name the extension and run bootstrap.py again"
            )
        )


def _eggs(store: Path) -> list[Path]:
    """Return the eggs that names in a store lead to by links."""
    hidden = os.path.realpath(store / store_names.HIDDEN)
    found = (Path(os.path.realpath(name)) for name in store.glob("*.egg") if name.is_symlink())
    return [store / store_names.HIDDEN / os.path.relpath(egg, hidden) for egg in found if egg.is_relative_to(hidden)]


def _was_named(buildout: Any) -> bool:
    config = current.config(buildout)
    return config is not None and last_run.config(buildout) == config


def _is_of_bootstrap(script: Path) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        return "\n# bootstrap: " in script.read_text("utf-8")
    return False
