"""Where zc.buildout's own way is changed: the only code that touches its internals, and it puts them back.

Tried on zc.buildout 5.2.0 and 6.0.1. Every replacement asks for the session of its buildout first and does what
zc.buildout does when there is none, so that a configuration which does not name the extension is left alone.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

from zc.buildout import download, easy_install
from zc.buildout.buildout import Buildout, Options
from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import asking, building, current, develop_paths, downloads, installed, read_once, store_view
from eggcarton.buildout.configuration import readable
from eggcarton.buildout.ending import told
from eggcarton.buildout.extends import Extends
from eggcarton.buildout.going_back import go_back
from eggcarton.buildout.registering import begin as begin_to_use
from eggcarton.buildout.replacing import replaced
from eggcarton.buildout.session import Session, begun
from eggcarton.buildout.settings import SECTION
from eggcarton.buildout.toolchain import alone, leave_out
from eggcarton.buildout.transaction import Transaction
from eggcarton.buildout.working_sets import answer, at_work, for_namespaces

_NAME = "eggcarton"
_running: list[Session] = []
_seal = building.Seal()


def is_named(buildout: Any) -> bool:
    """Tell whether a configuration asks for the extension; being installed is not being asked for."""
    return _NAME in buildout["buildout"].get("extensions", "").split()


def opened(
    config: str,
    settings: Sequence[tuple[str, str, str]],
    *,
    user_defaults: bool,
    writing: bool = False,
    refresh: bool = False,
) -> Any:
    """Return a buildout as its configuration says, with its develop packages importable, and run nothing.

    Args:
        writing: whether what it extends and is not locked yet is locked.
        refresh: whether what it extends is asked for anew although it is locked.
    """
    extends, place = Extends.of(config, refresh=refresh), current.place_of(config)
    with readable(), _kept(extends):
        buildout: Any = Buildout(config, list(settings), user_defaults, "install", ())
    current.set_config(buildout, place)
    if writing and is_named(buildout):
        _settle(extends, frozen=False)
    develop_eggs = buildout["buildout"]["develop-eggs-directory"]
    # zc.buildout 5.2 does this in the middle of its install.
    getattr(buildout, "_update_sys_path", lambda: sys.path.insert(0, develop_eggs))()
    return buildout


def transaction_of(session: Session) -> Transaction | None:
    """Undo what a killed run left and keep others out; None where nothing is ever noted as installed."""
    section = session.buildout["buildout"]
    record, root = section.get("installed"), Path(section["directory"])
    return Transaction.begin(session.records, Path(record), root, ours=(session.develop_eggs,)) if record else None


def begin(buildout: Any) -> Session:
    """Begin the session of a buildout's run, its transaction too, and provide its recipes; once a run."""
    session = current.session(buildout)
    if session is None:
        with told():
            session = begun(buildout)
            current.begin(buildout, session, transaction_of(session))
            _running.append(session)
            begin_to_use(session)
            _seal.put_on(session)
            session.prepare_recipes()
    return session


def commit(buildout: Any) -> None:
    """End a run that has succeeded: what nobody owns any more goes now."""
    session, transaction = current.session(buildout), current.transaction(buildout)
    # Under a stock main both our unload entry point and the patch around it come here.
    if session is None or session not in _running:
        return
    left = installed.of(buildout)
    with told():
        if transaction is not None:
            transaction.commit(left.owned, left.parts)
        session.finish(complete=set(buildout["buildout"].get("parts", "").split()) <= set(buildout._data))
    _seal.lift()
    _running.clear()


def abandon(buildout: Any) -> None:
    """End a run that has not succeeded: what was there before is as it was."""
    session, transaction = current.session(buildout), current.transaction(buildout)
    if transaction is not None:
        transaction.abandon()
    if session is not None:
        session.close()
    _seal.lift()
    _running.clear()


