"""Somebody else's buildout: Plone with stock recipes is built from one lock, serves a site, also by ZEO."""

from __future__ import annotations

import base64
import json
import shutil

import pytest

from support.buildouts import Result, Shared, locked, wait_for
from support.built_plone import EXAMPLE, LOCKS, Plone, ask, copied
from support.proxy import ClosedProxy
from support.servers import running, served

BLOB = bytes(range(256)) * 1024

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> tuple[Plone, Plone]:
    """The example, and the same with ZEO in a checkout beside it, built in one store; all that is locked is cached."""
    place = tmp_path_factory.mktemp("plone")
    site, cluster = copied(place, "one"), copied(place, "zeo")
    with locked(shared.directory / "plone"):
        output = cluster.build("zeo.cfg") + site.build("buildout.cfg")
    assert "Warning" not in output, output
    return site, cluster


@pytest.fixture(scope="module")
def built(both: tuple[Plone, Plone]) -> tuple[Plone, Result]:
    """The example, and how it was verified before Plone ran: Plone adds compiled files to eggs that it may write."""
    site, _ = both
    return site, site.run("eggcarton", "verify")


@pytest.fixture(scope="module")
def site(built: tuple[Plone, Result]) -> Plone:
    """The example with a site in its database."""
    site, _ = built
    status, output = site.run("instance", "run", "create_site.py")
    assert (0, "Plone has been created.") == (status, output.splitlines()[-1]), output
    return site


@pytest.fixture(scope="module")
def cluster(both: tuple[Plone, Plone], site: Plone) -> Plone:
    """The same with ZEO and two clients, and a copy of the database."""
    _, cluster = both
    for name in ("filestorage", "blobstorage"):
        shutil.copytree(site.root / "var" / name, cluster.root / "var" / name, dirs_exist_ok=True)
    return cluster


def test_it_is_locked_and_built_from_the_store(built: tuple[Plone, Result]) -> None:
    """The committed locks, which have no address in them, answer all; every distribution is an egg of the store."""
    site, (status, output) = built
    assert (0, True) == (status, "This build is air-gapped." in output), output
    assert [(EXAMPLE / name).read_bytes() for name in LOCKS] == site.locks()
    parts, recipes = (text.decode() for text in site.locks())
    assert ('name = "plone-recipe-zope2instance"' in recipes, "://" in recipes + parts) == (True, False)
    assert 'name = "products-cmfplone"\nversion = "6.2.2"\n' in parts
    status, output = site.run("zopepy", "-c", "import Products.CMFPlone, lxml; print(Products.CMFPlone, lxml)")
    assert (0, 2) == (status, output.count(f"{site.eggs}/v5/")), output


def test_it_serves_its_front_page(site: Plone) -> None:
    """bin/instance starts, whoever comes sees the site, and bin/backup keeps it meanwhile."""
    with served(*site.command("instance")) as address:
        status, page = ask(f"{address}/Plone")
        assert (200, True) == (status, b"<title>Our site</title>" in page), page.decode()
        status, output = site.run("backup")
    assert (0, 1) == (status, len(list((site.root / "var/backups").glob("*.fsz")))), output


NOTHING_TO_DO = (
    ("buildout",),
    ("buildout", "-n"),
    ("buildout", "-o"),
    ("buildout", "eggcarton:policy=frozen"),
    ("eggcarton", "lock"),
    ("eggcarton", "lock", "--check"),
)


def test_nothing_changed(site: Plone) -> None:
    """Built or locked once more with nothing changed, it asks no network, and its locks are the same byte for byte."""
    before = site.locks()
    for command in NOTHING_TO_DO:
        with ClosedProxy() as proxy:
            status, output = site.run(*command, **proxy.variables)
        assert (0, []) == (status, proxy.asked), (command, output)
        assert (before, False) == (site.locks(), "Warning" in output), (command, output)


def test_a_server_and_two_clients(cluster: Plone) -> None:
    """What is written through one client is read through the other, blobs too; all is kept, and comes back."""
    assert [(EXAMPLE / name).read_bytes() for name in LOCKS] == cluster.locks()
    file = {"data": base64.b64encode(BLOB).decode(), "encoding": "base64", "filename": "report.bin"}
    with running(*cluster.command("zeoserver")) as server:
        with served(*cluster.command("client1")) as first, served(*cluster.command("client2")) as second:
            assert 200 == ask(f"{first}/Plone")[0] == ask(f"{second}/Plone")[0]
            content = {"@type": "File", "id": "report", "title": "Written through one", "file": file}
            status, answer = ask(f"{first}/Plone", content, accept="application/json")
            assert 201 == status, answer
            # The server tells the second client a moment later.
            wait_for(lambda: ask(f"{second}/Plone/report/view")[0] == 200, server)
            status, answer = ask(f"{second}/Plone/report", accept="application/json")
            assert (200, "Written through one") == (status, json.loads(answer)["title"])
            assert (200, BLOB) == ask(f"{second}/Plone/report/@@download/file")
        status, output = cluster.run("backup")
        assert 0 == status, output
    database, blobs = cluster.root / "var/filestorage/Data.fs", cluster.root / "var/blobstorage"

    def data() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in (database, *blobs.rglob("*.blob"))}

    before = data()
    assert BLOB in before.values()
    database.unlink()
    shutil.rmtree(blobs)
    status, output = cluster.run("restore", "--no-prompt")
    assert (0, before) == (status, data()), output
