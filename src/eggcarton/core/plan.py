"""What is to be written, decided before anything is touched."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path, PurePath
from typing import Any, TypeAlias

from eggcarton.core.errors import PlanProblem


@dataclass(frozen=True, slots=True)
class File:
    """A file with this content and this mode, whatever the umask."""

    path: Path
    content: str | bytes
    mode: int = 0o644

    @property
    def data(self) -> bytes:
        """The content as bytes; text is UTF-8."""
        return self.content if isinstance(self.content, bytes) else self.content.encode()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file whose content is a Jinja2 template, filled in while it is staged.

    Args:
        name: what an error calls the template, such as its file's path.
    """

    path: Path
    template: str
    name: str
    variables: Mapping[str, Any]
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is committed with the configuration: made where it is missing, never owned, reported or removed.

    Args:
        mark: how each file begins that may be replaced; its permissions stay as they are.
    """

    path: Path
    content: str
    mark: str

    @property
    def data(self) -> bytes:
        """The content as bytes."""
        return self.content.encode()


@dataclass(frozen=True, slots=True)
class EditableFile:
    """A file that an administrator may edit: an edited one is kept, and the new one laid beside it as NAME.new.

    Once it stands, its mode is the administrator's too.
    """

    path: Path
    content: str
    mode: int = 0o644

    @property
    def data(self) -> bytes:
        """The content as bytes."""
        return self.content.encode()

    @property
    def beside(self) -> Path:
        """Where the new content is laid when the file has been edited."""
        return self.path.with_name(f"{self.path.name}.new")


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file that has to stand with this content; it is never written, and where it differs nothing is done."""

    path: Path
    content: str

    @property
    def data(self) -> bytes:
        """The content as bytes."""
        return self.content.encode()


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link; `target` is written as it is, relative or not."""

    path: Path
    target: str | Path


@dataclass(frozen=True, slots=True)
class OwnedDirectory:
    """A directory that goes when the part goes, with all that is in it."""

    path: Path
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class KeptDirectory:
    """A directory for data: made where it is missing, never changed, reported or removed."""

    path: Path
    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Produced:
    """A directory that a command fills and that takes its place whole.

    Args:
        directory: where it stands in the end.
        command: program and arguments; `{staging}` stands for the directory to fill, which exists and is empty.
        inputs: files and directories; the command runs again when they or it changed.
        timeout: seconds after which the command is given up.
    """

    directory: Path
    command: tuple[str, ...]
    inputs: tuple[Path, ...] = ()
    timeout: float = 600.0

    @property
    def path(self) -> Path:
        """The directory, under the name that all items share."""
        return self.directory


RUNTIME = "eggcarton_runtime"
"""The package that what a part has of `eggcarton.runtime` is imported from, where a single file does not do."""

Item: TypeAlias = (
    File | Rendered | KeptFile | EditableFile | ExpectedFile | Link | OwnedDirectory | KeptDirectory | Produced
)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a part writes.

    Args:
        items: no two for one path, and none below one that is no plain directory.
        outputs: what other parts read as `${part:name}`.
        remarks: what the user should hear when the plan is carried out for the first time, or again after a change.
        findings: what is wrong, a sentence each; a plan that has any is not carried out.

    Raises:
        PlanProblem: when no order of writing could make the plan true.
    """

    items: tuple[Item, ...]
    outputs: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[Path, Item] = {}
        for item in self.items:
            path = item.path
            if not path.is_absolute() or ".." in path.parts:
                raise PlanProblem(f"'{path}' is planned, but is not an absolute path without '..'")
            if path in seen:
                raise PlanProblem(f"{path} is planned twice: give one of the two another name")
            seen[path] = item
        for path in seen:
            for parent in path.parents:
                above = seen.get(parent)
                if above is not None and not isinstance(above, OwnedDirectory | KeptDirectory):
                    raise PlanProblem(f"{path} is planned below {parent}, which is planned as something else")

    @property
    def digest(self) -> str:
        """A SHA-256 that is the same in every process, and changes when what is written or published changes."""
        items = sorted((_canonical(item) for item in self.items), key=lambda form: str(form["path"]))
        return digest_of({"items": items, "outputs": dict(self.outputs)})

    def __str__(self) -> str:
        return self.text(Path("/"))

    def text(self, root: Path) -> str:
        """Return the plan for reading, paths below `root` shortened."""
        lines = [line for item in self.items for line in _item_lines(item)]
        lines += [f"output {name} = {value}" for name, value in sorted(self.outputs.items())]
        lines += [f"remark {remark}" for remark in self.remarks]
        lines += [f"finding {finding}" for finding in self.findings]
        text = "".join(f"{line.rstrip()}\n" for line in lines)
        return text if root == Path("/") else text.replace(f"{root}/", "").replace(str(root), ".")


