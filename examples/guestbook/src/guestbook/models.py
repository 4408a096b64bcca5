"""The entries of a guestbook, and the questions that are asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import DateTime, Dialect, String, TypeDecorator, delete, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

LONGEST_NAME = 60
LONGEST_MESSAGE = 2000


class Instant(TypeDecorator[datetime]):
    """A point in time, stored in UTC and read back with its time zone, which SQLite alone would drop."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=timezone.utc)


class Base(DeclarativeBase):
    """What all tables of the guestbook have in common."""


class Entry(Base):
    """One visitor's entry."""

    __tablename__ = "entry"
    # The address of an entry that was deleted never becomes that of another one.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    message: Mapped[str] = mapped_column(String(LONGEST_MESSAGE))
    written: Mapped[datetime] = mapped_column(
        Instant, default=lambda: datetime.now(timezone.utc).replace(microsecond=0)
    )


def count(session: Session) -> int:
    """Return how many entries there are."""
    return session.scalar(select(func.count(Entry.id))) or 0


def newest(session: Session, *, skip: int = 0, limit: int | None = None) -> Sequence[Entry]:
    """Return entries, the newest first."""
    return session.scalars(select(Entry).order_by(Entry.id.desc()).offset(skip).limit(limit)).all()


def remove(session: Session, identity: int) -> bool:
    """Delete one entry and say whether there was one."""
    return session.execute(delete(Entry).where(Entry.id == identity).returning(Entry.id)).first() is not None
