"""What a visitor sent, cleaned and checked, with a sentence for every field that has to be mended."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from guestbook.models import LONGEST_MESSAGE, LONGEST_NAME


@dataclass(frozen=True, kw_only=True)
class EntryForm:
    """The form for one entry: what stands in its fields, and what is wrong with them."""

    name: str = ""
    message: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, fields: Mapping[str, object]) -> EntryForm:
        """Read the fields of a request; the form is good if it has no problems."""
        name = " ".join(_clean(fields.get("name")).split())
        message = _clean(fields.get("message"))
        problems = {}
        if not name:
            problems["name"] = "Please write your name."
        elif len(name) > LONGEST_NAME:
            problems["name"] = f"Please keep your name to {LONGEST_NAME} characters; it has {len(name)}."
        if not message:
            problems["message"] = "Please write a message."
        elif len(message) > LONGEST_MESSAGE:
            problems["message"] = f"Please keep your message to {LONGEST_MESSAGE} characters; it has {len(message)}."
        return cls(name=name, message=message, problems=problems)


def _clean(value: object) -> str:
    """Return text with plain line ends and no control characters; a file in its place counts as empty."""
    if not isinstance(value, str):
        return ""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) != "Cc").strip()