def digest_of(value: object) -> str:
    """Return the SHA-256 of a value made of strings, numbers, bytes, paths, sequences and mappings.

    Raises:
        TypeError: for anything whose text could differ between two processes.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def runtime_source(name: str) -> str:
    """Return the text of `eggcarton/runtime/NAME.py`, for a plan to copy into the part's directory."""
    return resources.files("eggcarton.runtime").joinpath(f"{name}.py").read_text(encoding="utf-8")


def runtime_files(location: Path, *names: str) -> tuple[File, ...]:
    """Return copies of modules and packages of `eggcarton.runtime`, below `LOCATION/eggcarton_runtime`.

    Side by side as they are here, they import one another relatively there too.
    """
    place, found = location / RUNTIME, [File(location / RUNTIME / "__init__.py", "")]
    for name in names:
        package = resources.files("eggcarton.runtime").joinpath(name)
        if not package.is_dir():
            found.append(File(place / f"{name}.py", runtime_source(name)))
            continue
        files = sorted((file for file in package.iterdir() if file.name.endswith(".py")), key=lambda file: file.name)
        found += [File(place / name / file.name, file.read_text(encoding="utf-8")) for file in files]
    return tuple(found)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no stable form: {value!r}")


def _canonical(item: Item) -> dict[str, object]:
    form: dict[str, object] = {name: getattr(item, name) for name in item.__dataclass_fields__}
    return {"kind": type(item).__name__, "path": item.path, **form}


def _item_lines(item: Item) -> Iterator[str]:
    if isinstance(item, File):
        yield f"file {item.path} {item.mode:04o}"
        if isinstance(item.content, bytes):
            yield f"    | {len(item.content)} bytes, sha256 {hashlib.sha256(item.content).hexdigest()}"
        else:
            yield from _quoted(item.content)
    elif isinstance(item, EditableFile):
        yield f"editable file {item.path} {item.mode:04o}"
        yield from _quoted(item.content)
    elif isinstance(item, KeptFile | ExpectedFile):
        yield f"kept file {item.path}" if isinstance(item, KeptFile) else f"expected file {item.path}"
        yield from _quoted(item.content)
    elif isinstance(item, Rendered):
        yield f"rendered {item.path} {item.mode:04o} from {item.name}"
        for name, value in sorted(item.variables.items()):
            yield f"    {name} = {_shown(value)}"
        yield from _quoted(item.template)
    elif isinstance(item, Link):
        yield f"link {item.path} -> {item.target}"
    elif isinstance(item, Produced):
        yield f"produced {item.path}"
        yield f"    command {' '.join(item.command)}"
        yield from (f"    input {path}" for path in item.inputs)
    else:
        kept = "kept" if isinstance(item, KeptDirectory) else "owned"
        yield f"directory {item.path} {item.mode:04o} {kept}"


def _quoted(content: str) -> Iterator[str]:
    """Yield text in the way that shows where it ends and whether its last line does."""
    *lines, last = content.split("\n")
    yield from (f"    | {line}" for line in lines)
    if last:
        yield f"    | {last} (no newline at the end)"


def _shown(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)
