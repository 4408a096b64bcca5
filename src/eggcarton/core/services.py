"""The sections of services: programs that have to be up before a script does what it is for, and are stopped after.

The option ``services`` of a part names them. They are started in that order, each when the one before is up: when its
port accepts connections, when its file has appeared, or when both have; one that has neither has to stay alive for a
moment. All are stopped in the opposite order, however the script ends, and what they write is kept in their logs.

The tests know by environment variables where a service is: one called ``redis`` has ``REDIS_PORT``, and
``REDIS_DIRECTORY`` where it uses ``{directory}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from eggcarton.core.errors import OptionProblems, UsageProblem
from eggcarton.core.layout import Layout
from eggcarton.core.options import declared, option, read_options
from eggcarton.core.prerequisites import Prerequisite, requires
from eggcarton.core.readers import assignments, path, reads, seconds, shell_words, words

COPIED = ("services", "ports")
"""What a plan copies of `eggcarton.runtime` for them."""

AUTO = 0
_SIGNALS = ("HUP", "INT", "KILL", "QUIT", "TERM", "USR1", "USR2")


@reads("a program and its arguments, quoted as for a shell")
def command(value: str) -> tuple[str, ...]:
    """Return a program and its arguments; no shell runs them."""
    found = shell_words(value)
    if not found or not found[0]:
        raise ValueError("names no program")
    return found


@reads("a number from 1 to 65535, or auto")
def port(value: str) -> int:
    """Return a port, or `AUTO` for one that is chosen when the service is started."""
    if value == "auto":
        return AUTO
    if not re.fullmatch("[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise ValueError("is neither a port from 1 to 65535 nor 'auto'")
    return int(value)


@reads(f"one of {', '.join(_SIGNALS)}")
def stop_signal(value: str) -> str:
    """Return the name of a signal, which may begin with SIG."""
    name = value.upper().removeprefix("SIG")
    if name not in _SIGNALS:
        near = get_close_matches(name, _SIGNALS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(_SIGNALS)}"
        raise ValueError(f"is no signal that ends a service: {hint}")
    return name


def services() -> tuple[str, ...]:
    """Declare the sections of the services that a part needs."""
    return option(
        words,
        "The sections of the services that have to be up first, in the order in which they are started.",
        default="",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What may be told of one service."""

    command: tuple[str, ...] = option(
        command,
        "The program, which stays in the foreground, and its arguments, with ``{port}`` and ``{directory}`` where they"
        " belong; no shell runs it.",
    )
    port: int | None = option(
        port,
        "The port on which it accepts connections when it is up; with ``auto`` a free one is chosen whenever it is"
        " started, so that several runs go on side by side.",
        default=None,
    )
    file: Path | None = option(
        path,
        "A file that it makes, or writes anew, when it is up, relative to the buildout directory; it may begin with"
        " ``{directory}``.",
        default=None,
    )
    timeout: float = option(seconds, "How long it may take to be up.", default="30s")
    stop_signal: str = option(
        stop_signal, "The signal that it, and all that it has started, is ended by.", default="TERM"
    )
    stop_timeout: float = option(
        seconds, "How long it may take to end; then it is killed with all that it has started.", default="10s"
    )
    working_directory: Path = option(path, "Where it runs, relative to the buildout directory.", default=".")
    environment: tuple[tuple[str, str], ...] = option(
        assignments,
        "Environment variables for it beside those of the part, KEY=VALUE, one a line; or the name of a section that"
        " has them. ``{port}`` and ``{directory}`` may stand here too: the latter is an empty directory of its own,"
        " with a short path, that is removed after it has ended.",
        default="",
    )
    environment_file: Path | None = option(
        path,
        "A file of more environment variables, KEY=VALUE, one a line, relative to the buildout directory; it is read"
        " whenever the service is started, and so the place for secrets.",
        default=None,
    )
    log: Path | None = option(
        path,
        "The file that what it writes is appended to, relative to the buildout directory; left out: NAME.log in the"
        " directory PART below var/log.",
        default=None,
    )
    services: tuple[str, ...] = services()
    requires: tuple[Prerequisite, ...] = requires()


@dataclass(frozen=True, slots=True)
class Service:
    """One service, by the name of its section."""

    name: str
    options: Options

    def setting(self, layout: Layout) -> dict[str, object]:
        """Return it as `eggcarton.runtime.services` takes it."""
        told, root = self.options, layout.root
        in_directory = told.file is not None and told.file.parts[0] == "{directory}"
        return {
            "name": self.name,
            "prefix": self.prefix,
            "command": [_text_or_path(word) for word in told.command],
            "port": told.port,
            "file": str(told.file) if in_directory else root / told.file if told.file else None,
            "log": root / told.log if told.log else layout.log / layout.part / f"{self.name}.log",
            "working_directory": root / told.working_directory,
            "environment": {name: _text_or_path(value) for name, value in told.environment},
            "environment_file": root / told.environment_file if told.environment_file else None,
            "timeout": told.timeout,
            "stop_timeout": told.stop_timeout,
            "stop_signal": told.stop_signal,
        }

    @property
    def prefix(self) -> str:
        """How the names of the variables begin that tell of it."""
        name = re.sub("[^A-Z0-9_]", "_", self.name.upper())
        return f"_{name}" if name[:1].isdigit() else name


