"""An answer becomes the rest of a partial file, as long as it may be the file that is wanted; the whole is checked."""

from __future__ import annotations

import re
from collections.abc import Callable

from eggcarton.indexes import first_bytes
from eggcarton.indexes.client import Answer, RequestFailed
from eggcarton.indexes.network import Failed
from eggcarton.indexes.outcomes import Kind, Outcome
from eggcarton.indexes.partial import Partial
from eggcarton.indexes.places import Address
from eggcarton.indexes.wanted import Wanted


class Doubtful(Failed):
    """Wrong bytes that may not be the route's fault: the address was guessed. ``suspected`` is what it is if it was."""

    def __init__(self, suspected: Outcome, received: int) -> None:
        super().__init__(Outcome(Kind.ABSENT, suspected.status, f"where it was said to be, {suspected}"), received)
        self.suspected = suspected


class Anew(Failed):
    """What is there cannot be gone on with: the same address is asked for the whole."""

    def __init__(self, why: str, status: int | None, received: int) -> None:
        super().__init__(Outcome(Kind.ABSENT, status, why), received)


def receive(
    answer: Answer,
    address: Address,
    partial: Partial,
    wanted: Wanted,
    *,
    limit: int,
    progress: Callable[[int], None],
) -> None:
    """Append what comes to what is there, and check the whole.

    Args:
        answer: to a request for what is not there yet.
        address: which was asked.
        partial: what is there.
        wanted: the file.
        limit: bytes at which a file is cut whose size nobody knows.
        progress: told how many bytes of the answer have come.

    Raises:
        Doubtful: the address, which was guessed, leads to other bytes.
        Anew: the address is to be asked for the whole.
        Failed: the route does not serve the file.
        CacheProblem: it cannot be stored.
    """
    most = wanted.size if wanted.size is not None else limit
    _begin(answer, partial, wanted)
    head = b""
    try:
        for block in answer.blocks(first=first_bytes.HEAD, raw=True):
            progress(answer.received)
            if partial.size < first_bytes.HEAD and partial.size == len(head):
                head += block
                if outcome := first_bytes.problem(wanted.name, head, answer.status):
                    raise _wrong(outcome, address, partial, answer)
            if partial.size + len(block) > most:
                whose = "that the lock names" if wanted.size is not None else "that any file may have"
                outcome = Outcome(Kind.SPOILT, answer.status, f"more than the {most} bytes {whose} arrived")
                raise _wrong(outcome, address, partial, answer)
            partial.write(block, address.route.url)
    except RequestFailed as broken:
        # An answer that had promised more than the file is no fault where the file is whole.
        if partial.sha256 != wanted.sha256:
            raise Failed(broken.outcome, answer.received) from broken
    if partial.sha256 == wanted.sha256:
        return
    if not _tells_its_end(answer) and (wanted.size is None or partial.size < wanted.size):
        if wanted.size is None:
            partial.restart()
        fault = "the answer ended early, or is another file: it did not say how long it is"
        raise Failed(Outcome(Kind.INTERRUPTED, answer.status, fault), answer.received)
    raise _wrong(_mismatch(partial, wanted, answer.status), address, partial, answer)


def _begin(answer: Answer, partial: Partial, wanted: Wanted) -> None:
    """Have the partial file be what the answer goes on with."""
    start = partial.size
    if answer.status != 206:
        if start:
            partial.restart()
        return
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("Content-Range", "").strip())
    first, last, total = map(int, match.groups()) if match else (-1, -1, -1)
    if first == start and last == total - 1 and wanted.size in (None, total):
        return
    if not start:
        raise Failed(Outcome(Kind.INTERRUPTED, 206, "a part came where the whole was asked for"))
    partial.restart()
    raise Anew("another part came than was asked for", 206, 0)


def _wrong(outcome: Outcome, address: Address, partial: Partial, answer: Answer) -> Failed:
    """Forget what came, and return whose fault it is."""
    is_mixed = partial.is_mixed
    partial.restart()
    if is_mixed:
        # Which of the routes sent the wrong bytes nobody can tell before one alone has sent all of them.
        return Anew(f"put together from several answers, {outcome}", answer.status, answer.received)
    return (Doubtful if address.is_hint else Failed)(outcome, answer.received)


def _mismatch(partial: Partial, wanted: Wanted, status: int) -> Outcome:
    fault = f"the bytes hash to {partial.sha256}, not to {wanted.sha256}"
    if wanted.size not in (None, partial.size):
        fault = f"{partial.size} bytes arrived, the lock names {wanted.size}"
    return Outcome(Kind.SPOILT, status, fault)


def _tells_its_end(answer: Answer) -> bool:
    """Tell whether an answer that was cut short could be told from a whole one."""
    return "Content-Length" in answer.headers or "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