@contextmanager
def _kept(extends: Extends) -> Iterator[None]:
    """Have zc.buildout read the kept copies of what it extends, and keep what it downloads, while the block runs."""
    fetching = replaced(download, "urlretrieve", extends.retrieve)
    with fetching, replaced(download.Download, "__call__", extends.download), closing(extends):
        yield


def _settle(extends: Extends, *, frozen: bool) -> None:
    for line in extends.settle(frozen=frozen):
        logging.getLogger("eggcarton").info("%s", line)


def _init(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, config: str, *arguments: Any, **named: Any) -> None:
        extends = Extends.of(config)
        with told(), readable():
            with _kept(extends):
                current.set_config(self, config)
                original(self, config, *arguments, **named)
            if is_named(self):
                _settle(extends, frozen=self._raw.get(SECTION, {}).get("policy", "").strip() == "frozen")

    return init


def _load_extensions(original: Callable[[Any], None]) -> Callable[[Any], None]:
    def load(self: Any) -> None:
        if is_named(self):
            begin(self)
        original(self)

    return load


def _maybe_upgrade(original: Callable[[Any], None]) -> Callable[[Any], None]:
    def upgrade(self: Any) -> None:
        if current.session(self) is None:
            original(self)

    return upgrade


def _develop(original: Callable[[Any], str]) -> Callable[[Any], str]:
    def develop(self: Any) -> str:
        session = current.session(self)
        if session is None:
            return original(self)
        with told():
            return "\n".join(session.prepare_parts())

    return develop


