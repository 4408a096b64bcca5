"""Runs the examples of a document, in a throw-away checkout of its own.

Three kinds of blocks mean something, all others are only read:

- ``.. code-block:: console``: each line that begins with ``$`` is run by bash, must end with status 0, and must say
  what follows it; ``...`` stands for anything. ``cd`` holds for what comes after. A command that ends with ``&`` is
  left running, until the document ends, once it has said what follows it.
- ``.. code-block:: LANGUAGE`` with ``:caption: FILE``: the file is written; with ``:caption: from FILE`` the block must
  stand in the file word for word.
- ``.. code-block:: ini`` without a caption: must be a configuration whose sections our recipes accept.
"""

from __future__ import annotations

import doctest
import os
import re
import signal
import subprocess
import textwrap
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import manuel
from zc.buildout import configparser

from eggcarton.buildout import indexes, settings
from eggcarton.buildout.recipes import RECIPES
from eggcarton.core import services
from eggcarton.core.errors import EggcartonError
from eggcarton.core.options import read_options

WAIT = 300
"""Seconds after which a command is given up."""

_BLOCK = re.compile(
    r"^\.\. code-block:: (?P<language>\S+)\n(?:    :caption: (?P<caption>.+)\n)?\n(?P<body>(?:    .*\n|[ ]*\n)+)",
    re.MULTILINE,
)
_PROMPT = "$ "


