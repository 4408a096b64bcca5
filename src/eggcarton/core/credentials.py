"""Users and passwords in addresses, which are never told."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]*@")


def without_credentials(text: str) -> str:
    """Return a text whose addresses hold neither user nor password.

    >>> without_credentials("-i https://me:secret@index.example/simple/")
    '-i https://index.example/simple/'
    """
    return _CREDENTIALS.sub("", text)
