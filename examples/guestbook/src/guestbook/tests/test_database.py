"""The database file: made once, shared by several processes, never failing at the first lock."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from guestbook.database import open_database
from guestbook.settings import SettingsProblem


@pytest.fixture
def writer(settings, browser):
    """Return a second connection that holds the write lock, as another process would."""
    connection = sqlite3.connect(settings.database, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    with closing(connection):
        yield connection


def filled(browser):
    """Return the form with an entry that waits to be sent."""
    form = browser.get("/sign").form
    form["name"], form["message"] = "Ada", "Hello"
    return form


def test_the_first_start_creates_the_database(settings, start):
    """The first start makes the directory, the database and the secret, and leaves nothing else."""
    assert not settings.database.parent.exists()
    start(settings)
    names = {path.name for path in settings.database.parent.iterdir()}
    assert {"guestbook.sqlite", "secret"} == names - {"guestbook.sqlite-wal", "guestbook.sqlite-shm"}


def test_the_second_start_keeps_the_entries(settings, sign, start):
    """An entry is still there after the application was started again."""
    sign("Ada", "Hello")
    assert "Ada" == start(settings).get("/").html.h2.text


def test_the_database_has_a_write_ahead_log(settings, browser):
    """The journal mode of the file is WAL, for every program that opens it."""
    with closing(sqlite3.connect(settings.database)) as connection:
        assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()


def test_foreign_keys_are_enforced(settings):
    """Every connection of the application has foreign keys on."""
    engine = open_database(settings)
    with engine.connect() as connection:
        assert 1 == connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
    engine.dispose()


def test_readers_do_not_wait_for_a_writer(browser, sign, writer):
    """While another process writes, pages are read as before."""
    assert 200 == browser.get("/").status_int


def test_a_writer_waits_for_another_one(browser, stored, writer):
    """While another process writes, an entry waits, and is stored as soon as the other one is done."""
    form = filled(browser)
    release = threading.Timer(0.1, writer.rollback)
    start = time.monotonic()
    release.start()
    form.submit(status=303)
    assert time.monotonic() - start >= 0.1
    assert [("Ada", "Hello")] == stored()


def test_waiting_ends_with_the_time_out(browser, stored, writer):
    """When the other one does not end, the visitor is told after the busy time-out; nothing is stored."""
    form = filled(browser)
    start = time.monotonic()
    answer = form.submit(status=503)
    assert 0.3 <= time.monotonic() - start < 3
    assert "The book is in use" in answer
    assert "10" == answer.headers["Retry-After"]
    assert [] == stored()


def test_the_reason_of_a_failure_is_logged(browser, writer, caplog):
    """What the visitor is not told, the log says: why the database failed."""
    filled(browser).submit(status=503)
    assert "the database failed: database is locked" in caplog.text


def test_a_new_entry_is_logged(sign, caplog):
    """The log tells of every new entry."""
    caplog.set_level("INFO", "guestbook")
    sign("Ada")
    assert "entry 1 was written by 'Ada'" in caplog.text


def test_a_file_that_is_no_database_is_refused(settings):
    """A start on a file of another kind ends in a sentence and leaves the file as it is."""
    settings.database.parent.mkdir()
    settings.database.write_text("These are my notes, not yours.\n" * 100)
    with pytest.raises(SettingsProblem, match=r"guestbook\.sqlite cannot be used: file is not a database"):
        open_database(settings)
    assert settings.database.read_text().startswith("These are my notes")


def test_a_foreign_database_is_refused(settings):
    """A start on another application's database ends in a sentence."""
    settings.database.parent.mkdir()
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    with pytest.raises(SettingsProblem, match="is a database, but not a guestbook's"):
        open_database(settings)
