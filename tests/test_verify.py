"""bin/eggcarton verify: every byte of a build that is not what was locked is named, and so is the promise it keeps."""

from __future__ import annotations

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from support.buildouts import Buildout, copy, run, tree
from support.distributions import wheel
from support.fakes import greeting
from support.mixed import CONFIG

pytestmark = pytest.mark.slow


def verified(build: Buildout, *arguments: str, status: int = 0, options: tuple[str, ...] = ()) -> str:
    """Return what verify says, once it is sure that it has changed nothing and asked nobody."""
    before = tree(build.root, build.home)
    build.index.requests.clear()
    found, output = build.run(*options, "verify", *arguments, program="eggcarton")
    assert status == found, output
    assert (before, []) == (tree(build.root, build.home), build.index.requests)
    return output


AIR_GAPPED = """\
Not checked: what recipes of others made: theirs.
This build is air-gapped. It is not reproducible: it was not compared; verify --against DIGEST does, with the digest \
of another build.
"""


def test_a_build_that_is_whole(built: Buildout) -> None:
    """A build that is as it was made is air-gapped, and reproducible beside one that has the same digest."""
    assert AIR_GAPPED == verified(built)
    digest = verified(built, "--tree-digest").splitlines()[-1]
    assert "This build is reproducible." == verified(built, "--against", digest).splitlines()[-1]
    assert 0 == built.run("-c", "import greeting", program="py").status
    assert digest == verified(built, "--tree-digest").splitlines()[-1]
    assert f"its tree digest is {digest}, not {'0' * 64}." in verified(built, "--against", "0" * 64, status=5)
    assert "--against 1: not a tree digest" in built.fails("verify", "--against", "1", program="eggcarton", status=2)


def test_what_pytest_keeps(built: Buildout) -> None:
    """One file of pytest's own beside a module is told as one."""
    egg = next((built.root / "eggs/v5").glob("greeting-*")).resolve()
    source = next(path for path in egg.rglob("*.py"))
    kept = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}-pytest-8.4.2.pyc"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(b"")
    told = "Not checked: 1 compiled file that pytest keeps for itself; only pytest reads such files."
    assert told == verified(built).splitlines()[0]


def test_what_is_not_as_it_was(built: Buildout) -> None:
    """Each promise that is broken is told with its reason, and files by their names."""
    cached = [path for path in (built.cache / "sha256").rglob("*") if path.is_file()]
    for path in cached:
        path.rename(built.home / path.name)
    assert "This build is verified. It is not air-gapped: greeting-1.0-py3-none-any.whl is" in verified(built)
    for path in cached:
        (built.home / path.name).rename(path)
    (built.root / "etc/text.ini").write_text("hello moon\n", "utf-8")
    egg = next((built.root / "eggs/v5").glob("greeting-*")).resolve()
    (egg / "evil.py").write_text("", "utf-8")
    lines = verified(built, status=5).splitlines()
    assert {"changed: etc/text.ini", f"extra: {(egg / 'evil.py').relative_to(built.root)}"} == set(lines[:2])
    assert "This build is locked. It is not verified: 2 files are not as they were built from the lock" in lines[-1]
    text = built.lock.read_text("utf-8")
    built.lock.write_text(re.sub('sha256 = "[0-9a-f]{64}"', f'sha256 = "{"0" * 64}"', text), "utf-8")
    assert "This build is pinned. It is not locked: greeting 1.0 came from a file" in verified(built, status=5)
    built.lock.write_text(text, "utf-8")
    built.configure(CONFIG.replace("eggs = greeting", "eggs = greeting>1"))
    (egg / "evil.py").unlink()
    (built.root / "etc/text.ini").unlink()
    assert "This build is not pinned: part app needs greeting>1" in verified(built, status=5)


def egg_of(build: Buildout, name: str) -> Path:
    return next((build.root / "eggs/v5").glob(f"{name}-*")).resolve()


def environment_of(build: Buildout) -> Path:
    """Return the environment of bin/py; that of an earlier run is kept beside it."""
    script = (build.bin / "py").read_text("utf-8")
    (found,) = (path for path in (build.root / "parts/.eggcarton/environments").iterdir() if path.name in script)
    return found


def scratch(build: Buildout, *places: Path) -> list[Path]:
    """Change a file in each of some places, lose one and add one; return the places."""
    for place in places:
        one, other = sorted(path for path in place.rglob("*") if path.is_file() and "site-packages" not in path.parts)[
            :2
        ]
        one.write_bytes(one.read_bytes() + b"#")
        other.unlink()
        (place / "more.txt").write_text("", "utf-8")
    return list(places)


