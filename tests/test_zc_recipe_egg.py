"""zc.recipe.egg's own documents hold with our recipes in the place of its own, but for the kept differences."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import eggdocs, recipe_documents
from support.buildouts import Buildout

KEPT = Path(__file__).with_name("zc_recipe_egg") / "differences.rst"
DIFFERENCES = recipe_documents.differences(KEPT.read_text("utf-8"))
LEFT_OUT = {difference.document for difference in DIFFERENCES if not difference.lines}
RUN = sorted({path.name for path in eggdocs.DOCUMENTS.glob("*.rst")} - LEFT_OUT)


@pytest.fixture
def sample(build: Buildout, tmp_path: Path) -> Buildout:
    """A buildout with nothing in bin but bin/buildout, whose user allows the sample source distributions."""
    (build.bin / "eggcarton").rename(tmp_path / "eggcarton")
    build.configure("[buildout]\nparts =\n")
    build.variables["no_proxy"] = "127.0.0.1,localhost"
    return build


def test_each_difference_has_its_reason() -> None:
    """Every difference that is kept says why, and what is left out is there to be left out."""
    assert [] == [difference for difference in DIFFERENCES if not difference.reason.endswith(".")]
    assert {path.name for path in eggdocs.DOCUMENTS.glob("*.rst")} == LEFT_OUT | set(RUN)


@pytest.mark.slow
@pytest.mark.parametrize("extension", [True, False], ids=["with the extension", "without the extension"])
@pytest.mark.parametrize("document", RUN)
def test_document(
    document: str, extension: bool, sample: Buildout, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example prints what its document says, or what the list of kept differences says of it."""
    links = tmp_path / "links"
    links.mkdir()
    eggdocs.sample_eggs(links, wheels)
    monkeypatch.chdir(sample.root)
    with eggdocs.link_server(links) as address:
        sample.variables["PIP_INDEX_URL"] = f"{address}index"
        defaults = f"[buildout]\nindex = {address}index\n"
        if extension:
            defaults += "extensions = eggcarton\n[eggcarton]\nallow-sdist = demoneeded\n"
        (sample.home / ".buildout" / "default.cfg").write_text(defaults, "utf-8")
        kept = [difference for difference in DIFFERENCES if difference.holds(document, extension=extension)]
        names = recipe_documents.names_of(sample, address)
        text = eggdocs.exchanged((eggdocs.DOCUMENTS / document).read_text("utf-8"))
        found = recipe_documents.failures(document, text, kept, names, recipe_documents.normaliser(sample.root))
    if found:
        pytest.fail("\n".join(found), pytrace=False)
