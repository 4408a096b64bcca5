"""``bin/eggcarton export`` and ``import``: what they write and say, and how they end."""

from __future__ import annotations

import pytest

from eggcarton.indexes.cache import file_digest
from support.buildouts import Buildout, tree
from support.distributions import wheel

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app

[app]
recipe = eggcarton:scripts
eggs = web
interpreter = py
"""


@pytest.fixture
def project(build: Buildout) -> Buildout:
    """A buildout that nobody has locked, and an index with two versions of what it needs."""
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "web", version, {"web.py": f"version = {version!r}\n"}, requires=["six"])
        wheel(build.index.directory, "six", version, {"six.py": f"version = {version!r}\n"})
    build.configure(CONFIG)
    return build


def test_from_requirements_to_a_build(project: Buildout) -> None:
    """What was imported is built without resolving anything, and drifts from nothing, frozen too."""
    sha256 = file_digest(project.index.directory / "web-1.0-py3-none-any.whl")
    project.write("more/requirements.txt", f"-c pins.txt\nweb==1.0 --hash=sha256:{sha256}\n-e ../here\n")
    project.write("more/pins.txt", "six==1.0\nother==3\n")
    status, output = project.run("import", "more/requirements.txt", program="eggcarton")
    assert (0, [
        "requirements.txt, line 3: -e ../here is left out; what is developed here stands in 'develop' of [buildout]",
        "2 distributions, 1 with the hashes of requirements.txt, 1 only by version: hashes taken from the index",
        "left out, since the configuration does not need them: other",
    ]) == (status, output.splitlines())  # fmt: skip
    project.build("eggcarton:policy=frozen")
    status, output = project.run("-c", "import six, web; print(six.version, web.version)", program="py")
    assert (0, "1.0 1.0\n") == (status, output)


def test_a_hash_that_the_index_contradicts(project: Buildout) -> None:
    """Other bytes than the file tells end with exit code 5, and the lock that stands stays."""
    project.build()
    before = project.lock.read_bytes()
    project.write("requirements.txt", f"web==1.0 --hash=sha256:{'0' * 64}\n")
    output = project.fails("import", "requirements.txt", status=5, program="eggcarton")
    assert "requirements.txt, line 1: none of its hashes" in output
    assert before == project.lock.read_bytes()


def test_a_file_that_is_not_understood(project: Buildout) -> None:
    """A line that is no requirement ends with exit code 2, its place, and no lock."""
    project.write("requirements.txt", "web\n\nfoo bar\n")
    output = project.fails("import", "requirements.txt", status=2, program="eggcarton")
    assert "Error: requirements.txt, line 3: 'foo bar' is not a requirement such as name>=1.0\n" in output
    assert not project.lock.exists()


def test_export(project: Buildout) -> None:
    """An export goes to the standard output, or to a file, writes nothing else, and asks nobody."""
    project.build()
    project.index.requests.clear()
    before = tree(project.root)
    status, output = project.run("export", "constraints", program="eggcarton")
    assert (0, ["six==2.0", "web==2.0"]) == (status, output.splitlines()[1:])
    status, said = project.run("export", "constraints", "--output", "etc.txt", program="eggcarton")
    assert (0, "", output) == (status, said, (project.root / "etc.txt").read_text("utf-8"))
    (project.root / "etc.txt").unlink()
    assert before == tree(project.root)
    assert [] == project.index.requests
    status, output = project.run("export", "pylock", program="eggcarton")
    assert (0, project.lock.read_text("utf-8")) == (status, output)


def test_what_export_refuses(project: Buildout) -> None:
    """Without a lock there is nothing to export, and only a pylock has addresses."""
    output = project.fails("export", "versions", status=2, program="eggcarton")
    assert "Error: there is no pylock.toml; bin/eggcarton lock makes it\n" in output
    output = project.fails("export", "versions", "--urls", status=2, program="eggcarton")
    assert "Error: --urls is for 'export pylock'; versions never holds an address\n" in output
    output = project.fails("export", "versions", "--output", "no/v.cfg", status=2, program="eggcarton")
    assert "Error: --output no/v.cfg: there is no directory no\n" in output


def test_versions_that_are_exported_are_a_configuration(project: Buildout) -> None:
    """An exported section, extended, pins what is locked: the lock answers it."""
    project.build()
    project.run("export", "versions", "--output", "versions.cfg", program="eggcarton")
    wheel(project.index.directory, "six", "3.0")
    project.lock.unlink()
    project.configure(CONFIG.replace("[buildout]", "[buildout]\nextends = versions.cfg"))
    project.build()
    assert 'name = "six"\nversion = "2.0"' in project.lock.read_text("utf-8")


def test_an_export_takes_the_place_of_exports_alone(project: Buildout) -> None:
    """Where a file stands that no export wrote, or a lock, that stays; an older export is replaced."""
    project.build()
    mine = project.write("requirements.txt", "my own, in no version control\n")
    for kind in ("requirements", "constraints", "versions", "pylock"):
        output = project.fails("export", kind, "--output", "requirements.txt", status=2, program="eggcarton")
        assert f"Error: --output requirements.txt: a file stands there that no 'export {kind}' wrote" in output
        assert "move it away, or name another one\n" in output
        assert "my own, in no version control\n" == mine.read_text("utf-8")
        new = project.root / f"exported-{kind}"
        for _ in range(2):
            assert (0, "") == project.run("export", kind, "--output", new.name, program="eggcarton")
            new.write_text(f"{new.read_text('utf-8')}# old\n", "utf-8")
    locked = project.lock.read_bytes()
    for kind in ("versions", "pylock"):
        output = project.fails("export", kind, "--output", "pylock.toml", status=2, program="eggcarton")
        assert "Error: --output pylock.toml: " in output
    assert locked == project.lock.read_bytes()
    assert "what stands there is no file" in project.fails(
        "export", "versions", "--output", "bin", status=2, program="eggcarton"
    )