@pytest.mark.parametrize("what", ["an egg", "two eggs and a file", "five eggs", "an environment", "a missing file"])
def test_what_is_advised_heals(built: Buildout, what: str) -> None:
    """Whoever removes what the advice names, and nothing else, and runs bin/buildout has a build that is verified."""
    wheel(built.index.directory, "six", "1.0", {"six.py": "version = 1\n"})
    wheel(built.index.directory, "web", "1.0", {"web.py": "import six\n", "web2.py": ""}, requires=["six"])
    several = [f"lib{number}" for number in range(3)] if what == "five eggs" else []
    for name in several:
        wheel(built.index.directory, name, "1.0", {f"{name}.py": "", f"{name}_more.py": ""})
    eggs = "".join(f"    {name}\n" for name in ["greeting", "web", *several])
    built.configure(CONFIG.replace("eggs = greeting\ninterpreter", f"eggs =\n{eggs}interpreter"))
    built.build()
    places, text = [], built.root / "etc/text.ini"
    if what == "an egg":
        # No part names it.
        places = scratch(built, egg_of(built, "six"))
    elif what == "two eggs and a file":
        places = scratch(built, *sorted([egg_of(built, "web"), egg_of(built, "six")]))
        text.write_text("hello moon\n", "utf-8")
    elif what == "five eggs":
        places = scratch(built, *sorted(egg_of(built, name) for name in ["six", "web", *several]))
    elif what == "an environment":
        places = scratch(built, environment_of(built))
    else:
        text.unlink()
    advice = verified(built, status=5).splitlines()[-1].rpartition("from the lock; ")[2]
    names = ", ".join(str(place.relative_to(built.root)) for place in places[: 1 if what == "five eggs" else None])
    more = "and 4 more such in eggs/v5/.eggcarton with files named above"
    assert {
        "an egg": f"remove the directory {names}, and run bin/buildout.",
        "two eggs and a file": f"remove the directories {names} and what else is named above, and run bin/buildout.",
        "five eggs": f"remove the directories {names} {more}, and run bin/buildout.",
        "an environment": f"remove the directory {names}, and run bin/buildout.",
        "a missing file": "run bin/buildout.",
    }[what] == advice
    for place in places:
        shutil.rmtree(place)
    if "else is named" in advice:
        text.unlink()
    built.build()
    assert AIR_GAPPED == verified(built)


def other_version(build: Buildout) -> None:
    """Ask for a version that is not the one that stands here."""
    greeting(build.index.directory, "2.0")
    build.configure(f"{CONFIG}\n[versions]\ngreeting = 2.0\n")


def other_file(build: Buildout) -> None:
    """Lock another file of the same version."""
    text = build.lock.read_text("utf-8")
    build.lock.write_text(re.sub('sha256 = "[0-9a-f]{64}"', f'sha256 = "{"0" * 64}"', text), "utf-8")


def other_byte(build: Buildout) -> None:
    """Change a byte of what came from the right file."""
    egg = next((build.root / "eggs/v5").glob("greeting-*")).resolve()
    (egg / "greeting.py").write_text((egg / "greeting.py").read_text("utf-8") + "#", "utf-8")


def no_file(build: Buildout) -> None:
    """Lose a file that the next build from nothing would need."""
    (found,) = [path for path in (build.cache / "sha256").rglob("*") if path.is_file() and zipfile.is_zipfile(path)]
    found.unlink()


def other_tree(build: Buildout) -> None:
    """Build something else, as right as what was built before."""
    build.write("text.in", "hello {{ name }}, on another day\n")
    build.build()


LADDER = {
    "pinned": (other_version, 3),
    "locked": (other_file, 5),
    "verified": (other_byte, 5),
    "air-gapped": (no_file, 0),
    "reproducible": (other_tree, 5),
}


