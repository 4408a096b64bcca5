"""Every example in the README and in docs is run, in a throw-away checkout and without a network."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from support import documents
from support.buildouts import CHECKOUT, environment
from support.example import copy_of_example
from support.index import Index

MUST_FAIL = CHECKOUT / "tests" / "documents" / "must_fail.rst"
DOCUMENTS = sorted(
    [CHECKOUT / "README.rst", *(CHECKOUT / "docs").rglob("*.rst"), *CHECKOUT.glob("examples/*/README.rst")]
)
RUNS = re.compile(r"^    \$ ", re.MULTILINE)
# What a checkout consists of, but for the examples, which are built in it.
CHECKED_OUT = ("bootstrap.py", "toolchain.txt", "setup.py", "README.rst", "LICENSE.txt", "src")


def name_of(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an example that nobody has built yet."""
    root = tmp_path / "eggcarton"
    copy_of_example(root / "examples" / "guestbook")
    config = root / "examples" / "guestbook" / "buildout.cfg"
    # The only difference: the system chooses the port.
    config.write_text(re.sub(r"(?<=127\.0\.0\.1:)\d+", "0", config.read_text("utf-8")), "utf-8")
    for name in CHECKED_OUT:
        (root / name).symlink_to(CHECKOUT / name)
    return root


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if not RUNS.search(path.read_text("utf-8"))], ids=name_of)
def test_the_configurations_of_a_document_are_right(path: Path, checkout: Path) -> None:
    """Each configuration in a document that runs nothing is one that our recipes accept."""
    assert [] == documents.failures(path.read_text("utf-8"), name_of(path), documents.Place(checkout, os.environ))


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if RUNS.search(path.read_text("utf-8"))], ids=name_of)
def test_a_document_does_what_it_says(
    path: Path, checkout: Path, tmp_path: Path, cache: Path, example_index: Index
) -> None:
    """Each command of a document works from top to bottom, and says what the document says."""
    home = tmp_path / "home"
    (home / ".cache").mkdir(parents=True)
    (home / ".cache" / "eggcarton").symlink_to(cache)
    variables = environment(home, PIP_INDEX_URL=example_index.url)
    found = documents.failures(path.read_text("utf-8"), name_of(path), documents.Place(checkout, variables))
    assert "" == "\n".join(found)


def test_a_document_that_is_wrong_fails(checkout: Path) -> None:
    """Each block of the document that must fail does fail."""
    text = MUST_FAIL.read_text("utf-8")
    place = documents.Place(checkout, {"PATH": os.environ["PATH"]})
    assert text.count(".. code-block::") == len(documents.failures(text, MUST_FAIL.name, place))


def test_every_document_is_found() -> None:
    """No file of documentation is left out because of its place."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rst"]
    listed = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    elsewhere = ("tests/", "changes.d/", "bench/", "CHANGES.rst")
    assert [name_of(path) for path in DOCUMENTS] == sorted(name for name in listed if not name.startswith(elsewhere))
