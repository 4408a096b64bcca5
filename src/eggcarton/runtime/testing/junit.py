"""Writes what came of tests as JUnit's XML, in one dialect whatever ran them.

While tests run, the file is a whole report after each of them, in which the test that runs is an error: so it says the
right thing too when the process dies. In the end a report is put in its place.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from datetime import datetime, timezone
from functools import lru_cache

from .totals import DIED, Count
from .watch import ERROR, FAILED, OTHERS, SKIPPED, Outcome, Watch

_ELEMENTS = {FAILED: "failure", ERROR: "error", SKIPPED: "skipped"}
_DECLARATION = "<?xml version='1.0' encoding='utf-8'?>\n"
_END = b"</testsuite></testsuites>\n"
# What stands for itself in a text, and in quotes.
_PLAIN = re.compile('[^\0-\x1f&<>"\ud800-\udfff\ufffe\uffff]*')
# What XML 1.0 cannot hold, not even escaped.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Report:
    """A report that grows.

    Args:
        path: where it is written, in the place of what stands there as soon as tests run.
        watch: tells of them.

    Raises:
        OSError: it cannot be written there.
    """

    def __init__(self, path: str, watch: Watch) -> None:
        self._path, self._watch, self._outcomes = os.path.abspath(path), watch, watch.outcomes
        self._timestamp = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._count, self._process = Count(), os.getpid()
        self._file, self._end, self._length, self._is_begun = -1, 0, 0, False
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        with tempfile.TemporaryFile(dir=os.path.dirname(self._path), buffering=0) as probe:
            # On a full disk a file can be made, and nothing be written to it.
            probe.write(self._head(self._count) + _END)
        watch.on_opened.append(self.opened)
        watch.on_begun.append(self.begun)
        watch.on_ended.append(self.ended)
        watch.on_shared.append(self.shared)

    def opened(self) -> None:
        """Begin the file; where that cannot be, as the disk is full by now, the tests run, and `closed` tells of it."""
        self._is_begun = True
        try:
            self._put(self._head(self._count) + _END)
            self._file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return
        self._end = len(self._head(self._count))
        self._length = self._end + len(_END)
        self.shared()

    def shared(self) -> None:
        """Write whether other processes run tests, of which nothing is known if this one does not survive."""
        self._write(self._count, b"", keep=False)

    def begun(self, group: str, name: str) -> None:
        """Write a test as one that the process does not survive."""
        died = Outcome(group, name, ERROR, 0.0, DIED)
        self._write(self._count.with_one(died), _element(died), keep=False)

    def ended(self, outcome: Outcome) -> None:
        """Write what came of a test."""
        self._count = self._count.with_one(outcome)
        self._write(self._count, _element(outcome), keep=True)

    def closed(self) -> None:
        """Put the whole report in its place, where tests ran; where it cannot be written, none stays there.

        Raises:
            OSError: it cannot be written.
        """
        if not self._is_begun or os.getpid() != self._process:
            return
        if self._file != -1:
            os.close(self._file)
        # Its numbers are as long as they are, now that they do not grow any more.
        whole = b"".join([self._head(self._count, 1), *map(_element, self._outcomes), _END])
        try:
            self._put(whole)
        except OSError:
            # What stands there may be cut short, and takes the room of the whole one.
            with contextlib.suppress(OSError):
                os.unlink(self._path)
            self._put(whole)

    def _write(self, count: Count, element: bytes, *, keep: bool) -> None:
        # A process that a test forks may come here too, when it does not end as it should.
        if self._file == -1 or os.getpid() != self._process:
            return
        rest = element
        if self._watch.is_shared:
            others = Outcome(*OTHERS, ERROR, 0.0, "the process ended while others ran tests")
            count, rest = count.with_one(others), rest + _element(others)
        rest += _END
        # Blanks in the place of what stood there, which is one call less than to cut it off.
        blanks = b" " * (self._length - self._end - len(rest))
        with contextlib.suppress(OSError):
            os.pwrite(self._file, rest + blanks, self._end)
            os.pwrite(self._file, self._head(count), 0)
        self._length = self._end + len(rest) + len(blanks)
        if keep:
            self._end += len(element)

    def _head(self, count: Count, width: int = 12) -> bytes:
        """Return all that comes before the tests, of the same length for any count that is not wider."""
        numbers = " ".join(f'{name}="{number:0{width}}"' for name, number in count.numbers().items())
        every = f'{numbers} time="{count.seconds:0{width}.3f}"'
        suite = f'<testsuite name="tests" {every} timestamp="{self._timestamp}">\n'
        return f"{_DECLARATION}<testsuites {every}>{suite}".encode()

    def _put(self, data: bytes) -> None:
        handle, staging = tempfile.mkstemp(dir=os.path.dirname(self._path), prefix=".junit-")
        try:
            with open(handle, "wb") as stream:
                stream.write(data)
            os.chmod(staging, 0o644)
            os.replace(staging, self._path)
        except OSError:
            os.unlink(staging)
            raise


def _element(outcome: Outcome) -> bytes:
    start = f'<testcase classname={_quoted(outcome.group)} name={_quoted(outcome.name)} time="{outcome.seconds:.3f}"'
    inside = ""
    if tag := _ELEMENTS.get(outcome.kind):
        inside = f"<{tag} message={_quoted(outcome.message)}>{_text(outcome.details)}</{tag}>"
    for tag, text in (("system-out", outcome.stdout), ("system-err", outcome.stderr)):
        if text:
            inside += f"<{tag}>{_text(text)}</{tag}>"
    return f"{start}>{inside}</testcase>\n".encode()


def _text(text: str) -> str:
    """Return a text as XML, with the escapes of Python's for what that cannot hold, such as colours of a terminal."""
    text = _UNWRITABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
    # By hand, since the standard library's escape imports all that speaks HTTP.
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = text.replace(sign, escaped)
    return text


# Each name comes when its test begins and when it has ended, and that of its class with many others.
@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    text = _text(text)
    for sign, escaped in (('"', "&quot;"), ("\n", "&#10;"), ("\t", "&#9;")):
        text = text.replace(sign, escaped)
    return f'"{text}"'
