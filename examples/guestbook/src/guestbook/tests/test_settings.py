"""The settings file: what it may hold, and what is said when it is wrong."""

from __future__ import annotations

import logging
import re

import pytest
from webtest import TestApp

import guestbook
from guestbook.settings import Settings, SettingsProblem, read_settings


def read(path):
    """Read a settings file as the application does."""
    return read_settings({"GUESTBOOK_SETTINGS": str(path)})


def test_paths_start_at_the_settings_file(settings_file):
    """Relative paths are taken from the directory of the settings file, and all else has a default."""
    data = settings_file.parent / "data"
    assert read(settings_file) == Settings(database=data / "guestbook.sqlite", secret_file=data / "secret")


def test_every_setting_is_read(tmp_path):
    """Each setting of the file arrives, as what it means; a per cent sign has no special meaning."""
    path = tmp_path / "all.ini"
    path.write_text(
        "[guestbook]\ntitle = 100 % Ours\ndatabase = /a/b\nsecret-file = /c\nentries-per-page = 7\n"
        "busy-timeout = 2.5\nsecure-cookies = true\nlog-level = WARNING\n"
    )
    found = read(path)
    assert ("100 % Ours", "/a/b", "/c") == (found.title, str(found.database), str(found.secret_file))
    assert (7, 2.5, True) == (found.entries_per_page, found.busy_timeout, found.secure_cookies)
    assert found.log_level == logging.WARNING


@pytest.mark.parametrize("environment", [{}, {"GUESTBOOK_SETTINGS": ""}])
def test_the_variable_must_be_set(environment):
    """Without the environment variable the sentence names it."""
    with pytest.raises(SettingsProblem, match="The environment variable GUESTBOOK_SETTINGS is not set"):
        read_settings(environment)


def test_the_file_must_be_there(tmp_path):
    """A file that is not there is named, with the reason."""
    with pytest.raises(SettingsProblem, match=r"gone\.ini cannot be read: No such file or directory\."):
        read(tmp_path / "gone.ini")


@pytest.mark.parametrize("content", [b"no section\n", b"[guestbook]\n\xff\n"])
def test_the_file_must_be_an_ini_file(tmp_path, content):
    """A file in another format is named, with the reason on one line."""
    path = tmp_path / "bad.ini"
    path.write_bytes(content)
    with pytest.raises(SettingsProblem, match=r"bad\.ini is not in INI format: .+\.$"):
        read(path)


@pytest.mark.parametrize("content", ["", "[other]\n", "[guestbook]\n[other]\n"])
def test_the_section_must_be_there_alone(tmp_path, content):
    """A missing section and a foreign one are both refused."""
    path = tmp_path / "bad.ini"
    path.write_text(content)
    with pytest.raises(SettingsProblem, match=re.escape("there must be the section [guestbook], and no other.")):
        read(path)


def test_an_unknown_setting_is_refused(settings_file):
    """A setting that does not exist is named, with those that do."""
    settings_file.write_text(settings_file.read_text() + "pages = 3\n")
    with pytest.raises(SettingsProblem, match="'pages' is not a setting of the guestbook; there are title, database"):
        read(settings_file)


@pytest.mark.parametrize("name", ["database", "secret-file"])
def test_a_missing_setting_is_refused(settings_file, name):
    """A setting without a default must be there."""
    settings_file.write_text(re.sub(f"(?m)^{name}.*$", "", settings_file.read_text()))
    with pytest.raises(SettingsProblem, match=f"the setting '{name}' is missing"):
        read(settings_file)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("title =", "title =  is empty."),
        ("entries-per-page = 0", "entries-per-page = 0 is not a whole number from 1 to 1000."),
        ("entries-per-page = ten", "entries-per-page = ten is not a whole number from 1 to 1000."),
        ("busy-timeout = -1", "busy-timeout = -1 is not a number of seconds from 0 to 3600."),
        ("busy-timeout = 5s", "busy-timeout = 5s is not a number of seconds from 0 to 3600."),
        ("busy-timeout = nan", "busy-timeout = nan is not a number of seconds from 0 to 3600."),
        ("secure-cookies = yes", "secure-cookies = yes is neither true nor false."),
        ("log-level = LOUD", "log-level = LOUD is not one of DEBUG, INFO, WARNING, ERROR."),
    ],
)
def test_a_wrong_value_is_refused(settings_file, line, sentence):
    """A value that cannot be meant is refused with what would be right."""
    settings_file.write_text(settings_file.read_text() + line + "\n")
    with pytest.raises(SettingsProblem, match=re.escape(f"{settings_file}: {sentence}")):
        read(settings_file)


def test_the_application_starts_from_its_environment(settings_file, monkeypatch):
    """The factory that a WSGI server calls needs nothing but the environment variable."""
    settings_file.write_text(settings_file.read_text() + "title = Our Book\n")
    monkeypatch.setenv("GUESTBOOK_SETTINGS", str(settings_file))
    application = guestbook.make_application()
    assert "Our Book" in TestApp(application).get("/")
    application.registry.engine.dispose()


@pytest.mark.parametrize(("value", "secure"), [("true", True), ("false", False)])
def test_cookies_can_be_kept_to_https(start, settings_file, value, secure):
    """With secure-cookies the session cookie is for HTTPS only; always, no script can read it."""
    settings_file.write_text(f"{settings_file.read_text()}secure-cookies = {value}\n")
    cookie = start(read(settings_file)).get("/sign").headers["Set-Cookie"].lower()
    assert (secure, True, True) == ("secure" in cookie, "httponly" in cookie, "samesite=lax" in cookie)
