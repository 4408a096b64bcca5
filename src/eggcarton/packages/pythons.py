"""Which Pythons a resolution can be made for, where it cannot be made for all of a range."""

from __future__ import annotations

import platform
import re

from packaging.version import Version

from eggcarton.packages.compiled import lowest

_TOO_OLD = re.compile(r"does\s+not\s+satisfy\s+Python>=([\d.]*\d)")


def first_that_would_do(explanation: str, requires_python: str) -> str | None:
    """Return the first Python that would do where uv found no solution, None where it is later than the one here."""
    here, first = (Version(python) for python in (platform.python_version(), lowest(requires_python)))
    wanted = max((Version(found) for found in _TOO_OLD.findall(explanation)), default=first)
    return str(wanted) if first < wanted <= here else None
