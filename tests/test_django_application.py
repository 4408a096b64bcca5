"""Tests that nobody here wrote: those of a released application of Django run in a part as they do without it."""

from __future__ import annotations

import os
import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from zc.buildout import easy_install

from eggcarton.core.errors import EggcartonError
from eggcarton.indexes.cache import Cache
from eggcarton.indexes.client import Client
from eggcarton.indexes.configured import index_url
from eggcarton.indexes.fetch import Fetcher
from eggcarton.indexes.listing import Pages
from eggcarton.indexes.network import Network
from eggcarton.indexes.routing import Index as Named
from eggcarton.indexes.routing import Routing
from eggcarton.indexes.wanted import Wanted
from support.buildouts import Shared, downloaded, fresh, locked, run, user_cache
from support.index import Index
from support.junit import kinds

pytestmark = pytest.mark.slow

PINS = Path(__file__).with_name("support") / "django.txt"
APPLICATION = Wanted(
    "django-debug-toolbar",
    "django_debug_toolbar-8.0.0.tar.gz",
    "cae32d3e441e608f39f3f1ca6b3f028c38d5d04d74c98d8ab96d46022dee3163",
)
CONFIG = """
    [buildout]
    extensions = eggcarton
    parts = test py

    [eggcarton]
    compile = true

    [test]
    recipe = eggcarton:test
    eggs =
        django-debug-toolbar
        django-csp
        django-template-partials
        html5lib
        jinja2
    runner = django
    settings = tests.settings
    packages = tests
    working-directory = application
    junit = junit.xml

    [py]
    recipe = eggcarton:scripts
    eggs = ${test:eggs}
    interpreter = py
    scripts =
    isolation = none
    """


def unpacked(file: Wanted, place: Path) -> None:
    """Unpack the tests of a source distribution, which comes from the cache or the machine's own index."""
    network = Network(Client())
    index = Named("main", index_url(os.environ, Path.home()) or easy_install.default_index_url)
    fetcher = Fetcher(Cache(user_cache()), Pages(Routing((index,)), network), network)
    with tarfile.open(fetcher.fetch([file])[file.sha256]) as archive:
        for member in archive.getmembers():
            _, _, below = member.name.partition("/")
            if member.isfile() and below.startswith("tests/") and ".." not in below:
                path, content = place / below, archive.extractfile(member)
                assert content is not None
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def test_as_many_as_without_a_part(template: Path, shared: Shared, tmp_path: Path) -> None:
    """The tests of django-debug-toolbar are as many as `python -m django test` finds, and come out the same."""
    with locked(shared.directory / "django"):
        wheels = downloaded(PINS)
    with Index(wheels) as index:
        build = fresh(tmp_path, template, index)
        try:
            unpacked(APPLICATION, build.root / "application")
        except EggcartonError as error:
            pytest.skip(f"the application cannot be fetched here: {error}")
        build.configure(CONFIG)
        build.build()
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    words = [build.bin / "py", "-m", "django", "test", "tests"]
    bare = run(words, cwd=build.root / "application", variables=build.environment() | settings)
    status, output = build.run(program="test")
    assert (0, 0) == (bare.status, status), output
    numbers = [re.findall(r"^(Found \d+|Ran \d+|OK.*)", text, re.MULTILINE) for text in (bare.output, output)]
    assert sorted(numbers[0]) == sorted(numbers[1]), output
    found = Counter(kinds(build.root / "junit.xml").values())
    assert f"Found {found.total()}" in output
    assert ("passed", True) == (found.most_common(1)[0][0], found.total() > 300)
