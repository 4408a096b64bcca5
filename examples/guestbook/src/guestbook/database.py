"""One SQLite file for several processes at once: a write-ahead log, and waiting instead of failing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from guestbook.first_start import create_once
from guestbook.models import Base, Entry
from guestbook.settings import Settings, SettingsProblem

log = logging.getLogger(__name__)


def open_database(settings: Settings) -> Engine:
    """Return the engine for the guestbook's database, which is created if this is the first start."""
    path = settings.database

    def create(new: Path) -> None:
        engine = _engine(new, settings.busy_timeout)
        Base.metadata.create_all(engine)
        engine.dispose()  # Closing the last connection folds the write-ahead log into the file.

    if create_once(path, create):
        log.info("created the database %s", path)
    engine = _engine(path, settings.busy_timeout)
    try:
        _check(engine, path)
    except SettingsProblem:
        engine.dispose()
        raise
    return engine


def _check(engine: Engine, path: Path) -> None:
    try:
        complete = sqlalchemy.inspect(engine).has_table(Entry.__tablename__)
    except DatabaseError as error:
        raise SettingsProblem(f"The database {path} cannot be used: {error.orig}.") from error
    if not complete:
        raise SettingsProblem(f"{path} is a database, but not a guestbook's; let the settings name another one.")


def _engine(path: Path, busy_timeout: float) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # The driver begins transactions late and not for every statement; below, each is begun by us instead.
        connection.isolation_level = None
        # The time-out comes first, so that the statements after it wait as well.
        connection.execute(f"PRAGMA busy_timeout = {round(busy_timeout * 1000)}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
