"""Facts about the sections of services; what is wrong with them stands in the cases of the recipe `test`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from eggcarton.core.services import AUTO, Service, command, looks_like_one, port, read, stop_signal

SECTIONS = {
    "one": {"command": "one", "services": "two three"},
    "two": {"command": "two", "services": "three", "requires": "redis-server"},
    "three": {"command": "three 'a b'", "colour": "red"},
}


def test_order() -> None:
    """What a service needs is started before it, once; an option that nobody knows is told."""
    found = read("test", ["one", "three"], SECTIONS.get)
    assert ["three", "two", "one"] == [service.name for service in found.services]
    assert ("three", "a b") == found.services[0].options.command
    assert ("[three] option 'colour' is not known and has no effect",) == found.warnings


def test_readers() -> None:
    """Ports, signals and commands are read as they are written."""
    assert (AUTO, 5432, "INT", "TERM") == (port("auto"), port("5432"), stop_signal("sigint"), stop_signal("TERM"))
    assert ("a", "b c") == command("a 'b c'")


@pytest.mark.parametrize(
    ("reader", "text", "told"),
    [
        (port, "0", "is neither a port from 1 to 65535 nor 'auto'"),
        (port, "65536", "is neither a port from 1 to 65535 nor 'auto'"),
        (stop_signal, "TREM", "is no signal that ends a service: did you mean 'TERM'?"),
        (stop_signal, "9", "is no signal that ends a service: there are HUP, INT, KILL, QUIT, TERM, USR1, USR2"),
        (command, "''", "names no program"),
    ],
)
def test_wrong(reader: Callable[[str], object], text: str, told: str) -> None:
    """What is wrong is told with what may be meant."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared below
        reader(text)
    assert told == str(caught.value)


@pytest.mark.parametrize(("name", "prefix"), [("redis", "REDIS"), ("my-db.2", "MY_DB_2"), ("2nd", "_2ND")])
def test_prefix(name: str, prefix: str) -> None:
    """The variables that tell of a service have names that every shell takes."""
    found = read("test", [name], {name: {"command": "x"}}.get).services
    assert [prefix] == [service.prefix for service in found]
    assert isinstance(found[0], Service)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"command": "x", "port": "auto"}, True),
        ({"command": "x"}, False),
        ({"command": "x", "timeout": "3s"}, False),
        ({"port": "1"}, False),
        ({"command": "x", "port": "1", "recipe": "r"}, False),
    ],
)
def test_looks_like_one(values: dict[str, str], expected: bool) -> None:
    """A section is taken for that of a service when it has a command and what else only those have."""
    assert expected == looks_like_one(values)
