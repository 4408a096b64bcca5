"""The moment after which nothing that was uploaded is locked: given as a date, or as an age that becomes one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_AGE = re.compile(r"([0-9]{1,4})\s*(hour|day|week)s?")


def check(text: str) -> str:
    """Return a setting as it is compared: an age in one spelling, a date as a moment in UTC.

    Raises:
        ValueError: it is neither.
    """
    if age := _AGE.fullmatch(text.strip()):
        return f"{int(age[1])} {age[2]}s"
    try:
        moment = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text.strip()))
    except ValueError:
        raise ValueError("is neither an age such as 7 days nor a date such as 2026-01-31") from None
    return _spelt(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))


def is_age(checked: str) -> bool:
    """Tell whether a checked setting is an age, which becomes a date when a lock is made."""
    return _AGE.fullmatch(checked) is not None


def moment(checked: str, now: datetime) -> str:
    """Return the moment that a checked setting means when a lock is made.

    Args:
        now: with its time zone.
    """
    age = _AGE.fullmatch(checked)
    if age is None:
        return checked
    return _spelt(now.replace(microsecond=0) - timedelta(**{f"{age[2]}s": int(age[1])}))


def is_after(uploaded: str | None, moment: str) -> bool:
    """Tell whether a file came to its index later, or when is not known; parts of a second do not count."""
    if uploaded is None:
        return True
    return _spelt(datetime.fromisoformat(re.sub(r"(\.[0-9]+)?Z$", "+00:00", uploaded))) > moment


def _spelt(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
