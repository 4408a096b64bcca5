"""A plug-in of pytest that each worker of pytest-xdist loads by its name."""

from __future__ import annotations

from typing import Any

import pytest

from .cases import told
from .pytest_plugin import Plugin, registered
from .watch import Watch


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: Any) -> None:
    """Add in a worker what the first process has; that one adds it itself."""
    given = getattr(config, "workerinput", {}).get("eggcarton")
    if given is not None:
        plugin = Plugin(given["packages"], Watch.handed(given["watch"]))
        registered(config.pluginmanager.register, plugin, told())
        plugin.pytest_cmdline_main(config)
