"""The text of executable scripts, which start isolated in one environment and hand that on to their children."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from eggcarton.core.isolation import FULL, HEARD_ISOLATED, Isolation
from eggcarton.core.layout import EntryPoint, ScriptFile
from eggcarton.core.plan import RUNTIME
from eggcarton.core.quoting import python as literal
from eggcarton.core.quoting import shell

# What kernels before 5.1 read of a script's first line.
_LONGEST_FIRST_LINE = 127

# A program that starts itself anew, [sys.executable, *sys.argv], does so without -I; Python then puts the directory of
# the script first, links followed.
_NOT_FROM_BESIDE = """
if not sys.flags.isolated and sys.path[:1] == [os.path.dirname(os.path.realpath(__file__))]:
    del sys.path[0]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """How scripts start.

    Args:
        python: the interpreter of their environment.
        root: the tree inside which they name nothing by its whole path, so that they work wherever it is moved to;
            None for whole paths.
    """

    python: Path
    isolation: Isolation = FULL
    root: Path | None = None

    def is_beside(self, place: Path, target: PurePath) -> bool:
        """Tell whether a script at a place names a target by the way there."""
        return self.root is not None and place.is_relative_to(self.root) and target.is_relative_to(self.root)

    def in_python(self, place: Path, target: PurePath) -> str:
        """Return the Python expression by which a script at a place names a target."""
        if not self.is_beside(place, target):
            return literal(target)
        # The way begins at the script itself, which its first step leaves.
        way = "/".join([".."] * _steps(place, target) + _rest(place, target))
        return f"os.path.normpath(os.path.join(os.path.realpath(__file__), {literal(way)}))"

    def in_shell(self, place: Path, target: Path) -> tuple[str, str]:
        """Return a line that has to come before, and the word by which a shell script at a place names a target."""
        if not self.is_beside(place, target):
            return "", shell(target)
        up, rest = _steps(place, target) * "/*", shell("/".join(_rest(place, target)))
        # Without a path that leads up and down again, sys.executable is what it is in any environment.
        return 'here=$(realpath -- "$0" 2>/dev/null || readlink -f -- "$0")\n', f'"${{here%{up}}}"/{rest}'


def _steps(place: Path, target: PurePath) -> int:
    """Return how many steps lead up from a file to the first directory that also holds a target."""
    return len(place.parts) - _shared(place, target)


def _rest(place: Path, target: PurePath) -> list[str]:
    """Return the way down from there to the target."""
    return list(target.parts[_shared(place, target) :])


