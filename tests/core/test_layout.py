"""Facts about where a part puts things and what it may import."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggcarton.core.layout import EntryPoint, Environment, Layout
from eggcarton.core.names import canonical_name

POINTS = (
    EntryPoint("Guest_Book", "console_scripts", "guestbook", "guestbook.cli", "main"),
    EntryPoint("Guest_Book", "console_scripts", "admin", "guestbook.cli", "admin"),
    EntryPoint("pyramid", "console_scripts", "pserve", "pyramid.scripts.pserve", "main"),
    EntryPoint("pyramid", "paste.app_factory", "main", "pyramid.x", "make"),
    EntryPoint("Guest_Book", "paste.app_factory", "main", "guestbook", "make"),
)
ENVIRONMENT = Environment(
    python=Path("/e/bin/python"),
    prefix=Path("/e"),
    site_packages=Path("/e/lib"),
    distributions=(("guest-book", "1"), ("pyramid", "2")),
    entry_points=POINTS,
    digest="d",
    store=Path("/s"),
)


def test_under() -> None:
    """The default layout has buildout's directory names, with log and run below var."""
    layout = Layout.under(Path("/r"), "web")
    expected = ("/r/bin", "/r/etc", "/r/parts", "/r/var", "/r/var/log", "/r/var/run", "/r/parts/web")
    found = (layout.bin, layout.etc, layout.parts, layout.var, layout.log, layout.run, layout.location)
    assert expected == tuple(str(path) for path in found)


def test_find() -> None:
    """An entry point is found by group and name, in the given distribution or in the first that has it."""
    assert POINTS[3] == ENVIRONMENT.find("paste.app_factory", "main")
    assert POINTS[4] == ENVIRONMENT.find("paste.app_factory", "main", "guest-book")
    assert ENVIRONMENT.find("paste.app_factory", "other") is None


@pytest.mark.parametrize("name", ["Guest.Book", "guest__book", "GUEST-._book"])
def test_canonical_name(name: str) -> None:
    """A distribution has one canonical name."""
    assert "guest-book" == canonical_name(name)
