"""The indexes of a build as tools outside it may be told of them, under the extension and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zc.buildout import easy_install

from eggcarton.buildout import settings
from eggcarton.buildout.sections import Sections
from eggcarton.core.credentials import without_credentials
from eggcarton.core.layout import PackageIndex, PackageIndexes
from eggcarton.indexes.routing import Index

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session


def indexes(buildout: Any, session: Session | None) -> PackageIndexes:
    """Return the indexes that the configuration names, the default one where it names none.

    Args:
        session: the session of the buildout; None where the extension is not in force.

    Raises:
        OptionProblems: their sections are wrong.
    """
    if session is not None:
        return PackageIndexes(known=tuple(map(_told, session.settings.indexes)))
    found, _ = settings.read(Sections(buildout), buildout["buildout"], easy_install.default_index_url)
    return PackageIndexes(known=tuple(map(_told, found.indexes)), in_force=False)


def _told(index: Index) -> PackageIndex:
    mirrors = [without_credentials(route.url) for route in index.page_routes()[1:]]
    return PackageIndex(
        name=index.name, url=without_credentials(index.url), mirrors=tuple(mirrors), projects=index.projects
    )
