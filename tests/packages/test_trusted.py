"""Of a project whose sha256 a requirements file tells, only these files are locked."""

from __future__ import annotations

import pytest

from eggcarton.core.errors import IntegrityProblem
from eggcarton.packages import trusted
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage

ONE, TWO = LockedFile("six-1.0-py3-none-any.whl", "1" * 64), LockedFile("six-1.0.tar.gz", "2" * 64)
SIX = LockedPackage("six", "1.0", (ONE,), TWO)


def test_nothing_told() -> None:
    """A project that no hash is told of keeps all its files."""
    lock = Lock(">=3.10", (SIX,))
    assert lock == trusted.only(lock, {"web": frozenset({"3" * 64})})


def test_some_told() -> None:
    """Files that are not told are left out."""
    (package,) = trusted.only(Lock(">=3.10", (SIX,)), {"six": frozenset({ONE.sha256})}).packages
    assert ((ONE,), None) == (package.wheels, package.sdist)


def test_none_of_them_there() -> None:
    """Where nothing is left, nothing is locked, and every such distribution is named."""
    web = LockedPackage("web", "2.0", (ONE,))
    with pytest.raises(IntegrityProblem, match=r"no file of six 1\.0, web 2\.0 whose sha256"):
        trusted.only(Lock(">=3.10", (SIX, web)), {"six": frozenset("3"), "web": frozenset("3")})


def test_where_the_hashes_stand() -> None:
    """The lines of requirements files are told that a distribution's hashes stand in, and no others who ask for it."""
    lines = [("Six>=1", "requirements.txt, line 3"), ("six", "part app"), ("web", "requirements.txt, line 9")]
    with pytest.raises(IntegrityProblem, match=r"no file of six 1\.0 \(requirements\.txt, line 3\) whose sha256"):
        trusted.only(Lock(">=3.10", (SIX,)), {"six": frozenset("3")}, lines)


def test_drift() -> None:
    """A lock with a file that is not trusted any more has drifted."""
    told = {"six": frozenset({ONE.sha256})}
    (sentence,) = trusted.drift([SIX], told)
    assert sentence == "six 1.0 is locked with files whose sha256 the requirements file lacks"
    assert [] == list(trusted.drift([LockedPackage("six", "1.0", (ONE,))], told))
