"""Files of environment variables: read as systemd reads them, and refused by line."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.core.plan import runtime_source
from eggcarton.runtime.environment_file import read

SAMPLE = """\
\ufeff# a comment
; another

PLAIN=value
 SPACES  =  a b\t
export EXPORTED=1
EMPTY=
HASH=a # b
SINGLE='it is "$HOME" \\n'
DOUBLE="a \\"b\\" \\\\ \\$HOME \\` \\n"
TWICE=1
TWICE=2
EQUALS=a=b
UMLAUT=ä
"""
READ = {
    "PLAIN": "value",
    "SPACES": "a b",
    "EXPORTED": "1",
    "EMPTY": "",
    "HASH": "a # b",
    "SINGLE": 'it is "$HOME" \\n',
    "DOUBLE": 'a "b" \\ $HOME ` \\n',
    "TWICE": "2",
    "EQUALS": "a=b",
    "UMLAUT": "ä",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets.env"


def test_reads(file: Path) -> None:
    """Comments, quotes and blanks are what they are for systemd; nothing is replaced."""
    file.write_text(SAMPLE, "utf-8")
    assert READ == read(str(file))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("geheim", "line 2 is not KEY=VALUE"),
        ("1A=geheim", "line 2 is not KEY=VALUE"),
        ("A B=geheim", "line 2 is not KEY=VALUE"),
        ("A='geheim", "line 2: the quotes do not end where the line does"),
        ("A='geh'eim", "line 2: the quotes do not end where the line does"),
        ('A="geheim\\"', "line 2: the quotes do not end where the line does"),
        ("A=geheim\0", "line 2 holds a NUL character, which no variable can hold"),
    ],
)
def test_refuses(file: Path, line: str, reason: str) -> None:
    """What is no variable is refused with its line, and no word of its value."""
    file.write_text(f"FINE=1\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match="line 2") as caught:
        read(str(file))
    assert reason == str(caught.value)
    assert "geh" not in str(caught.value)


def test_ends_a_process(file: Path) -> None:
    """A process whose file is missing or wrong ends with a sentence."""
    begin = runpy.run_path(str(Path(read.__code__.co_filename)))["read_into_environment"]
    with pytest.raises(SystemExit) as caught:
        begin(str(file))
    assert f"Error: the environment file {file} cannot be read: No such file or directory" == caught.value.code
    file.write_bytes(b"A=\xff\n")
    with pytest.raises(SystemExit) as caught:
        begin(str(file))
    assert str(caught.value.code).startswith(f"Error: the environment file {file} cannot be read: 'utf-8' codec")


def test_alone() -> None:
    """It needs nothing but the standard library."""
    assert "eggcarton" not in runtime_source("environment_file")


@given(st.text(st.characters(exclude_characters="'\0", exclude_categories=("Cs", "Cc", "Zl", "Zp"))))
def test_single_quotes_keep_all(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    """Whatever stands between single quotes is the value."""
    file = tmp_path_factory.mktemp("quotes") / "env"
    file.write_text(f"A='{value}'\n", "utf-8")
    assert {"A": value} == read(str(file))
