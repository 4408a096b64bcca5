"""guestbook-admin, as an administrator types it."""

from __future__ import annotations

import pytest

from guestbook.admin import main
from guestbook.settings import read_settings


@pytest.fixture
def book(start, settings_file, monkeypatch):
    """Name the settings of a book with three entries in the environment."""
    monkeypatch.setenv("GUESTBOOK_SETTINGS", str(settings_file))
    browser = start(read_settings({"GUESTBOOK_SETTINGS": str(settings_file)}))
    for name, message in [("Ada", "Hello"), ("Grace", "One\nTwo"), ("Mary", "x" * 61)]:
        form = browser.get("/sign").form
        form["name"], form["message"] = name, message
        form.submit(status=303)


def printed(capsys):
    """Return the lines on standard output, without the dates."""
    return [line[:8] + line[26:] for line in capsys.readouterr().out.splitlines()]


def test_count_prints_a_number(book, capsys):
    """'count' prints how many entries there are."""
    assert 0 == main(["count"])
    assert "3\n" == capsys.readouterr().out


def test_list_prints_a_line_an_entry(book, capsys):
    """'list' prints number, name and the beginning of the message, the newest entry first."""
    assert 0 == main(["list"])
    assert ["     3  Mary: " + "x" * 60 + "…", "     2  Grace: One…", "     1  Ada: Hello"] == printed(capsys)


def test_list_can_be_limited(book, capsys):
    """'list --limit 1' prints the newest entry only."""
    assert 0 == main(["list", "--limit", "1"])
    assert ["     3  Mary: " + "x" * 60 + "…"] == printed(capsys)


def test_delete_takes_one_entry_out(book, capsys):
    """'delete 2' takes this entry out of the book, and no other."""
    assert 0 == main(["delete", "2"])
    main(["list"])
    assert ["     3  Mary: " + "x" * 60 + "…", "     1  Ada: Hello"] == printed(capsys)


def test_delete_of_a_missing_entry_fails(book, capsys):
    """'delete' of an entry that is not there says so and ends with 1."""
    assert 1 == main(["delete", "4"])
    assert "guestbook-admin: There is no entry 4.\n" == capsys.readouterr().err


@pytest.mark.parametrize("identity", ["0", "-1", "x", "9" * 30])
def test_a_number_that_cannot_be_is_wrong_usage(book, identity, capsys):
    """'delete' of something that is no number of an entry is wrong usage."""
    with pytest.raises(SystemExit) as ended:
        main(["delete", "--", identity])
    assert 2 == ended.value.code
    assert f"'{identity}' is not a whole number from 1" in capsys.readouterr().err


def test_wrong_settings_are_a_sentence(monkeypatch, capsys):
    """Without settings the command says what is missing and ends with 1."""
    monkeypatch.delenv("GUESTBOOK_SETTINGS", raising=False)
    assert 1 == main(["count"])
    assert capsys.readouterr().err.startswith("guestbook-admin: The environment variable GUESTBOOK_SETTINGS is not set")


def test_settings_can_be_an_argument(settings_file, monkeypatch, capsys):
    """'--settings FILE' stands in for the environment variable; a book that was never started is empty."""
    monkeypatch.delenv("GUESTBOOK_SETTINGS", raising=False)
    assert 0 == main(["--settings", str(settings_file), "count"])
    assert "0\n" == capsys.readouterr().out
