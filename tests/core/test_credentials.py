"""Users and passwords in addresses are never told."""

from __future__ import annotations

import pytest

from eggcarton.core.credentials import without_credentials


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://me:secret@index.example/simple/", "https://index.example/simple/"),
        ("a @ https://me@x.example/a b @ git+ssh://git:s@y.example/b", "a @ https://x.example/a b @ git+ssh://y.example/b"),
        ("https://index.example/a@1.0", "https://index.example/a@1.0"),
        ("six @ somewhere", "six @ somewhere"),
        ("https://me:p@ss@index.example/", "https://index.example/"),
    ],
)  # fmt: skip
def test_credentials_are_left_out(text: str, told: str) -> None:
    """Users and passwords go, wherever in a text an address stands; revisions and what is no address stay."""
    assert told == without_credentials(text)
