"""The reference pages, generated from what the code declares: ``bin/py -m eggcarton.option_pages docs/reference``."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from eggcarton import cli
from eggcarton.buildout import indexes, settings
from eggcarton.buildout.recipes import RECIPES
from eggcarton.core import errors, services
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import PART_NAME, REQUIRED, Declaration, declared, read_options

_SMALLEST: Mapping[str, Mapping[str, str]] = {
    "scripts": {"eggs": "guestbook"},
    "test": {"eggs": "guestbook[test]"},
    "coverage": {"eggs": "guestbook[test]"},
    "wsgi": {"eggs": "guestbook", "application": "guestbook:make_application()"},
    "eggs": {"eggs": "guestbook"},
    "template": {"input": "guestbook.ini.in", "output": "etc/guestbook.ini"},
    "pins": {"versions-file": "versions.cfg"},
    "mirrors": {"pip": "etc/pip.conf", "uv": "etc/uv.toml", "environment": "etc/indexes.env"},
}
"""The smallest sensible section of each recipe, with which its page begins."""

_ROOT = Path("/buildout")
_NOT_BY_HAND = ".. Written by eggcarton.option_pages from the code: change that, not this page.\n\n"


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    found = {f"{name}.rst": _recipe_page(name, RECIPES[name]) for name in _SMALLEST}
    found["eggcarton-section.rst"] = _settings_page()
    found["index-sections.rst"] = _indexes_page()
    found["service-sections.rst"] = _services_page()
    found["bin-eggcarton.rst"] = _command_page(cli.parser())
    found["exit-codes.rst"] = _exit_codes_page()
    found["index.rst"] = _index_page(found)
    return {name: _NOT_BY_HAND + text for name, text in sorted(found.items())}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages into a directory; with ``--check`` write nothing, name stale ones and return 3."""
    parser = argparse.ArgumentParser(
        prog="eggcarton.option_pages", description="Write the reference pages.", allow_abbrev=False
    )
    parser.add_argument("directory", type=Path, help="docs/reference")
    parser.add_argument("--check", action="store_true", help="only name the pages that are not up to date")
    options = parser.parse_args(arguments)
    wanted = pages()
    found = {path.name: path.read_text("utf-8") for path in options.directory.glob("*.rst")}
    stale = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    for name in stale:
        print(f"{options.directory / name} is stale" if options.check else f"{options.directory / name}")
        if not options.check:
            _put(options.directory / name, wanted.get(name))
    return 3 if stale and options.check else 0


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _heading(text: str, sign: str) -> str:
    return f"{text}\n{sign * len(text)}\n\n"


def _promise(thing: Any) -> str:
    """Return a docstring as paragraphs without indentation."""
    lines = [line.strip() for line in (thing.__doc__ or "").strip().splitlines()]
    return "\n".join(lines) + "\n\n"


def _block(kind: str, lines: Sequence[str]) -> str:
    return f".. code-block:: {kind}\n\n" + "".join(f"    {line}".rstrip() + "\n" for line in lines) + "\n"


def _recipe_page(name: str, module: ModuleType) -> str:
    options = _SMALLEST[name]
    section = [f"[{name}]", f"recipe = eggcarton:{name}", *(f"{key} = {value}" for key, value in options.items())]
    text = _heading(f"eggcarton:{name}", "=") + _promise(module) + _block("ini", section)
    text += _options(module.Options)
    published = "".join(f"``${{{name}:{output}}}``\n    ``{value}``\n\n" for output, value in _outputs(name, module))
    if hasattr(module.Options, "requirements"):
        published += f"{_EGGS.format(name=name)}\n"
    return (text + _heading("What other parts may read", "-") + _SAMPLE.format(name=name) + published).rstrip() + "\n"


_EGGS = (
    "``${{{name}:eggs-directory}}`` and ``${{{name}:develop-eggs-directory}}`` are those of ``[buildout]``; recipes\n"
    "of others may ask ``zc.recipe.egg.Egg`` for this section's eggs."
)
_UNDONE = (
    "With nothing behind it, an option is as if it were left out, where nothing is no value of its own: so a section\n"
    "undoes what it inherits by ``<=``.\n\n"
)
_SAMPLE = "Of the section above, in the buildout directory ``.``:\n\n"


def _outputs(name: str, module: ModuleType) -> Iterator[tuple[str, str]]:
    """Give what the smallest section publishes, with paths relative to the buildout directory."""
    prefix = _ROOT / "parts" / ".eggcarton" / "environments" / "DIGEST"
    site_packages = prefix / "lib" / "pythonX.Y" / "site-packages"
    empty = Environment(
        python=prefix / "bin" / "python",
        prefix=prefix,
        site_packages=site_packages,
        distributions=(),
        entry_points=(),
        digest="DIGEST",
        store=_ROOT / "eggs",
    )
    # A template is read while its part is planned; this one is in the section itself.
    values = {**_SMALLEST[name], **({"input": "inline:text"} if name == "template" else {})}
    options = read_options(module.Options, name, values).options
    plan = module.plan(options, Layout.under(_ROOT, name), empty)
    for output, value in sorted(plan.outputs.items()):
        yield output, value.replace(f"{_ROOT}/", "")


