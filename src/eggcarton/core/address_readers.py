"""Readers of addresses, and of what the bytes there have to be."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from eggcarton.core.readers import reads


@reads("an address such as https://host.example/file, without user and password")
def address(value: str) -> str:
    """Return an http or https address; credentials in it are refused, since zc.buildout writes values into a file."""
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", value):
        raise ValueError("is not an address such as https://host.example/file")
    if "@" in parts.netloc:
        raise ValueError("was given with a user or a password, which a file of zc.buildout would tell: use ~/.netrc")
    return value


@reads("a sha256, which has 64 hexadecimal digits")
def sha256(value: str) -> str:
    """Return a digest in lower case."""
    if not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise ValueError("is not a sha256, which has 64 hexadecimal digits")
    return value.lower()
