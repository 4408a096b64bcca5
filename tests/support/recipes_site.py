"""A site whose recipes are all by others: what `tests/recipes_of_others` has, and what is made for it.

    site = Site(root, home, index, program)
    site.lay()
    site.build()
    one, other = generated(stock.root), generated(locked.root)

`unlike` says what differs in the files that two of them have made, but for what is kept in `differences.cfg`.
"""

from __future__ import annotations

import configparser
import difflib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from support.buildouts import Result, environment, run
from support.distributions import sdist, tarred, wheel
from support.index import Index
from support.repositories import Repository

MATERIAL = Path(__file__).resolve().parents[1] / "recipes_of_others"
WAIT = 1200
"""Seconds after which a build is given up; stock zc.buildout takes a minute on a machine that does nothing else."""

_MODULE = """\
#include <Python.h>
#if __has_include("number.h")
#include "number.h"
#else
#define OF_THE_HEADER 0
#endif
#ifndef OF_THE_PART
#define OF_THE_PART 0
#endif
#ifndef OF_THE_ENVIRONMENT
#define OF_THE_ENVIRONMENT 0
#endif
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "NAME", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_NAME(void) {
    PyObject *made = PyModule_Create(&module);
    PyModule_AddIntConstant(made, "numbers", OF_THE_HEADER * 10000 + OF_THE_PART * 100 + OF_THE_ENVIRONMENT);
    return made;
}
"""
_SETUP = """\
from setuptools import Extension, setup

setup(name="NAME", version="1.0", ext_modules=[Extension("NAME", ["NAME.c"])])
"""
_CONFIGURE = """\
#!/bin/sh
for word; do case $word in --prefix=*) prefix=${word#--prefix=} ;; esac; done
printf 'all:\\n\\t:\\ninstall:\\n\\tmkdir -p "%s/bin"\\n\\tcp greet "%s/bin/greet"\\n' "$prefix" "$prefix" > Makefile
printf '#!/bin/sh\\necho %s\\n' "$GREETING" > greet
chmod 755 greet
"""
_TOLD = '"""Where this is."""\n\n\ndef place() -> str:\n    """Return the file."""\n    return __file__\n'
# Small parts of a layout that stock zc.buildout makes of each distribution, for which it starts a pip each time.
_EGGS = """\
import pathlib, sys, tempfile, zipfile
from zc.buildout.easy_install import make_egg_after_pip_install

eggs = pathlib.Path(sys.argv[1])
for wheel in sys.argv[2:]:
    with tempfile.TemporaryDirectory(dir=eggs.parent) as place, zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
        (info,) = pathlib.Path(place).glob("*.dist-info")
        for egg in make_egg_after_pip_install(place, info.name):
            (pathlib.Path(place) / pathlib.Path(egg).name).rename(eggs / pathlib.Path(egg).name)
"""


def distributions(directory: Path, pins: Path, wheels: Sequence[Path]) -> None:
    """Fill an index's directory: with wheels, and with what is built from source.

    What is needed elsewhere only is locked for all platforms, but nothing of it is installed here.
    """
    for path in wheels:
        (directory / path.name).symlink_to(path)
    here = {path.name.partition("-")[0].lower().replace("_", "-") for path in wheels}
    for name, version in re.findall(r"^([\w-]+)==(\S+) ;", pins.read_text("utf-8"), re.MULTILINE):
        if name not in here:
            wheel(directory, name, version)
    files = {"setup.py": _SETUP.replace("NAME", "compiled"), "compiled.c": _MODULE.replace("NAME", "compiled")}
    sdist(directory, "compiled", "1.0", {}, backend="setuptools", files=files)


