"""What zc.buildout's options say of versions means the same under a lock."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.distributions import wheel
from support.fakes import greeting

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app theirs
{}

[app]
recipe = eggcarton:scripts
eggs = greeting

[theirs]
recipe = zc.recipe.egg
eggs = library

[versions]
{}
"""


@pytest.fixture
def locked(build: Buildout) -> Buildout:
    """A buildout with a part of ours and one of zc.recipe.egg, built once without pins."""
    greeting(build.index.directory)
    wheel(build.index.directory, "library", "1.0")
    build.configure(CONFIG.format("", ""))
    build.build()
    return build


def test_a_range(locked: Buildout) -> None:
    """A range in [versions] holds the lock inside it, and the part that is built from it."""
    greeting(locked.index.directory, "1.5")
    greeting(locked.index.directory, "2.0")
    locked.configure(CONFIG.format("", "greeting = >1,<2"))
    assert "pylock.toml: greeting 1.0 -> 1.5\n" in locked.build()
    assert "greeting 1.5\n" == locked.run(program="greet").output


def test_versions_must_be_pinned(locked: Buildout) -> None:
    """With allow-picked-versions = false what is locked and not pinned is told at once, ready to paste."""
    before = locked.tree("bin", "parts/app")
    locked.configure(CONFIG.format("allow-picked-versions = false", "library = >=1"))
    output = locked.fails(status=2)
    assert (
        "Error: allow-picked-versions = false in [buildout], and not everything that is locked is pinned; add,"
        in output
    )
    assert "\n[versions]\ngreeting = 1.0\nlibrary = 1.0\n" in output
    assert before == locked.tree("bin", "parts/app")
    locked.configure(CONFIG.format("allow-picked-versions = false", "greeting = 1.0\nlibrary = 1.0"))
    locked.build()


def test_versions_that_were_picked(locked: Buildout) -> None:
    """With show-picked-versions a run shows what the lock chose and nobody pinned."""
    locked.configure(CONFIG.format("show-picked-versions = true", "library = 1.0"))
    output = locked.build()
    assert "[versions]\ngreeting = 1.0\n" in output
    assert "library" not in output.partition("[versions]")[2]


def test_a_file_of_versions(locked: Buildout) -> None:
    """update-versions-file is given what the lock chose and nobody pinned."""
    locked.write("versions.cfg", "[versions]\nlibrary = 1.0\n")
    locked.configure(CONFIG.format("extends = versions.cfg\nupdate-versions-file = versions.cfg", ""))
    locked.build()
    text = (locked.root / "versions.cfg").read_text("utf-8")
    assert text.startswith("[versions]\nlibrary = 1.0\n")
    assert "\ngreeting = 1.0\n" in text
    assert 1 == text.count("library")


def test_what_is_too_new(locked: Buildout) -> None:
    """With exclude-newer what came later is not locked; the date is in the lock, and its passing is no drift."""
    greeting(locked.index.directory, "2.0")
    locked.configure(CONFIG.format("", "") + "[eggcarton]\nexclude-newer = 2001-01-01\n")
    assert "exclude-newer asks for 2001-01-01T00:00:00Z, the lock was made without" in locked.fails(
        "eggcarton:policy=frozen", status=3
    )
    locked.configure(CONFIG.format("", "") + "[eggcarton]\nexclude-newer = 7 days\n")
    locked.fails(status=1)
    locked.configure(CONFIG.format("", "") + "[eggcarton]\nexclude-newer = soon\n")
    assert "[eggcarton] option 'exclude-newer': 'soon' is neither an age such as 7 days nor" in locked.fails(status=2)


def test_hosts(locked: Buildout) -> None:
    """A host that allow-hosts does not name is not asked for files, and that is told."""
    locked.configure(CONFIG.format("allow-hosts = *.example", "greeting = 1.0\nlibrary = 1.0"))
    for place in ("eggs/v5/.eggcarton", "parts/.eggcarton/state"):
        for path in list((locked.root / place).iterdir()):
            if "closed-set" not in path.name and not path.is_symlink():
                path.rename(locked.home / f"{place.replace('/', '-')}-{path.name}")
    (locked.cache / "sha256").rename(locked.home / "lost")
    assert "option 'allow-hosts' keeps 127.0.0.1:" in locked.fails(status=2)


def test_hosts_while_locking(locked: Buildout) -> None:
    """Nothing is locked from a host that allow-hosts does not name; find-links there is left out, and that is told."""
    wheel(locked.index.directory, "library", "2.0")
    locked.variables["no_proxy"] = "127.0.0.1,localhost"
    links = f"find-links = http://me:secret@127.0.0.1:{locked.index.port}/links/"
    index = f"index = http://localhost:{locked.index.port}/simple/"
    locked.configure(CONFIG.format(f"allow-hosts = localhost\n{index}\n{links}", "library = 2.0"))
    output = locked.build()
    assert "option 'allow-hosts' keeps 127.0.0.1 from being asked, so that its part of 'find-links' is left" in output
    assert "library 1.0 -> 2.0" in output
    assert "secret" not in output
    assert [] == locked.index.paths("/links*")
    locked.index.requests.clear()
    locked.configure(CONFIG.format("allow-hosts = localhost", "library = 1.0"))
    assert "option 'allow-hosts' keeps 127.0.0.1:" in locked.fails(status=2)
    assert [] == locked.index.requests


def test_credentials_that_an_index_does_not_take(locked: Buildout) -> None:
    """An index that wants other credentials is told as such, not as one that lacks a name."""
    locked.index.credentials = "me:secret"
    url = locked.index.url.replace("://", "://me:wrong@")
    for index in (locked.index.url, url):
        locked.configure(CONFIG.format(f"index = {index}", "library = 2.0"))
        output = locked.fails(status=4)
        assert "(HTTP 401)" in output
        assert "; give it credentials that it takes, in pip's configuration" in output
        assert "wrong" not in output


def test_credentials_in_the_configuration(locked: Buildout) -> None:
    """An index whose address holds credentials is used, they are in no file that a run writes, and that is told."""
    locked.index.credentials = "me:secret"
    wheel(locked.index.directory, "further", "1.0")
    url = locked.index.url.replace("://", "://me:secret@")
    locked.configure(CONFIG.format(f"index = {url}", "").replace("eggs = library", "eggs =\n    library\n    further"))
    output = locked.build()
    assert "[buildout] option 'index' holds credentials: they are used, and kept out of the lock" in output
    assert "further 1.0 added" in output
    assert "secret" not in locked.lock.read_text("utf-8")
    assert "secret" not in output
