"""A guestbook of its own for every test, with a real database in a temporary directory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from webtest import TestApp

from guestbook.application import build
from guestbook.settings import Settings

Sign = Callable[..., None]
Start = Callable[[Settings], TestApp]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings whose files do not exist yet."""
    return Settings(
        database=tmp_path / "data" / "guestbook.sqlite",
        secret_file=tmp_path / "data" / "secret",
        entries_per_page=3,
        busy_timeout=0.3,
    )


@pytest.fixture
def start() -> Iterator[Start]:
    """Return the act of starting a guestbook and visiting it; all are ended with the test."""
    with ExitStack() as running:

        def visit(settings: Settings) -> TestApp:
            application = build(settings)
            running.callback(application.registry.engine.dispose)
            return TestApp(application)

        yield visit


@pytest.fixture
def browser(start: Start, settings: Settings) -> TestApp:
    """Return a visitor of a running guestbook."""
    return start(settings)


@pytest.fixture
def sign(browser: TestApp) -> Sign:
    """Return the act of writing an entry through the form."""

    def write(name: str = "Ada", message: str = "Hello") -> None:
        form = browser.get("/sign").form
        form["name"], form["message"] = name, message
        form.submit(status=303)

    return write


@pytest.fixture
def stored(settings: Settings) -> Callable[[], list[tuple[str, str]]]:
    """Return what a stranger to the application reads in its database file: names and messages."""

    def read() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(settings.database)) as connection:
            return connection.execute("SELECT name, message FROM entry ORDER BY id").fetchall()

    return read


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """Return a settings file with the least that it must hold."""
    path = tmp_path / "guestbook.ini"
    path.write_text("[guestbook]\ndatabase = data/guestbook.sqlite\nsecret-file = data/secret\n", "utf-8")
    return path
