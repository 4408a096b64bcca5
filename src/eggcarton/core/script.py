"""The text of executable scripts, which start isolated in one environment and hand that on to their children."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eggcarton.core.layout import EntryPoint
from eggcarton.core.quoting import python as literal
from eggcarton.core.quoting import shell

# What kernels before 5.1 read of a script's first line.
_LONGEST_FIRST_LINE = 127

# Isolated mode ignores these, but does not bind the processes that a script starts.
_SCRUBBED = (
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
)


def script(python: Path, body: str, *, flags: str = "-I") -> str:
    """Return an executable script that runs Python statements isolated in the environment of `python`.

    Its children do not see the variables that lead an interpreter elsewhere, PYTHONPATH and the like.

    Raises:
        ValueError: when no script can name the interpreter.
    """
    names = "".join(f'    "{name}",\n' for name in _SCRUBBED)
    scrub = f"import os\nimport sys\n\nfor name in (\n{names}):\n    os.environ.pop(name, None)\n"
    return f"{first_lines(python, flags)}{scrub}\n{body.strip()}\n"


def entry_point_script(python: Path, point: EntryPoint, *, initialization: str = "", arguments: str = "") -> str:
    """Return the script of an entry point.

    Args:
        initialization: statements that run before the entry point's module is imported.
        arguments: what stands between the parentheses of the call.
    """
    first, _, rest = point.attribute.partition(".")
    call = f"entry_point.{rest}" if rest else "entry_point"
    start = f"{initialization}\n\n" if initialization else ""
    body = (
        f"{start}from {point.module} import {first} as entry_point\n\n"
        f'if __name__ == "__main__":\n    sys.exit({call}({_inside(arguments)}))'
    )
    return script(python, body)


def interpreter(python: Path, initialization: str = "") -> str:
    """Return the script of an interpreter that takes every option the real one takes.

    With an initialization it is a Python script that runs those statements and then becomes the
    interpreter: the environment variables and the working directory they set are kept, and nothing else.
    """
    if not initialization:
        unset = f"unset {' '.join(_SCRUBBED)}"
        return f'#!/bin/sh\n{unset}\nexec {shell(python)} -I "$@"\n'
    program = literal(python)
    return script(python, f'{initialization}\n\nos.execv({program}, [{program}, "-I", *sys.argv[1:]])')


def runtime_script(
    python: Path, source: Path, environment: tuple[tuple[str, str], ...], settings: Mapping[str, object]
) -> str:
    """Return a script that sets environment variables and calls `main` of a file that a plan copied.

    Args:
        source: the file; its `main` takes the command line's arguments, and the settings by name.
        settings: values that their `repr` makes again.
    """
    variables = "".join(f"    os.environ[{literal(name)}] = {literal(value)}\n" for name, value in environment)
    given = _settings(settings, 8 * " ", "{name}={value}")
    body = (
        f'import runpy\n\nif __name__ == "__main__":\n{variables}'
        f'    main = runpy.run_path({literal(source)})["main"]\n'
        f"    status = main(\n        sys.argv[1:],\n{given}    )\n    sys.exit(status)"
    )
    return script(python, body)


def first_lines(python: Path, flags: str) -> str:
    """Return how the kernel finds the interpreter: by itself, or where it cannot, through a shell.

    The shell's lines are a text without effect to Python. Source: simple_launcher in pip's distlib.

    Raises:
        ValueError: when no script can name the interpreter.
    """
    path = str(python)
    if any(sign in path for sign in "\0\r\n"):
        raise ValueError(f"no script can start {path!r}: there is a line end in the path")
    line = f"#!{path} {flags}"
    if not any(sign.isspace() for sign in path) and len(line.encode()) <= _LONGEST_FIRST_LINE:
        return f"{line}\n"
    # A backslash is doubled between double quotes, where both languages read it as one.
    quoted = shell(path).replace("\\", "'\"\\\\\"'")
    return f"#!/bin/sh\n'''exec' {quoted} {flags} \"$0\" \"$@\"\n' '''\n"


def _inside(arguments: str) -> str:
    # A comment at the end would swallow the parenthesis.
    return f"{arguments}\n" if "#" in arguments else arguments


def _settings(values: Mapping[str, object], indent: str, form: str) -> str:
    """Return one line a setting, mappings opened up."""
    return "".join(
        indent + form.format(name=name, value=_value(value, indent)) + ",\n" for name, value in values.items()
    )


def _value(value: object, indent: str) -> str:
    if isinstance(value, Mapping):
        return f"{{\n{_settings(value, f'{indent}    ', '{name!r}: {value}')}{indent}}}"
    return repr(value)
