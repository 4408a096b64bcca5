"""A plug-in of pytest that each worker of pytest-xdist loads by its name, before all else of the project."""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any

import pytest

from .cases import told
from .pytest_plugin import SCRIPT, Plugin, registered
from .watch import Watch

_IS_WORKER = f"{__package__}.with_pytest" not in sys.modules

if _IS_WORKER and SCRIPT in os.environ:
    # What the script does first, such as initialization, is for each process; it runs tests only as the main program.
    runpy.run_path(os.environ[SCRIPT], run_name=__name__)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: Any) -> None:
    """Add in a worker what the first process has; that one adds it itself."""
    given = getattr(config, "workerinput", {}).get("eggcarton")
    if given is not None:
        plugin = Plugin(given["packages"], Watch.handed(given["watch"]))
        registered(config.pluginmanager.register, plugin, told())
        plugin.pytest_cmdline_main(config)
