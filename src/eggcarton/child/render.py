"""Fill in Jinja2 templates; a name that nobody defined is an error, never an empty string."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.utils import missing

from eggcarton.core.errors import EggcartonError, UsageProblem

_ENOUGH = 20


class _UnknownName(UndefinedError):
    """A name that is not there, told with those that are."""


def render(template: str, name: str, variables: dict[str, Any]) -> str:
    """Return the text of a template.

    Args:
        template: its source.
        name: what it is called in an error: its file, or the option it stands in.
        variables: what it may refer to.

    Raises:
        EggcartonError: the template is not one, or names something that is not there.
    """
    environment = Environment(undefined=_undefined(variables), keep_trailing_newline=True, autoescape=False)
    try:
        return environment.from_string(template).render(variables)
    except TemplateSyntaxError as error:
        raise UsageProblem(f"{name}, line {error.lineno}: {error.message}") from error
    except _UnknownName as error:
        raise UsageProblem(f"{name}{_line(error)}: {error.message}") from error
    except TemplateError as error:
        known = ", ".join(sorted(variables))
        raise UsageProblem(f"{name}{_line(error)}: {error.message}; the template may use {known}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise EggcartonError(f"{name}{_line(error)}: {type(error).__name__}: {error}") from error


def _undefined(variables: Mapping[str, Any]) -> type[StrictUndefined]:
    """Return what stands in a template for a name that is not there."""

    class Undefined(StrictUndefined):
        def __init__(self, hint: Any = None, obj: Any = missing, name: Any = None, exc: Any = UndefinedError) -> None:
            found = next(_told(variables, obj, name), None)
            super().__init__(found or hint, obj, name, _UnknownName if found else exc)

    return Undefined


def _told(variables: Mapping[str, Any], among: Any, name: Any) -> Iterator[str]:
    """Give what is wrong with a name that was looked for in the variables, or in a mapping that is one of them."""
    if among is missing:
        yield f"'{name}' is undefined; the template may use {_listed(variables, name)}"
    for place, mapping in _mappings(variables, ""):
        if mapping is among:
            yield f"'{place}.{name}' is undefined; {place} has {_listed(mapping, str(name))}"


def _mappings(variables: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in variables.items():
        if isinstance(value, Mapping):
            yield f"{prefix}{name}", value
            yield from _mappings(value, f"{prefix}{name}.")


def _listed(names: Collection[str], wanted: str) -> str:
    """Return the names that there are, of many only those that the wanted one may be meant for."""
    if len(names) <= _ENOUGH:
        return ", ".join(sorted(names)) or "nothing"
    near = difflib.get_close_matches(wanted, names, n=3)
    return f"{', '.join(near)} and {len(names) - len(near)} others" if near else f"{len(names)} others"


def _line(error: Exception) -> str:
    lines = []
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            lines.append(frame.tb_lineno)
        frame = frame.tb_next
    return f", line {lines[-1]}" if lines else ""
