"""How builds from source are closed in a run: what they require is locked, and what pip sees is that and no more."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import develop, ending, needs, read_once, toolchain
from eggcarton.buildout.recipes import OURS
from eggcarton.core.errors import EggcartonError, UsageProblem
from eggcarton.packages import closed
from eggcarton.packages.watched import build_digests

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session

logger = logging.getLogger("eggcarton")
LOCK = "buildout.lock.toml"
_PIP = re.compile(r"\b(pip|uv)\b")
LABEL = "[eggcarton] build-requires"
"""What build requirements are locked for that the configuration itself names."""


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
            "tag": session.tag,
            "requires_python": session.settings.requires_python,
            "exclude_newer": session.settings.exclude_newer,
            "developed": _developed(session),
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
        locks=[str(session.lock_of(group)) for group in session.groups()] + [other["lock"] for other in session.others],
        others=bool(session.settings.configs),
        built=[*_developed(session), *([LABEL] if session.settings.build_requires else [])],
        by_pip=any(needed.recipe != OURS for needed in needs.of_parts(session.sections)),
    )
    return told(lines)


def told(lines: list[str]) -> list[str]:
    """Return lines on what was locked with the name of the lock in front."""
    return [f"{LOCK}: {line}" for line in lines]


def _developed(session: Session) -> list[str]:
    return sorted({name for path in session.develop_directories() for name in develop.names_in(path)})


def provide_for_pip(session: Session) -> None:
    """Put what the configuration says that pip may install where pip finds it, in a run that has locked the rest.

    Raises:
        Drift: it is not locked, and the policy is frozen.
    """
    wheels, stamp = _wheels(session), session.state / "pip.json"
    requires = session.settings.build_requires
    if not requires:
        stamp.unlink(missing_ok=True)
        for path in wheels.glob("*.whl"):
            path.unlink()
        return
    if not _is_current(stamp, _key(session)):
        _require(session, wheels, project=None, kind="wheel", requires=list(requires), label=LABEL)
        stamp.write_text(json.dumps(_key(session)), "utf-8")


def _is_current(stamp: Path, key: list[Any]) -> bool:
    try:
        return bool(json.loads(stamp.read_text("utf-8")) == key)
    except (OSError, ValueError):
        return False


def _key(session: Session) -> list[Any]:
    try:
        digests = sorted(build_digests(lock_of(session).read_text("utf-8")))
    except (OSError, UnicodeDecodeError):
        digests = []
    wheels = sorted(path.name for path in _wheels(session).glob("*.whl"))
    return [list(session.settings.build_requires), digests, sys.version, wheels]


def _wheels(session: Session) -> Path:
    return session.state / "pip"


def _require(session: Session, wheels: Path, **what: Any) -> None:
    frozen = session.settings.frozen
    lines: list[str] = session.child.ask("require", wheels=str(wheels), **what, **order(session, frozen=frozen))
    for line in told(lines):
        logger.info("%s", line)


@contextmanager
def for_pip(session: Session, spec: str, *, editable: bool) -> Iterator[None]:
    """Have pip find what the build of a directory requires, and nothing else, while the block runs.

    Args:
        spec: what zc.buildout gives to pip: the path or the address of a directory.

    Raises:
        UsageProblem: it is no directory, so that it is neither locked nor checked.
        EggcartonError: pip could not build it.
    """
    parts = urlsplit(spec)
    project = Path(unquote(parts.path) if parts.scheme == "file" else spec)
    if not project.is_dir():
        raise UsageProblem(
            f"zc.buildout would have pip install {spec}, which is in no lock; name its project in the eggs of a part, "
            "and in allow-sdist in [eggcarton]"
        )
    with tempfile.TemporaryDirectory(prefix="eggcarton-pip-") as place:
        kind = "editable" if editable else "wheel"
        _require(session, Path(place), project=str(project), kind=kind, requires=[], label=None)
        before = os.environ["PIP_FIND_LINKS"]
        os.environ["PIP_FIND_LINKS"] = Path(place).as_uri()
        try:
            yield
        except Exception as error:
            # zc.buildout has printed what pip said, and raises an exception without a type of its own.
            raise EggcartonError(
                f"{project} could not be built by pip, whose last words are above; it sees no index, only what {LOCK} "
                "has for this build"
            ) from error
        finally:
            os.environ["PIP_FIND_LINKS"] = before


def by_pip(
    running: Sequence[Session], original: Callable[[str, str, bool], Any], spec: str, dest: str, editable: bool
) -> Any:
    """Have zc.buildout start pip, closed where one of our runs goes on."""
    if not running:
        return original(spec, dest, editable)
    try:
        with ending.told(), for_pip(running[-1], spec, editable=editable):
            return original(spec, dest, editable)
    finally:
        read_once.forget(running)


@contextmanager
def source(session: Session, requirement: pkg_resources.Requirement) -> Iterator[pkg_resources.Distribution]:
    """Give the locked source distribution that the part at work builds, while the block runs.

    Raises:
        UsageProblem: it may not be built from source.
        Drift: it is not locked, and the policy is frozen.
    """
    with tempfile.TemporaryDirectory(prefix="eggcarton-source-") as directory:
        what = {"requirement": str(requirement), "part": session.asked.part_at_work or "", "directory": directory}
        found = session.child.ask("source", **what, **order(session, frozen=session.settings.frozen))
        for line in told(found["changed"]):
            logger.info("%s", line)
        yield pkg_resources.Distribution(
            found["path"], None, found["name"], found["version"], precedence=pkg_resources.SOURCE_DIST
        )


@contextmanager
def hint_at_pip(name: str) -> Iterator[None]:
    """Say what helps when a recipe fails that has started pip on its own."""
    try:
        yield
    except Exception as error:
        if _PIP.search(str(error)):
            logger.error(
                "[%s] a pip or uv that a recipe starts sees no index; what it needs to build is named in "
                "build-requires in [eggcarton], which has it locked, or in the eggs of a part.",
                name,
            )
        raise


class Seal:
    """The environment of this process while recipes run: pip and uv, whoever starts them, ask no index.

    What steers them goes, and comes back when the seal is lifted; our own child process never sees the difference.
    """

    def __init__(self) -> None:
        self._before: dict[str, str] | None = None

    def put_on(self, session: Session) -> None:
        """Seal the environment for a run."""
        wheels = _wheels(session)
        wheels.mkdir(parents=True, exist_ok=True)
        self._before = dict(os.environ)
        closed.start_with(self._before)
        for name in _steering(os.environ):
            del os.environ[name]
        os.environ |= {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": wheels.as_uri(),
            "PIP_NO_CACHE_DIR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CONFIG": "1",
            "UV_NO_INDEX": "1",
            "UV_OFFLINE": "1",
            "UV_FIND_LINKS": str(wheels),
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
