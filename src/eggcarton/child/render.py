"""Fill in Jinja2 templates; a name that nobody defined is an error, never an empty string."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError

from eggcarton.core.errors import EggcartonError


def render(template: str, name: str, variables: dict[str, Any]) -> str:
    """Return the text of a template.

    Args:
        template: its source.
        name: what it is called in an error: its file, or the option it stands in.
        variables: what it may refer to.

    Raises:
        EggcartonError: the template is not one, or names something that is not there.
    """
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    try:
        return environment.from_string(template).render(variables)
    except TemplateSyntaxError as error:
        raise EggcartonError(f"{name}, line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        known = ", ".join(sorted(variables))
        raise EggcartonError(f"{name}{_line(error)}: {error.message}; the template may use {known}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise EggcartonError(f"{name}{_line(error)}: {type(error).__name__}: {error}") from error


def _line(error: Exception) -> str:
    lines = []
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            lines.append(frame.tb_lineno)
        frame = frame.tb_next
    return f", line {lines[-1]}" if lines else ""
