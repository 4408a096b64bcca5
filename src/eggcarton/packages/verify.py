"""Whether what stands is what was locked: every changed, missing and extra file, by its name."""

from __future__ import annotations

import csv
import importlib.util
import marshal
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from eggcarton.core.editable import is_beside
from eggcarton.core.errors import RecordProblem
from eggcarton.core.records import Record, read_record
from eggcarton.core.standing import below, digest_of_tree, look
from eggcarton.packages import eggs, environment, machine, precedence
from eggcarton.packages.eggs import Row
from eggcarton.packages.interpreter import Interpreter

_CACHE = "__pycache__"
_TAG = re.escape(sys.implementation.cache_tag or "")
_CACHED = re.compile(rf"(?P<module>.+)\.{_TAG}(?:\.opt-(?P<level>[12]))?\.pyc")
_OF_PYTEST = re.compile(rf"(?P<module>.+)\.{_TAG}-pytest-[\w.+!]+\.pyc")
_HEADER = 16


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One path that is not as it should be: ``changed``, ``missing`` or ``extra``, and why where that is not plain."""

    path: str
    what: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.path}" + (f" ({self.why})" if self.why else "")


def of_egg(egg: Path, wheel: Path | None) -> Iterator[Finding]:
    """Give what is wrong with one egg, against its RECORD, and against its wheel where that is at hand.

    What Python has compiled while it ran is no finding when its source gives the same code.
    """
    if not egg.is_dir():
        yield Finding(str(egg), "missing")
        return
    try:
        rows, why = eggs.recorded(egg), ""
    except (OSError, ValueError, csv.Error) as error:
        rows, why = {}, str(getattr(error, "strerror", None) or error)
    info = eggs.info_of(egg)
    record = f"{info.name}/RECORD" if info else ""
    promised = eggs.promised(wheel, egg) if wheel else {}
    standing = {path.relative_to(egg).as_posix(): path for path in below(egg)}
    if not info or record not in standing:
        yield Finding(str(egg / (record or "RECORD")), "missing")
        if wheel is None:
            return
    elif why or any(not rows.get(name, Row()).digest for name in {*rows, *promised} - {record}):
        yield Finding(str(egg / record), "changed", why or "it does not name the digest of every file")
    elif any(rows[name] != row for name, row in promised.items() if rows[name].algorithm == row.algorithm):
        yield Finding(str(egg / record), "changed", f"{wheel.name if wheel else ''} holds something else")
    expected = {**rows, **promised}
    wrong = {}
    # Sources come before what was compiled from them: that is not told a second time.
    for name in sorted({*expected, *standing} - {record}, key=lambda name: (_CACHE in name.split("/"), name)):
        path, row = egg / name, expected.get(name)
        what = _in_egg(name, path, row, standing)
        is_consequence = _source_of(path) in wrong and (
            what == "extra" or (what == "changed" and row is not None and _is_file_of(path, row))
        )
        if what and not is_consequence:
            wrong[path] = what
    yield from (Finding(str(path), what) for path, what in wrong.items())


def _source_of(path: Path) -> Path | None:
    """Return the module that a file in ``__pycache__`` would have been compiled from."""
    match = _CACHED.fullmatch(path.name) or _OF_PYTEST.fullmatch(path.name)
    return path.parent.parent / f"{match['module']}.py" if match and path.parent.name == _CACHE else None


def _in_egg(name: str, path: Path, row: Row | None, standing: Collection[str]) -> str | None:
    if name not in standing:
        return "missing"
    if _CACHE in name.split("/")[:-1] and name.endswith(".pyc"):
        is_right = (row is None or _is_file_of(path, row)) and is_cache(path)
        return None if is_right else "changed" if row else "extra"
    if row is None:
        return "extra"
    return None if not row.algorithm or _is_file_of(path, row) else "changed"


def _is_file_of(path: Path, row: Row) -> bool:
    return look(path).kind == "file" and row.holds(path.read_bytes())


_right = set[str]()


def take_for_right(caches: Iterable[str]) -> None:
    """Take these files that other Pythons have compiled for right, and no others: only those Pythons can tell."""
    _right.clear()
    _right.update(caches)


def is_cache(path: Path) -> bool:
    """Tell whether a file holds the code that this Python compiles from the module it belongs to.

    What pytest rewrites for itself nobody else can make again: that is taken for right, since no Python imports it, and
    `kept_by_pytest` tells it apart.
    """
    if kept_by_pytest(path) or str(path) in _right:
        return True
    match, source = _CACHED.fullmatch(path.name), _source_of(path)
    if match is None or source is None or look(path).kind not in ("file", "link"):
        return False
    try:
        data = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            level = int(match["level"] or 0)
            code = compile(source.read_bytes(), str(source), "exec", dont_inherit=True, optimize=level)
        found = marshal.loads(data[_HEADER:])
    except (OSError, ValueError, EOFError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    # Code objects are equal when all but the path that they remember is.
    return data.startswith(importlib.util.MAGIC_NUMBER) and isinstance(found, CodeType) and found == code


def kept_by_pytest(path: Path) -> bool:
    """Tell whether a file is a module with rewritten assertions, as pytest keeps it beside what Python keeps."""
    source = _source_of(path)
    return bool(_OF_PYTEST.fullmatch(path.name)) and source is not None and source.is_file()


def of_environment(
    prefix: Path, python: Interpreter, locked: Collection[tuple[str, str, str]], spoilt: Collection[str]
) -> Iterator[Finding]:
    """Give what is wrong with one environment: it is made once more, elsewhere, and compared.

    Args:
        locked: the canonical name, the sha256 and the egg of each locked distribution.
        spoilt: eggs that are not as they should be; what is made of them is not told a second time.
    """
    if not prefix.is_dir():
        yield Finding(str(prefix), "missing")
        return
    content = environment.content_of(prefix, python)
    if content is None:
        yield Finding(str(prefix / "eggcarton.json"), "changed", "it does not tell what the environment was made of")
        return
    for member in content.makeup.members:
        if not member.files and (member.name, member.identity, str(member.place)) not in locked:
            yield Finding(str(prefix), "changed", f"it holds {member.name} {member.version}, which the lock does not")
            return
        if member.is_of_machine and machine.identity(member.place, member.files) != member.identity:
            why = f"the machine's {member.name} is another one than when it was made; run bin/buildout"
            yield Finding(str(prefix), "changed", why)
            return
    yield from (developed := list(_of_developed(content)))
    with tempfile.TemporaryDirectory(prefix="eggcarton-verify-") as directory:
        staging = Path(directory) / prefix.name
        if not any(str(member.place) in spoilt and not member.place.is_dir() for member in content.makeup.members):
            environment.remake(prefix, content, staging)
            # Written from what develop packages say of themselves: where that has changed, it is told already.
            told = {precedence.LINES, f"{precedence.MODULE}.py"} if developed else set()
            found = _differences(prefix, staging, [place for place in spoilt if _is_in(place, content)])
            yield from (one for one in found if Path(one.path).name not in told)


def _of_developed(content: environment.Content) -> Iterator[Finding]:
    """Give what is wrong with the metadata of develop packages, which no lock covers, since it was built."""
    here = environment.developed(content.makeup.members, content.makeup.root)
    for path in sorted({*here, *content.developed}):
        one, other = here.get(path), content.developed.get(path)
        if other is None or not os.path.lexists(path):
            yield Finding(path, "extra" if other is None else "missing")
        elif one != other:
            yield Finding(path, "changed")


def _is_in(place: str, content: environment.Content) -> bool:
    return any(str(member.place) == place for member in content.makeup.members)


def _differences(prefix: Path, expected: Path, spoilt: Collection[str]) -> Iterator[Finding]:
    here = {path.relative_to(prefix).as_posix(): path for path in below(prefix)}
    there = {path.relative_to(expected).as_posix(): path for path in below(expected)}
    for name in sorted({*here, *there}):
        one, other = here.get(name), there.get(name)
        is_spoilt = bool(spoilt) and any(_comes_from(path, prefix / name, spoilt) for path in (one, other) if path)
        if is_spoilt or (one and other and _same(one, other)):
            continue
        if one and not other and one.parent.name == _CACHE and is_cache(one):
            continue
        yield Finding(str(prefix / name), "changed" if one and other else "extra" if one else "missing")


def _comes_from(path: Path, place: Path, spoilt: Collection[str]) -> bool:
    """Tell whether something in an environment hangs on a spoilt egg; a script and the record may.

    Args:
        place: where it stands, which a relative link starts from, even one that was made elsewhere.
    """
    if not path.is_symlink():
        return True
    target = Path(os.path.realpath(place.parent / os.readlink(path)))
    return any(target.is_relative_to(os.path.realpath(egg)) for egg in spoilt)


def _same(one: Path, other: Path) -> bool:
    first, second = look(one), look(other)
    is_executable = [bool(standing.mode & 0o100) for standing in (first, second)]
    return (first.kind, first.digest) == (second.kind, second.digest) and is_executable[0] == is_executable[1]


def of_parts(records: Path, parts: Collection[str]) -> tuple[dict[str, Record], list[Finding]]:
    """Return what each part owns by its record, and what is wrong with that."""
    found, findings = {}, []
    for part in parts:
        try:
            found[part] = read_record(records, part)
        except RecordProblem as problem:
            findings.append(Finding(str(problem.path), "changed", problem.reason))
            continue
        if found[part].pending:
            findings.append(Finding(str(records), "changed", f"part {part} was not finished; run bin/buildout"))
        findings += _of_record(found[part])
    known = {path for record in found.values() for path in record.known}
    for record in found.values():
        for directory in (path for path, entry in record.paths.items() if entry.kind == "directory"):
            findings += [Finding(str(path), "extra") for path in _strangers(directory, known)]
    return found, findings


def _of_record(record: Record) -> Iterator[Finding]:
    for path, entry in record.paths.items():
        standing = look(path)
        if entry.kind == "editable" and (standing.kind in ("file", "link") or is_beside(path, record)):
            # An edited one is kept, and what lies beside it is the administrator's to remove.
            continue
        if standing.kind == "nothing":
            yield Finding(str(path), "missing")
        elif entry.kind == "produced":
            if not _is_tree_of(path, entry.digest):
                yield Finding(str(path), "changed", "something in it is")
        elif standing.kind != entry.kind or standing.digest != entry.digest:
            yield Finding(str(path), "changed")
        elif standing.mode != entry.mode:
            yield Finding(str(path), "changed", f"its mode is {standing.mode:04o}, not {entry.mode:04o}")


def _is_tree_of(path: Path, digest: str) -> bool:
    """Tell whether a tree has a digest; what stands in the place of a link gets compiled there."""
    if digest_of_tree(path) == digest:
        return True
    caches = [each for each in below(path) if _CACHE in each.relative_to(path).parts]
    return digest_of_tree(path, with_caches=False) == digest and all(map(is_cache, caches))


def _strangers(directory: Path, known: Collection[Path]) -> Iterator[Path]:
    """Give what lies in a directory of a part and belongs to no part."""
    for path in below(directory):
        is_owned = any(place in known and directory in place.parents for place in (path, *path.parents))
        if not is_owned and not is_cache(path):
            yield path
