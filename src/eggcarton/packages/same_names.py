"""What is said where several distributions have the same name: few sentences, of what somebody would miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

# What many distributions put beside their packages by mistake, and nobody imports from there.
_STRAY = frozenset(
    {"test", "tests", "testing", "doc", "docs", "example", "examples", "sample", "samples", "demo", "demos"}
    | {"benchmark", "benchmarks", "script", "scripts", "tool", "tools", "ci", "build", "dist", "tasks"}
    | {"__init__", "setup", "conftest", "noxfile", "fabfile", "manage"}
)
_IMPORTED = (".py", ".pyc", ".so", ".pyd", ".pth")


@dataclass(frozen=True, slots=True)
class SameName:
    """One name that several have, of which one is used.

    Args:
        kind: ``file``: distributions own the same file with different content. ``case``: their names differ in case, or
            in how letters are composed. ``interpreter``: a script is called like a name of the interpreter.
            ``standard``: the standard library has a module of this name. ``module``: a develop package or an extra
            path has one.
        name: of a file its path in site-packages or below the prefix, with a slash behind where it is a directory for
            some; of a module its dotted name.
        used: whose is used; a distribution's name, or what to call it.
        others: whose are not.
        other: for ``case``, what those others call it.
    """

    kind: Literal["file", "case", "interpreter", "standard", "module"]
    name: str
    used: str
    others: tuple[str, ...]
    other: str = ""

    @property
    def is_stray(self) -> bool:
        """Whether it is of a kind that lies about in many distributions, and that none would miss."""
        top, slash, _ = self.name.partition("/")
        if not slash and self.kind in ("file", "case"):
            return not top.endswith(_IMPORTED) or top.removesuffix(".py") in _STRAY
        return top.partition(".")[0].lower() in _STRAY


def sentences(same_names: Sequence[SameName]) -> list[str]:
    """Return what is to be said of names that several have, a finished sentence each."""
    named = [same for same in same_names if not (same.is_stray and same.kind in ("file", "case", "module"))]
    strays = [same for same in same_names if same.is_stray and same.kind == "file"]
    return [
        *_files(same for same in named if same.kind == "file"),
        *(_of_one(same) for same in named if same.kind in ("case", "interpreter")),
        *_modules(same for same in named if same.kind == "module"),
        *_standard([same for same in named if same.kind == "standard"]),
        *_strays([same.name for same in strays]),
    ]


def _files(same_names: Iterable[SameName]) -> Iterator[str]:
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for same in same_names:
        groups.setdefault((same.used, same.others), []).append(_spelt(same.name))
    for (used, others), names in groups.items():
        those = ", ".join(others)
        if len(names) == 1:
            yield f"{names[0]} is in several distributions; the one of {used} is used, not that of {those}"
        else:
            what = f"{names[0]} and {names[1]}" if len(names) == 2 else f"{names[0]} and {len(names) - 1} more files"
            yield f"{what} are in several distributions; those of {used} are used, not those of {those}"


def _of_one(same: SameName) -> str:
    if same.kind == "interpreter":
        return f"{same.name} of {', '.join(same.others)} is left out: the environment's interpreter is called so"
    name = same.name.rstrip("/")
    return (
        f"{name} of {same.used} and {same.other} of {', '.join(same.others)} are one name to a file system "
        f"that takes no notice of case; there {name} is used, and the other one is missing"
    )


def _modules(same_names: Iterable[SameName]) -> Iterator[str]:
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for same in same_names:
        groups.setdefault((same.used, same.others), []).append(same.name)
    for (used, others), names in groups.items():
        yield f"{_listed(names)} of {', '.join(others)} cannot be imported: {used} has {_it(names)}, and comes first"


def _standard(same_names: Sequence[SameName]) -> Iterator[str]:
    by_owner: dict[str, list[str]] = {}
    for same in same_names:
        for owner in same.others:
            by_owner.setdefault(owner, []).append(same.name)
    if by_owner:
        told = ", ".join(f"{_listed(names)} of {owner}" for owner, names in sorted(by_owner.items()))
        has = f"the standard library has {_it([same.name for same in same_names])}"
        yield f"{told} cannot be imported: {has}, and comes first"


def _strays(names: Sequence[str]) -> Iterator[str]:
    if len(names) == 1:
        yield f"{names[0]}, which nothing should import, is in several distributions; that of the first one is there"
    elif names:
        such = _listed(names) if len(names) == 2 else f"{len(names)} files such as {names[0]}"
        yield f"{such}, which nothing should import, are in several distributions; those of the first one are there"


def _spelt(name: str) -> str:
    # Parts make their scripts in a bin of their own, where those of their own distributions win.
    return f"the environment's {name}" if name.startswith("bin/") else name.rstrip("/")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"
