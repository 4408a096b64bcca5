"""Fills in a Jinja2 template with the options of its section and the places of the buildout.

A template may use these names; any other ends the run with a sentence that says where it stands:

- ``part``: the name of the section,
- ``buildout``: ``root``, ``bin``, ``etc``, ``parts``, ``var``, ``log`` and ``run``, as in ``buildout.var``,
- ``environment``, where ``eggs`` is given: ``python``, ``prefix``, ``site_packages`` and ``distributions``,
- of the latter each version by its name, as in ``environment.distributions["zope-interface"]``,
- every option that is none of those below, with ``_`` for each hyphen: ``secret-file`` is ``secret_file``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from eggcarton.core.address_readers import address, sha256
from eggcarton.core.errors import OptionProblems
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import option, rest
from eggcarton.core.plan import Plan, Rendered
from eggcarton.core.pth import named_in
from eggcarton.core.readers import file_path, mode, requirements, shortened, text

__all__ = ["Options", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which template is filled in, and where the result is put."""

    input: str | None = option(
        text,
        "The template: a path relative to the buildout directory, package:path for a file that a distribution"
        " of eggs brings, or inline: and then the template itself.",
        default=None,
    )
    url: str | None = option(
        address,
        "The address of the template, in place of input. It is fetched once, by its sha256, and kept: offline and where"
        " the address is dead the copy serves.",
        default=None,
    )
    sha256: str | None = option(
        sha256, "What the bytes at url have to hash to: without it nobody could tell what is filled in.", default=None
    )
    output: Path = option(file_path, "The file to write, relative to the buildout directory or absolute.")
    mode: int = option(mode, "The permissions of the file.", default="0644")
    eggs: tuple[str, ...] = option(
        requirements, "The distributions that the template is taken from or tells about.", default=""
    )
    variables: Mapping[str, str] = rest(
        "Every other option is a variable of the template; a hyphen in its name becomes an underscore there."
    )

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports: nothing, unless eggs says so."""
        return self.eggs

    @property
    def downloads(self) -> Mapping[str, str]:
        """What is fetched for the part: the address of each file, by its sha256."""
        return {self.sha256: self.url} if self.url and self.sha256 else {}


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the one file.

    Raises:
        OptionProblems: when the template is not to be found, or a variable would hide another.
    """
    try:
        name, template = _template(options, layout, environment)
        variables = _variables(options, layout, environment)
    except ValueError as error:
        raise OptionProblems(layout.part, [str(error)]) from error
    output = layout.root / options.output
    rendered = Rendered(output, template, name, variables, options.mode)
    return Plan((rendered,), {"output": str(output)})


def _template(options: Options, layout: Layout, environment: Environment | None) -> tuple[str, str]:
    """Return what to call the template, and its text."""
    if options.url is not None:
        if options.input is not None:
            raise ValueError("options 'input' and 'url' both name a template: keep one")
        if options.sha256 is None:
            raise ValueError("option 'url': option 'sha256' has to say which bytes are meant: add it")
        return options.url, _text("url", options.url, layout.fetched[options.sha256])
    if options.sha256 is not None:
        raise ValueError("option 'sha256' is for what comes from 'url', which is missing: leave it out, or add 'url'")
    given = options.input
    if given is None:
        raise ValueError("option 'input' is missing, which names the template; 'url' and 'sha256' may stand for it")
    if given.startswith("inline:"):
        lines = textwrap.dedent(given.removeprefix("inline:")).strip("\n")
        return f"[{layout.part}] input", f"{lines}\n"
    if match := re.fullmatch(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):(.+)", given):
        file = _resource(match[1], match[2], environment)
    elif given and "\n" not in given:
        file = layout.root / given
    else:
        raise ValueError(
            f"option 'input': {shortened(given)!r} is neither a path nor package:path nor inline: and a template"
        )
    return str(file), _text("input", str(file), file)


def _text(name: str, shown: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"option '{name}': {shown} is not text in UTF-8") from error
    except OSError as error:
        raise ValueError(f"option '{name}': {shown} cannot be read: {error.strerror}") from error


def _resource(package: str, inside: str, environment: Environment | None) -> Path:
    if environment is None:
        raise ValueError(f"option 'input': '{package}:{inside}' is in a package, but option 'eggs' is empty")
    folders = [folder / package.replace(".", "/") for folder in _import_path(environment)]
    for folder in folders:
        if (folder / inside).is_file():
            return folder / inside
    if any(folder.is_dir() for folder in folders):
        raise ValueError(f"option 'input': the package '{package}' has no file '{inside}'")
    raise ValueError(f"option 'input': no distribution of 'eggs' has a package '{package}'")


def _import_path(environment: Environment) -> Iterator[Path]:
    """Yield the directories that the environment imports from; develop packages are named in .pth files."""
    yield environment.site_packages
    yield from named_in(environment.site_packages)


def _variables(options: Options, layout: Layout, environment: Environment | None) -> dict[str, object]:
    names = ("root", "bin", "etc", "parts", "var", "log", "run")
    ours: dict[str, object] = {
        "part": layout.part,
        "buildout": {name: str(getattr(layout, name)) for name in names},
    }
    if environment is not None:
        ours["environment"] = {
            "python": str(environment.python),
            "prefix": str(environment.prefix),
            "site_packages": str(environment.site_packages),
            "distributions": dict(environment.distributions),
        }
    spellings: dict[str, str] = {}
    for name in options.variables:
        variable = name.replace("-", "_")
        if variable in spellings:
            raise ValueError(f"options '{spellings[variable]}' and '{name}' are the same variable: keep one")
        if variable in ours:
            raise ValueError(f"option '{name}': the template knows '{variable}' as something else already")
        spellings[variable] = name
    return {**ours, **{variable: options.variables[name] for variable, name in spellings.items()}}
