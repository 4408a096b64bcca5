"""The line of a configuration file is found on which something stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggcarton.buildout.lines import numbered

CONFIG = """\
[buildout]
parts = app
# eggs = six
[versions:python_version < "3.12"]
six = 1.15.0
[versions]
Six=1.16.0
[app]
recipe = eggcarton
eggs =
    web
    # six
    six>=1.17
eggs += colour
[app-more]
eggs = six>=1.17
"""


@pytest.mark.parametrize(
    ("section", "option", "text", "expected"),
    [
        ("app", "eggs", "six>=1.17", "site.cfg:13"),
        ("app", "eggs", "web", "site.cfg:11"),
        ("app", "eggs", "colour", "site.cfg:14"),
        ("app", "eggs", "made of something else", "site.cfg:14"),
        ("app-more", "eggs", "six>=1.17", "site.cfg:16"),
        ("app", "recipe", "eggcarton", "site.cfg:9"),
        ("versions", "Six", "", "site.cfg:7"),
        ("versions", "web", "", "site.cfg"),
        ("absent", "eggs", "", "site.cfg"),
    ],
)
def test_the_line(tmp_path: Path, section: str, option: str, text: str, expected: str) -> None:
    """A line of a value is found in its section and option, else the option; without either the file is told alone."""
    (tmp_path / "site.cfg").write_text(CONFIG, "utf-8")
    assert expected == numbered(tmp_path, "site.cfg", section, option, text)


@pytest.mark.parametrize("name", ["the command line", "absent.cfg", "binary.cfg"])
def test_no_file(tmp_path: Path, name: str) -> None:
    """What is no file, or cannot be read, is told as it is."""
    (tmp_path / "binary.cfg").write_bytes(b"\xff\xfe[app]\n")
    assert name == numbered(tmp_path, name, "app", "eggs")
