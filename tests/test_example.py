"""The example is a whole application: one config builds it, tests it, and serves it to a browser."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from support import browser
from support.browser import Browser
from support.buildouts import Shared
from support.built_example import Example, build_example

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Example:
    """The example, built outside the checkout from its committed lock."""
    return build_example(tmp_path_factory.mktemp("example"), shared)


def test_what_is_built(example: Example) -> None:
    """Its scripts are there, its settings file is filled in, and a second build says one line."""
    assert {"buildout", "coverage", "eggcarton", "guestbook-admin", "py", "test", "web"} == set(
        os.listdir(example.root / "bin")
    )
    assert "127.0.0.1:6543" in (example.root / "bin/web").read_text("utf-8")
    assert f"database = {example.root}/var/guestbook.sqlite\n" in (example.root / "etc/guestbook.ini").read_text(
        "utf-8"
    )
    status, output = example.run("buildout")
    assert (0, 1) == (status, len(output.splitlines())), output


def test_its_tests(example: Example) -> None:
    """bin/test passes, and fails on a planted bug."""
    status, output = example.run("test", "-q")
    assert (0, True) == (status, " passed" in output), output
    models = example.root / "src/guestbook/models.py"
    right = models.read_text("utf-8")
    assert right.count(".desc()") > 0
    models.write_text(right.replace(".desc()", ".asc()"), "utf-8")
    try:
        status, output = example.run("test", "-q", "-x")
        assert (1, True) == (status, " failed" in output), output
    finally:
        models.write_text(right, "utf-8")


def test_its_coverage(example: Example) -> None:
    """bin/coverage passes with every line and branch tested, and fails when some tests are left out."""
    status, output = example.run("coverage", "-q")
    assert 0 == status, output
    status, output = example.run("coverage", "-q", "-k", "settings")
    assert 0 != status
    assert "% is covered, but at least 100 %" in output


def test_its_nightly_coverage(example: Example) -> None:
    """As cron starts it, elsewhere and with nothing in the environment, bin/coverage makes the whole page."""
    done = subprocess.run([example.root / "bin/coverage", "-q"], cwd="/", env={}, capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout + done.stderr
    page = example.root / "var/www/coverage"
    assert {"index.html", "history.svg"} <= set(os.listdir(page))
    assert any("guestbook.tests.test_" in path.read_text("utf-8") for path in page.glob("*views_py.html"))
    done = subprocess.run([example.root / "bin/coverage", "--trend"], cwd="/", env={}, capture_output=True, text=True)
    assert (0, True) == (done.returncode, " 100.00 % " in done.stdout), done.stdout + done.stderr
    assert {"coverage.data", "history.jsonl", "history.svg", "run.lock"} == set(
        os.listdir(example.root / "var/coverage")
    )


def test_its_matrix(example: Example) -> None:
    """Its tests pass with the oldest releases that it takes, from committed locks; without matrix.cfg all that goes."""
    example.build([example.root / "bin/buildout", "-c", "matrix.cfg", "eggcarton:policy=frozen"])
    status, output = example.run("test-matrix", "-q", "-k", "settings")
    rows = re.findall(r"^(\w+) +([1-9]\d*) +0 .* passed$", output, re.MULTILINE)
    assert (0, ["default", "pyramid20", "sqlalchemy20"]) == (status, [name for name, _ in rows]), output
    assert 1 == len({tests for _, tests in rows})
    status, output = example.run("buildout")
    assert (0, False) == (status, (example.root / "bin/test-matrix").exists()), output


def test_a_visitor_signs_and_comes_back(example: Example) -> None:
    """A browser posts an entry and finds it, also after the server was restarted; the administrator's list has it."""
    if reason := browser.available():
        pytest.skip(reason)
    with Browser() as visitor:
        with example.served() as address:
            visitor.go(address)
            assert "Nobody has written anything yet." in visitor.text()
            visitor.follow(".empty a")
            visitor.type("#name", "Ada")
            visitor.type("#message", "It <b>works</b> & stays.")
            visitor.follow("button[type=submit]")
            assert ["Ada"] == visitor.texts("article h2")
            assert ["It <b>works</b> & stays."] == visitor.texts("article .message")
        with example.served() as address:
            visitor.go(address)
            assert ["It <b>works</b> & stays."] == visitor.texts("article .message")
    status, output = example.run("guestbook-admin", "list")
    assert 0 == status, output
    assert output.endswith("  Ada: It <b>works</b> & stays.\n")


def test_its_lock(example: Example) -> None:
    """The committed locks answer the configuration under policy = frozen, and name no host."""
    status, output = example.run("buildout", "eggcarton:policy=frozen")
    assert 0 == status, output
    locks = sorted(example.root.glob("pylock*.toml"))
    assert ["pylock.test-pyramid20.toml", "pylock.test-sqlalchemy20.toml", "pylock.toml"] == [p.name for p in locks]
    assert [] == [path.name for path in locks if "://" in path.read_text("utf-8")]
