"""bin/eggcarton environment: what a part can import and from where, and what is different in another one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.buildouts import Buildout, copy, run, tree
from support.distributions import wheel
from support.fakes import greeting, pytest_stand_in
from support.kept import Kept

pytestmark = pytest.mark.slow

CONFIG = """
[buildout]
extensions = eggcarton
develop = dev
parts = app web test coverage text theirs

[app]
recipe = eggcarton:scripts
eggs =
    greeting
    devel
extra-paths = lib

[web]
recipe = eggcarton:wsgi
eggs = greeting
application = greeting:main

[test]
recipe = eggcarton:test
eggs = ${app:eggs}
runner = pytest

[coverage]
recipe = eggcarton:coverage
eggs = ${test:eggs}

[text]
recipe = eggcarton:template
input = inline: hello
output = text

[theirs]
recipe = zc.recipe.egg
eggs = greeting
"""


def told(build: Buildout, *arguments: str, status: int = 0) -> str:
    """Return what environment says, once it is sure that it has changed nothing and asked nobody."""
    before = tree(build.root, build.home)
    build.index.requests.clear()
    found, output = build.run("environment", *arguments, program="eggcarton")
    assert status == found, output
    assert (before, []) == (tree(build.root, build.home), build.index.requests)
    assert "Traceback" not in output
    return output


def rows(output: str) -> dict[str, list[str]]:
    """Return the cells of each line by its first one."""
    found = [re.split("  +", line) for line in output.splitlines() if line]
    return {cells[0]: cells[1:] for cells in found}


def prepare(build: Buildout) -> None:
    """Put everything into place that the configuration needs."""
    greeting(build.index.directory)
    pytest_stand_in(build.index.directory)
    for name in ("coverage", "waitress"):
        wheel(build.index.directory, name, "7.0")
    (build.root / "lib").mkdir()
    build.write("dev/src/devel/__init__.py", "")
    build.write("dev/pyproject.toml", "[project]\nname = 'devel'\nversion = '3'\n")
    build.configure(CONFIG)


def make(build: Buildout) -> None:
    """Put everything into place and build it."""
    prepare(build)
    build.build()


@pytest.fixture
def made(kept: Kept) -> Buildout:
    """A buildout with a part of each recipe of ours that has an environment, and of two that have none."""
    return kept(make)


def test_what_a_part_imports(made: Buildout) -> None:
    """A line for each distribution tells its version, its file, where it lies and what is imported from it."""
    found = rows(told(made, "app"))
    (egg,) = [path.name for path in (made.root / "eggs/v5").glob("greeting-*")]
    (sha256,) = re.findall('sha256 = "(.{16})', re.findall(r"greeting-1.0.*", made.lock.read_text("utf-8"))[0])
    assert ["1.0", sha256, f"eggs/v5/{egg}", "greeting"] == found["greeting"]
    assert ["3", "develop", "dev/src", "devel"] == found["devel"]
    assert ["lib"] == found["extra paths:"]
    assert ["full, as configured"] == found["isolation:"]
    assert "isolation:" not in rows(told(made, "web"))
    assert ["parts/.eggcarton/by-part/app"] == found["lasting path:"]
    (place,) = found["environment:"]
    assert (made.root / place).samefile(made.root / "parts/.eggcarton/by-part/app")
    assert {"greeting", "devel"} < set(found)
    assert "waitress" not in found


def test_a_movable_build_from_another_directory(build: Buildout, tmp_path: Path) -> None:
    """Of a build that may be moved the same is told from whatever directory the command is started in."""
    prepare(build)
    build.configure(CONFIG.replace("develop = dev", "develop = dev\nrelative-paths = true"))
    build.build()
    here = told(build, "app")
    (tmp_path / "elsewhere").mkdir()
    command = [build.bin / "eggcarton", "-c", build.root / "buildout.cfg", "environment", "app"]
    assert (0, here) == run(command, cwd=tmp_path / "elsewhere", variables=build.environment())
    found = rows(here)
    assert ["3", "develop", "dev/src", "devel"] == found["devel"]
    assert ["lib"] == found["extra paths:"]
    assert found["greeting"][2].startswith("eggs/v5/greeting-1.0")


def test_every_part(made: Buildout) -> None:
    """Without a part there is a line for each that has an environment; those that share one tell so."""
    made.configure(CONFIG.replace("parts = app", "parts = app again") + "\n[again]\n<= app\nscripts =\n")
    made.build()
    lines = told(made).splitlines()
    assert ["app", "again", "web", "test", "coverage"] == [line.split()[0] for line in lines]
    assert "again     the environment of app" == lines[1]
    assert re.fullmatch(r"app       2 distributions, parts/\.eggcarton/environments/[0-9a-f]{16}", lines[0])
    for line in lines:
        told(made, line.split()[0])


def test_every_part_that_there_will_be(made: Buildout) -> None:
    """A part that is not built yet is named as that, and one whose environment is gone, each with status 3."""
    lines = told(made).splitlines()
    more = "\n[new]\n<= app\n\n[pins]\nrecipe = eggcarton:pins\nversions-file = x\n\n[further]\n<= theirs\n"
    made.configure(CONFIG.replace("parts = app", "parts = new pins further app") + more)
    assert [*lines, "new       not built yet; run bin/buildout"] == told(made, status=3).splitlines()
    made.configure(CONFIG)
    prefix = (made.root / "parts/.eggcarton/by-part/web").resolve()
    shutil.rmtree(prefix)
    lines[1] = f"web       {prefix}/eggcarton.json is gone; run bin/buildout, which makes it again"
    assert lines == told(made, status=3).splitlines()
    made.build()
    assert lines != told(made).splitlines()


def test_two_parts(made: Buildout) -> None:
    """What is only in one of two parts is told, with status 3; with itself a part has all in common."""
    expected = ["only in [app]: extra path lib", "only in [test]: pytest 9.0"]
    assert expected == told(made, "app", "test", status=3).splitlines()
    lines = told(made, "web", "app", status=3).splitlines()
    assert ["only in [app]: devel 3", "only in [web]: waitress 7.0"] == lines[1:]
    assert re.fullmatch(r"\[app\] imports the same as \[app\]: digest [0-9a-f]{64}\.\n", told(made, "app", "app"))


def test_another_build_of_the_same(made: Buildout, template: Path, tmp_path: Path) -> None:
    """A build of the same lock in another directory has the same digest, and so has a copy of this one."""
    other = Buildout(root=tmp_path / "elsewhere" / "deeper", home=made.home, index=made.index)
    copy(template, other.root)
    prepare(other)
    shutil.copy(made.lock, other.lock)
    other.build()
    copied = tmp_path / "copy of it"
    shutil.copytree(made.root, copied, symlinks=True)
    for part in ("app", "web", "test", "coverage"):
        digest = re.findall("digest: +([0-9a-f]{64})", told(made, part))[0]
        same = f"[{part}] imports the same there: digest {digest}.\n"
        assert same == told(made, part, "--against", str(other.root))
        assert same == told(made, part, "--against", str(copied))
        assert same == told(made, part, "--against", digest)
        prefix = other.root / "parts/.eggcarton/by-part" / part
        assert same == told(made, part, "--against", str(prefix))
        assert same == told(made, part, "--against", str(prefix.resolve()))


def test_another_build_of_something_else(made: Buildout, template: Path, tmp_path: Path) -> None:
    """Other versions, other files of one version and another order of paths are each told as what they are."""
    other = Buildout(root=tmp_path / "other", home=tmp_path / "other-home", index=made.index)
    copy(template, other.root)
    other.home.mkdir()
    shutil.copytree(made.home / ".buildout", other.home / ".buildout")
    made.configure(CONFIG.replace("extra-paths = lib", "extra-paths =\n    lib\n    more"))
    made.build()
    prepare(other)
    greeting(made.index.directory, "2.0")
    wheel(made.index.directory, "coverage", "7.0", {"coverage.py": "other = True\n"})
    other.configure(CONFIG.replace("extra-paths = lib", "extra-paths =\n    more\n    lib"))
    other.build()
    there = f"in {other.root}"
    assert [
        f"other order of extra paths: lib, more here; more, lib {there}",
        f"other version: greeting 1.0 here, 2.0 {there}",
    ] == told(made, "app", "--against", str(other.root), status=3).splitlines()
    lines = told(made, "coverage", "--against", str(other.root), status=3).splitlines()
    assert lines[0].startswith("other file: coverage 7.0, sha256 ")
    digest = re.findall("digest: +([0-9a-f]{64})", told(made, "app"))[0]
    wrong = f"The digest of [app] is {digest}, not {'0' * 64}.\n"
    assert wrong == told(made, "app", "--against", "0" * 64, status=3)


def test_a_file_that_somebody_changed(made: Buildout, tmp_path: Path) -> None:
    """Where the same distributions are there, the files that are different all the same are named."""
    shutil.copytree(made.root, tmp_path / "copy", symlinks=True)
    prefix = (made.root / "parts/.eggcarton/by-part/app").resolve()
    (prefix / "lib/strange.py").write_text("", "utf-8")
    script = prefix / "bin/greet"
    script.write_text(script.read_text("utf-8") + "#", "utf-8")
    assert ["other content: bin/greet", "only here: lib/strange.py"] == told(
        made, "app", "--against", str(tmp_path / "copy"), status=3
    ).splitlines()


def test_what_cannot_be_told(made: Buildout, tmp_path: Path) -> None:
    """Each part that has no environment is told with its reason, and wrong arguments with the right ones."""
    sentences = {
        ("ap",): "there is no part 'ap'; the parts are app, web, test, coverage, text, theirs",
        ("text",): "[text] imports nothing, so that it has no environment",
        ("theirs",): "[theirs] is built by zc.recipe.egg, which gives a part no environment of its own",
        ("app", "theirs"): "[theirs] is built by zc.recipe.egg, which gives a part no environment of its own",
        ("--against", "x"): "--against compares one part with itself in another build; name that one part",
        (
            "app",
            "web",
            "--against",
            "x",
        ): "--against compares one part with itself in another build; name that one part",
        ("app", "--against", "x"): "--against x: that directory is not there; name that of another buildout in which "
        "bin/buildout has run, or an environment",
        ("app", "--against", str(tmp_path)): f"--against {tmp_path}: that directory has no part 'app' with an "
        "environment; name that of another buildout in which bin/buildout has run, or an environment",
    }
    for arguments, sentence in sentences.items():
        assert f"Error: {sentence}\n" == told(made, *arguments, status=2)
    made.configure(CONFIG.replace("parts = app", "parts = new app") + "\n[new]\n<= app\n")
    assert "Error: [new] is not built yet; run bin/buildout\n" == told(made, "new", status=3)
    prefix = (made.root / "parts/.eggcarton/by-part/app").resolve()
    (prefix / "eggcarton.json").write_text("{}", "utf-8")
    gone = f"{prefix} does not tell what it was made of; remove that directory, and run bin/buildout"
    assert f"Error: {gone}\n" == told(made, "app", status=3)
    shutil.rmtree(prefix)
    record = made.root / "parts/.eggcarton/environments" / prefix.name / "eggcarton.json"
    assert f"Error: {record} is gone; run bin/buildout, which makes it again\n" == told(made, "app", status=3)
    made.configure(CONFIG)
    made.build()
    told(made, "app")


def test_before_the_first_run(build: Buildout) -> None:
    """In a directory that was never built, that is said with status 3."""
    prepare(build)
    sentence = "no part has an environment yet; run bin/buildout, which makes those that are needed"
    assert f"Error: {sentence}\n" == told(build, status=3)
    assert "Error: [app] is not built yet; run bin/buildout\n" == told(build, "app", status=3)


def test_without_the_extension(build: Buildout, wheels: Path) -> None:
    """What was built without a lock is told too; no sha256 stands for what came from anywhere."""
    prepare(build)
    shutil.copy(next(wheels.glob("setuptools-*.whl")), build.index.directory)
    # pip takes the index only where it is told in its own way.
    build.variables["PIP_INDEX_URL"] = build.index.url
    section = CONFIG[CONFIG.index("[app]") : CONFIG.index("[web]")]
    build.configure(f"[buildout]\ndevelop = dev\nparts = app\n{section}")
    build.build()
    found = rows(told(build, "app"))
    assert ["1.0", "not locked"] == found["greeting"][:2]
    assert "greeting" == found["greeting"][3]
    assert ["3", "develop", "dev/src", "devel"] == found["devel"]


def test_the_lasting_path(made: Buildout) -> None:
    """The link follows the part from one environment to the next, and goes with the part."""
    link = made.root / "parts/.eggcarton/by-part/app"
    first = link.readlink()
    assert Path("../environments") == first.parent
    assert 0 == made.run("environment", "app", program="eggcarton").status
    made.configure(CONFIG.replace("    devel\nextra", "extra"))
    made.build()
    assert first != link.readlink()
    assert "devel" not in rows(told(made, "app"))
    assert (link.parent / first).is_dir()
    made.configure(CONFIG.replace("parts = app", "parts =").replace("${app:eggs}", "greeting"))
    made.build()
    assert not link.is_symlink()
    assert "Error: there is no part 'app'; the parts are web, test, coverage, text, theirs\n" == told(
        made, "app", status=2
    )
