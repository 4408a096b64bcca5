"""What other tools have locked is taken as it is, or refused with the place where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from eggcarton.core.errors import EggcartonError, IntegrityProblem, UsageProblem
from eggcarton.packages.foreign import ForeignLock, contradictions, read, with_hashes_of
from eggcarton.packages.lock import Lock, LockedFile, LockedPackage

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64
WHEEL = "six-1.0-py3-none-any.whl"
UV = f"""
version = 1
revision = 3
requires-python = ">=3.10"

[[package]]
name = "app"
source = {{ editable = "." }}

[[package]]
name = "Six"
version = "1.0"
source = {{ registry = "https://index.example/simple/" }}
sdist = {{ url = "https://index.example/files/six-1.0.tar.gz", hash = "sha256:{TWO}", size = 3 }}
wheels = [ {{ url = "https://index.example/files/{WHEEL}", hash = "sha256:{ONE}" }} ]
"""
PYLOCK = f"""
lock-version = "1.0"
created-by = "pip"

[[packages]]
name = "six"
version = "1.0"

[[packages.wheels]]
name = "{WHEEL}"
url = "https://index.example/files/{WHEEL}"
hashes = {{ sha256 = "{ONE}" }}
"""


def of(directory: Path, name: str, text: str) -> ForeignLock:
    (directory / name).write_text(text, "utf-8")
    return read(directory / name)


def test_uv(tmp_path: Path) -> None:
    """Of uv.lock the version and the sha256 of each file is taken; what is built from here comes from no index."""
    app, six = of(tmp_path, "uv.lock", UV).packages
    assert ("app", ".", "") == (app.name, app.source, app.specifier)
    assert ("six", "==1.0", None, {WHEEL: ONE, "six-1.0.tar.gz": TWO}) == (
        six.name, six.specifier, six.source, six.files)  # fmt: skip
    assert {ONE, TWO} == six.hashes
    assert "uv.lock: package[1] (Six)" == six.place


def test_pylock(tmp_path: Path) -> None:
    """Of a pylock.toml, whatever it is called, the version and the sha256 of each file is taken."""
    (six,) = of(tmp_path, "pylock.dev.toml", PYLOCK).packages
    assert ("six", "==1.0", {WHEEL: ONE}) == (six.name, six.specifier, six.files)


def test_requirements(tmp_path: Path) -> None:
    """Of a requirements file versions, markers and sha256 are taken, and what is no distribution is told."""
    text = f"Six==1.0 ; sys_platform == 'linux' --hash=sha256:{ONE} --hash=sha512:ff\nweb<2\n-e ./here\n--pre\n"
    found = of(tmp_path, "requirements.txt", text)
    six, web = found.packages
    assert ("six", "==1.0", 'sys_platform == "linux"', {ONE}) == (six.name, six.specifier, six.marker, six.hashes)
    assert ("web", "<2", frozenset()) == (web.name, web.specifier, web.hashes)
    assert ("six==1.0", "web<2") == found.constraints
    assert [
        "requirements.txt, line 4: --pre is ignored; say 'prefer-final = false' in [buildout]",
        "requirements.txt, line 3: -e ./here is left out; what is developed here stands in 'develop' of [buildout]",
    ] == list(found.remarks)


def test_several_versions_of_one(tmp_path: Path) -> None:
    """A marker is part of the constraint where one project has several versions, and nowhere else."""
    text = "six==1.0 ; python_version < '3.12'\nsix==2.0 ; python_version >= '3.12'\nweb==1 ; os_name == 'nt'\n"
    assert (
        'six==1.0 ; python_version < "3.12"',
        'six==2.0 ; python_version >= "3.12"',
        "web==1",
    ) == of(tmp_path, "requirements.txt", text).constraints
    forked = UV.replace(
        'version = "1.0"', 'version = "1.0"\nresolution-markers = ["os_name == \'nt\'", "os_name == \'x\'"]'
    )
    assert 'os_name == "nt" or os_name == "x"' == of(tmp_path, "uv.lock", forked).packages[1].marker


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("requirements.txt", "six==1.0 --hash=md5:00\n", "line 1: six has no sha256, but md5 alone"),
        ("requirements.txt", "six==1.0 --hash=sha256:12\n", "line 1: six: '12' is not a sha256"),
        ("requirements.txt", "six==1.0\nsix==2.0\n", "line 1: requirements.txt has six 1.0 and 2.0"),
        ("uv.lock", UV.replace(f"sha256:{ONE}", "md5:00"), f"{WHEEL} has no sha256, but md5 alone"),
        ("uv.lock", UV.replace(f', hash = "sha256:{ONE}"', ""), f"{WHEEL} has no sha256, so its bytes"),
        ("uv.lock", UV.replace("https://index.example/files", "https://ada:secret@index.example"), "with credentials"),
        ("uv.lock", UV.replace('example/simple/"', 'example/simple/?"').replace("//index.example/simple", "//a:b@c"),
         "with credentials"),
        ("uv.lock", UV[: len(UV) // 2], "uv.lock is not TOML"),
        ("uv.lock", "<<<<<<< HEAD\n" + UV, "uv.lock is not TOML"),
        ("uv.lock", UV.replace('name = "Six"', "name = 3"), "uv.lock is not what its tool writes"),
        ("pylock.toml", PYLOCK.replace("sha256", "md5"), f"{WHEEL} has no sha256, but md5 alone"),
        ("pylock.toml", PYLOCK.replace(f'url = "https://index.example/files/{WHEEL}"', f'path = "../{WHEEL}"'),
         f"the path '../{WHEEL}' leaves the folder"),
        ("pylock.toml", PYLOCK.replace(f'url = "https://index.example/files/{WHEEL}"', f'path = "/{WHEEL}"'),
         f"the path '/{WHEEL}' leaves the folder"),
        ("pylock.toml", PYLOCK.replace("//index", "//ada:secret@index"), "with credentials"),
        ("pylock.toml", PYLOCK.replace('"1.0"\n\n[[', '"1.0"\nindex = "https://ada:secret@c.example"\n[['),
         "with credentials"),
        ("pylock.toml", PYLOCK.replace('lock-version = "1.0"', 'lock-version = "2.0"'), "is not a valid lock"),
    ],
)  # fmt: skip
def test_what_must_not_be_obeyed(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    """What has no sha256, leaves the folder, holds credentials or is half a file is refused with its place."""
    with pytest.raises(IntegrityProblem) as caught:
        of(tmp_path, name, text)
    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("uv.lock", UV.replace("version = 1\n", "version = 2\n"), "uv.lock is of version 2, and only 1 is understood"),
        ("poetry.lock", "", "'poetry export' writes a requirements file of it, which can"),
        ("pyproject.toml", "[project]\n", "pyproject.toml is neither uv.lock nor a pylock.toml"),
    ],
)
def test_what_is_not_understood(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    """A file of another tool, or of a newer version, is told from one that is wrong."""
    with pytest.raises(UsageProblem) as caught:
        of(tmp_path, name, text)
    assert sentence in str(caught.value)


def test_a_missing_lock(tmp_path: Path) -> None:
    """A file that is not there is told in one sentence."""
    with pytest.raises(UsageProblem, match=r"^uv.lock cannot be read: No such file or directory$"):
        read(tmp_path / "uv.lock")


def test_contradictions(tmp_path: Path) -> None:
    """What [versions] and the file exclude of each other is named with both; a range of the file is none."""
    found = of(tmp_path, "requirements.txt", "six==1.0\nweb<2\nx==1\n")
    pins = {"six": SpecifierSet("==2.0"), "web": SpecifierSet("==3"), "x": SpecifierSet(">=1")}
    assert ["[versions] asks for six ==2.0, requirements.txt, line 1 has 1.0"] == contradictions(found, pins)


def locked(*files: tuple[str, str], sdist: str | None = None) -> Lock:
    wheels = tuple(LockedFile(name, sha256) for name, sha256 in files)
    source = LockedFile("six-1.0.tar.gz", sdist) if sdist else None
    return Lock(">=3.10", (LockedPackage("six", "1.0", wheels, source),))


def test_files_are_those_of_the_foreign_lock(tmp_path: Path) -> None:
    """A file that was uploaded later than the foreign lock was made is not locked."""
    found = of(tmp_path, "uv.lock", UV)
    assert locked((WHEEL, ONE)) == with_hashes_of(found, locked((WHEEL, ONE), ("six-1.0-cp39-none-any.whl", THREE)))
    assert locked((WHEEL, ONE), sdist=TWO) == with_hashes_of(found, locked((WHEEL, ONE), sdist=TWO))


def test_without_hashes_the_files_of_the_index_are_taken(tmp_path: Path) -> None:
    """A file with versions alone leaves the files as the index tells them."""
    lock = locked((WHEEL, ONE), ("six-1.0-cp39-none-any.whl", THREE))
    assert lock == with_hashes_of(of(tmp_path, "requirements.txt", "six==1.0\n"), lock)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("uv.lock", UV, f"uv.lock: package[1] (Six): {WHEEL} has the sha256 {ONE}, on the index {THREE}"),
        (
            "requirements.txt",
            f"six==1.0 --hash=sha256:{ONE}\n",
            "requirements.txt, line 1: none of its hashes is that of a file that the index has of six 1.0 and that can "
            "be taken",
        ),
    ],
)
def test_hashes_that_the_index_contradicts(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    """Other bytes on the index than the file tells end it, with the place and both."""
    with pytest.raises(IntegrityProblem) as caught:
        with_hashes_of(of(tmp_path, name, text), locked((WHEEL, THREE)))
    assert f"{name} and the index contradict each other, so that nothing was locked:\n  {sentence}" == str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("requirements.txt", "hg+https://ada:secret@code.example/six@v1#egg=six\n", "requirements.txt, line 1"),
        ("requirements.txt", "-e svn+https://ada:secret@code.example/six@v1#egg=six\n", "requirements.txt, line 1"),
        ("uv.lock", UV.replace('registry = "https://', 'path = "https://ada:secret@'), "uv.lock: package[1] (Six)"),
        (
            "pylock.toml",
            'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "six"\n[packages.vcs]\ntype = "hg"\n'
            'url = "https://code.example/six"\ncommit-id = "1"\n',
            "pylock.toml: packages[0] (six)",
        ),
    ],
)
def test_what_comes_from_no_index(tmp_path: Path, name: str, text: str, place: str) -> None:
    """What another version-control system than git or a directory holds is refused where it is needed."""
    found = of(tmp_path, name, text)
    assert () == found.constraints
    with pytest.raises(EggcartonError) as caught:
        with_hashes_of(found, locked((WHEEL, ONE)))
    assert "only what comes from an index, git or the address of an archive can be locked" in str(caught.value)
    assert f"{place}: six comes from " in str(caught.value)
    assert "secret" not in str(caught.value)
    assert Lock(None, ()) == with_hashes_of(found, Lock(None, ()))


DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("name", "text", "address", "commit", "hashes"),
    [
        (
            "requirements.txt",
            "six[a] @ git+https://ada:secret@code.example/six.git@v1#subdirectory=lib\n",
            "git+https://code.example/six.git@v1#subdirectory=lib",
            None,
            (),
        ),
        ("requirements.txt", f"-e git+ssh://git@code.example/six@{'c' * 40}#egg=six\n", None, "c" * 40, ()),
        (
            "requirements.txt",
            f"https://code.example/six-1.0.tar.gz --hash=sha256:{DIGEST}\n",
            "https://code.example/six-1.0.tar.gz",
            None,
            (DIGEST,),
        ),
        (
            "uv.lock",
            'version = 1\nrequires-python = ">=3.10"\n[[package]]\nname = "six"\nversion = "1"\n'
            f'source = {{ git = "https://code.example/six?subdirectory=lib&tag=v1#{"c" * 40}" }}\n',
            "git+https://code.example/six@v1#subdirectory=lib",
            "c" * 40,
            (),
        ),
        (
            "uv.lock",
            'version = 1\nrequires-python = ">=3.10"\n[[package]]\nname = "six"\nversion = "1"\n'
            f'source = {{ url = "https://code.example/six-1.zip" }}\nsdist = {{ hash = "sha256:{DIGEST}" }}\n',
            "https://code.example/six-1.zip",
            None,
            (DIGEST,),
        ),
        (
            "pylock.toml",
            'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "six"\n[packages.vcs]\ntype = "git"\n'
            f'url = "https://code.example/six"\ncommit-id = "{"c" * 40}"\nrequested-revision = "main"\n',
            "git+https://code.example/six@main",
            "c" * 40,
            (),
        ),
        (
            "pylock.toml",
            'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "six"\n[packages.archive]\n'
            f'url = "https://code.example/six-1.zip"\nhashes = {{ sha256 = "{DIGEST}" }}\n',
            "https://code.example/six-1.zip",
            None,
            (DIGEST,),
        ),
    ],
)
def test_addresses(
    tmp_path: Path, name: str, text: str, address: str | None, commit: str | None, hashes: tuple[str, ...]
) -> None:
    """Repositories of git and archives are taken with the commit or the digest that the file tells."""
    [asked] = of(tmp_path, name, text).addresses
    assert ("six", address or f"git+ssh://git@code.example/six@{commit}") == (asked.name, str(asked.reference))
    assert (commit, frozenset(hashes), True) == (asked.commit, asked.hashes, asked.imported)
