"""zc.recipe.egg, which knows how parts of others read a section; a stock zc.buildout need not have it beside it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from zc.buildout import easy_install
from zc.buildout.easy_install import pkg_resources

NAME = "zc.recipe.egg"
"""The distribution, and its module."""


def module(buildout: Any) -> Any:
    """Return zc.recipe.egg; where nothing has brought it yet, zc.buildout gets it as it gets a recipe.

    Under a lock it has come with the recipes.
    """
    try:
        return import_module(NAME)
    except ImportError:
        _get(buildout)
        return import_module(NAME)


def _get(buildout: Any) -> None:
    section = buildout["buildout"]
    offline = section.get("offline", "false") == "true"
    store, path = section["eggs-directory"], [section["develop-eggs-directory"]]
    # zc.buildout takes the newest, whatever that requires, and fails then.
    own = next(
        dist for dist in easy_install.buildout_and_setuptools_dists if dist.key.replace("-", ".") == "zc.buildout"
    )
    easy_install.install(
        [f"{NAME}<{own.parsed_version.major + 1}"],
        None if offline else store,
        path=[*path, store] if offline else path,
        links=section.get("find-links", "").split(),
        index=section.get("index"),
        working_set=pkg_resources.working_set,
        newest=section.get("newest", "true") == "true",
        allow_hosts=section.get("allow-hosts", "*").split(),
    )
