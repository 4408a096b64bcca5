"""Hears of each test, whatever runner it runs under and in whichever process."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .timeouts import Limit, TookTooLong

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"


OTHERS = "tests", "processes"
"""The group and the name under which is told that other processes have not told of all tests."""


@dataclass(frozen=True)
class Outcome:
    """What came of one test.

    A test whose subtests fail is one test that failed. A failure that was expected is `skipped`, as readers of JUnit's
    reports count it; a success that should not have been is `failed`, where the runner says so.

    Args:
        group: the class, or the module, that it belongs to, as a dotted name.
        name: its name within the group, parameters included.
        kind: `passed`, `skipped`, `failed` where something is not as the test expects it, or `error` where anything
            else is raised, or what several tests share is broken, as JUnit tells the two apart.
        seconds: how long it took.
        message: one line on why it did not pass.
        details: the traceback.
        stdout: what it wrote there, where the runner has kept that.
        stderr: likewise.
    """

    group: str
    name: str
    kind: str
    seconds: float
    message: str = ""
    details: str = ""
    stdout: str = ""
    stderr: str = ""


@dataclass
class Watch:
    """Is told in each process of the tests that run there, and collects in the first one what came of all.

    Args:
        timeout: how many seconds one test may take; None for any time.
        followers: functions `module:function` of this package, called with group and name where a test begins.
        outcomes: what is known of tests that have ended.
        on_opened: functions that are called once, before the first test.
        on_begun: functions that are called with group and name when a test begins in this process.
        on_over: functions that are called when it has ended in this process.
        on_ended: functions that are called with each outcome.
        on_shared: functions that are called when other processes begin to run tests, and when all of them are told.
        is_shared: whether other processes run tests of which not all is told yet.
        is_cut: whether a process that ran tests has died, so that some may not have run.
        is_piece: whether another process gathers what comes of the tests here, and writes all reports.
    """

    timeout: float | None = None
    followers: tuple[str, ...] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    on_opened: list[Callable[[], object]] = field(default_factory=list)
    on_begun: list[Callable[[str, str], object]] = field(default_factory=list)
    on_over: list[Callable[[], object]] = field(default_factory=list)
    on_ended: list[Callable[[Outcome], object]] = field(default_factory=list)
    is_piece: bool = False
    on_shared: list[Callable[[], object]] = field(default_factory=list)
    is_shared: bool = field(default=False, init=False)
    is_cut: bool = field(default=False, init=False)
    running: tuple[str, str] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _limit: Limit | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Find the followers, and make ready to end what takes too long."""
        for follower in self.followers:
            self.follow(follower)
        if self.timeout is not None:
            self._limit = Limit(self.timeout)

    @classmethod
    def handed(cls, settings: Mapping[str, Any]) -> Watch:
        """Return the watch of a process that another one has started, of what `hand_on` returned there."""
        return cls(timeout=settings["timeout"], followers=tuple(settings["followers"]))

    def hand_on(self) -> dict[str, Any]:
        """Return what the watch of a process that this one starts has to know, as JSON can hold it."""
        return {"timeout": self.timeout, "followers": list(self.followers)}

    def follow(self, follower: str) -> None:
        """Have a function `module:function` of this package called where a test begins, in other processes too.

        A function `over` beside it is called where the test has ended.
        """
        name, _, function = follower.partition(":")
        module = importlib.import_module(f".{name}", __package__)
        self.on_begun.append(getattr(module, function))
        if hasattr(module, "over"):
            self.on_over.append(module.over)
        if follower not in self.followers:
            self.followers = (*self.followers, follower)

    def shared_out(self) -> None:
        """Hear that other processes run tests from now on."""
        # One of those processes leaves it to the first one to tell of it.
        self.is_shared = not self.is_piece
        for call in self.on_shared:
            call()

    def gathered(self) -> None:
        """Hear that what came of all tests of other processes has been told."""
        self.is_shared = False
        for call in self.on_shared:
            call()

    def opened(self) -> None:
        """Hear that tests are going to run, where the command line asks for nothing else, such as help.

        A runner says so before it looks for them; else the first test does.
        """
        while self.on_opened:
            self.on_opened.pop(0)()

    def begun(self, group: str, name: str, raised: type[BaseException] = TookTooLong) -> None:
        """Hear that a test begins in this process, before anything is set up for it.

        Args:
            raised: what is raised in it after the time that it may take.
        """
        self.opened()
        self.running, self._began = (group, name), time.monotonic()
        for call in self.on_begun:
            call(group, name)
        if self._limit:
            self._limit.arm(f"{group}.{name}", raised)

    def shared(self, what: str, raised: type[BaseException]) -> None:
        """Hear that something begins that several tests share: it may take as long as one of them, until `over`."""
        if self._limit:
            self._limit.arm(what, raised)

    def over(self) -> None:
        """Hear that a test has ended in this process, of which another one tells what came of it."""
        if self._limit:
            self._limit.disarm()
        self.running = None
        for call in self.on_over:
            call()

    def paused(self) -> None:
        """Hear that someone looks at the test that runs, with a debugger: it may take any time."""
        if self._limit:
            self._limit.stop()

    def left(self) -> None:
        """Hear that no other test begins soon: what comes now may take any time."""
        if self._limit:
            self._limit.stop()

    def resumed(self) -> None:
        """Hear that something else has used faulthandler's only timer."""
        if self._limit:
            self._limit.resume()

    def ended(self, outcome: Outcome) -> None:
        """Hear what came of a test, of this or another process, when all that was set up for it is taken down."""
        if self.running == (outcome.group, outcome.name):
            self.over()
        self.opened()
        self.outcomes.append(outcome)
        for call in self.on_ended:
            call(outcome)

    def closed(self, message: str) -> None:
        """Hear that no more tests run: one that is not over is an error."""
        if self._limit:
            self._limit.stop()
        if self.running:
            group, name = self.running
            self.ended(Outcome(group, name, ERROR, time.monotonic() - self._began, message))
        if self.is_shared:
            self.gathered()
            self.ended(Outcome(*OTHERS, ERROR, 0.0, "the run was stopped while other processes ran tests"))


def merged(first: Outcome, second: Outcome) -> Outcome:
    """Return one outcome of two of the same test, such as of its body and of what is taken down after it."""
    if first.kind == second.kind == PASSED:
        # Most are so, and have nothing else to tell.
        stdout, stderr = first.stdout + second.stdout, first.stderr + second.stderr
        return Outcome(first.group, first.name, PASSED, first.seconds + second.seconds, "", "", stdout, stderr)
    rank = (PASSED, SKIPPED, ERROR, FAILED)
    worse = max(first, second, key=lambda outcome: rank.index(outcome.kind))
    return replace(
        worse,
        seconds=first.seconds + second.seconds,
        details="\n\n".join(outcome.details for outcome in (first, second) if outcome.details),
        stdout=first.stdout + second.stdout,
        stderr=first.stderr + second.stderr,
    )
