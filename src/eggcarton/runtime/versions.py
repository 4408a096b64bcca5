"""Finds versions in what programs say of themselves, and compares them as Python's packages are compared.

Source: PEP 440, in the reading of packaging's version and specifiers.
"""

from __future__ import annotations

import re
from functools import total_ordering
from typing import TypeAlias

_VERSION = re.compile(
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_number>[0-9]*))?"
    r"(?P<post>-(?P<implicit>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
# A release, and a letter for what was mended in it later.
_MENDED = re.compile(r"\A(v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*)([a-z])\Z", re.IGNORECASE)
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_Key: TypeAlias = tuple[int, tuple[int, ...], tuple[int, str, int], int, tuple[int, int]]

# Where a version may be in what a program says: not in the middle of a number or a name, and no address.
_CANDIDATE = re.compile(
    r"(?<![0-9.])(?P<number>[0-9]+(?:\.[0-9]+)*)"
    r"(?P<rest>(?:[-_.~+]?(?:alpha|beta|rc|pre|preview|post|devel|dev)[-_.]?[0-9]*)?(?:(?<=[0-9])[a-z](?![a-z]))?"
    r"(?:(?<=[a-z])[0-9]+)?(?:[-_][0-9]+)?)(?![0-9]*:[0-9])(?!\.[0-9])",
    re.IGNORECASE,
)
_TOLD = re.compile(r"(?:\bver(?:sion)?\b|(?<![\w-])v)[\s:=\"'v]*\Z", re.IGNORECASE)
_DISTRIBUTED = re.compile(r"\bDistrib\s+\Z")
_ATTACHED = re.compile(r"(?<![0-9a-z])(?!v\Z)[a-z]+\Z", re.IGNORECASE)


class NoVersion(ValueError):
    """A text is no version."""


@total_ordering
class Version:
    """A version, in the order of PEP 440.

    Programs of others write a letter behind a number for what was mended later: `1.1.1w` is a post-release here.
    """

    def __init__(self, text: str) -> None:
        plain = _MENDED.sub(lambda at: f"{at[1]}.post{ord(at[2].lower()) - 96}", text.strip())
        match = _VERSION.fullmatch(plain)
        if match is None:
            raise NoVersion(f"'{text}' is no version")
        self.text, self._epoch = text.strip(), int(match["epoch"] or 0)
        self.release = tuple(map(int, match["release"].split(".")))
        letter = (match["pre"] or "").lower()
        self._pre = (_PRE.get(letter, letter), int(match["pre_number"] or 0)) if letter else None
        self._post = int(match["implicit"] or match["post_number"] or 0) if match["post"] else None
        self._dev = int(match["dev_number"] or 0) if match["dev"] else None
        self.local = tuple(re.split("[-_.]", match["local"].lower())) if match["local"] else ()

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[_Key, tuple[tuple[int, int | str], ...]]:
        local = tuple((1, int(word)) if word.isdigit() else (0, word) for word in self.local)
        return self.public(), local

    def public(self) -> _Key:
        """Return what it is compared by without its local part."""
        release = self.release
        while len(release) > 1 and release[-1] == 0:
            release = release[:-1]
        if self._pre is not None:
            pre = (0, *self._pre)
        else:
            # A development release of the release itself comes before all of its pre-releases.
            pre = (-1, "", 0) if self._post is None and self._dev is not None else (1, "", 0)
        post = -1 if self._post is None else self._post
        return self._epoch, release, pre, post, (1, 0) if self._dev is None else (0, self._dev)

    @property
    def is_pre(self) -> bool:
        """Whether it is a pre-release or a development release."""
        return self._pre is not None or self._dev is not None

    @property
    def is_post(self) -> bool:
        """Whether it is a post-release."""
        return self._post is not None

    def has_base_of(self, other: Version) -> bool:
        """Tell whether it is of the same epoch and release."""
        return (self._epoch, self.public()[1]) == (other._epoch, other.public()[1])

    def parts(self) -> list[str]:
        """Return what a prefix is compared with, a text each."""
        found = [str(self._epoch), *map(str, self.release)]
        found += [f"{self._pre[0]}{self._pre[1]}"] if self._pre else []
        found += [f"post{self._post}"] if self.is_post else []
        return found + ([f"dev{self._dev}"] if self._dev is not None else [])


