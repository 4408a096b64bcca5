"""What all tests have at hand."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = [
    "support.buildouts",
    "support.adoption",
    "support.kept",
    "support.machines",
    "support.mixed",
    "support.released",
    "support.zope_projects",
]

# Where tests run in the background Ctrl-C is ignored, and so it would be by every program that they interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No time decides a test: with a deadline, a busy machine would make examples fail.
settings.register_profile("untimed", settings(deadline=None))
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _here() -> Iterator[None]:
    """A test that goes to another directory, as zc.buildout does, leaves the next one where it was."""
    here = os.getcwd()
    yield
    os.chdir(here)


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has, loopback is asked directly."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
