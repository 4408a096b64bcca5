"""What a new project is called: names of one word, and a sentence where they could be none."""

from __future__ import annotations

import contextlib
import pkgutil
import re
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eggcarton.core.errors import UsageProblem
from eggcarton.packages.project_names import named

GIVEN = {
    "mysite": ("mysite", "mysite", "Mysite", "MYSITE"),
    "My Site": ("my-site", "my_site", "My site", "MY_SITE"),
    "my_site.2": ("my-site-2", "my_site_2", "My site 2", "MY_SITE_2"),
}
REFUSED = {
    "1st": "'1st' cannot name a project, whose name begins with a letter",
    "": "'' cannot name a project",
    "caf\u00e9": "'caf\u00e9' cannot name a project",
    "-x": "'-x' cannot name a project",
    "a=b": "'a=b' cannot name a project",
    "x" * 61: "at most 60",
    "Class": "'Class' cannot name a project, since 'class' is a word of Python",
    "site": "a project 'site' would hide the module 'site' of Python's standard library",
    "test": "a project 'test' would hide the module 'test' of Python's standard library",
    "Django": "a project 'Django' would hide the package 'django' that it needs",
}


@pytest.mark.parametrize("word", GIVEN)
def test_a_directory_gives_the_names(word: str) -> None:
    """The last part of a path is the name, with hyphens for what separates its words."""
    found = named(Path("/with blanks/1") / word, None)
    assert GIVEN[word] == (found.distribution, found.package, found.title, found.variable)


def test_a_name_that_is_given_takes_the_place_of_the_directory() -> None:
    """The directory may then be called anything."""
    assert "my-site" == named(Path("/1"), "my-site").distribution


@pytest.mark.parametrize("word", REFUSED)
def test_what_cannot_be_a_name_is_refused(word: str) -> None:
    """The sentence tells why, and how to give another name."""
    with pytest.raises(UsageProblem, match=re.escape(REFUSED[word])) as caught:
        named(Path("/anything"), word)
    assert str(caught.value).endswith("; --name NAME gives another")


def test_no_name_hides_what_python_finds_beside_its_own_modules() -> None:
    """What the directories of the standard library hold is refused, whether the list of its names has it or not."""
    library = sysconfig.get_path("stdlib")
    names = {module.name for module in pkgutil.iter_modules([library, f"{library}/lib-dynload"])}
    accepted = []
    for name in sorted(filter(str.islower, names)):
        with contextlib.suppress(UsageProblem):
            accepted.append(named(Path("/anything"), name).package)
    assert (True, []) == ("json" in names, accepted)


@given(some.text())
def test_every_name_is_refused_or_one_that_python_imports(word: str) -> None:
    """Whatever the word, the package is an identifier, and the distribution's name needs no normalising."""
    try:
        found = named(Path("/anything"), word)
    except UsageProblem:
        return
    assert found.package.isidentifier()
    assert found.package.isascii()
    assert re.sub(r"[-_.]+", "-", found.distribution).lower() == found.distribution
