"""Readers of options that name Python objects or are Python source."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass

from eggcarton.core.readers import reads, shortened

_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """An object in a module, `module:attribute`."""

    module: str
    attribute: str

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


@dataclass(frozen=True, slots=True)
class Application:
    """Where a WSGI application comes from.

    Args:
        kind: `application`, `factory` or `paste`.
        where: a module, or a distribution for `paste`.
        name: an attribute of the module, or an entry point of the distribution.
    """

    kind: str
    where: str
    name: str


@reads("an object in a module such as package.module:name")
def object_reference(value: str) -> ObjectReference:
    """Return a module's name and the dotted name of something in it."""
    match = re.fullmatch(rf"({_DOTTED})\s*:\s*({_DOTTED})", value)
    if not match:
        raise ValueError("is not an object in a module such as package.module:name")
    return ObjectReference(match[1], match[2])


@reads("entry points such as name=package.module:name, one a word")
def entry_points(value: str) -> tuple[tuple[str, ObjectReference], ...]:
    """Return names of scripts and what each calls."""
    found: dict[str, ObjectReference] = {}
    for word in value.split():
        name, _, target = word.partition("=")
        match = re.fullmatch(rf"({_DOTTED}):({_DOTTED})", target)
        if not name or "/" in name or not match:
            raise ValueError(f"holds '{shortened(word)}', which is not an entry point such as name=package.module:name")
        if name in found:
            raise ValueError(f"names '{shortened(name)}' twice")
        found[name] = ObjectReference(match[1], match[2])
    return tuple(found.items())


@reads("module:callable, module:factory() or egg:NAME#ENTRY")
def application(value: str) -> Application:
    """Return where a WSGI application comes from; the entry point of `egg:NAME` is called main."""
    if match := re.fullmatch(r"egg:([A-Za-z0-9._-]+)(?:#(\S+))?", value):
        return Application("paste", match[1], match[2] or "main")
    if match := re.fullmatch(rf"({_DOTTED}):({_DOTTED})(\(\))?", value):
        return Application("factory" if match[3] else "application", match[1], match[2])
    raise ValueError("is not an application such as module:callable, module:factory() or egg:NAME#ENTRY")


@reads("dotted names of packages or modules")
def module_names(value: str) -> tuple[str, ...]:
    """Return importable names."""
    for word in value.split():
        if not re.fullmatch(_DOTTED, word):
            raise ValueError(f"holds '{shortened(word)}', which is not a package's or module's name")
    return tuple(value.split())


@reads("the dotted name of a module")
def module_name(value: str) -> str:
    """Return one importable name."""
    if not re.fullmatch(_DOTTED, value):
        raise ValueError("is not the dotted name of a module, such as package.module")
    return value


@reads("Python source")
def source(value: str) -> str:
    """Return Python statements, indented no further than they need to be."""
    statements = textwrap.dedent(value).strip("\n")
    try:
        compile(statements, "<option>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"is not Python source: {_syntax(error)}") from error
    if any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in ast.parse(statements).body):
        raise ValueError("imports from __future__, which only the first statement of a file can, and it is not that")
    return statements


@reads("Python source of a call's arguments")
def call_arguments(value: str) -> str:
    """Return what may stand between the parentheses of a call."""
    inside = value.strip()
    try:
        tree = ast.parse(f"call({inside}\n)", mode="eval")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"does not fit between a call's parentheses: {_syntax(error)}") from error
    # Parentheses of its own could have ended the call early: `) or (`.
    is_one_call = isinstance(tree.body, ast.Call) and isinstance(tree.body.func, ast.Name)
    if not is_one_call:
        raise ValueError("does not fit between a call's parentheses")
    return inside


def _syntax(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    return str(error)