def _uninstall(original: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    def uninstall(self: Any, paths: str) -> None:
        transaction = current.transaction(self)
        if transaction is None:
            original(self, paths)
        else:
            transaction.release(path for path in paths.split("\n") if path)

    return uninstall


def _unload_extensions(original: Callable[[Any], None]) -> Callable[[Any], None]:
    def unload(self: Any) -> None:
        original(self)
        commit(self)

    return unload


def _install(original: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def install(self: Any, arguments: Any) -> None:
        go_back(self)
        try:
            original(self, arguments)
        except BaseException:
            abandon(self)
            raise

    return install


def _held(installer: Any, session: Session, specs: Sequence[str], *, for_recipes: bool) -> None:
    """Have an installer find what is locked, once the lock answers what it is asked for."""
    with told():
        added = not for_recipes and answer(session, specs)
        # A recipe's section may name versions of its own; under a lock they are the lock's.
        pins = session.pins(for_recipes=for_recipes)
    if added:
        read_once.forget(_running)
    installer._versions, installer._newest = read_once.pins(session, pins), False
    if isinstance(installer._env, store_view.StoreView):
        installer._env.hold(session.eggs(for_recipes=for_recipes), anew=added)
    if not for_recipes:
        leave_out(installer._env)


def _installer_install(original: Callable[..., Any]) -> Callable[..., Any]:
    def install(self: Any, specs: Any, working_set: Any = None) -> Any:
        if _running:
            _held(self, _running[-1], specs, for_recipes=working_set is not None)
        return original(self, specs, working_set)

    return install


def _maybe_add_setuptools(original: Callable[..., None]) -> Callable[..., None]:
    """Have the lock answer for setuptools too, which zc.buildout adds for some namespaces of develop packages."""

    def add(self: Any, ws: Any, dist: Any) -> None:
        if _running and ws is not pkg_resources.working_set and easy_install.dist_needs_pkg_resources(dist):
            _held(self, _running[-1], [for_namespaces(_running[-1])], for_recipes=False)
        original(self, ws, dist)

    return add


def _constrain(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Have each requirement be held to the pins once."""

    def constrain(self: Any, requirement: Any) -> Any:
        if not _running:
            return original(self, requirement)
        return read_once.constrained(_running[-1], requirement, self._versions, partial(original, self))

    return constrain


def _installer_build(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have what a recipe builds from source come from the lock, whatever wheel of it there is."""

    def build(self: Any, spec: str, build_ext: Any) -> Any:
        if not _running:
            return original(self, spec, build_ext)
        self._versions = _running[-1].pins(for_recipes=False)
        with told(), building.source(_running[-1], self._constrain(pkg_resources.Requirement.parse(spec))) as dist:
            # Only what this recipe has built before counts as built.
            self._env, self._obtain = easy_install.Environment([self._dest]), lambda *arguments: dist
            return original(self, spec, build_ext)

    return build


def _call_pip_install(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have pip see no index, but what is locked for the build that zc.buildout starts it for."""
    return lambda spec, dest, editable=False: building.by_pip(_running[-1:], original, spec, dest, editable)


def _scripts(original: Callable[..., Any]) -> Callable[..., Any]:
    """Have scripts find the modules of develop packages under zc.buildout 5.2, too."""
    return lambda *given, **named: develop_paths.scripts(_running[-1:], original, given, named)


def _make_env(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def make_env(self: Any) -> Any:
        view = store_view.of(_running[-1], self._dest, self._path) if _running else None
        return original(self) if view is None else view

    return make_env


def _at_work(original: Callable[..., Any]) -> Callable[..., Any]:
    """Know whose recipe runs, so that what it asks for can be told as that part's."""

    def run(self: Any, *arguments: Any) -> Any:
        if not _running:
            return original(self, *arguments)
        with told(), downloads.unwrapped(), at_work(_running[-1], self), building.hint_at_pip(self.name):
            return original(self, *arguments)

    return run


def _print_picked_versions(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Have zc.buildout print, and note, what the lock chose beside ``[versions]``: it has picked nothing itself."""

    def print_picked_versions(self: Any) -> None:
        session = current.session(self)
        if session is not None:
            easy_install.Installer._picked_versions = asking.picked(session)
        original(self)

    return print_picked_versions


_PATCHES: tuple[tuple[Any, str, Callable[[Any], Any]], ...] = (
    (Buildout, "__init__", _init),
    (Buildout, "_load_extensions", _load_extensions),
    (Buildout, "_maybe_upgrade", _maybe_upgrade),
    (Buildout, "_develop", _develop),
    (Buildout, "_uninstall", _uninstall),
    (Buildout, "_unload_extensions", _unload_extensions),
    (Buildout, "install", _install),
    (Buildout, "_print_picked_versions", _print_picked_versions),
    (Options, "initialize", _at_work),
    (Options, "_call", _at_work),
    (easy_install.Installer, "install", _installer_install),
    (easy_install.Installer, "_constrain", _constrain),
    (easy_install.Installer, "_maybe_add_setuptools", _maybe_add_setuptools),
    (easy_install.Installer, "build", _installer_build),
    (easy_install, "call_pip_install", _call_pip_install),
    (easy_install, "scripts", _scripts),
    (easy_install, "_get_index", partial(partial, downloads.get_index, _running)),
    (download, "urlretrieve", partial(partial, downloads.urlretrieve, _running)),
    (easy_install.AllowHostsPackageIndex, "open_url", partial(partialmethod, downloads.open_url, _running)),
    (easy_install.Installer, "_make_env", _make_env),
    (pkg_resources, "find_distributions", partial(partial, read_once.find_distributions, _running)),
    (pkg_resources.Distribution, "__deepcopy__", lambda original: read_once.duplicate),
)


def _worth_telling(record: logging.LogRecord) -> bool:
    """Have the run count its parts where zc.buildout tells of them: the one place where parts of all recipes pass."""
    session = _running[-1] if _running else None
    return session is None or session.done.tells(record, session.buildout["buildout"].get("parts", "").split())


@contextmanager
def seated(*, own_toolchain: bool = False) -> Iterator[None]:
    """Hold the patches in place while the block runs.

    Args:
        own_toolchain: whether ``bootstrap.py`` has put together what runs here.
    """
    log = logging.getLogger("zc.buildout")
    with ExitStack() as stack:
        stack.callback(log.removeFilter, _worth_telling)
        log.addFilter(_worth_telling)
        for owner, name, make in (*_PATCHES, *(alone() if own_toolchain else ())):
            stack.enter_context(replaced(owner, name, make))
        yield
