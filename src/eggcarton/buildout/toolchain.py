"""The distributions that zc.buildout, its recipe for eggs and we ourselves run on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from zc.buildout import easy_install
from zc.buildout.buildout import Buildout
from zc.buildout.easy_install import pkg_resources

from eggcarton.buildout import strays
from eggcarton.buildout.ending import told
from eggcarton.core.names import canonical_name

_added: set[str] = set()


def remarks_on(drift: str) -> list[str]:
    """Return what else is told where a lock lacks a recipe that bootstrap.py brings along, and pip does not."""
    if "zc-recipe-egg" in running() or not ("zc-recipe-egg" in drift or "there is no pylock.recipes.toml" in drift):
        return []
    return [
        "a zc.buildout of pip has its recipes from this lock, zc.recipe.egg among them, and one of bootstrap.py brings "
        "that along and does not lock it: run bin/buildout here without policy = frozen, and commit the lock for both"
    ]


def egg_tag() -> str:
    """Return the end of an egg's name, as zc.buildout writes it for this Python and platform."""
    return f"py{pkg_resources.PY_MAJOR}-{pkg_resources.get_supported_platform()}"


def running() -> dict[str, Any]:
    """Return what runs here, by canonical name, as pkg_resources knows it."""
    found = {canonical_name(dist.project_name): dist for dist in easy_install.buildout_and_setuptools_dists}
    # In a virtual environment zc.buildout counts only itself among them.
    there = {canonical_name(d.project_name): d for d in pkg_resources.working_set if d.location not in _added}
    names = [*found, "zc-recipe-egg", "eggcarton"]
    for name in names:
        dist = found.get(name) or there.get(name)
        if dist is not None:
            found[name] = dist
            needed = [canonical_name(requirement.project_name) for requirement in dist.requires()]
            names += [name for name in needed if name in there and name not in names]
    return found


def versions(known: dict[str, Any]) -> dict[str, str]:
    """Return the versions of a toolchain by canonical name."""
    return {name: dist.version for name, dist in known.items()}


def importable(known: dict[str, Any]) -> dict[str, Any]:
    """Return a toolchain as a build may import it."""
    return {"paths": [dist.location for dist in known.values()], "versions": versions(known)}


def as_develop(known: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a toolchain as a resolution takes what is here already: requirements, and no files."""
    return [
        {
            "name": canonical_name(dist.project_name),
            "version": dist.version,
            "requires": [str(requirement) for requirement in dist.requires()],
            "extras": sorted(dist.extras),
        }
        for dist in known.values()
    ]


def add(eggs: Iterable[str]) -> None:
    """Let what lies in these eggs be imported beside the toolchain, as recipes are."""
    with warnings.catch_warnings():
        # A namespace, which has no file of its own, is taken for a module of somebody else.
        warnings.filterwarnings("ignore", "Module .* was already imported from None", UserWarning)
        for egg in eggs:
            _added.add(os.path.realpath(egg))
            pkg_resources.working_set.add_entry(egg)


def leave_out(environment: Any) -> None:
    """Take out of an installer's environment what it has of the toolchain and of where that is installed.

    zc.buildout adds the places of its own distributions to wherever it searches for a part's. One of them is the
    site-packages of the machine, or of the virtual environment that it is installed in, and of two distributions of
    one version it takes the one that is no egg.
    """
    places = {dist.location for dist in easy_install.buildout_and_setuptools_dists}
    for name in list(environment):
        # Its method that removes one does not find names that zc.buildout spells otherwise.
        found = environment[name]
        for dist in list(found):
            # What is held as an egg is the lock's, be it the very egg that runs here.
            if dist.location in places and dist.precedence == pkg_resources.DEVELOP_DIST:
                found.remove(dist)


def _spelt_right(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Have no index asked for our own extension, misspelt."""

    def load(self: Any) -> None:
        with told():
            strays.check_extensions(self, running())
        original(self)

    return load


def alone() -> tuple[tuple[Any, str, Callable[[Any], Any]], ...]:
    """Return what is patched besides where every distribution of the toolchain is an egg of its own.

    zc.buildout must never change the toolchain that bootstrap.py has put together, nor its ``bin/buildout``. It runs
    pip with all these eggs on its path. pip 26.3 then cannot read the version of setuptools, because of the name that
    zc.buildout gives to metadata in eggs, and fails whatever it is to install; so it gets pip alone.
    """
    pip = [dist.location for dist in easy_install.pip_dists if dist.project_name == "pip"]
    return (
        (Buildout, "_maybe_upgrade", lambda original: lambda self: None),
        (Buildout, "_load_extensions", _spelt_right),
        (easy_install, "pip_path", lambda original: pip or original),
    )