def _shared(place: Path, target: PurePath) -> int:
    pairs = zip(place.parts[:-1], target.parts, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def script(start: Start, place: Path, body: str) -> str:
    """Return an executable script that runs Python statements isolated in an environment.

    Args:
        place: where it will stand.

    Raises:
        ValueError: when no script can name the interpreter.
    """
    return first_lines(start, place) + program(start, body)


def program(start: Start, body: str) -> str:
    """Return a script without the lines by which a kernel finds its interpreter."""
    text = "import os\nimport sys\n"
    if start.isolation.scrubbed:
        names = "".join(f'    "{name}",\n' for name in start.isolation.scrubbed)
        text += f"\nfor name in (\n{names}):\n    os.environ.pop(name, None)\n"
    text += "".join(f'os.environ["{name}"] = "{value}"\n' for name, value in start.isolation.handed_on)
    if start.isolation.is_alone:
        text += _NOT_FROM_BESIDE
    return f"{text}\n{body.strip()}\n"


def entry_point_body(point: EntryPoint, *, preamble: str = "", arguments: str = "") -> str:
    """Return the statements that call an entry point.

    Args:
        preamble: statements that run before the entry point's module is imported.
        arguments: what stands between the parentheses of the call.
    """
    first, _, rest = point.attribute.partition(".")
    call = f"entry_point.{rest}" if rest else "entry_point"
    before = f"{preamble}\n\n" if preamble else ""
    return (
        f"{before}from {point.module} import {first} as entry_point\n\n"
        f'if __name__ == "__main__":\n    sys.exit({call}({_inside(arguments)}))'
    )


def script_file_body(start: Start, place: Path, file: ScriptFile, *, preamble: str = "", windows: bool = False) -> str:
    """Return the statements that run a script that a distribution brings as a file.

    What it starts itself finds the environment's own programs first.

    Args:
        place: where the script will stand.
        preamble: statements that run before.
        windows: whether a process cannot become another program.
    """
    directory = start.python.parent
    target = start.in_python(place, Path(file.hidden) if file.hidden else directory / file.name)
    search = f'os.pathsep.join([{start.in_python(place, directory)}, os.environ.get("PATH", os.defpath)])'
    if file.kind == "python":
        run = python_file_body(target)
    else:
        words = f"[{target}, *sys.argv[1:]]" if file.kind == "program" else f'["/bin/sh", {target}, *sys.argv[1:]]'
        become = "import subprocess\n\n    sys.exit(subprocess.call(words))" if windows else "os.execv(words[0], words)"
        run = f'if __name__ == "__main__":\n    words = {words}\n    {become}'
    before = f"{preamble}\n\n" if preamble else ""
    return f'{before}os.environ["PATH"] = {search}\n\n{run}'


def python_file_body(target: str) -> str:
    """Return the statements that run a file in the place of a script, whose name stays in `sys.argv`.

    Args:
        target: the Python expression of its path.
    """
    return (
        f'if __name__ == "__main__":\n    __file__ = {target}\n    with open(__file__, "rb") as stream:\n'
        '        code = compile(stream.read(), __file__, "exec", dont_inherit=True)\n    exec(code)'
    )


def runtime_body(
    start: Start,
    place: Path,
    source: Path,
    environment: tuple[tuple[str, str], ...],
    settings: Mapping[str, object],
) -> str:
    """Return the statements that set environment variables and call `main` of a file that a plan copied.

    Args:
        place: where the script will stand.
        source: the file; its `main` takes the command line's arguments, and the settings by name.
        settings: paths, which become their texts, and values that their `repr` makes again.
    """
    variables = "".join(f"    {line}\n" for line in assignments(start, place, environment))
    given = _settings(settings, 8 * " ", "{name}={value}", lambda path: start.in_python(place, path))
    return (
        f'import runpy\n\nif __name__ == "__main__":\n{variables}'
        f'    main = runpy.run_path({start.in_python(place, source)})["main"]\n'
        f"    status = main(\n        sys.argv[1:],\n{given}    )\n    sys.exit(status)"
    )


def package_body(
    start: Start,
    place: Path,
    directory: Path,
    module: str,
    settings: Mapping[str, object],
    *,
    preamble: str = "",
    before: Mapping[str, object] | None = None,
) -> str:
    """Return the statements that call `main` of a module of a package that a plan copied.

    The processes that the script starts find the package too, behind all else.

    Args:
        place: where the script will stand.
        directory: where `runtime_files` put the package.
        settings: as for `runtime_body`.
        preamble: statements that come before, in all processes.
        before: settings for `begin` of the module, which is called before them; None where there is no such function.
    """

    def given(values: Mapping[str, object]) -> str:
        return _settings(values, 8 * " ", "{name}={value}", lambda path: start.in_python(place, path))

    head = f'if __name__ == "__main__":\n    from {RUNTIME}.{module} import'
    begins = [] if before is None else [f"{head} begin\n\n    begin(\n        sys.argv[1:],\n{given(before)}    )"]
    return "\n\n".join(
        [
            f"sys.path.append({start.in_python(place, directory)})",
            *begins,
            *([preamble] if preamble else []),
            f"{head} main\n\n    status = main(\n        sys.argv[1:],\n{given(settings)}    )\n    sys.exit(status)",
        ]
    )


def assignments(start: Start, place: Path, environment: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the statements that set environment variables in a script at a place.

    A value that is the path of something in a tree that may be moved is told by the way there.
    """
    return [f"os.environ[{literal(name)}] = {_text(start, place, value)}" for name, value in environment]


def _text(start: Start, place: Path, value: str) -> str:
    target = type(place)(value)
    is_path = target.is_absolute() and str(target) == value and ".." not in target.parts
    return start.in_python(place, target) if is_path else literal(value)


def first_lines(start: Start, place: Path) -> str:
    """Return how the kernel finds the interpreter: by itself, or where that does not do, through a shell.

    An isolated one starts through a shell, which takes away what leads even an isolated Python elsewhere. The shell's
    lines are a text without effect to Python. Source: simple_launcher in pip's distlib.

    Raises:
        ValueError: when no script can name the interpreter.
    """
    path, flags = str(start.python), f" {start.isolation.flags}".rstrip()
    if any(sign in path for sign in "\0\r\n"):
        raise ValueError(f"no script can start {path!r}: there is a line end in the path")
    line = f"#!{path}{flags}"
    is_nameable = not any(sign.isspace() for sign in path) and len(line.encode()) <= _LONGEST_FIRST_LINE
    before, word = start.in_shell(place, start.python)
    if set(HEARD_ISOLATED) <= set(start.isolation.scrubbed):
        before += f"unset {' '.join(HEARD_ISOLATED)}\n"
    elif not before and is_nameable:
        return f"{line}\n"
    # A backslash is doubled between double quotes, where both languages read it as one.
    quoted = word.replace("\\", "'\"\\\\\"'")
    return f"#!/bin/sh\n''':'\n{before}exec {quoted}{flags} \"$0\" \"$@\"\n' '''\n"


def _inside(arguments: str) -> str:
    # A comment at the end would swallow the parenthesis.
    return f"{arguments}\n" if "#" in arguments else arguments


def _settings(values: Mapping[str, object], indent: str, form: str, path: Callable[[PurePath], str]) -> str:
    """Return one line a setting, mappings opened up.

    Args:
        path: gives the expression of a path.
    """
    return "".join(
        indent + form.format(name=name, value=_value(value, indent, path)) + ",\n" for name, value in values.items()
    )


def _value(value: object, indent: str, path: Callable[[PurePath], str]) -> str:
    if isinstance(value, Mapping):
        return f"{{\n{_settings(value, f'{indent}    ', '{name!r}: {value}', path)}{indent}}}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item, indent, path) for item in value)}]"
    return path(value) if isinstance(value, PurePath) else repr(value)
