"""Facts about options: declared once, read in one go, all problems of a section told together."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from eggcarton.core.errors import OptionProblems
from eggcarton.core.options import NOT_FOR_RECIPES, PART_NAME, declared, option, read_options, rest
from eggcarton.core.readers import duration, file_name, integer, path, requirements, text, words


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Runs a command."""

    command: str = option(text, "The command.")
    stop_after: float = option(duration, "When to give up.", default="30s", aliases=("timeout",))
    retries: int = option(integer(minimum=0), "How often to try again.", default="0")
    eggs: tuple[str, ...] = option(requirements, "What to install.", default=PART_NAME)
    log: Path | None = option(path, "Where to write.", default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """Fills in a form."""

    output: str = option(text, "Where to.")
    variables: Mapping[str, str] = rest("All others.")


def test_reads() -> None:
    """Each option is read by its reader, blanks around it dropped, defaults where it is left out."""
    reading = read_options(Options, "nightly", {"command": " run \n", "stop-after": "2m"})
    assert Options(command="run", stop_after=120.0, retries=0, eggs=("nightly",), log=None) == reading.options
    assert () == reading.warnings


def test_spellings() -> None:
    """An underscore is as good as a hyphen, and an alias as good as the name."""
    for name in ("stop-after", "stop_after", "timeout"):
        assert 5.0 == read_options(Options, "x", {"command": "", name: "5s"}).options.stop_after


def test_both_spellings() -> None:
    """Two spellings of one option are a problem and not a choice."""
    with pytest.raises(OptionProblems, match=r"^.x. options 'stop-after' and 'timeout' are the same option: keep one$"):
        read_options(Options, "x", {"command": "", "stop-after": "5s", "timeout": "6s"})


def test_all_problems_at_once() -> None:
    """All problems of a section are told in one message, one line each."""
    with pytest.raises(OptionProblems) as caught:
        read_options(Options, "nightly", {"timeout": "5 minutes", "retries": "-1", "logg": "x"})
    assert (
        "[nightly] option 'command' is missing: The command.\n"
        "[nightly] option 'timeout': '5 minutes' is not a duration such as 30s, 5m or 2h\n"
        "[nightly] option 'retries': '-1' is not a whole number of at least 0\n"
        "[nightly] option 'logg' is not known: did you mean 'log'?"
    ) == str(caught.value)


def test_long_values() -> None:
    """Of a value that is very long a message shows both ends."""
    told = f"option 'retries': '{'7' * 60}...{'7' * 20}' is not a whole number of at least 0"
    with pytest.raises(OptionProblems, match=f"^.x. {re.escape(told)}$"):
        read_options(Options, "x", {"command": "", "retries": "7" * 5000})


def test_nul() -> None:
    """NUL, which no file, variable or argument can hold, is refused in every option."""
    with pytest.raises(OptionProblems, match=r"^.x. option 'command': 'a\\x00' holds a NUL character, which no file"):
        read_options(Options, "x", {"command": "a\0"})


@pytest.mark.parametrize("name", ["a/b", "/a", "..", "."])
def test_names_of_parts(name: str) -> None:
    """What a part makes is called by its name: one that no file can have is refused."""
    expected = f"[{name}] no file can have this name, which parts give to theirs: rename the section"
    with pytest.raises(OptionProblems) as caught:
        read_options(Options, name, {"command": "", "eggs": ""})
    assert str(caught.value).startswith(expected)


def test_unknown() -> None:
    """An unknown name that resembles none is a warning."""
    reading = read_options(Options, "x", {"command": "", "shoe-size": "43"})
    assert ("[x] option 'shoe-size' is not known and has no effect",) == reading.warnings


def test_not_for_recipes() -> None:
    """What buildout itself and the caller put into a section is nobody's mistake."""
    names = "recipe < <part-dependencies> find-links index newest update eggs-directory _b __doc__ mine"
    values = dict.fromkeys(names.split(), "x")
    reading = read_options(Options, "x", {**values, "command": ""}, known=(*NOT_FOR_RECIPES, "mine"))
    assert () == reading.warnings


def test_of_others() -> None:
    """What another section reads, and is had from there, is nobody's mistake, however much it is like an option."""
    values = {"command": "", "shoe-size": "43", "logg": "x"}
    assert () == read_options(Options, "x", values, of_others={"shoe-size", "logg"}).warnings
    collected = read_options(Open, "x", {"output": "o", "port": "80"}, of_others={"port"})
    assert {"port": "80"} == collected.options.variables


def test_rest() -> None:
    """A field for the rest collects what no other field declares, and never what is buildout's own."""
    values = {"output": "o", "port": "80", "outputt": "x", "recipe": "r", "site_url": "u"}
    reading = read_options(Open, "x", values)
    assert {"port": "80", "outputt": "x", "site_url": "u"} == reading.options.variables
    assert () == reading.warnings


def test_empty_is_absent() -> None:
    """An option that is left empty is as if left out, unless its reader has a value for that."""

    @dataclass(frozen=True, kw_only=True)
    class Named(Options):
        script: str = option(file_name, "Its name.", default=PART_NAME)

    empty = {"log": " \n ", "timeout": " ", "retries": "", "script": ""}
    left_out = read_options(Named, "x", {"command": "run", "eggs": ""})
    assert left_out == read_options(Named, "x", {"command": "run", "eggs": "", **empty})
    assert ("x", (), 30.0) == (left_out.options.script, left_out.options.eggs, left_out.options.stop_after)


def test_empty_is_no_answer() -> None:
    """An option that must be there is wrong where it is left empty, unless its reader has a value for that."""

    @dataclass(frozen=True, kw_only=True)
    class Needed:
        retries: int = option(integer(minimum=0), "How often to try again.")

    told = r"^.x. option 'retries': '' is not a whole number of at least 0$"
    with pytest.raises(OptionProblems, match=told):
        read_options(Needed, "x", {"retries": ""})


def test_empty_by_accident() -> None:
    """Where a section undoes nothing, an empty option that has a default is a problem, and one that has none is not."""
    values = {"command": "run", "log": "", "retries": ""}
    told = r"^.x. option 'retries': '' is not a whole number of at least 0$"
    with pytest.raises(OptionProblems, match=told):
        read_options(Options, "x", values, undoes=False)


def test_empty_may_be_a_value() -> None:
    """Where a reader has a value for nothing, an empty option has that, and differs from one that is left out."""

    @dataclass(frozen=True, kw_only=True)
    class Two:
        names: tuple[str, ...] | None = option(words, "Some.", default=None)

    assert (None, ()) == tuple(read_options(Two, "x", values).options.names for values in ({}, {"names": ""}))


def test_declared() -> None:
    """Declarations carry all that a reference page shows, in their order."""
    found = declared(Options)
    assert ["command", "stop-after", "retries", "eggs", "log"] == [item.name for item in found]
    assert (("timeout",), "30s", "When to give up.", False) == (
        found[1].aliases,
        found[1].default,
        found[1].doc,
        found[1].is_rest,
    )
    assert [False, True] == [item.is_rest for item in declared(Open)]


def test_made_by_hand() -> None:
    """Options made without a section have the declared defaults too."""
    assert 30.0 == Options(command="x", eggs=()).stop_after
    assert dataclasses.is_dataclass(Options)
