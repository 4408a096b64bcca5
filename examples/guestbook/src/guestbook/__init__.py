"""A guestbook: visitors leave a name and a message, and read what others left."""

from __future__ import annotations

import os
import warnings
from typing import Any

# Pyramid 2.1 imports pkg_resources itself; the warning is for its authors, not for who runs this site.
warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)


def make_application() -> Any:
    """Return the WSGI application for the settings file that the variable GUESTBOOK_SETTINGS names.

    Raises SettingsProblem, whose text says what is wrong with it and where.
    """
    # Imported here, so that guestbook-admin starts without loading the web framework.
    from guestbook.application import build
    from guestbook.settings import read_settings

    return build(read_settings(os.environ))
