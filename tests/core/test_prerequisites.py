"""Facts about what a part requires: how it is written, and what is said of lines that are wrong."""

from __future__ import annotations

from string import ascii_lowercase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eggcarton.core.prerequisites import Prerequisite, prerequisites
from eggcarton.runtime.versions import NoVersion, Version


def command(line: str, program: str, conditions: list[list[str]], *arguments: str) -> Prerequisite:
    told = {"program": program, "arguments": list(arguments or ["--version"]), "conditions": conditions}
    return Prerequisite(line=line, kind="command", told=told)


@pytest.mark.parametrize(
    "expected",
    [
        command("psql >= 14", "psql", [[">=", "14"]]),
        command("redis-server", "redis-server", []),
        command("java >=17, < 22: -version", "java", [[">=", "17"], ["<", "22"]], "-version"),
        command("g++ ~= 12.2", "g++", [["~=", "12.2"]]),
        command("clang-14 == 14.*", "clang-14", [["==", "14.*"]]),
        command(
            "'/opt/my app/bin/x' != 1.0rc1: version --short",
            "/opt/my app/bin/x",
            [["!=", "1.0rc1"]],
            "version",
            "--short",
        ),
        # A program that is called like a kind.
        command("file >= 5.4", "file", [[">=", "5.4"]]),
        command("openssl >= 1.1.1w: version", "openssl", [[">=", "1.1.1w"]], "version"),
        Prerequisite(line="port 5432", kind="port", told={"host": "", "port": 5432}),
        Prerequisite(line="port db.example:5432", kind="port", told={"host": "db.example", "port": 5432}),
        Prerequisite(line="port [::1]:80", kind="port", told={"host": "::1", "port": 80}),
        Prerequisite(line="free-port 8080", kind="free-port", told={"host": "", "port": 8080}),
        Prerequisite(line="header libpq-fe.h", kind="header", told={"name": "libpq-fe.h"}),
        Prerequisite(line="header <sys/file.h>", kind="header", told={"name": "sys/file.h"}),
        Prerequisite(line="disk 2G", kind="disk", told={"size": 2 << 30, "path": None}),
        Prerequisite(line="disk 512M at my var", kind="disk", told={"size": 512 << 20, "path": "my var"}),
        Prerequisite(line="file etc/grüße an alle.txt", kind="file", told={"name": "etc/grüße an alle.txt"}),
        Prerequisite(line="variable DATABASE_URL", kind="variable", told={"name": "DATABASE_URL"}),
    ],
    ids=lambda expected: expected.line,
)
def test_right(expected: Prerequisite) -> None:
    """A line is read as what it asks for."""
    assert (expected,) == prerequisites(f"\n{expected.line}\n{expected.line}\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("prot 5432", "is not known: did you mean 'port 5432'?"),
        ("free port 8080", "is not known: did you mean 'free-port 8080'?"),
        ("free_port 8080", "is not known: did you mean 'free-port 8080'?"),
        ("port five", "is not like 'port 5432' or 'port db.example:5432'"),
        ("port 99999", "is not like 'port 5432' or 'port db.example:5432'"),
        ("port", "is not like 'port 5432' or 'port db.example:5432'"),
        ("free-port db.example:80", "is not like 'free-port 8080'"),
        ("disk 2X", "is not like 'disk 2G' or 'disk 2G at var'"),
        ("disk 2G on var", "is not like 'disk 2G' or 'disk 2G at var'"),
        ("header a b", "is not like 'header libpq-fe.h'"),
        ("variable A=B", "is not like 'variable DATABASE_URL'"),
        ("psql 14", "has a version without an operator: did you mean 'psql >= 14'?"),
        ("psql => 14", "has '=>', which compares nothing: did you mean '>='?"),
        ("psql = 14", "has '=', which compares nothing: did you mean '=='?"),
        ("psql <<< 14", "has '<<<', which compares nothing: there are < <= == != >= > ~="),
        ("psql >= new", "has 'new' where a version such as 14 or 1.2.3 should be"),
        ("psql >=", "has '' where a version such as 14 or 1.2.3 should be"),
        ("psql >= 14.*", "has '.*' behind '>=': only == and != know it"),
        ("psql ~= 14", "has '~=' without a second number, as in '~= 1.4'"),
        ("psql >= 14 < 16", "does not compare versions as in 'psql >= 14, < 16'"),
        ("psql >= 14:", "has nothing after the colon, where the program's own word stands, as in ': -V'"),
        ("psql: -V", "compares no version, and so needs no word after a colon"),
        ("psql >= 14: 'x", "has no words after the colon: no closing quotation"),
        (">= 14", "begins with neither a program nor one of port, free-port, header, disk, file, variable"),
        (
            "many words here",
            "is neither a program with a version such as 'psql >= 14', nor begins with one of port, free-port, header,"
            " disk, file, variable",
        ),
    ],
)
def test_wrong(line: str, told: str) -> None:
    """What is wrong with a line is told with what may be meant."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared below
        prerequisites(f"redis-server\n{line}")
    assert f"holds the line '{line}', which {told}" == str(caught.value)


@given(st.text("0123456789.abcrdevpost+-_!*wv", min_size=1, max_size=9))
@example("0a0a")
@example("0v.*")
@example("v1!2w")
def test_versions(text: str) -> None:
    """A version is accepted here if, and only if, it can be compared when the time comes."""
    try:
        prerequisites(f"x == {text}")
    except ValueError:
        accepted = False
    else:
        accepted = True
    try:
        Version(text.removesuffix(".*"))
    except NoVersion:
        known = False
    else:
        known = not text.endswith(".*") or not set(text.lower().removeprefix("v")) & set(f"{ascii_lowercase}+-_")
    assert known == accepted