@dataclass(frozen=True)
class Site:
    """The site in a directory, with the ``bin/buildout`` that builds it."""

    root: Path
    home: Path
    index: Index
    program: Path

    def lay(self) -> None:
        """Make its files."""
        root, made = self.root, shutil.ignore_patterns("__pycache__", "*.egg-info", "*.cfg")
        shutil.copytree(MATERIAL, root, dirs_exist_ok=True, ignore=made)
        (root / "include").mkdir()
        (root / "include/number.h").write_text("#define OF_THE_HEADER 3\n", "utf-8")
        (root / "src/inplace/inplace.c").write_text(_MODULE.replace("NAME", "inplace"), "utf-8")
        (root / "small-1.0.tar.gz").write_bytes(tarred({"small-1.0/configure": _CONFIGURE}))
        repository = Repository(root / "repository")
        setup = "from setuptools import find_namespace_packages, setup\n\n"
        setup += 'setup(name="checked.out", version="2.0", package_dir={"": "src"}, '
        setup += 'packages=find_namespace_packages("src"))\n'
        repository.write({"setup.py": setup, "src/checked/out/__init__.py": "", "src/checked/out/told.py": _TOLD})
        repository.commit()
        (self.home / ".buildout").mkdir(parents=True)
        (self.home / ".buildout/default.cfg").write_text(f"[buildout]\nindex = {self.index.url}\n", "utf-8")

    def configure(self, *more: str) -> None:
        """Write ``buildout.cfg``: what the material has, and lines that come behind it."""
        text = (MATERIAL / "buildout.cfg").read_text("utf-8")
        (self.root / "buildout.cfg").write_text("\n".join([text, *more, ""]), "utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables that commands run with."""
        return environment(self.home, PIP_INDEX_URL=self.index.url, **more)

    def build(self, *arguments: str, **more: str) -> str:
        """Run its ``bin/buildout``, which has to succeed, and return what it said."""
        status, output = self.run(self.program, *arguments, **more)
        assert 0 == status, output
        return output

    def run(self, program: str | Path, *arguments: str, **more: str) -> Result:
        """Run a program, by default of ``bin``, to its end."""
        words = [self.root / program, *arguments]
        return run(words, cwd=self.root, variables=self.environment(**more), wait=WAIT)

    def command(self, program: str, *arguments: str) -> tuple[list[str | Path], Path, Mapping[str, str]]:
        """Return how a program of bin is run: the words, where, and with which variables."""
        return [self.root / "bin" / program, *arguments], self.root, self.environment()

    def fill(self, python: Path, wheels: Sequence[Path]) -> None:
        """Make eggs of wheels as stock zc.buildout does, but for the pip that it starts for each of them."""
        eggs = self.root / "eggs/v5"
        eggs.mkdir(parents=True)
        done = self.run(python, "-c", _EGGS, str(eggs), *map(str, wheels))
        assert 0 == done.status, done.output


@dataclass(frozen=True)
class Difference:
    """One thing that is not alike, and the reason; see ``differences.cfg``."""

    name: str
    reason: str
    files: tuple[str, ...] = ()
    pattern: str = ""
    sorted: str = ""
    only: tuple[str, ...] = ()

    def leveled(self, path: str, text: str, names: Mapping[str, str]) -> str:
        """Return the text of a file without what is not alike."""
        if not any(fnmatchcase(path, name) for name in self.files):
            return text
        pattern = self.pattern
        for name, meant in names.items():
            pattern = pattern.replace(f"{{{name}}}", f"(?:{meant})")
        separator = self.sorted

        def level(match: re.Match[str]) -> str:
            return "\n".join(sorted(filter(None, re.split(separator, match[0])))) if separator else ""

        return re.sub(pattern, level, text, flags=re.MULTILINE)

    def leaves_out(self, path: str) -> bool:
        """Tell whether one of the builds may have this file alone."""
        return any(fnmatchcase(path, name) for name in self.only)


def differences() -> list[Difference]:
    """Return what is kept in ``differences.cfg``."""
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.read(MATERIAL / "differences.cfg", "utf-8")
    lists = ("files", "only")
    return [
        Difference(name, **{key: tuple(value.split()) if key in lists else value for key, value in parser.items(name)})
        for name in parser.sections()
    ]


def generated(root: Path) -> dict[str, str]:
    """Return the text of all that a build has made below a directory, but for eggs and data, and where links lead."""
    found, left = {}, {"eggs", "var", "repository", ".git", ".eggcarton", "__pycache__"}
    for directory, names, files in os.walk(root):
        names[:] = [name for name in names if name not in left]
        for name in [*files, *(name for name in names if os.path.islink(os.path.join(directory, name)))]:
            path = Path(directory, name)
            if path == root / "buildout.cfg":
                continue
            if path.is_symlink():
                text = f"-> {os.readlink(path)}"
            else:
                text = path.read_bytes().decode("utf-8", "replace") if path.suffix not in (".so", ".gz") else ""
            found[path.relative_to(root).as_posix()] = text.replace(str(root), "{root}")
    return found


def unlike(
    one: Mapping[str, str], other: Mapping[str, str], kept: Sequence[Difference], names: Mapping[str, str]
) -> Iterator[str]:
    """Give a text for each file that is not alike.

    Args:
        names: what stands for names in braces, in patterns.
    """
    for path in sorted({*one, *other}):
        if path not in one or path not in other:
            if not any(difference.leaves_out(path) for difference in kept):
                yield f"only one has {path}"
            continue
        texts = one[path], other[path]
        if texts[0] != texts[1]:
            for difference in kept:
                texts = difference.leveled(path, texts[0], names), difference.leveled(path, texts[1], names)
        if texts[0] != texts[1]:
            lines = difflib.unified_diff(*(text.splitlines() for text in texts), "stock", "locked", lineterm="", n=0)
            yield "\n".join([path, *lines])