@dataclass(frozen=True, slots=True)
class Reading:
    """The services of a part in the order in which they are started, and warnings about their sections."""

    services: tuple[Service, ...]
    warnings: tuple[str, ...]


def read(
    part: str,
    names: Sequence[str],
    section: Callable[[str], Mapping[str, str] | None],
    known: Collection[str] = (),
) -> Reading:
    """Return the services that a part names, with those that these need.

    Args:
        section: gives the options of a section, None where there is no such one.
        known: the names of all sections.

    Raises:
        UsageProblem: all that is wrong with the sections, and with naming them.
    """
    found, problems, warnings = dict[str, Service](), list[str](), list[str]()
    tried = set[str]()

    def add(name: str, by: tuple[str, ...]) -> None:
        if name == by[-1]:
            problems.append(f"[{name}] option 'services': '{name}' is this section itself; name that of a service")
            return
        if name in by[1:]:
            circle = " needs ".join(f"[{each}]" for each in (*by[by.index(name, 1) :], name))
            problems.append(f"[{by[-1]}] option 'services': {circle}, which can never be up: take one of them out")
            return
        if name in tried:
            return
        tried.add(name)
        try:
            options, told = _options(name, by[-1], section, known)
        except OptionProblems as wrong:
            problems.append(str(wrong))
            return
        warnings.extend(told)
        for before in options.services:
            add(before, (*by, name))
        found[name] = Service(name, options)

    for name in names:
        add(name, (part,))
    problems += _together(part, list(found.values()))
    if problems:
        raise UsageProblem("\n".join(problems))
    return Reading(tuple(found.values()), tuple(warnings))


def _options(
    name: str, by: str, section: Callable[[str], Mapping[str, str] | None], known: Collection[str]
) -> tuple[Options, tuple[str, ...]]:
    """Return the options of a service that another section names."""
    values = section(name)
    if values is None:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"write [{name}], or leave the name out"
        raise OptionProblems(by, [f"option 'services': there is no section [{name}]: {hint}"])
    if "recipe" in values or name in ("buildout", "eggcarton"):
        problem = f"option 'services': [{name}] is no service: give it a section of its own, without a recipe"
        raise OptionProblems(by, [problem])
    reading = read_options(Options, name, values, known=("<", "<part-dependencies>"))
    problems = list(_problems(reading.options))
    if problems:
        raise OptionProblems(name, problems)
    return reading.options, reading.warnings


_STANDING = ("port", "directory")


def _problems(options: Options) -> Iterator[str]:
    """Give what is wrong with the options of one section beside each other."""
    texts = {
        "command": options.command,
        "environment": tuple(value for _, value in options.environment),
        "file": (str(options.file),),
    }
    for name, values in texts.items():
        if options.port is None and any("{port}" in value for value in values):
            yield f"option '{name}' has {{port}}, but there is no option 'port': write 'port = auto', or a number"
        words = dict.fromkeys(word for value in values for word in re.findall("{([a-z]+)}", value))
        for word in words:
            near = get_close_matches(word, _STANDING, n=1)
            if near and word not in _STANDING:
                yield f"option '{name}' has {{{word}}}, for which nothing stands: did you mean {{{near[0]}}}?"


def _together(part: str, found: Sequence[Service]) -> Iterator[str]:
    """Give what is wrong with services beside each other."""
    ports: dict[int, str] = {}
    prefixes: dict[str, str] = {}
    for service in found:
        taken = ports.setdefault(service.options.port, service.name) if service.options.port else service.name
        if taken != service.name:
            number = service.options.port
            yield f"[{service.name}] option 'port': {number} is that of [{taken}], too; choose another one"
        same = prefixes.setdefault(service.prefix, service.name)
        if same != service.name:
            both = f"{service.prefix}_PORT would tell of [{same}] and of [{service.name}]"
            yield f"[{part}] option 'services': {both}; rename one of them"


def looks_like_one(values: Mapping[str, str]) -> bool:
    """Tell whether a section may be meant for a service, though nothing names it."""
    names = {declaration.name for declaration in declared(Options)} - {"environment", "log", "timeout"}
    return "recipe" not in values and "command" in values and len(names & values.keys()) > 1


def _text_or_path(value: str) -> str | Path:
    """Return what is the path of something as such: in a tree that may be moved it is told by the way there."""
    target = Path(value)
    return target if target.is_absolute() and str(target) == value and ".." not in target.parts else value
