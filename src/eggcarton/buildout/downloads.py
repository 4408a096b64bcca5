"""Files that recipes name by an address come by the same way as everything else.

Recipes of ours name their sha256 too; a copy is kept among the records of the buildout, so that nothing is asked twice.
Recipes of others download by zc.buildout's own means.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zc.buildout import UserError, easy_install

from eggcarton.buildout import settings
from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import EggcartonError
from eggcarton.packages import closed

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session


logger = logging.getLogger("eggcarton")


class NotRetrieved(UserError):  # type: ignore[misc]
    """A file that could not be had; recipes that try another address then catch zc.buildout's own error."""

    def __init__(self, error: EggcartonError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise our own error where a recipe has not made do without a file."""
    try:
        yield
    except NotRetrieved as problem:
        raise problem.error from problem


def fetched(
    buildout: Any, session: Session | None, records: Path, part: str, wanted: Mapping[str, str]
) -> dict[str, Path]:
    """Return files that a part's options name, by their sha256.

    Args:
        buildout: the running zc.buildout.
        session: its session, where the extension is in force.
        records: where it is recorded which part owns what.
        part: the name of the part.
        wanted: the address of each by its sha256.

    Raises:
        Unavailable: one could not be had, or this run is offline and it is not here.
        IntegrityProblem: other bytes came.
    """
    found = {}
    for sha256, url in wanted.items():
        copy = _copy(records, sha256)
        if not is_kept(records, sha256):
            try:
                kept = Path(_ask(buildout, session, url, sha256))
            except EggcartonError as error:
                raise type(error)(f"[{part}] option 'url': {error}") from error
            if session is not None and session.reading:
                # Who only looks writes nothing of the buildout.
                copy = kept
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                os.replace(shutil.copyfile(kept, copy.with_name(f".{sha256}.{os.getpid()}")), copy)
        found[sha256] = copy
    return found


def is_kept(records: Path, sha256: str) -> bool:
    """Tell whether there is a copy of such a file among the records of the buildout, with its own bytes."""
    return _digest(_copy(records, sha256)) == sha256


def _copy(records: Path, sha256: str) -> Path:
    return records / "state" / "downloads" / sha256


def _ask(buildout: Any, session: Session | None, url: str, sha256: str) -> str:
    if session is not None:
        return str(session.child.ask("fetch", url=url, sha256=sha256, sources=session.sources))
    section = buildout["buildout"]
    known, _ = settings.read({}, section, easy_install.default_index_url)
    store, sources = Path(section["eggs-directory"]), known.sources(known.cache_directory()[0])
    with closed.Child(lambda: closed.ensure(store, **known.of_closed_set(), say=logger.info)) as child:
        return str(child.ask("fetch", url=url, sha256=sha256, sources=sources))


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def is_remote(url: str) -> bool:
    """Tell whether an address is one that our own means can fetch; a file on this machine and ftp are none."""
    return urlsplit(url).scheme in ("http", "https")


def urlretrieve(
    running: Sequence[Session], original: Callable[..., Any], url: str, filename: str | None = None, *further: Any
) -> Any:
    """Put what is at an address into a file, as the function of the standard library does.

    Args:
        running: the runs that go on; without any, the original function does it.
        original: the function of the standard library.
        url: the address.
        filename: the file.
        further: what else that function may be given.

    Raises:
        NotRetrieved: it could not be had.
    """
    if not running or filename is None or further or not is_remote(url):
        return original(url, filename, *further)
    session = running[-1]
    try:
        session.child.ask("retrieve", url=url, path=filename, sources=session.sources, text=False)
    except EggcartonError as error:
        raise NotRetrieved(error) from error
    return filename, Message()


def open_url(index: Any, running: Sequence[Session], original: Callable[..., Any], url: str, *further: Any) -> Any:
    """Open a page or file of an index for zc.buildout itself: never in a run of ours, which the lock answers.

    Args:
        index: whose method it is.
        running: the runs that go on; without any, the original method does it.
        original: zc.buildout's method.
        url: the address.
        further: what else that method may be given.

    Raises:
        NotRetrieved: a run goes on, and the address is on another machine.
    """
    if not running or not is_remote(url):
        return original(index, url, *further)
    raise NotRetrieved(
        EggcartonError(
            f"zc.buildout would ask {without_credentials(url)} itself, past the lock and the indexes of [eggcarton]; "
            "name what is wanted there in the eggs of a part"
        )
    )


def get_index(
    running: Sequence[Session],
    original: Callable[..., Any],
    url: str | None,
    links: Sequence[str],
    hosts: Sequence[str] = ("*",),
) -> Any:
    """Return what zc.buildout asks for distributions; it looks at find-links and its download cache when it is asked.

    It would look at each file there before, and a locked run asks for nothing (zc.buildout issue 626).
    """
    if not running:
        return original(url, links, hosts)
    index = original(url, (), hosts)
    if index.to_scan is None:
        index.add_find_links(links)
    else:
        index.to_scan += [link for link in links if link not in index.to_scan]
    return index