def suits(found: Version, operator: str, wanted: str) -> bool:
    """Tell whether a version is as it is wanted.

    Args:
        operator: one of `< <= == != >= > ~=`.
        wanted: a version; with `==` and `!=` it may end in `.*`.

    Raises:
        NoVersion: what is wanted is none.
    """
    if operator == "!=":
        return not suits(found, "==", wanted)
    if operator == "==" and wanted.endswith(".*"):
        return _begins(found, Version(wanted[:-2]))
    version = Version(wanted)
    if operator == "~=":
        prefix = version.release[:-1]
        same = _padded(found.release, len(prefix)) == prefix and found.public()[0] == version.public()[0]
        return same and suits(found, ">=", wanted)
    mine, its = found.public(), version.public()
    if operator == "==":
        return found == version if version.local else mine == its
    if operator == "<":
        # Its own pre-releases are not earlier than a version, unless it is one itself.
        is_its = mine[:4] == its[:4] if version.is_post else found.has_base_of(version)
        return found < version and not (is_its and found.is_pre and not version.is_pre)
    if operator == ">":
        # Neither its local versions nor, unless it is one itself, its post-releases are later than a version.
        if mine == its or (found.is_post and not version.is_post and mine[:3] == its[:3]):
            return False
        return found > version
    return mine <= its if operator == "<=" else mine >= its


def _begins(found: Version, prefix: Version) -> bool:
    wanted, parts = prefix.parts(), found.parts()
    missing = len(prefix.release) - len(found.release)
    if missing > 0:
        place = 1 + len(found.release)
        parts[place:place] = ["0"] * missing
    return parts[: len(wanted)] == wanted


def _padded(release: tuple[int, ...], length: int) -> tuple[int, ...]:
    return (*release, *[0] * (length - len(release)))[:length]


def find(text: str, program: str) -> str | None:
    """Return the version that a program tells of itself; None where there is none.

    What is said to be the version comes first, then what follows the program's name, then any number with dots;
    what stands in parentheses, as the version of a distribution does, comes last.

    >>> find("gcc (Debian 12.2.0-14) 12.2.1", "gcc")
    '12.2.1'
    """
    best, chosen = 0, None
    named = re.compile(rf"(?<![\w.]){re.escape(program)}\W{{0,2}}\Z", re.IGNORECASE)
    for match in _CANDIDATE.finditer(text):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        score = _score(match, before, text[match.end() :].partition("\n")[0], named)
        if score > best:
            best, chosen = score, match[0]
    return chosen and _normal(chosen)


def _score(match: re.Match[str], before: str, behind: str, named: re.Pattern[str]) -> int:
    """Return how likely a number is the version.

    Args:
        before: its line up to there.
        behind: the rest of its line.
        named: how that ends where the program's name does.
    """
    if behind.startswith(", subversion") or before.endswith(".so."):
        return 0
    if _DISTRIBUTED.search(before):
        return 30
    is_dotted = "." in match["number"]
    score = 12 * is_dotted - 2 * (before.count("(") > before.count(")"))
    if _TOLD.search(before):
        return score + 10
    if named.search(before):
        return score + 6
    if is_dotted:
        return score - 8 if _ATTACHED.search(before) else score
    # Without dots it may be any number.
    is_alone = not before.strip() and not behind.strip()
    return int(bool(match["rest"] or is_alone or before.rstrip().endswith(")")))


def _normal(found: str) -> str:
    """Return a version as PEP 440 spells it, of what Debian, Java and PostgreSQL write."""
    text = re.sub(r"devel\b", "dev", found.replace("~", "").replace("_", "-"), flags=re.IGNORECASE)
    # What comes behind a letter with a number, such as 9.2p1, was mended later too.
    return re.sub(r"([0-9])p([0-9]+)\Z", r"\1.post\2", text)
