"""Facts about readers: text in, a value or the rest of a sentence out."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggcarton.core import code_readers, readers
from eggcarton.core.code_readers import Application, ObjectReference
from eggcarton.core.readers import Listen, Reader

GOOD: list[tuple[Reader[Any], str, Any]] = [
    (readers.text, "", ""),
    (readers.text, "a\n  b", "a\n  b"),
    (readers.lines, "a b\n\n  c ", ("a b", "c")),
    (readers.words, " a\n b  c", ("a", "b", "c")),
    (readers.shell_words, "-k 'a b' c\\ d", ("-k", "a b", "c d")),
    (readers.arguments, "['-v', '-k', 'a b']", ("-v", "-k", "a b")),
    (readers.arguments, "-v -k 'a b'", ("-v", "-k", "a b")),
    (readers.arguments, "", ()),
    (readers.arguments, "('-x',)", ("-x",)),
    (readers.boolean, "true", True),
    (readers.boolean, "false", False),
    (readers.integer(), "-3", -3),
    (readers.integer(1, 3), "3", 3),
    (readers.percentage, "99.5", 99.5),
    (readers.percentage, "100 %", 100.0),
    (readers.duration, "30s", 30.0),
    (readers.duration, "1h30m", 5400.0),
    (readers.duration, "250ms", 0.25),
    (readers.duration, "2d", 172800.0),
    (readers.size, "10M", 10 * 1024 * 1024),
    (readers.size, "0", 0),
    (readers.size, "512kB", 512 * 1024),
    (readers.mode, "0644", 0o644),
    (readers.mode, "0o2755", 0o2755),
    (readers.mode, "600", 0o600),
    (readers.path, "a b/ü", Path("a b/ü")),
    (readers.paths, "a\n/b c", (Path("a"), Path("/b c"))),
    (readers.file_name, "py3", "py3"),
    (readers.choice("a", "b"), "b", "b"),
    (readers.choices("a", "b", "c"), "c a c", ("c", "a")),
    (readers.listen, "127.0.0.1:8080", Listen("127.0.0.1", 8080)),
    (readers.listen, "[::1]:80", Listen("::1", 80)),
    (readers.listen, "localhost:0", Listen("localhost", 0)),
    (readers.listen, "*:65535", Listen("*", 65535)),
    (readers.listen, "8080", Listen("127.0.0.1", 8080)),
    (readers.assignments, "A=1\n B = x = y \nC=", (("A", "1"), ("B", "x = y"), ("C", ""))),
    (readers.assignments, "zc.recipe.testrunner = 42", (("zc.recipe.testrunner", "42"),)),
    (
        readers.requirements,
        "# comment\nA\n\nb [x, y] >= 1.0, < 2 # why\nc; python_version < '3.12'\nd @ https://x.example/d.whl#sha256=0",
        ("A", "b [x, y] >= 1.0, < 2", "c; python_version < '3.12'", "d @ https://x.example/d.whl#sha256=0"),
    ),
    (readers.requirements, "zope.interface==6.*\nx(>=1)\ny===weird", ("zope.interface==6.*", "x(>=1)", "y===weird")),
    (readers.renames, "a b=c", (("a", "a"), ("b", "c"))),
    (readers.renames, "", ()),
    (code_readers.object_reference, "a.b : C.d", ObjectReference("a.b", "C.d")),
    (code_readers.entry_points, "x=a.b:c", (("x", ObjectReference("a.b", "c")),)),
    (code_readers.entry_points, "a-b=d:e\n c=d:e", tuple((name, ObjectReference("d", "e")) for name in ("a-b", "c"))),
    (code_readers.application, "a.wsgi:app", Application("application", "a.wsgi", "app")),
    (code_readers.application, "guestbook:make()", Application("factory", "guestbook", "make")),
    (code_readers.application, "egg:guest-book", Application("paste", "guest-book", "main")),
    (code_readers.application, "egg:a#b", Application("paste", "a", "b")),
    (code_readers.module_names, "a.b c", ("a.b", "c")),
    (code_readers.source, "  import os\n  if 1:\n      os.x", "import os\nif 1:\n    os.x"),
    (code_readers.source, "", ""),
    (code_readers.call_arguments, "1, *a, b=2", "1, *a, b=2"),
    (code_readers.call_arguments, "", ""),
    (code_readers.call_arguments, "1, # note", "1, # note"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "text", "value"), GOOD)
def test_reads(reader: Reader[Any], text: str, value: Any) -> None:
    """A reader turns text into its value."""
    assert value == reader(text)


FUTURE = "imports from __future__, which only the first statement of a file can, and it is not that"
NO_APPLICATION = "is not an application such as module:callable, module:factory() or egg:NAME#ENTRY"
BAD: list[tuple[Reader[Any], str, str]] = [
    (readers.shell_words, "'open", "is not a list of words: no closing quotation"),
    (readers.arguments, "['a', 1]", "is not a Python list of texts such as ['-v', '-x']"),
    (readers.arguments, "[boom()]", "is not a Python list of texts such as ['-v', '-x']"),
    (readers.arguments, "[", "is not a Python list of texts such as ['-v', '-x']"),
    (readers.boolean, "yes", "is neither 'true' nor 'false', the only two spellings"),
    (readers.boolean, "True", "is neither 'true' nor 'false', the only two spellings"),
    (readers.integer(), "1.0", "is not a whole number"),
    (readers.integer(), "", "is not a whole number"),
    (readers.integer(), "٣", "is not a whole number"),
    (readers.integer(minimum=1), "0", "is not a whole number of at least 1"),
    (readers.integer(maximum=1), "2", "is not a whole number of at most 1"),
    (readers.integer(1, 3), "4", "is not a whole number from 1 to 3"),
    (readers.percentage, "101", "is not a percentage from 0 to 100"),
    (readers.percentage, "nan", "is not a percentage from 0 to 100"),
    (readers.duration, "5 minutes", "is not a duration such as 30s, 5m or 2h"),
    (readers.duration, "5", "is not a duration such as 30s, 5m or 2h"),
    (readers.duration, "", "is not a duration such as 30s, 5m or 2h"),
    (readers.size, "10 MB", "is not a size such as 512k, 10M or 2G"),
    (readers.mode, "0888", "is not a mode in octal such as 0644 or 0755"),
    (readers.mode, "77777", "is not a mode in octal such as 0644 or 0755"),
    (readers.path, "", "is not a path"),
    (readers.path, "a\nb", "is not a path"),
    (readers.paths, "a\n\0", "is not a path"),
    (readers.file_name, "a/b", "is not the name of a file without a directory"),
    (readers.file_name, "..", "is not the name of a file without a directory"),
    (readers.choice("a", "b", "c"), "d", "is not 'a', 'b' or 'c'"),
    (readers.choice("a"), "", "is not 'a'"),
    (readers.choices("a", "b"), "a x", "holds 'x', which is not 'a' or 'b'"),
    (readers.listen, "65536", "is not an address such as 127.0.0.1:8080, [::1]:8080 or 8080"),
    (readers.listen, "::1:80", "is not an address such as 127.0.0.1:8080, [::1]:8080 or 8080"),
    (readers.listen, ":80", "is not an address such as 127.0.0.1:8080, [::1]:8080 or 8080"),
    (readers.listen, "", "is not an address such as 127.0.0.1:8080, [::1]:8080 or 8080"),
    (readers.assignments, "A", "is neither KEY=VALUE, one a line, nor the name of a section"),
    (readers.assignments, "a-b=1", "holds the line 'a-b=1', which is not KEY=VALUE"),
    (readers.assignments, "A=1\nA=2", "sets A twice"),
    (readers.requirements, "a b", "holds the line 'a b', which is not a requirement such as 'name >= 1.0'"),
    (readers.requirements, "a >= ", "holds the line 'a >=', which is not a requirement such as 'name >= 1.0'"),
    (readers.requirements, "-e .", "holds the line '-e .', which is not a requirement such as 'name >= 1.0'"),
    (readers.renames, "a=", "holds 'a=', which is neither a script's name nor NAME=NEW-NAME"),
    (readers.renames, "a=../b", "holds 'a=../b', which is neither a script's name nor NAME=NEW-NAME"),
    (readers.renames, "a=..", "holds 'a=..', which is neither a script's name nor NAME=NEW-NAME"),
    (readers.renames, "a a=b", "names 'a' twice"),
    (code_readers.object_reference, "a.b", "is not an object in a module such as package.module:name"),
    (code_readers.entry_points, "x=a", "holds 'x=a', which is not an entry point such as name=package.module:name"),
    (code_readers.entry_points, "x=a:b x=a:c", "names 'x' twice"),
    (code_readers.application, "a.b", NO_APPLICATION),
    (code_readers.application, "a:b(1)", NO_APPLICATION),
    (code_readers.module_names, "a-b", "holds 'a-b', which is not a package's or module's name"),
    (code_readers.source, "import os\nif", "is not Python source: line 2: invalid syntax"),
    (code_readers.source, '"""a"""\nfrom __future__ import annotations', FUTURE),
    (code_readers.call_arguments, ") or boom(", "does not fit between a call's parentheses"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "text", "message"), BAD)
def test_refuses(reader: Reader[Any], text: str, message: str) -> None:
    """A reader that cannot says the rest of a sentence."""
    with pytest.raises(ValueError, match=rf"\A{re.escape(message)}\Z"):
        reader(text)


def test_refuses_arguments() -> None:
    """What is no Python between a call's parentheses is refused in Python's own words."""
    with pytest.raises(ValueError, match=r"^does not fit between a call's parentheses: line 1: invalid syntax"):
        code_readers.call_arguments("a b")


@given(st.sampled_from(sorted({id(r): r for r, *_ in GOOD}.values(), key=id)), st.text())
def test_only_value_errors(reader: Reader[Any], text: str) -> None:
    """No text makes a reader fail with anything but ValueError."""
    with suppress(ValueError):
        reader(text)


@given(st.text("abc=# ;[]()<>~!,.@'\" -_1"))
def test_requirement_names(text: str) -> None:
    """Whatever is read as a requirement has a name that begins it."""
    try:
        found = readers.requirements(text)
    except ValueError:
        return
    for line in found:
        assert line.startswith(readers.requirement_name(line))


def test_describes() -> None:
    """Every reader says what it reads, for the reference pages."""
    for module in (readers, code_readers):
        found = [value for value in vars(module).values() if isinstance(value, Reader)]
        assert found
        assert all(reader.describes for reader in found)


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80", "host:0"])
def test_listen_text(text: str) -> None:
    """str() of an address is how a user writes it."""
    assert text == str(readers.listen(text))
