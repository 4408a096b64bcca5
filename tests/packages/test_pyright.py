"""What is written for pyright keeps all that others have written, or nothing is written."""

from __future__ import annotations

import json

import pytest

from eggcarton.packages import pyright

TOLD = pyright.settings("parts/.eggcarton/by-part/test", "3.11.7", ["lib"], ["eggs/v5"])


def test_a_new_file() -> None:
    """Without a file before, all settings are written."""
    assert {
        "venvPath": "parts/.eggcarton/by-part",
        "venv": "test",
        "pythonVersion": "3.11",
        "extraPaths": ["lib"],
        "exclude": ["**/node_modules", "**/__pycache__", "**/.*", "eggs/v5"],
    } == json.loads(pyright.merged(None, TOLD))


def test_what_others_wrote_stays() -> None:
    """Settings of others stay in their order, further paths too, and what is looked at is theirs to say."""
    before = '{\n  "include": ["src"],\n  "venv": "old",\n  "extraPaths": ["mine"],\n  "strict": ["ä"]\n}\n'
    after = pyright.merged(before, TOLD)
    assert after.startswith('{\n  "include"')
    assert {
        "include": ["src"],
        "venv": "test",
        "extraPaths": ["mine", "lib"],
        "strict": ["ä"],
        "venvPath": "parts/.eggcarton/by-part",
        "pythonVersion": "3.11",
    } == json.loads(after)
    assert ["include", "venv", "extraPaths", "strict"] == list(json.loads(after))[:4]
    assert "ä" in after


def test_again() -> None:
    """A file that says all already is the same byte for byte, however it is laid out."""
    text = pyright.merged(None, TOLD)
    assert text == pyright.merged(text, TOLD)
    dense = json.dumps(json.loads(text))
    assert dense == pyright.merged(dense, TOLD)


COMMENTED = """\
{ // what "pyright" takes /* and JSON does not */
  %s
  "strict": ["a // b", "/* c */", ",]"], /* more
  lines */
}
"""


def test_comments() -> None:
    """A file with comments is not changed; once somebody has written the lines into it, it is right."""
    with pytest.raises(pyright.Unreadable, match="line 1 is no plain JSON"):
        pyright.merged(COMMENTED % "", TOLD)
    by_hand = COMMENTED % "\n".join(pyright.lines(TOLD))
    assert by_hand == pyright.merged(by_hand, TOLD)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"venv": "a", "venv": "b"}', "it names one setting twice"),
        ("[]", "it holds no object"),
        ("", "it is no JSON: Expecting value"),
        ('{"extraPaths": "lib"}', "its extraPaths is no list"),
    ],
)
def test_what_cannot_be_kept(text: str, reason: str) -> None:
    """A file from which something would be lost is refused with the reason."""
    with pytest.raises(pyright.Unreadable) as refused:
        pyright.merged(text, TOLD)
    assert reason == str(refused.value)


def test_lines_for_pyproject() -> None:
    """The same settings as lines of TOML, and how a file that needs them is told from others."""
    assert ['venvPath = "parts/.eggcarton/by-part"', 'venv = "test"'] == pyright.lines(TOLD, toml=True)[:2]
    assert pyright.is_in_pyproject('[project]\nname = "x"\n\n[tool.pyright]\nstrict = []\n')
    assert pyright.is_in_pyproject("[tool.pyright.x]\n")
    assert not pyright.is_in_pyproject("[tool.pyrights]\n# [tool.pyright]\n")