@pytest.mark.parametrize("rung", LADDER)
def test_the_promise_ladder(built: Buildout, rung: str) -> None:
    """For each promise there is a violation that it reports, and that all promises below it do not."""
    digest = verified(built, "--tree-digest").splitlines()[-1]
    assert "This build is reproducible." == verified(built, "--against", digest).splitlines()[-1]
    violate, status = LADDER[rung]
    violate(built)
    below = list(LADDER)[: list(LADDER).index(rung)]
    output = verified(built, *(["--against", digest] if rung == "reproducible" else []), status=status)
    first = f"This build is {below[-1]}. It is not {rung}: " if below else f"This build is not {rung}: "
    assert first in output.splitlines()[-1]


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_air_gapped_promises(built: Buildout, is_whole: bool) -> None:
    """What is air-gapped is built from nothing without an index; what is not, is not, and says what it lacks."""
    if not is_whole:
        no_file(built)
    assert ("This build is air-gapped." in verified(built)) == is_whole
    built.index.stop()
    for egg in (built.root / "eggs/v5").glob("greeting-*"):
        shutil.rmtree(egg.resolve().parent)
        egg.unlink()
    for name in ("parts", "etc"):
        shutil.rmtree(built.root / name)
    (built.root / ".installed.cfg").unlink()
    if is_whole:
        built.build("-o")
        assert "greeting 1.0" in built.run(program="greet").output
        assert AIR_GAPPED == verified(built)
    else:
        assert "greeting-1.0-py3-none-any.whl" in built.fails("-o", status=4)


def test_not_built(build: Buildout) -> None:
    """Without a lock nothing is pinned; with a lock alone there is nothing yet that could be verified."""
    greeting(build.index.directory)
    build.configure(CONFIG)
    build.write("text.in", "hello\n")
    assert "This build is not pinned: there is no pylock.toml" in verified(build, status=3)
    build.run("lock", program="eggcarton")
    assert "This build is locked. It is not verified: nothing is built here yet" in verified(build, status=3)


def test_another_configuration_was_built(build: Buildout) -> None:
    """Where the last run was of another configuration than the one that is looked at, that one is named."""
    greeting(build.index.directory)
    build.configure(CONFIG)
    build.write("text.in", "hello\n")
    build.write("production.cfg", "[buildout]\nextends = buildout.cfg\nparts = app\n")
    build.build("-c", "production.cfg")
    remark = "The last run was of production.cfg, and not of buildout.cfg: give -c production.cfg to look at what it"
    for words in (["verify"], ["environment"], ["plan"], ["environment", "text"]):
        status, output = build.run(*words, program="eggcarton")
        assert remark in output, (words, output)
        assert status in (2, 3), (words, output)
    assert "This build is air-gapped" in verified(build, options=("-c", "production.cfg"))
    build.write("elsewhere/here", "")
    above = run(
        [build.bin / "eggcarton", "-c", "../buildout.cfg", "verify"],
        cwd=build.root / "elsewhere",
        variables=build.environment(),
    )
    assert "give -c ../production.cfg to look" in above.output
    build.build()
    assert AIR_GAPPED == verified(build)


def test_a_first_build_that_failed(build: Buildout) -> None:
    """What a build that failed has left is verified only when each part is built, recipes of others included."""
    greeting(build.index.directory)
    build.configure(CONFIG.replace("parts = text app theirs", "parts = app text theirs"))
    build.write("text.in", "hello\n")
    stranger = build.write("etc/text.ini", "a stranger's\n")
    assert "etc/text.ini" in build.fails(status=1)
    lines = verified(build, status=3).splitlines()
    sentence = "part text is not built yet (and 1 more); run bin/buildout."
    assert [f"This build is locked. It is not verified: {sentence}"] == lines
    stranger.unlink()
    build.build()
    assert AIR_GAPPED == verified(build)


@pytest.mark.parametrize("compiled", ["false", "true"])
def test_two_directories(build: Buildout, template: Path, tmp_path: Path, compiled: str) -> None:
    """One configuration built in two directories, with nothing of their surroundings alike, has one tree digest."""
    greeting(build.index.directory)
    other = Buildout(root=tmp_path / "quite" / "another place", home=build.home, index=build.index)
    copy(template, other.root)
    other.variables |= {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"}
    digests = []
    for one, mask in ((build, 0o022), (other, 0o077)):
        one.configure(f"{CONFIG}\n[eggcarton]\ncompile = {compiled}\n")
        one.write("text.in", "hello {{ name }} of {{ buildout.root }}\n")
        before = os.umask(mask)
        try:
            one.build()
        finally:
            os.umask(before)
        assert "greeting 1.0" in one.run(program="greet").output
        digests.append(verified(one, "--tree-digest").splitlines()[-1])
    assert digests[0] == digests[1]
    eggs = [next((one.root / "eggs/v5").glob("greeting-*")).resolve() for one in (build, other)]
    assert [compiled == "true"] * 2 == [egg.parent.name.endswith("-compiled") for egg in eggs]
