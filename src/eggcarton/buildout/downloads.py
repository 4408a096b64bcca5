"""What recipes of others download by zc.buildout's own means comes by the same way as everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zc.buildout import UserError

from eggcarton.buildout import part
from eggcarton.core.errors import EggcartonError

if TYPE_CHECKING:
    from eggcarton.buildout.session import Session


class NotRetrieved(UserError):  # type: ignore[misc]
    """A file that could not be had; recipes that try another address then catch zc.buildout's own error."""

    def __init__(self, error: EggcartonError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def told() -> Iterator[None]:
    """End the run with our own exit code where a recipe has not made do without a file."""
    try:
        yield
    except NotRetrieved as problem:
        part.stop(problem.error)


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
