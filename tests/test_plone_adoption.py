"""The line in a stock buildout of Plone that somebody has had for years: it is put in, and taken out again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.adoption import Adoption
from support.buildouts import Buildout, run
from support.built_plone import EXAMPLE, ask, copied
from support.distributions import sdist, source, wheel
from support.index import Index
from support.repositories import Repository
from support.repositories import served as files_of
from support.servers import served

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extends = {company}/plone.cfg
extensions = {extensions}
find-links = {vendored}
parts = instance zopepy
sources = sources
auto-checkout = *

[sources]
theme = git {repository}

[instance]
recipe = plone.recipe.zope2instance
user = admin:admin
http-address = 127.0.0.1:0
eggs =
    Plone
    addon
    theme

[zopepy]
recipe = zc.recipe.egg
eggs = ${{instance:eggs}}
interpreter = zopepy
scripts = zopepy
"""
COMPANY = """
[buildout]
extends = versions.cfg
show-picked-versions = true

[versions]
# As they were when the site was begun.
packaging = 24.2
"""
WAIT = 1800
"""Seconds after which a stock build is given up; it takes two minutes on a machine that does nothing else."""
TOLD = "import addon, theme, packaging, Products.CMFPlone; print(addon.word, theme.word, packaging.__version__)"


class Site:
    """A checkout of Plone by stock recipes, and the one line that is put in and taken out."""

    def __init__(self, build: Buildout, **told: object) -> None:
        self.build, self._told = build, told

    def configure(self, extensions: str, more: str = "") -> None:
        """Write the configuration with these extensions."""
        self.build.configure(CONFIG.format(extensions=extensions, **self._told) + more)

    def stock(self) -> None:
        """Build it by zc.buildout alone."""
        status, output = run(
            [self.build.bin / "buildout"], cwd=self.build.root, variables=self.build.environment(), wait=WAIT
        )
        assert 0 == status, output

    def works(self) -> None:
        """Make sure that the interpreter has what was asked for, and that the site serves its front page."""
        assert "an add-on of 2009, our theme, 24.2\n" == self.build.run("-c", TOLD, program="zopepy").output
        command = [self.build.bin / "instance", "fg"]
        with served(command, self.build.root, self.build.environment()) as address:
            status, page = ask(f"{address}/Plone")
        assert (200, True) == (status, b"<title>Our site</title>" in page), page.decode()

    def files(self) -> dict[str, list[str]]:
        """Return the words of what parts have made, sorted: zc.buildout puts first what it has just fetched.

        Our notes are left out, which wait for the line, and what Zope takes away when it starts for the first time.
        """
        root = self.build.root
        made = [path for name in ("bin", "parts") for path in (root / name).rglob("*") if path.is_file()]
        made = [path for path in made if path.name != "inituser" and ".eggcarton" not in path.parts]
        return {str(path): sorted(path.read_text("utf-8").split()) for path in made}


@pytest.fixture
def plone(tmp_path: Path, index: Index, adoption: Adoption) -> Index:
    """An index that has Plone, the recipes that build it, and what eggcarton is made of."""
    example = copied(tmp_path / "example", "site")
    example.build("buildout.cfg")
    status, output = example.run("eggcarton", "fetch", "--to", str(tmp_path / "fetched"))
    assert 0 == status, output
    for name, path in {path.name: path for path in (tmp_path / "fetched").rglob("*.whl")}.items():
        (index.directory / name).symlink_to(path)
    here = {re.sub("[-_.]+", "-", path.name.partition("-")[0]).lower() for path in index.directory.iterdir()}
    for lock in example.locks():
        for name, version in re.findall('^name = "(.+)"\nversion = "(.+)"$', lock.decode(), re.MULTILINE):
            if name not in here:
                # What other Pythons and platforms need is locked too, and nothing of it is installed here.
                wheel(index.directory, name, version)
    adoption.fill(index.directory)
    return index


def test_a_stock_plone(tmp_path: Path, plone: Index, adoption: Adoption) -> None:
    """Stock, with the line, without it: the same site is served, and its files are those that were."""
    sdist(plone.directory, "addon", "1.0", {"addon.py": "word = 'an add-on of 2009,'\n"}, backend="setuptools")
    repository = Repository(tmp_path / "theme")
    source(tmp_path, "theme", "3.0", {"theme.py": "word = 'our theme,'\n"})
    repository.commit()
    (tmp_path / "company").mkdir()
    (tmp_path / "company" / "plone.cfg").write_text(COMPANY, "utf-8")
    shutil.copy(EXAMPLE / "versions.cfg", tmp_path / "company")
    build = adoption.checkout(tmp_path, "6.0.1", plone)
    with files_of(tmp_path / "company") as company:
        site = Site(build, vendored=adoption.vendored(), company=company, repository=repository.place)
        site.configure("mr.developer")
        site.stock()
        shutil.copy(EXAMPLE / "create_site.py", build.root)
        created = build.run("run", "create_site.py", program="instance")
        assert "Plone has been created." == created.output.splitlines()[-1], created.output
        site.works()
        stock = site.files()
        # One line.
        site.configure("eggcarton mr.developer")
        pasted = re.search(r"^\[eggcarton\]\nallow-sdist =\n(?:    .+\n)+", build.fails(status=2), re.MULTILINE)
        assert pasted
        assert "[eggcarton]\nallow-sdist =\n    addon\n" == pasted[0]
        site.works()
        site.configure("eggcarton mr.developer", pasted[0])
        build.build()
        site.works()
        assert b'name = "products-cmfplone"' in (build.root / "pylock.toml").read_bytes()
        plone.requests.clear()
        build.build("eggcarton:policy=frozen")
        assert [] == plone.requests
        # Taken out again.
        site.configure("mr.developer")
        site.stock()
        site.works()
        assert stock == site.files()
