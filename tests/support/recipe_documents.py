"""The own documents of a recipe, run from a released distribution with its recipe's name exchanged for ours.

Every example has to print what its document says, but for those that a list of kept differences names. The list is
text like the documents themselves: a heading names the document, the lines of the examples and, where it holds
only there, whether the extension is in force; the reason follows, and then what takes the example's place.

    README.rst, lines 100, 120, with the extension
    ----------------------------------------------

    The run tells what it did in one line.

        >>> print_(system(buildout), end='')
        Installing demo.
        ...

Where the first example is the document's own, what it prints here is checked; else it is run all the same, and must
differ from what the document says. A heading that ends with `left out` names a document that is not run.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from support.buildouts import WAIT, Buildout

# How zc.recipe.egg's and zc.recipe.testrunner's own tests compare.
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
_HEADING = re.compile(
    r"^(\S+\.rst), (?:lines? (\d[\d, ]*)(?:, (with|without) the extension)?|(left out))\n-+\n", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What takes the place of some examples, or of a whole document where there are no lines."""

    document: str
    lines: tuple[int, ...]
    extension: bool | None
    reason: str
    examples: tuple[doctest.Example, ...]

    def holds(self, document: str, *, extension: bool) -> bool:
        """Tell whether this is said of a document under this condition."""
        return self.document == document and self.extension in (None, extension)


def differences(text: str) -> list[Difference]:
    """Read a list of kept differences."""
    _, *rest = _HEADING.split(text)
    found = []
    for document, lines, extension, _, body in zip(*(rest[at::5] for at in range(5)), strict=True):
        reason, *examples = doctest.DocTestParser().parse(body)
        found.append(
            Difference(
                document=document,
                lines=tuple(map(int, lines.split(","))) if lines else (),
                extension=None if extension is None else extension == "with",
                reason=" ".join(str(reason).split()),
                examples=tuple(example for example in examples if isinstance(example, doctest.Example)),
            )
        )
    return found


def failures(
    document: str,
    text: str,
    kept: Sequence[Difference],
    names: dict[str, Any],
    normalised: Callable[[str], str],
    exchanged: Callable[[str], str] = str,
) -> list[str]:
    """Run a document's examples in their order and return what is wrong, one text an example.

    Args:
        document: its name.
        kept: the differences that are said of the document, under the condition that it runs in.
        names: what its examples find.
        normalised: takes out of a text what is another on each machine.
        exchanged: puts our recipe's name into the source of an example.
    """
    by_line = {line: difference for difference in kept for line in difference.lines}
    wrong = []

    def judge(example: doctest.Example, found: str, line: int, place: str) -> None:
        if not _agree(example, found, normalised):
            wrong.append(f"{place}, line {line}: {example.source}expected:\n{example.want}got:\n{normalised(found)}")

    for example in doctest.DocTestParser().get_examples(text):
        line, example.source = example.lineno + 1, exchanged(example.source)
        difference = by_line.pop(line, None)
        found = _printed(example, names)
        if difference is None:
            judge(example, found, line, document)
            continue
        if _agree(example, found, normalised):
            wrong.append(f"{document}, line {line}: {example.source}does not differ any more: take it off the list\n")
        for number, instead in enumerate(difference.examples):
            same = number == 0 and instead.source == example.source
            judge(instead, found if same else _printed(instead, names), line, f"the difference kept of {document}")
    return wrong + [f"{document}, line {line}: there is no such example\n" for line in by_line]


def _printed(example: doctest.Example, names: dict[str, Any]) -> str:
    """Run an example and return what it prints; of an exception the last line."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            exec(compile(example.source, "<example>", "single"), names)
        except Exception as error:
            print("".join(traceback.format_exception_only(type(error), error)), end="")
    return output.getvalue()


def _agree(example: doctest.Example, found: str, normalised: Callable[[str], str]) -> bool:
    return doctest.OutputChecker().check_output(normalised(example.want), normalised(found), FLAGS)


def normaliser(root: Path, *more: tuple[str, str]) -> Callable[[str], str]:
    """Return what takes root, python, ports, times and words on pages out of a text.

    Args:
        more: further patterns, each with what is put in the place of its matches.
    """
    rules = (
        (re.escape(str(root)), "/sample-buildout"),
        (r"-py(?:\d\.\d+|N\.N)(?:-[\w.-]+?)?\.egg\b", "-pyN.N.egg"),
        (r"localhost:\d+", "localhost:8080"),
        (r"\b\d+\.\d+ s\b", "TIME s"),
        # zc.buildout's words on the pages that it reads; zc.recipe.egg's own tests leave them out, too.
        (r"(?m)^root: .*\n", ""),
        *more,
    )

    def normalised(text: str) -> str:
        for pattern, instead in rules:
            text = re.sub(pattern, instead, text)
        return text

    return normalised


def names_of(build: Buildout, link_server: str) -> dict[str, Any]:
    """Return what the examples find: as zc.buildout.testing gives it to them, and `eggcarton` besides."""
    root = str(build.root)
    return {
        "buildout": str(build.bin / "buildout"),
        "cat": _cat,
        "eggcarton": str(build.root.parent / "eggcarton"),
        "get": lambda url: urlopen(url).read().decode(),
        "join": os.path.join,
        "link_server": link_server,
        "ls": _ls,
        "mkdir": lambda *path: os.mkdir(os.path.join(*path)),
        "os": os,
        "print_": print,
        "sample_buildout": root,
        "system": partial(_system, build.environment()),
        "write": _write,
    }


def _system(variables: Mapping[str, str], command: str, given: str = "") -> str:
    done = subprocess.run(
        command, env=dict(variables), shell=True, input=given, capture_output=True, text=True, timeout=WAIT
    )
    return done.stdout + done.stderr


def _cat(*path: str) -> None:
    print(Path(*path).read_text("utf-8"), end="")


def _ls(*path: str) -> None:
    for name in sorted(os.listdir(os.path.join(*path))):
        kind = "d" if os.path.isdir(os.path.join(*path, name)) else "-"
        if not name.endswith((".dist-info", ".egg-info", ".pth")) and not name.startswith("."):
            print(f"{kind}  {name}")


def _write(*arguments: str) -> None:
    *path, text = arguments
    Path(*path).write_text(text, "utf-8")
