"""Where a part puts things, and what it may import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eggcarton.core.names import canonical_name as canonical_name

if TYPE_CHECKING:
    from eggcarton.core.services import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """What a build is locked to, for a part whose options ask for it.

    Args:
        lock: the path of the lock.
        texts: the lock as other tools read it, by what `bin/eggcarton export` calls that.
        names: the canonical names of all that is locked.
        others: the canonical names of what is in use without being locked: develop packages and the toolchain.
        pins: what `[versions]` says, by canonical name; what zc.buildout adds to it is left out.
    """

    lock: Path
    texts: Mapping[str, str]
    names: tuple[str, ...]
    others: tuple[str, ...]
    pins: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageIndex:
    """An index as tools outside may be told of it; its addresses are without credentials.

    Args:
        name: what the configuration calls it.
        url: where the index itself is.
        mirrors: its mirrors that have pages, in the order in which they are asked.
        projects: names and patterns that are asked there only; the default index has none.
    """

    name: str
    url: str
    mirrors: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageIndexes:
    """The indexes of a build, one of them the default, and whether the build itself asks them."""

    known: tuple[PackageIndex, ...]
    in_force: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Imports:
    """What a part imports beside the distributions that it requires.

    Args:
        extra_paths: directories, behind all distributions.
        site_packages: whether it sees the machine's own site-packages, behind all else.
        allowed: patterns of canonical names; what the machine's own site-packages has of them is seen like a
            distribution that is required.
        always: whether it needs an environment even where it imports nothing.
    """

    extra_paths: tuple[Path, ...] = ()
    site_packages: bool = False
    allowed: tuple[str, ...] = ()
    always: bool = False

    def __bool__(self) -> bool:
        return bool(self.extra_paths or self.site_packages or self.allowed or self.always)


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """The rows of a part's matrix beside the part itself.

    Args:
        rows: their names, each with the directory of the script that runs it.
        left_out: the names of those that are left out, each with why.
        aliases: further names of rows, each with the row's name.
        pythons: a sentence on each other Python that runs rows.
    """

    rows: Mapping[str, Path] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    pythons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The directories of one buildout, as one part sees them; what it is locked to and its indexes where asked for.

    Args:
        matrix: its matrix, None where it has none, or where nothing builds one.
        row: of a row itself, its name; its eggs are those of its part.
        part_imports: of a row itself, the canonical names of what its part imports.
        relative: whether what is written has to work wherever the root is moved to.
        windows: whether it is planned for Windows.
        fetched: files that its options name by address and sha256, by the latter.
        services: those that its options name, and those that these need, in the order in which they are started.
    """

    part: str
    root: Path
    bin: Path
    etc: Path
    parts: Path
    var: Path
    log: Path
    run: Path
    relative: bool = False
    windows: bool = False
    locked: Locked | None = None
    fetched: Mapping[str, Path] = field(default_factory=dict)
    indexes: PackageIndexes | None = None
    services: tuple[Service, ...] = ()
    matrix: Matrix | None = None
    row: str | None = None
    part_imports: tuple[str, ...] | None = None

    @property
    def location(self) -> Path:
        """The part's own directory."""
        return self.parts / self.part

    @property
    def movable(self) -> Path | None:
        """The tree that is to work wherever it is moved to; None where paths may be absolute."""
        return self.root if self.relative else None

    @classmethod
    def under(cls, root: Path, part: str) -> Layout:
        """Return the layout with the default directory names below `root`."""
        var = root / "var"
        return cls(
            part=part,
            root=root,
            bin=root / "bin",
            etc=root / "etc",
            parts=root / "parts",
            var=var,
            log=var / "log",
            run=var / "run",
        )


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry point of a distribution: `name = module:attribute` in a group."""

    distribution: str
    group: str
    name: str
    module: str
    attribute: str


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script that a distribution brings as a file, such as those of `scripts=` in its setup.py.

    Args:
        kind: `python`, `program` for what the system can start, or `shell` for commands that do not say so.
        hidden: its path, where `bin` of the environment has one of another distribution under its name; else empty.
    """

    distribution: str
    name: str
    kind: str
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A directory with code of a distribution.

    Args:
        distribution: its canonical name.
        package: the dotted name of the package that the directory is; empty where it holds packages.
        is_developed: whether it is the source of a develop package.
    """

    distribution: str
    path: Path
    package: str = ""
    is_developed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """What one part may import, ready to be used.

    Args:
        script_files: these lie in `bin` below `prefix`, but for hidden ones.
        python: its interpreter, `bin/python` below `prefix`.
        distributions: canonical names and versions, sorted.
        digest: changes whenever anything in the environment changes.
        store: where the unpacked distributions really lie; site-packages holds links to there.
        places: where the code of each distribution lies.
    """

    python: Path
    prefix: Path
    site_packages: Path
    distributions: tuple[tuple[str, str], ...]
    entry_points: tuple[EntryPoint, ...]
    digest: str
    store: Path
    script_files: tuple[ScriptFile, ...] = ()
    places: tuple[CodePlace, ...] = ()

    def find(self, group: str, name: str, distribution: str | None = None) -> EntryPoint | None:
        """Return the entry point of this group and name, of the given distribution or of the first that has one."""
        wanted = None if distribution is None else canonical_name(distribution)
        for point in self.entry_points:
            if (point.group, point.name) == (group, name) and wanted in (
                None,
                canonical_name(point.distribution),
            ):
                return point
        return None
