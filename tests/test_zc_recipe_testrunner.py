"""zc.recipe.testrunner's own documents hold with our recipe in the place of its own, but for the kept differences."""

from __future__ import annotations

import re
import zipfile
from functools import partial
from pathlib import Path

import pytest

from support import recipe_documents
from support.buildouts import Buildout

KEPT = Path(__file__).with_name("zc_recipe_testrunner") / "differences.rst"
DIFFERENCES = recipe_documents.differences(KEPT.read_text("utf-8"))
DOCUMENT = "README.rst"
# Nothing that these examples name brings the runner, which zc.recipe.testrunner brings itself.
RECIPE = re.compile(r"^(.*)recipe = zc\.recipe\.testrunner$", re.MULTILINE)
# The times are not alike on any two machines, and zc.buildout 6 tells more of a test than its documents do.
MORE = ((r"\b\d+\.\d+ (seconds|s)\b", r"0.001 \1"),)


@pytest.fixture
def sample(build: Buildout, tmp_path: Path, wheels: Path, zope_testrunner: Path) -> Buildout:
    """A buildout with nothing in bin but bin/buildout, in which zope.testrunner can be had although it is offline."""
    (build.bin / "eggcarton").rename(tmp_path / "eggcarton")
    for path in (*wheels.glob("*.whl"), *zope_testrunner.glob("*.whl")):
        if not (place := build.index.directory / path.name).exists():
            place.symlink_to(path)
    build.variables |= {"no_proxy": "127.0.0.1,localhost", "PIP_INDEX_URL": build.index.url}
    return build


def exchanged(source: str, *, extension: bool) -> str:
    """Return the source of an example with our recipe in the place of zc.recipe.testrunner.

    By itself zc.buildout 6.0.1 finds no egg while it is offline that it has put into its directory as another run.
    """
    ours = RECIPE.sub(r"\1recipe = eggcarton:test\n\1runner = zope.testrunner", source)
    return ours if extension else ours.replace("offline = true", "newest = false")


def test_each_difference_has_its_reason() -> None:
    """Every difference that is kept says why."""
    assert [] == [difference for difference in DIFFERENCES if not difference.reason.endswith(".")]


@pytest.mark.slow
@pytest.mark.parametrize("extension", [True, False], ids=["with the extension", "without the extension"])
def test_document(
    extension: bool, sample: Buildout, zope_testrunner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example prints what its document says, or what the list of kept differences says of it."""
    monkeypatch.chdir(sample.root)
    if extension:
        with (sample.home / ".buildout" / "default.cfg").open("a") as stream:
            stream.write("extensions = eggcarton\n")
    sample.configure("[buildout]\nparts = fetched\n[fetched]\nrecipe = eggcarton\neggs = zope.testrunner\n")
    sample.build()
    sample.configure("[buildout]\nparts =\n")
    sample.build()
    kept = [difference for difference in DIFFERENCES if difference.holds(DOCUMENT, extension=extension)]
    text = zipfile.Path(next(zope_testrunner.glob("zc_recipe_testrunner-*.whl"))).joinpath(
        "zc", "recipe", "testrunner", DOCUMENT
    )
    names = recipe_documents.names_of(sample, sample.index.url)
    normalised = recipe_documents.normaliser(sample.root, *MORE)
    ours = partial(exchanged, extension=extension)
    found = recipe_documents.failures(DOCUMENT, text.read_text("utf-8"), kept, names, normalised, ours)
    if found:
        pytest.fail("\n".join(found), pytrace=False)
