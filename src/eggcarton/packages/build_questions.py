"""Which programs a build may ask without being built in each run: those whose answer can be asked for again.

A file that works alone: the process of a build imports it, and so does what looks whether a build still stands.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

# What a version control system only tells: with the words that are let through below, these change nothing.
_TELLING = {
    "git": frozenset(
        {"archive", "cat-file", "check-ignore", "describe", "diff", "diff-index", "for-each-ref", "log", "ls-files"}
        | {"ls-tree", "merge-base", "name-rev", "rev-list", "rev-parse", "show", "show-ref", "status", "version"}
        | {"--version"}
    ),
    "hg": frozenset({"files", "id", "identify", "locate", "log", "parents", "root", "status", "version", "--version"}),
}
_BEFORE = {"-c": 2, "-C": 2, "--git-dir": 2, "--work-tree": 2, "--no-pager": 1, "--no-optional-locks": 1}
_BEFORE |= {"-R": 2, "--cwd": 2, "--repository": 2, "--config": 2}
_WRITING = ("--output", "-o", "--batch", "--stdin", "--remote", "--ext-diff", "--refresh")
_LONGEST = 60.0
ABSENT, UNKNOWN = "absent", "unknown"
"""The answer where there is no such program, and where none can be had: it is never asked again, or did not end."""


def instead(words: Sequence[str]) -> list[str]:
    """Return the question to put in the place of a command, which tells as much: the command itself nearly always.

    setuptools-scm hands git the names of all files, to learn which have an attribute; git can be asked for these names.
    """
    before, name, rest = _parts(words)
    if name != "check-attr" or "--stdin" not in rest:
        return list(words)
    attributes = [f":(attr:{word})" for word in rest if not word.startswith("-")]
    return [*before, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *attributes]


def _parts(words: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Return a command as the program with what concerns all commands, the name of one, and what follows."""
    end = 1
    while end < len(words) and words[end].partition("=")[0] in _BEFORE:
        end += 1 if "=" in words[end] else _BEFORE[words[end]]
    return list(words[:end]), words[end] if end < len(words) else "", list(words[end + 1 :])


def is_question(words: Sequence[str]) -> bool:
    """Tell whether a command only asks, so that the same answer to it means that nothing has changed."""
    (program, *_), name, rest = _parts(words)
    if name == "symbolic-ref":
        # With a second name it would change the first.
        return [word for word in rest if word not in ("--short", "-q", "--quiet")] == ["HEAD"]
    telling = _TELLING.get(os.path.basename(program), frozenset())
    return name in telling and not any(word.startswith(_WRITING) for word in rest)


def ask(words: Sequence[str], place: str, variables: Mapping[str, str]) -> str:
    """Run a command in a directory, if it only asks, and return the digest of how it ended and of what it wrote.

    Source: git's documentation of GIT_OPTIONAL_LOCKS: what only looks need not write the index.
    """
    if shutil.which(words[0], path=variables.get("PATH", os.defpath)) is None:
        return ABSENT
    if not is_question(words):
        return UNKNOWN
    try:
        done = subprocess.run(
            list(words),
            cwd=place,
            env={**variables, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return UNKNOWN
    return hashlib.sha256(b"%d %s" % (done.returncode, done.stdout)).hexdigest()
