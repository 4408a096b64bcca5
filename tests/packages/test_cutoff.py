"""A date stays what it is, an age becomes a date when a lock is made, and anything else is refused."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from eggcarton.packages import cutoff

NOW = datetime(2026, 11, 21, 13, 30, 5, 700, timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "checked", "moment"),
    [
        ("7 days", "7 days", "2026-11-14T11:30:05Z"),
        ("1 day", "1 days", "2026-11-20T11:30:05Z"),
        ("36hours", "36 hours", "2026-11-19T23:30:05Z"),
        (" 2 weeks ", "2 weeks", "2026-11-07T11:30:05Z"),
        ("2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
    ],
)
def test_settings(text: str, checked: str, moment: str) -> None:
    """A setting has one spelling, and means one moment when a lock is made."""
    assert (checked, moment) == (cutoff.check(text), cutoff.moment(cutoff.check(text), NOW))
    assert cutoff.is_age(checked) == (text.strip()[-1] in "ysk")


@pytest.mark.parametrize("text", ["", "soon", "7 moons", "-1 days", "2026-13-01", "99999 days", "days"])
def test_what_is_neither(text: str) -> None:
    """What is neither an age nor a date is refused."""
    with pytest.raises(ValueError, match="is neither an age such as 7 days nor a date such as 2026-01-31"):
        cutoff.check(text)


@pytest.mark.parametrize(
    ("uploaded", "after"),
    [
        ("2026-01-31T10:00:00Z", False),
        ("2026-01-31T10:00:00.999999Z", False),
        ("2026-01-31T10:00:01Z", True),
        ("2025-12-31T23:59:59.5Z", False),
    ],
)
def test_files(uploaded: str, after: bool) -> None:
    """A file counts up to the moment itself."""
    assert after == cutoff.is_after(uploaded, "2026-01-31T10:00:00Z")
