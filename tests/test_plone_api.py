"""Tests that nobody here wrote: those of plone.api, in a real Plone, are as many in our part as in the bare runner."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from support.buildouts import BOOTSTRAP, CHECKOUT, PYTHON, Result, Shared, environment, locked, run, user_cache
from support.junit import read

NO_NETWORK = 4
SOME = ("-t", "test_create_default", "-t", "TestPloneAPIValidation", "-t", "addon.md")

pytestmark = pytest.mark.slow


def total(output: str) -> list[str]:
    """Return the numbers of each layer and of all, without how long they took."""
    return re.findall(r"(?:Ran|Total:) (.+) in .*seconds", output)


def test_as_many_tests(tmp_path: Path, shared: Shared) -> None:
    """All tests are found that the bare runner finds in the same egg, and what runs in layers of Plone ends alike."""
    root, home = tmp_path / "site", tmp_path / "home"
    shutil.copytree(Path(__file__).with_name("plone_api"), root)
    shutil.copy(CHECKOUT / "examples/plone/versions.cfg", root)
    home.mkdir()
    with locked(shared.directory / "plone"):
        status, output = run(
            [PYTHON, BOOTSTRAP, root], cwd=tmp_path, variables={**os.environ, "EGGCARTON_CACHE": str(user_cache())}
        )
    if status == NO_NETWORK:
        pytest.skip(f"Plone cannot be locked here: {output.splitlines()[-1]}")
    assert 0 == status, output
    egg = next((root / "eggs/v5").glob("plone?api-*.egg")).resolve()

    def ran(program: str, *words: str) -> Result:
        return run([root / "bin" / program, *words], cwd=root, variables=environment(home))

    def listed(output: str) -> list[str]:
        # A document is told by its path, from where it is imported.
        return sorted(re.findall(r"^  (?:/\S+/plone/api/)?(?! )(.+)", output, re.MULTILINE))

    bare, found = ran("bare", "--test-path", str(egg), "--list-tests"), ran("test", "--list-tests")
    assert (0, listed(bare.output)) == (found.status, listed(found.output)), found.output
    assert len(listed(bare.output)) > 250
    bare, found = ran("bare", "--test-path", str(egg), *SOME), ran("test", *SOME)
    assert (0, total(bare.output)) == (found.status, total(found.output)), found.output
    # Two layers and their sum.
    assert 3 == len(total(bare.output)), bare.output
    passed = {test.name for test in read(root / "var/junit.xml") if test.kind == "passed"}
    expected = {"test_user.TestPloneApiUser.test_create_default_roles", "doctests.addon.md"}
    assert {f"plone.api.tests.{name}" for name in expected} <= passed, passed
