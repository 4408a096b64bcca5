"""How builds from source are closed in a run: what they require is locked, and what pip sees is that and no more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eggcarton.buildout import develop, toolchain
from eggcarton.packages import closed

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

LOCK = "buildout.lock.toml"


def lock_of(session: Session) -> Path:
    """Return the path of the lock of what builds require."""
    return session.settings.root / LOCK


def tools(session: Session, *, frozen: bool) -> dict[str, Any]:
    """Return what builds from source may import, as the child process is told.

    Args:
        frozen: whether nothing may be locked for them.
    """
    return toolchain.importable(toolchain.running()) | {
        "builds": {
            "lock": str(lock_of(session)),
            "frozen": frozen,
            "store": str(session.store),
            "tag": toolchain.egg_tag(),
            "requires_python": session.settings.requires_python,
            "exclude_newer": session.settings.exclude_newer,
            "developed": sorted({name for path in session.develop_directories() for name in develop.names_in(path)}),
        }
    }


def order(session: Session, *, frozen: bool) -> dict[str, Any]:
    """Return what every request says that may build something from source."""
    return {
        "toolchain": tools(session, frozen=frozen),
        "sources": session.sources,
        "allow_sdist": list(session.settings.allow_sdist),
    }


def renew(session: Session, upgrade: list[str] | None) -> list[str]:
    """Lock what builds require anew, as far as it is to be upgraded; return what changed, a line each."""
    if not lock_of(session).exists():
        return []
    lines: list[str] = session.child.ask(
        "renew-builds",
        **order(session, frozen=False),
        upgrade=upgrade,
        locks=[str(session.lock_of(group)) for group in ("recipes", "parts")],
        built=sorted({name for path in session.develop_directories() for name in develop.names_in(path)}),
    )
    return told(lines)


def told(lines: list[str]) -> list[str]:
    """Return lines on what was locked with the name of the lock in front."""
    return [f"{LOCK}: {line}" for line in lines]


class Seal:
    """The environment of this process while recipes run: pip and uv, whoever starts them, ask no index.

    What steers them goes, and comes back when the seal is lifted; our own child process never sees the difference.

    Args:
        wheels: a directory of locked wheels, all that they may install from.
    """

    def __init__(self, wheels: Path) -> None:
        self._wheels = wheels
        self._before: dict[str, str] | None = None

    def put_on(self) -> None:
        """Seal the environment."""
        self._before = dict(os.environ)
        closed.start_with(self._before)
        for name in _steering(os.environ):
            del os.environ[name]
        os.environ |= {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": self._wheels.as_uri(),
            "PIP_NO_CACHE_DIR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CONFIG": "1",
            "UV_NO_INDEX": "1",
            "UV_OFFLINE": "1",
            "UV_FIND_LINKS": str(self._wheels),
            "UV_PYTHON_DOWNLOADS": "never",
        }

    def lift(self) -> None:
        """Give back what was there before; what recipes have set besides stays."""
        if self._before is not None:
            for name in _steering(os.environ):
                del os.environ[name]
            os.environ |= {name: self._before[name] for name in _steering(self._before)}
            self._before = None
            closed.start_with(None)


def _steering(variables: Any) -> list[str]:
    return [name for name in variables if name.startswith(("PIP_", "UV_"))]