@dataclass
class Place:
    """Where the commands of one document run."""

    root: Path
    variables: Mapping[str, str]
    directory: Path = field(init=False)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory = self.root

    def run(self, command: str) -> tuple[int, str]:
        """Run a command to its end; a directory that it changes to is the next one's."""
        told = self.root.parent / "directory"
        script = f"{command}\nstatus=$?\npwd >{told}\nexit $status"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.directory,
            env=dict(self.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WAIT,
            check=False,
        )
        self.directory = Path(told.read_text("utf-8").strip()) if told.exists() else self.directory
        return done.returncode, done.stdout

    def start(self, command: str, lines: int) -> str:
        """Start a command that stays, and return as many lines as it was waited for."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.directory,
            env=dict(self.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        assert process.stdout is not None
        guard = threading.Timer(WAIT, os.killpg, (process.pid, signal.SIGKILL))
        guard.start()
        said = "".join(process.stdout.readline() for _ in range(lines))
        guard.cancel()
        return said

    def end(self) -> None:
        """End what was left running."""
        for process in self.running:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=WAIT)


@dataclass(frozen=True)
class Step:
    """One example: what it is about, and what it should say."""

    kind: str
    subject: str
    expected: str


@dataclass(frozen=True)
class Outcome:
    """What is wrong with a step, in the words of the one who mends it; empty when nothing is."""

    text: str


def steps(language: str, caption: str | None, body: str) -> Iterator[Step]:
    """Give the examples of one block."""
    text = textwrap.dedent(body).strip("\n") + "\n"
    if language == "console":
        for part in re.split(rf"^(?={re.escape(_PROMPT)})", text, flags=re.MULTILINE):
            command, _, expected = part.partition("\n")
            while command.endswith("\\"):
                more, _, expected = expected.partition("\n")
                command += f"\n{more.removeprefix('> ')}"
            yield Step("command", command.removeprefix(_PROMPT), expected.rstrip("\n"))
    elif caption is not None:
        yield Step("excerpt" if caption.startswith("from ") else "file", caption.removeprefix("from "), text)
    elif language == "ini":
        yield Step("configuration", "", text)


class Normal:
    """What differs from one run to the next: root, python, port, digest and time; nothing else is forgiven."""

    def __init__(self, root: Path) -> None:
        self._rules = (
            (re.compile(re.escape(str(root))), "ROOT"),
            (re.compile(r"\bpython3(\.\d+)?\b|\bPython 3\.[\d.]+\b|\bcp3\d+\b|\bpy3\.\d+\b"), "PYTHON"),
            (re.compile(r"(?<=127\.0\.0\.1:)\d+"), "PORT"),
            (re.compile(r"\b[0-9a-f]{16,64}\b"), "DIGEST"),
            (re.compile(r"\b\d+(\.\d+)? ?s\b|\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?\b"), "TIME"),
        )

    def __call__(self, text: str) -> str:
        for pattern, word in self._rules:
            text = pattern.sub(word, text)
        return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def checked(step: Step, place: Place) -> str:
    """Carry a step out and return what is wrong with it."""
    normal = Normal(place.root)
    if step.kind == "command":
        return _command(step, place, normal)
    if step.kind == "configuration":
        return configuration_problem(step.expected)
    path = place.directory / step.subject
    if step.kind == "file":
        path.parent.mkdir(parents=True, exist_ok=True)
        # A server of a test listens where the system lets it.
        path.write_text(re.sub(r"(?<=127\.0\.0\.1:)\d+", "0", step.expected), "utf-8")
        return ""
    content = normal(path.read_text("utf-8")) if path.is_file() else f"There is no {path}."
    return "" if normal(step.expected) in content else f"{step.subject} does not hold this, but:\n{content}"


def _command(step: Step, place: Place, normal: Normal) -> str:
    if step.subject.endswith("&"):
        status, said = 0, place.start(step.subject.removesuffix("&").strip(), len(step.expected.splitlines()))
    else:
        status, said = place.run(step.subject)
    expected, found = normal(step.expected), normal(said)
    is_said = doctest.OutputChecker().check_output(f"{expected}\n", f"{found}\n", doctest.ELLIPSIS)
    if status == 0 and is_said:
        return ""
    return f"$ {step.subject}\nended with status {status} and said:\n{textwrap.indent(said, '    ')}"


def configuration_problem(text: str) -> str:
    """Return what our recipes and the extension find wrong with a configuration."""
    sections = configparser.parse(StringIO(text), "document")
    try:
        names = sections.get(settings.SECTION, {}).get("indexes", "").split()
        _, warnings = indexes.read(names, sections, lambda: "https://usual.index.example/simple/")
    except EggcartonError as error:
        return str(error)
    if warnings:
        return "\n".join(warnings)
    for name, section in sections.items():
        distribution, _, recipe = section.get("recipe", "").partition(":")
        values = {key: value for key, value in section.items() if key != "recipe"}
        if distribution == "eggcarton":
            if (recipe or "default") not in RECIPES:
                return f"[{name}] there is no recipe {recipe}"
            options = RECIPES[recipe or "default"].Options
        elif name == settings.SECTION:
            options = settings.Options
        else:
            continue
        try:
            reading = read_options(options, name, values)
            services.read(name, getattr(reading.options, "services", ()), sections.get)
        except EggcartonError as error:
            return str(error)
        if reading.warnings:
            return "\n".join(reading.warnings)
    return ""


def _parse(document: manuel.Document) -> None:
    for region in document.find_regions(_BLOCK):
        match = region.start_match
        document.claim_region(region)
        region.parsed = list(steps(match["language"], match["caption"], match["body"]))


def _evaluate(region: manuel.Region, document: manuel.Document, globs: Mapping[str, Place]) -> None:
    if region.parsed:
        found = [problem for step in region.parsed if (problem := checked(step, globs["place"]))]
        region.evaluated = Outcome("\n".join(found))


def _format(document: manuel.Document) -> None:
    for region in document:
        if isinstance(region.evaluated, Outcome) and region.evaluated.text:
            region.formatted = f"line {region.lineno}: {region.evaluated.text}\n"


def failures(text: str, name: str, place: Place) -> list[str]:
    """Run a document's examples in their order, and return what is wrong, one text a block."""
    examples = manuel.Manuel(parsers=[_parse], evaluaters=[_evaluate], formatters=[_format])
    document = manuel.Document(text, location=name)
    try:
        document.process_with(examples, globs={"place": place})
    finally:
        place.end()
    return [region.formatted for region in document if region.formatted]
