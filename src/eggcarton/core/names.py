"""Names of distributions, as they are compared."""

from __future__ import annotations

import re


def canonical_name(name: str) -> str:
    """Return the one spelling under which a distribution's name is compared.

    Source: PEP 503, normalized names.

    >>> canonical_name("Zope.Interface")
    'zope-interface'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
