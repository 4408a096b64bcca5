"""Writes what is locked for the tools outside: a [versions] section, constraints, requirements; or only checks them.

The files are meant to be committed: a part that is removed leaves them, and a file that stands in their place is
replaced only where its first line says that eggcarton wrote it. ``bin/eggcarton export`` writes the same bytes.

Pins of ``[versions]`` for which nothing is locked are named, and so is what is locked without a pin where
``[versions]`` has any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import Environment, Layout, Locked
from eggcarton.core.names import canonical_name
from eggcarton.core.options import option
from eggcarton.core.plan import ExpectedFile, KeptFile, Plan
from eggcarton.core.readers import boolean, file_path, path, words

__all__ = ["Options", "plan"]

_MARK = "# Written by 'bin/eggcarton export "
_UNLOCKED = (
    "without the extension nothing is locked, so that no pins can be told: add 'extensions = eggcarton' to [buildout], "
    "or name a lock in option 'lock'"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which files are kept up to date, and which pins are told."""

    versions_file: Path | None = option(
        file_path,
        "The file that gets a [versions] section, relative to the buildout directory; other buildouts extend it.",
        default=None,
    )
    constraints_file: Path | None = option(
        file_path, "The file that gets constraints for pip and uv: versions without hashes.", default=None
    )
    requirements_file: Path | None = option(
        file_path,
        "The file that gets requirements for pip and uv, with every sha256: pip install --no-deps --require-hashes -r.",
        default=None,
    )
    lock: Path | None = option(
        path,
        "The lock to tell of, relative to the buildout directory; left out: that of the part's lock-group, or of all"
        " parts without one.",
        default=None,
    )
    check: bool = option(
        boolean,
        "Whether nothing is written, and bin/buildout ends with 3 before it changes anything, where a file is not what"
        " it would be or a pin is to be told; for CI, also as bin/buildout pins:check=true.",
        default="false",
    )
    allow_unused: tuple[str, ...] = option(
        words, "Pins of [versions] that may be there for nothing; names and patterns.", default=""
    )
    allow_unpinned: tuple[str, ...] = option(
        words, "What may be locked without a pin in [versions]; names and patterns.", default=""
    )

    @property
    def files(self) -> dict[str, Path]:
        """The files by what `bin/eggcarton export` calls their content."""
        kinds = {
            "versions": self.versions_file,
            "constraints": self.constraints_file,
            "requirements": self.requirements_file,
        }
        return {kind: file for kind, file in kinds.items() if file is not None}

    @property
    def exports(self) -> tuple[str, ...]:
        """What the part has to know of the lock."""
        return tuple(self.files)


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the files.

    Raises:
        OptionProblems: when there is nothing to do, or nothing is locked that could be checked.
    """
    if not options.files and not options.check:
        problem = "nothing would be written: give versions-file, constraints-file or requirements-file a path"
        raise OptionProblems(layout.part, [problem])
    places = {kind: layout.root / file for kind, file in options.files.items()}
    outputs = {f"{kind}-path": str(place) for kind, place in places.items()}
    if layout.locked is None:
        if options.check:
            raise OptionProblems(layout.part, [f"option 'check': {_UNLOCKED}"])
        return Plan((), outputs, (_UNLOCKED,))
    texts, told = layout.locked.texts, tuple(_told(options, layout.locked))
    if options.check:
        expected = tuple(ExpectedFile(place, texts[kind]) for kind, place in places.items())
        return Plan(expected, outputs, findings=told)
    return Plan(tuple(KeptFile(place, texts[kind], _MARK) for kind, place in places.items()), outputs, told)


def _told(options: Options, locked: Locked) -> Iterator[str]:
    """Give a sentence on the pins without a user, and one on the users without a pin."""
    used = {*locked.names, *locked.others}
    unused = sorted(name for name in locked.pins if name not in used)
    if unused := _without(unused, options.allow_unused):
        pins = ", ".join(f"{name} = {locked.pins[name]}" for name in unused)
        yield f"[versions] pins what nothing uses: {pins}; remove that, or name it in 'allow-unused'"
    unpinned = [name for name in locked.names if name not in locked.pins] if locked.pins else []
    if unpinned := _without(unpinned, options.allow_unpinned):
        yield f"[versions] does not pin {', '.join(unpinned)}; add that, or name it in 'allow-unpinned'"


def _without(names: Sequence[str], patterns: Iterable[str]) -> list[str]:
    known = [canonical_name(pattern) for pattern in patterns]
    return [name for name in names if not any(fnmatchcase(name, pattern) for pattern in known)]
