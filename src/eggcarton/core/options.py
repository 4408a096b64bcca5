"""Options are declared once: reading, messages and reference pages come from the declaration."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeVar, cast, overload

from eggcarton.core.errors import OptionProblems
from eggcarton.core.readers import Secret, file_name, shown

T = TypeVar("T")


class _Default(Enum):
    REQUIRED = "required"
    PART_NAME = "the part's name"


REQUIRED: Final = _Default.REQUIRED
PART_NAME: Final = _Default.PART_NAME

NOT_FOR_RECIPES = frozenset(
    {
        "recipe",
        "<",
        "<part-dependencies>",
        "find-links",
        "index",
        "newest",
        "update",
        "lock-group",
        "requirements",
        "eggs-directory",
        "develop-eggs-directory",
        "bin-directory",
        "executable",
        "_b",
        "_d",
        "_e",
    }
)
"""Options that buildout or the extension reads in the section of a part, and that are no recipe's business."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One option as the reference page shows it."""

    name: str
    field: str
    reader: Callable[[str], Any]
    doc: str
    default: str | _Default | None
    aliases: tuple[str, ...] = ()
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """The options of one section, and what their author should hear about it."""

    options: T
    warnings: tuple[str, ...]


@overload
def option(
    reader: Callable[[str], T], doc: str, *, default: str | _Default = ..., aliases: Sequence[str] = ...
) -> T: ...


@overload
def option(reader: Callable[[str], T], doc: str, *, default: None, aliases: Sequence[str] = ...) -> T | None: ...


def option(
    reader: Callable[[str], Any],
    doc: str,
    *,
    default: str | _Default | None = REQUIRED,
    aliases: Sequence[str] = (),
) -> Any:
    """Declare one option as a field of an `Options` dataclass.

    Args:
        reader: turns the text into a value, or raises ValueError that completes "'TEXT' ...".
        doc: one sentence for the reference page.
        default: text as the user would write it, `REQUIRED`, `PART_NAME`, or None where absence has a meaning. An empty
            text means the default too, unless the option is required, the reader has a value for that, or the section
            is one where what is empty by accident must not become the default.
        aliases: other names under which the option is accepted.
    """
    metadata = {"reader": reader, "doc": doc, "default": default, "aliases": tuple(aliases)}
    if default is None:
        return dataclasses.field(default=None, metadata=metadata)
    if isinstance(default, _Default):
        return dataclasses.field(metadata=metadata)
    text = default
    return dataclasses.field(default_factory=lambda: reader(text), metadata=metadata)


def rest(doc: str) -> Mapping[str, str]:
    """Declare the one field that collects every option that no other field declares."""
    metadata = {"reader": str, "doc": doc, "default": "", "aliases": (), "rest": True}
    return cast("Mapping[str, str]", dataclasses.field(default_factory=dict, metadata=metadata))


def declared(cls: type[Any]) -> tuple[Declaration, ...]:
    """Return the declarations of an `Options` class in their order."""
    return tuple(
        Declaration(
            name=field.name.replace("_", "-"),
            field=field.name,
            reader=field.metadata["reader"],
            doc=field.metadata["doc"],
            default=field.metadata["default"],
            aliases=field.metadata["aliases"],
            is_rest=field.metadata.get("rest", False),
        )
        for field in dataclasses.fields(cls)
    )


