"""Facts about quoting: what is quoted arrives as it was, by the reader's real rules."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eggcarton.core import quoting

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
# Signs that mean something somewhere, more often than chance would have them.
SIGNS = st.text("""ab '"\\%$`#;{}()<>|&*?![]~=:@,.-\n\t\r""", max_size=12)
TEXTS = st.one_of(WORDS, SIGNS)
LINES = TEXTS.filter(lambda text: not re.search(r"[\r\n]", text))


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_shell(words: list[str]) -> None:
    """A real shell reads the words of a command back."""
    command = quoting.shell_command(["printf", "%s\\0", *words])
    found = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True).stdout
    assert "".join(f"{word}\0" for word in words).encode() == found


@given(TEXTS)
def test_python(text: str) -> None:
    """Python reads its literal back."""
    assert text == ast.literal_eval(quoting.python(text))


@given(st.lists(LINES.filter(lambda text: text == text.strip()), max_size=5))
def test_ini(values: list[str]) -> None:
    """configparser reads values back, with its usual interpolation."""
    lines = "".join(f"k{i} = {quoting.ini(value)}\n" for i, value in enumerate(values))
    parser = configparser.ConfigParser()
    parser.read_string(f"[s]\n{lines}")
    assert values == [parser["s"][f"k{i}"] for i in range(len(values))]


def unquoted_by_systemd(text: str, *, command: bool) -> str:
    """Read one quoted word by the rules of systemd.syntax(7), systemd.service(5) and systemd.unit(5)."""
    assert text[0] == text[-1] == '"'
    signs = re.findall(r"\\x[0-9a-f]{2}|\\.|%%|\$\$|.", text[1:-1], re.DOTALL)
    found = []
    for sign in signs:
        if sign.startswith("\\x"):
            found.append(chr(int(sign[2:], 16)))
        elif sign == "$$" and not command:
            found.append(sign)
        else:
            assert command or sign != "$$"
            assert sign not in ("%", '"', "\\", *(("$",) if command else ()))
            found.append(sign[-1])
    return "".join(found)


@given(TEXTS)
def test_systemd(text: str) -> None:
    """An argument is read back by systemd's rules, and fits on a line."""
    quoted = quoting.systemd(text)
    assert text == unquoted_by_systemd(quoted, command=True)
    assert not re.search(r"[\x00-\x1f]", quoted)


@given(TEXTS)
def test_systemd_environment(value: str) -> None:
    """An assignment is read back by systemd's rules, where a dollar sign is only that."""
    quoted = quoting.systemd_environment("NAME", value)
    assert f"NAME={value}" == unquoted_by_systemd(quoted, command=False)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_accepts(tmp_path: Path) -> None:
    """systemd itself finds nothing wrong with quoted words, and knows the variable."""
    words = ["a b", "it's", 'say "x"', "50%", "$HOME", "back\\slash", "tab\tline\nend", "ü", ""]
    arguments = " ".join(quoting.systemd(word) for word in words)
    unit = tmp_path / "quoting.service"
    unit.write_text(
        f"[Service]\nEnvironment={quoting.systemd_environment('A', 'b %n $c')}\nExecStart=/bin/true {arguments}\n"
    )
    environment = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, env=environment
    )
    assert "quoting.service" not in found.stderr, found.stderr


def unquoted_by_nginx(text: str) -> str:
    """Read one double-quoted parameter as ngx_conf_read_token does."""
    assert text[0] == text[-1] == '"'
    found, rest = [], text[1:-1]
    while rest:
        if rest[0] == "\\" and rest[1] in '"\\':
            found.append(rest[1])
            rest = rest[2:]
        else:
            assert rest[0] != '"'
            found.append(rest[0])
            rest = rest[1:]
    return "".join(found)


@given(TEXTS)
def test_nginx(text: str) -> None:
    """A parameter is read back by nginx's rules; what nginx cannot hold is refused."""
    if "$" in text:
        with pytest.raises(ValueError, match="cannot stand in an nginx configuration"):
            quoting.nginx(text)
    else:
        assert text == unquoted_by_nginx(quoting.nginx(text))


@given(LINES)
def test_apache(text: str) -> None:
    """An argument is read back by Apache's rules, which are those of nginx; a variable is refused."""
    assume("${" not in text)
    assert text == unquoted_by_nginx(quoting.apache(text))


def run_by_cron(entry: str) -> tuple[str, bool]:
    """Read the command of a crontab line as cron's child_process does: the command, and whether it was cut."""
    found: list[str] = []
    escaped = False
    for sign in entry:
        if escaped:
            if sign == "%":
                found.pop()
            found.append(sign)
            escaped = False
        elif sign == "%":
            return "".join(found), True
        else:
            found.append(sign)
            escaped = sign == "\\"
    return "".join(found), False


@given(st.one_of(LINES, st.text("a%\\'", max_size=10)))
def test_crontab(command: str) -> None:
    """A command is read back by cron's rules, or refused because cron has no way to read it."""
    if re.search(r"(^|[^\\])(\\\\)*\\%", command):
        with pytest.raises(ValueError, match="a backslash before '%' cannot stand in a crontab's command"):
            quoting.crontab(command)
    else:
        assert (command, False) == run_by_cron(quoting.crontab(command))


@pytest.mark.parametrize("text", ["\0", "a\nb", "a\rb"])
@pytest.mark.parametrize("quote", [quoting.ini, quoting.apache, quoting.crontab])
def test_one_line(quote: object, text: str) -> None:
    """Targets that hold one line refuse line ends and NUL."""
    with pytest.raises(ValueError, match="cannot stand in"):
        quote(text)  # type: ignore[operator]


@pytest.mark.parametrize("quote", [quoting.shell, quoting.systemd, quoting.nginx])
def test_nul(quote: object) -> None:
    """No target holds NUL."""
    with pytest.raises(ValueError, match="cannot stand in"):
        quote("a\0b")  # type: ignore[operator]


def test_refused() -> None:
    """What a target would change silently is refused."""
    with pytest.raises(ValueError, match="blanks at the ends cannot be kept"):
        quoting.ini(" a")
    with pytest.raises(ValueError, match="cannot stand in an Apache configuration"):
        quoting.apache("${HOME}")
    with pytest.raises(ValueError, match="'a b' is not the name of an environment variable"):
        quoting.systemd_environment("a b", "")


def test_paths() -> None:
    """A path may be quoted as it is."""
    assert ("'/a b'", "'/a b'", '"/a b"') == (
        quoting.shell(Path("/a b")),
        quoting.python(Path("/a b")),
        quoting.nginx(Path("/a b")),
    )