def _options(cls: type[Any]) -> str:
    told = declared(cls)
    undone = _UNDONE if any(map(_is_undone, told)) else ""
    return _heading("Options", "-") + undone + "".join(map(_option, told))


def _is_undone(declaration: Declaration) -> bool:
    """Tell whether nothing is no value of an option, but one way to write its default."""
    try:
        declaration.reader("")
    except ValueError:
        return declaration.default is not REQUIRED
    return False


def _option(declaration: Declaration) -> str:
    if declaration.is_rest:
        return f"anything else\n    {_sentence(declaration.doc)}\n\n"
    default = {
        REQUIRED: "It must be given.",
        PART_NAME: "Default: the part's name.",
        None: "There is no default.",
        "": "Default: empty.",
    }.get(declaration.default, f"Default: ``{declaration.default}``.")
    also = f" Also spelt {', '.join(f'``{name}``' for name in declaration.aliases)}." if declaration.aliases else ""
    doc, kind = _sentence(declaration.doc), _kind(declaration.reader)
    return f"``{declaration.name}``\n    {doc}\n\n    Value: {kind}. {default}{also}\n\n"


def _kind(reader: Callable[[str], Any]) -> str:
    described: str = getattr(reader, "describes", "text")
    return described


def _sentence(text: str) -> str:
    whole = text[0].upper() + text[1:]
    ended = whole if whole.endswith(".") else f"{whole}."
    # The lines of a definition: its own indentation is four columns.
    return textwrap.fill(ended, 110, break_long_words=False, break_on_hyphens=False).replace("\n", "\n    ")


def _settings_page() -> str:
    text = _heading("[eggcarton]", "=") + _promise(settings)
    text += _block("ini", ["[buildout]", "extensions = eggcarton", "", "[eggcarton]", "policy = frozen"])
    text += _heading("Options", "-") + "".join(map(_option, declared(settings.Options)))
    return text.rstrip() + "\n"


def _indexes_page() -> str:
    text = _heading("Sections of indexes", "=") + _promise(indexes)
    lines = ["[buildout]", "extensions = eggcarton", "", "[eggcarton]", "indexes = public company", ""]
    lines += ["[public]", "mirrors = https://mirror.index.example/simple/ tier=1", ""]
    lines += ["[company]", "url = https://company.index.example/simple/", "projects = company-*"]
    text += _block("ini", lines) + _heading("Options", "-") + "".join(map(_option, declared(indexes.Options)))
    return text.rstrip() + "\n"


def _services_page() -> str:
    text = _heading("Sections of services", "=") + _promise(services)
    lines = ["[test]", "recipe = eggcarton:test", "eggs = guestbook[test]", "services = redis", ""]
    lines += ["[redis]", 'command = redis-server --port {port} --save ""', "port = auto"]
    text += _block("ini", lines) + _options(services.Options)
    return text.rstrip() + "\n"


def _command_page(parser: argparse.ArgumentParser) -> str:
    # argparse lays its help out in another way in each Python; its declarations are the same in all of them.
    text = _heading("bin/eggcarton", "=") + _promise(cli)
    text += _block("text", ["bin/eggcarton [OPTION...] COMMAND [ARGUMENT...] [section:option=value...]"])
    text += _heading("Options", "-") + "".join(map(_argument, _shown(parser)))
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                text += _heading(choice.dest, "-") + _sentence(choice.help or "").replace("\n    ", "\n") + "\n\n"
                text += "".join(map(_argument, _shown(action.choices[choice.dest])))
    return text.rstrip() + "\n"


def _shown(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        is_help = isinstance(action, argparse._HelpAction)
        if not is_help and not isinstance(action, argparse._SubParsersAction) and action.help != argparse.SUPPRESS:
            yield action


def _argument(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    value = {"*": f"[{name}...]", "?": f"[{name}]", 0: "", None: name}[action.nargs]
    spelling = " ".join(filter(None, [", ".join(action.option_strings), value]))
    return f"``{spelling}``\n    {_sentence(action.help or '')}\n\n"


def _exit_codes_page() -> str:
    kinds: dict[int, list[type[errors.EggcartonError]]] = {}
    for kind in sorted(vars(errors).values(), key=str):
        if isinstance(kind, type) and issubclass(kind, errors.EggcartonError):
            kinds.setdefault(kind.exit_code, []).append(kind)
    text = _heading("Exit codes", "=") + "``bin/buildout`` and ``bin/eggcarton`` end with the same codes.\n\n"
    text += "0\n    Done.\n\n"
    for code, found in sorted(kinds.items()):
        text += f"{code}\n" + "".join(f"    | {(kind.__doc__ or '').splitlines()[0]}\n" for kind in found) + "\n"
    return text.rstrip() + "\n"


def _index_page(found: Mapping[str, str]) -> str:
    text = _heading("Reference", "=") + ".. toctree::\n    :maxdepth: 1\n\n"
    own = ("eggcarton-section.rst", "index-sections.rst", "service-sections.rst", "bin-eggcarton.rst", "exit-codes.rst")
    order = [*(f"{name}.rst" for name in _SMALLEST), *own]
    assert sorted(order) == sorted(found)
    return text + "".join(f"    {name.removesuffix('.rst')}\n" for name in order)


if __name__ == "__main__":
    sys.exit(main())
