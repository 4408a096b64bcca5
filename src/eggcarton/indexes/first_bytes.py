"""What the first bytes of a file tell before the rest has come: an archive, or a page that was put in its place."""

from __future__ import annotations

from eggcarton.indexes.outcomes import Kind, Outcome

HEAD = 1024
"""Bytes that are read before anything else is."""

_MAGIC = {
    ".whl": b"PK\x03\x04",
    ".zip": b"PK\x03\x04",
    ".egg": b"PK\x03\x04",
    ".tar.gz": b"\x1f\x8b",
    ".tgz": b"\x1f\x8b",
    ".tar.bz2": b"BZh",
    ".tar.xz": b"\xfd7zXZ\x00",
}
_PAGE = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")


def problem(name: str, head: bytes, status: int | None = None) -> Outcome | None:
    """Return what is wrong with a file that begins so, None where nothing is or the name tells nothing.

    Args:
        name: the file's name; what it ends with tells how the file has to begin.
        head: its first bytes, as many as there are yet.
        status: the one that they came with.

    >>> problem("six-1.0-py3-none-any.whl", b"PK") is None
    True
    >>> str(problem("six-1.0-py3-none-any.whl", b"Not found"))
    'the first bytes are not those of a .whl file'
    """
    ending = next((ending for ending in _MAGIC if name.endswith(ending)), None)
    if ending is None or not head or _MAGIC[ending].startswith(head[: len(_MAGIC[ending])]):
        return None
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:9].lower().startswith(_PAGE):
        return Outcome(
            Kind.USELESS, status, "a web page came in place of the file, as from a network that wants a login"
        )
    return Outcome(Kind.SPOILT, status, f"the first bytes are not those of a {ending} file")
