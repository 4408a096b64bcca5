"""What environment markers are held against on the Python and platform that run here."""

from __future__ import annotations

from packaging.markers import default_environment


def here() -> dict[str, str]:
    """Return the value of each variable that a marker may name, but for extras."""
    return {key: str(value) for key, value in default_environment().items()}
