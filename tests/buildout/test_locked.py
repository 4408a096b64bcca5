"""The recipe ``pins`` in a build: what it writes, when it asks the child, and how a check ends."""

from __future__ import annotations

import pytest

from support.buildouts import Buildout
from support.distributions import wheel

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
parts = app pins

[app]
recipe = eggcarton:scripts
eggs = web
scripts =

[pins]
recipe = eggcarton:pins
versions-file = versions.cfg
constraints-file = constraints.txt
requirements-file = etc/requirements.txt
"""
FILES = {"versions": "versions.cfg", "constraints": "constraints.txt", "requirements": "etc/requirements.txt"}


@pytest.fixture
def project(build: Buildout) -> Buildout:
    """A buildout with a part whose pins are written, and an index with two versions of what it needs."""
    for version in ("1.0", "2.0"):
        wheel(build.index.directory, "web", version, {"web.py": ""}, requires=["six"])
        wheel(build.index.directory, "six", version, {"six.py": ""})
    build.configure(CONFIG)
    return build


def texts(build: Buildout) -> dict[str, str]:
    return {kind: (build.root / name).read_text("utf-8") for kind, name in FILES.items()}


def test_the_files_are_what_export_writes(project: Buildout) -> None:
    """Each file has the bytes of bin/eggcarton export, is told once, and stays untouched when nothing has changed."""
    output = project.build()
    for kind, name in FILES.items():
        assert (0, (project.root / name).read_text("utf-8")) == project.run("export", kind, program="eggcarton")
        assert f"[pins] {project.root / name} written\n" in output
    before = project.tree(".")
    assert 1 == len(project.build().splitlines())
    changed = {path for path, standing in project.tree(".").items() if before.get(path) != standing}
    assert changed <= {str(project.root / ".installed.cfg")}


def test_an_upgrade_is_followed_and_the_files_outlive_the_part(project: Buildout) -> None:
    """What is locked anew is written anew; a part that is removed leaves the files, which others may extend."""
    project.configure(CONFIG + "[versions]\nsix = 1.0\nweb = 2.0\n")
    project.build()
    assert "six==1.0\n" in texts(project)["constraints"]
    project.configure(CONFIG)
    project.run("lock", "--upgrade", "six", program="eggcarton")
    project.build()
    written = texts(project)
    assert "six==2.0\n" in written["constraints"]
    project.write("constraints.txt", written["constraints"].replace("six==2.0", "six==3.0"))
    for more in ([], ["pins:check=true"]):
        status, shown = project.run("plan", "pins", *more, program="eggcarton")
        assert (0, True) == (status, "-six==3.0\n+six==2.0\n" in shown)
    project.build()
    project.configure(CONFIG.replace("parts = app pins", "parts = app"))
    project.build()
    assert written == texts(project)


def test_a_file_of_somebody_else_stays(project: Buildout) -> None:
    """What does not say that eggcarton wrote it is refused by name and stays; what does is replaced."""
    project.write("versions.cfg", "[versions]\nsix = 1.0\n")
    output = project.fails(status=1)
    assert f"Error: [pins] {project.root}/versions.cfg exists and does not begin with" in output
    assert "[versions]\nsix = 1.0\n" == (project.root / "versions.cfg").read_text("utf-8")
    assert not (project.root / "constraints.txt").exists()
    project.write("versions.cfg", "# Written by 'bin/eggcarton export versions' from something: long ago\n")
    (project.root / "versions.cfg").chmod(0o664)
    project.build()
    assert "six = 2.0\n" in texts(project)["versions"]
    assert 0o664 == (project.root / "versions.cfg").stat().st_mode & 0o777


def test_check_ends_with_3_before_anything_is_changed(project: Buildout) -> None:
    """A file that is missing or another, and a pin without a user, are named at once; nothing is built or written."""
    project.write("constraints.txt", "six==1.0\n")
    project.configure(CONFIG + "[versions]\nold = 1.0\nweb = 2.0\n")
    output = project.fails("pins:check=true", status=3)
    assert "Error: [pins] what stands is not what it should be; nothing was changed:\n" in output
    assert "  [versions] pins what nothing uses: old = 1.0; remove that" in output
    assert "  [versions] does not pin six; add that, or name it in 'allow-unpinned'\n" in output
    assert "  -six==1.0\n" in output
    assert "  new file: versions.cfg 0644\n" in output
    assert "six==1.0\n" == (project.root / "constraints.txt").read_text("utf-8")
    assert [] == project.scripts()
    assert not (project.root / "versions.cfg").exists()
    (project.root / "constraints.txt").unlink()
    project.configure(CONFIG + "[versions]\nsix = 2.0\nweb = 2.0\n")
    project.build()
    before = texts(project)
    project.build("pins:check=true")
    assert before == texts(project)
    project.build()
    assert before == texts(project)


def test_pins_are_told_of_develop_packages_and_the_toolchain_too(project: Buildout) -> None:
    """A pin of what runs the build, or is developed, has a user; patterns name what may be there for nothing."""
    project.configure(CONFIG + "allow-unused = old*\n[versions]\nsetuptools = >=1\nolder = 1\nunused = 1\nweb = 2.0\n")
    output = project.build()
    assert "[pins] [versions] pins what nothing uses: unused = 1; remove that, or name it in 'allow-unused'\n" in output
    assert "[pins] [versions] does not pin six; add that, or name it in 'allow-unpinned'\n" in output


def test_a_lock_by_name_serves_without_the_extension(project: Buildout) -> None:
    """Without the extension nothing is locked, which is said; a lock that is named is told of all the same."""
    project.build()
    written = texts(project)
    for name in FILES.values():
        (project.root / name).unlink()
    plain = CONFIG.replace("extensions = eggcarton\n", "").replace("parts = app pins", "parts = pins")
    project.configure(plain)
    assert "[pins] without the extension nothing is locked" in project.build()
    assert not (project.root / "versions.cfg").exists()
    assert "Error: [pins] option 'check': without the extension" in project.fails("pins:check=true", status=2)
    project.configure(f"{plain}lock = pylock.toml\n")
    project.build()
    assert written == texts(project)
    output = project.fails("pins:lock=nothing.toml", status=2)
    assert f"Error: [pins] option 'lock': there is no {project.root}/nothing.toml" in output


def test_a_part_of_a_lock_group_tells_of_its_lock(project: Buildout) -> None:
    """The part's lock-group decides which lock is told of; what other groups lock has a user all the same."""
    project.configure(
        CONFIG.replace("parts = app pins", "parts = app old pins").replace("[pins]\n", "[pins]\nlock-group = old\n")
        + """
[old]
recipe = eggcarton:scripts
lock-group = old
eggs = six
scripts =

[versions]
web = 2.0
six = 2.0

[versions-old]
six = 1.0
"""
    )
    output = project.build()
    assert "[versions]" not in output
    assert ["six==1.0"] == texts(project)["constraints"].splitlines()[1:]