def read_options(
    cls: type[T],
    section: str,
    values: Mapping[str, str],
    *,
    known: Collection[str] = NOT_FOR_RECIPES,
    misplaced: Mapping[str, str] | None = None,
    of_others: Collection[str] = (),
    undoes: bool = True,
) -> Reading[T]:
    """Read one section into its `Options`.

    Args:
        section: its name, which is the part's name.
        values: its options as text, substitutions done.
        known: further names that somebody else reads; by default those that may stand in the section of a part.
        misplaced: names that have an effect in other sections only, each with that section.
        of_others: names that come from another section, which reads them; where this one does not, that is no mistake.
        undoes: whether an empty text that an option's reader refuses means its default.

    Raises:
        OptionProblems: with everything that is wrong with the section.
    """
    declarations = declared(cls)
    problems: list[str] = []
    warnings: list[str] = []
    chosen, undeclared = _sort_out(declarations, values, problems)
    arguments = {
        declaration.field: value
        for declaration in declarations
        if not declaration.is_rest
        for value in _value(declaration, section, chosen, problems, undoes=undoes)
    }
    undeclared = {name: text for name, text in undeclared.items() if name not in known and not name.startswith("__")}
    for name in [name for name in undeclared if name.replace("_", "-") in (misplaced or {})]:
        del undeclared[name]
        where = (misplaced or {})[name.replace("_", "-")]
        problems.append(f"option '{name}' has no effect here: it belongs into [{where}]")
    collector = next((declaration.field for declaration in declarations if declaration.is_rest), None)
    if collector:
        arguments[collector] = undeclared
    else:
        own = [name for name in undeclared if name not in of_others]
        _judge_undeclared(declarations, own, section, problems, warnings)
    try:
        # Scripts, directories and records of a part are called as it is.
        file_name(section)
    except ValueError:
        problems.append("no file can have this name, which parts give to theirs: rename the section")
    if problems:
        raise OptionProblems(section, problems)
    return Reading(cls(**arguments), tuple(warnings))


def _sort_out(
    declarations: Sequence[Declaration], values: Mapping[str, str], problems: list[str]
) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Give each declaration the spelling and text that the section has for it, and return what is left."""
    fields = {
        name.replace("_", "-"): declaration.field
        for declaration in declarations
        if not declaration.is_rest
        for name in (declaration.name, *declaration.aliases)
    }
    chosen: dict[str, tuple[str, str]] = {}
    undeclared: dict[str, str] = {}
    for spelling, text in values.items():
        field = fields.get(spelling.replace("_", "-"))
        if field is None:
            undeclared[spelling] = text
        elif field in chosen:
            problems.append(f"options '{chosen[field][0]}' and '{spelling}' are the same option: keep one")
        else:
            chosen[field] = (spelling, text)
    return chosen, undeclared


def _value(
    declaration: Declaration,
    section: str,
    chosen: Mapping[str, tuple[str, str]],
    problems: list[str],
    *,
    undoes: bool,
) -> tuple[Any, ...]:
    """Return the option's value as the only member of a tuple, which is empty after a problem."""
    default = declaration.default
    if declaration.field in chosen:
        spelling, text = chosen[declaration.field]
    elif default is REQUIRED:
        problems.append(f"option '{declaration.name}' is missing: {declaration.doc}")
        return ()
    elif default is None:
        return (None,)
    else:
        spelling, text = declaration.name, section if default is PART_NAME else str(default)
    text = text.strip()
    try:
        if "\0" in text:
            raise ValueError("holds a NUL character, which no file, variable or argument can hold")
        return (declaration.reader(text),)
    except ValueError as error:
        if not text and declaration.field in chosen and (default is None or (undoes and default is not REQUIRED)):
            # So a section undoes what it inherits.
            return _value(declaration, section, {}, problems, undoes=undoes)
        told = str(error) if isinstance(error, Secret) else f"{shown(text)!r} {error}"
        problems.append(f"option '{spelling}': {told}")
        return ()


def _judge_undeclared(
    declarations: Sequence[Declaration],
    undeclared: Sequence[str],
    section: str,
    problems: list[str],
    warnings: list[str],
) -> None:
    names = [name for declaration in declarations for name in (declaration.name, *declaration.aliases)]
    for name in undeclared:
        near = difflib.get_close_matches(name.replace("_", "-"), names, n=1, cutoff=0.8)
        if near:
            problems.append(f"option '{name}' is not known: did you mean '{near[0]}'?")
        else:
            warnings.append(f"[{section}] option '{name}' is not known and has no effect")
