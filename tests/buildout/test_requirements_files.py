"""Requirements files are a live input beside eggs: a changed line is drift, a constraint holds, a hash is trusted."""

from __future__ import annotations

import sys

import pytest

from eggcarton.indexes.cache import file_digest
from support.buildouts import Buildout, run
from support.distributions import source, wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app other

[eggcarton]
requirements = requirements.txt

[app]
recipe = eggcarton:scripts
eggs = web
interpreter = py

[other]
recipe = eggcarton:scripts
eggs = web
requirements =
interpreter = other
"""


def locked(build: Buildout) -> dict[str, str]:
    return {p["name"]: p["version"] for p in tomllib.loads(build.lock.read_text("utf-8"))["packages"]}


def can_import(build: Buildout, script: str, name: str) -> bool:
    command = [build.bin / script, "-c", f"import {name}"]
    return run(command, cwd=build.root, variables=build.environment()).status == 0


@pytest.fixture
def listed(build: Buildout) -> Buildout:
    """A buildout whose parts want web, with a requirements file that the section of the extension names."""
    wheel(build.index.directory, "web", "1.0", {"web.py": ""}, requires=["library"])
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "library", version, {"library.py": ""})
        wheel(build.index.directory, "extra", version, {"extra.py": ""})
    build.configure(CONFIG)
    build.write("requirements.txt", "extra<2  # the old one\n")
    return build


def test_what_a_part_gets(listed: Buildout) -> None:
    """A part imports the lines of the file beside its eggs; one whose own option names no file does not."""
    listed.build()
    assert {"extra": "1.0", "library": "2.0", "web": "1.0"} == locked(listed)
    assert (True, False) == (can_import(listed, "py", "extra"), can_import(listed, "other", "extra"))


def test_a_changed_line(listed: Buildout) -> None:
    """A changed file is read anew and locked; a line that is the same leaves everything as it is, without a request."""
    listed.build()
    before = listed.lock.read_bytes()
    listed.write("requirements.txt", "# another remark\nextra<2\n")
    listed.index.requests.clear()
    listed.build()
    assert (before, []) == (listed.lock.read_bytes(), listed.index.requests)
    listed.write("requirements.txt", "extra\n")
    listed.build()
    assert "1.0" == locked(listed)["extra"]
    listed.write("requirements.txt", "extra>=2\n")
    assert "pylock.toml: extra 1.0 -> 2.0" in listed.build()


def test_drift_under_frozen(listed: Buildout) -> None:
    """Frozen names the line of the file that the lock does not answer, and the constraint that it goes against."""
    listed.build()
    listed.configure(CONFIG.replace("[app]", "policy = frozen\n\n[app]"))
    listed.write("requirements.txt", "-c constraints.txt\nextra>=2\n")
    listed.write("constraints.txt", "library<2\n")
    output = listed.fails(status=3)
    assert "requirements.txt, line 2 needs extra>=2, the lock has extra 1.0" in output
    assert "constraints.txt, line 1 asks for library<2, the lock has library 2.0" in output


def test_a_constraint(listed: Buildout) -> None:
    """A constraint holds a version, and asks for nothing itself."""
    listed.write("requirements.txt", "-c constraints.txt\n")
    listed.write("constraints.txt", "library<2\nextra==1.0\n")
    listed.build()
    assert {"library": "1.0", "web": "1.0"} == locked(listed)


def test_hashes(listed: Buildout) -> None:
    """A hash in the file is trusted alone: another file of that version is not locked, and without any nothing is."""
    kept = wheel(listed.index.directory, "extra", "1.0", {"extra.py": ""})
    listed.write("requirements.txt", f"extra==1.0 \\\n    --hash=sha256:{file_digest(kept)}\n")
    listed.build()
    before = listed.lock.read_bytes()
    listed.write("requirements.txt", f"extra==1.0 --hash=sha256:{'0' * 64}\n")
    output = listed.fails(status=5)
    assert "no file of extra 1.0 (requirements.txt, line 1) whose sha256 the requirements file has" in output
    assert before == listed.lock.read_bytes()


def test_a_part_with_files_of_its_own(listed: Buildout) -> None:
    """A part in a lock group names its files itself; the common ones are not its."""
    listed.write("old.txt", "library<2\n")
    listed.configure(CONFIG.replace("requirements =\n", "requirements = old.txt\nlock-group = old\n"))
    listed.build()
    assert (True, False) == (can_import(listed, "py", "extra"), can_import(listed, "other", "extra"))
    lock = tomllib.loads((listed.root / "pylock.old.toml").read_text("utf-8"))
    assert [("library", "1.0"), ("web", "1.0")] == [(p["name"], p["version"]) for p in lock["packages"]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("extra ==\n", "requirements.txt, line 1: 'extra ==' is not a requirement"),
        ("-r missing.txt\n", "requirements.txt, line 1: missing.txt cannot be read"),
        ("web\n--no-such-option\n", "requirements.txt, line 2: '--no-such-option' are no options of pip"),
        ("-e ./somewhere\n", "requirements.txt, line 1: ./somewhere is a directory here that is not developed"),
    ],
)
def test_a_file_that_cannot_be_obeyed(listed: Buildout, text: str, told: str) -> None:
    """What is wrong is told with its file and line; nothing is locked or built."""
    listed.write("requirements.txt", text)
    assert told in listed.fails(status=2)
    assert not listed.lock.exists()
    assert [] == listed.scripts()


def test_a_file_that_is_no_text(listed: Buildout) -> None:
    """Bytes that are no text are refused, with what to do."""
    (listed.root / "requirements.txt").write_bytes(b"extra\xff\xfe\x00\n")
    assert "requirements.txt is not text in the encoding utf-8; save it as UTF-8" in listed.fails(status=2)


def test_an_editable_line_of_what_is_developed(listed: Buildout) -> None:
    """A line such as -e . says what develop says already; it is taken as such."""
    source(listed.root, "mine", "0.1", {"mine.py": ""})
    listed.configure(CONFIG.replace("parts = app other", "parts = app other\ndevelop = mine"))
    listed.write("requirements.txt", "-e ./mine\nextra\n")
    listed.build()
    assert "extra" in locked(listed)
