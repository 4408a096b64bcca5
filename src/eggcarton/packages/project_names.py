"""What a new project is called: as a distribution, as a package and in a sentence, derived from one word."""

from __future__ import annotations

import keyword
import re
import sys
import sysconfig
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from eggcarton.core.errors import UsageProblem

_LONGEST = 60
_VALID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ADVICE = "--name NAME gives another"
# What the checkouts import, and what lies beside their sources: a package of such a name would hide it.
_TAKEN = frozenset(
    (
        *("django", "jinja2", "plone", "products", "pyramid", "transaction", "waitress", "webob", "zope"),
        *("eggcarton", "pytest", "setuptools", "webtest", "zc"),
    )
)


@dataclass(frozen=True, slots=True)
class ProjectNames:
    """The names of a project, all of one word such as ``my-site``."""

    distribution: str

    @property
    def package(self) -> str:
        """What Python imports, such as ``my_site``."""
        return self.distribution.replace("-", "_")

    @property
    def title(self) -> str:
        """What a page is headed with, such as ``My site``."""
        return self.distribution.replace("-", " ").capitalize()

    @property
    def variable(self) -> str:
        """What names of environment variables begin with, such as ``MY_SITE``."""
        return self.package.upper()


def named(directory: Path, name: str | None) -> ProjectNames:
    """Return the names of the project in a directory.

    Args:
        directory: where it lies, absolute; its last part is the name where none is given.
        name: the name that was asked for.

    Raises:
        UsageProblem: no package can have that name, or it would hide one that is needed.
    """
    word = directory.name if name is None else name
    found = ProjectNames(re.sub(r"[-_. ]+", "-", word).lower())
    if not _VALID.fullmatch(found.distribution) or len(found.distribution) > _LONGEST:
        raise UsageProblem(
            f"{word!r} cannot name a project, whose name begins with a letter from a to z and has such letters, digits "
            f"and single hyphens, at most {_LONGEST}; {_ADVICE}"
        )
    if keyword.iskeyword(found.package):
        raise UsageProblem(f"{word!r} cannot name a project, since '{found.package}' is a word of Python; {_ADVICE}")
    if _is_of_python(found.package):
        raise UsageProblem(
            f"a project {word!r} would hide the module '{found.package}' of Python's standard library; {_ADVICE}"
        )
    if found.package in _TAKEN:
        raise UsageProblem(f"a project {word!r} would hide the package '{found.package}' that it needs; {_ADVICE}")
    return found


def _is_of_python(name: str) -> bool:
    """Tell whether Python's standard library has a module: no list names all, and some machines leave out its tests."""
    library = sysconfig.get_path("stdlib")
    found = PathFinder.find_spec(name, [library, str(Path(library, "lib-dynload"))])
    return name == "test" or name in sys.stdlib_module_names or (found is not None and found.has_location)
