"""A requirements file is read as pip reads it, and what pip would not understand is told with its file and line."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.packages.requirements_file import RequirementsFile, read

ONE, TWO = "1" * 64, "2" * 64


def told(found: RequirementsFile) -> list[tuple[str, str]]:
    return [(str(entry.place), str(entry.requirement)) for entry in found.entries]


def written(directory: Path, text: str, name: str = "requirements.txt") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_lines(tmp_path: Path) -> None:
    """Comments and empty lines are no entries, a line that goes on has the number of its first."""
    text = "# all\n\nsix>=1.0  # why\nweb[tests] ; \\\n  sys_platform == 'linux'\n  colour#1\nlast\\"
    with pytest.raises(UsageProblem, match="line 6: 'colour#1' is not a requirement"):
        read(written(tmp_path, text))
    found = read(written(tmp_path, text.replace("#1", "")))
    assert [
        ("requirements.txt, line 3", "six>=1.0"),
        ("requirements.txt, line 4", 'web[tests]; sys_platform == "linux"'),
        ("requirements.txt, line 6", "colour"),
        ("requirements.txt, line 7", "last"),
    ] == told(found)


def test_a_comment_ends_a_line_that_goes_on(tmp_path: Path) -> None:
    """A comment line between continued ones ends them, as it does for pip."""
    found = read(written(tmp_path, "six \\\n# and \\\nweb\n"))
    assert [("requirements.txt, line 1", "six"), ("requirements.txt, line 3", "web")] == told(found)


def test_hashes(tmp_path: Path) -> None:
    """All hashes of a requirement are kept with their algorithm, in their order."""
    text = f"six==1.0 \\\n    --hash=sha256:{ONE} \\\n    --hash sha512:{TWO}\n"
    (entry,) = read(written(tmp_path, text)).entries
    assert (f"sha256:{ONE}", f"sha512:{TWO}") == entry.hashes


def test_other_files(tmp_path: Path) -> None:
    """Files are named relative to the one that names them, and what they hold is a constraint or not."""
    written(tmp_path, "-r more/base.txt\n--constraint=more/pins.txt\ntop\n")
    written(tmp_path, "base\n-c pins.txt\n", "more/base.txt")
    written(tmp_path, "pinned==1\n", "more/pins.txt")
    found = read(tmp_path / "requirements.txt")
    assert [
        ("more/base.txt, line 1", "base"),
        ("more/pins.txt, line 1", "pinned==1"),
        ("more/pins.txt, line 1", "pinned==1"),
        ("requirements.txt, line 3", "top"),
    ] == told(found)
    assert [False, True, True, False] == [entry.constraint for entry in found.entries]


def test_a_cycle(tmp_path: Path) -> None:
    """A file that leads back to itself is refused, with the line that does."""
    written(tmp_path, "-r b.txt\n")
    written(tmp_path, "six\n-c requirements.txt\n", "b.txt")
    with pytest.raises(UsageProblem) as caught:
        read(tmp_path / "requirements.txt")
    assert "b.txt, line 2: requirements.txt leads back to itself; take one of the lines out" == str(caught.value)


@pytest.mark.parametrize(
    ("line", "name", "url"),
    [
        ("six @ https://index.example/six-1.0.zip", "six", "https://index.example/six-1.0.zip"),
        ("git+https://code.example/six@v1#egg=six[x]", "six", "git+https://code.example/six@v1#egg=six[x]"),
        ("https://index.example/six-1.0-py3-none-any.whl", "six", "https://index.example/six-1.0-py3-none-any.whl"),
        ("./files/six-1.0.tar.gz", "six", "./files/six-1.0.tar.gz"),
        ("-e ./here", None, "./here"),
        ("--editable=git+ssh://git@code.example/six#egg=six", "six", "git+ssh://git@code.example/six#egg=six"),
    ],
)
def test_addresses(tmp_path: Path, line: str, name: str | None, url: str) -> None:
    """An address or path keeps what it says, and names a project where it says so."""
    (entry,) = read(written(tmp_path, line)).entries
    assert (name, url) == (entry.requirement and entry.requirement.name, entry.url)
    assert line.startswith("-") == entry.editable


def test_options(tmp_path: Path) -> None:
    """Every option that decides nothing here is told as ignored, with what says it instead and without its value."""
    text = """\
        -i https://ada:secret@index.example/simple/
        --extra-index-url https://index.example/more/
        --find-links ./links
        --no-binary :all:
        --only-binary=six
        --pre
        --trusted-host index.example
        six --config-settings x=y
        """
    found = read(written(tmp_path, text))
    assert ["six"] == [str(entry.requirement) for entry in found.entries]
    assert [
        "requirements.txt, line 1: --index-url is ignored; name the index as 'index' in [buildout]",
        "requirements.txt, line 2: --extra-index-url is ignored; one index is asked: name one that has all as 'index' "
        "in [buildout]",
        "requirements.txt, line 3: --find-links is ignored; name it in 'find-links' in [buildout]",
        "requirements.txt, line 4: --no-binary is ignored; wheels are taken where there are any; 'allow-sdist' in "
        "[eggcarton] names what may be built",
        "requirements.txt, line 5: --only-binary is ignored; that is always so here but for what 'allow-sdist' in "
        "[eggcarton] names",
        "requirements.txt, line 6: --pre is ignored; say 'prefer-final = false' in [buildout]",
        "requirements.txt, line 7: --trusted-host is ignored; let the variable SSL_CERT_FILE name the certificate of "
        "that host",
        "requirements.txt, line 8: --config-settings is ignored; builds take no options",
    ] == found.ignored


def test_variables(tmp_path: Path) -> None:
    """A variable is put in where it is set; one that is not is named."""
    path = written(tmp_path, "six==${SIX_VERSION}\n")
    assert ["six==1.0"] == [str(e.requirement) for e in read(path, variables={"SIX_VERSION": "1.0"}).entries]
    with pytest.raises(UsageProblem, match="line 1: the environment variable SIX_VERSION is not set"):
        read(path, variables={})


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"# -*- coding: latin-1 -*-\n", "latin-1"),
    ],
)
def test_encodings(tmp_path: Path, mark: bytes, encoding: str) -> None:
    """A byte order mark or a coding comment tells the encoding."""
    path = tmp_path / "requirements.txt"
    path.write_bytes(mark + "six  # für\n".encode(encoding))
    assert ["six"] == [str(entry.requirement) for entry in read(path).entries]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\n\nfoo bar\n", "requirements.txt, line 3: 'foo bar' is not a requirement such as name>=1.0"),
        ("<<<<<<< HEAD\n", "requirements.txt, line 1: '<<<<<<<' is what a merge leaves; take one side of it"),
        ("-r gone.txt\n", "requirements.txt, line 1: gone.txt cannot be read: No such file or directory"),
        ("-r .\n", "requirements.txt, line 1: . cannot be read: Is a directory"),
        (
            "-r https://ada:secret@index.example/all.txt\n",
            "requirements.txt, line 1: https://index.example/all.txt is an address; fetch that file, and name the copy",
        ),
        ("--frob\n", "requirements.txt, line 1: '--frob' are no options of pip: unrecognized arguments: --frob"),
        ("x y @ https://a:b@index.example/x\n", "requirements.txt, line 1: 'x y @ https://index.example/x' is not a "
         "requirement such as name>=1.0"),
    ],
)  # fmt: skip
def test_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    """What pip would not understand is refused with file and line, and no password is told."""
    with pytest.raises(UsageProblem) as caught:
        read(written(tmp_path, text))
    assert sentence == str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and one that is no text are told in one sentence."""
    with pytest.raises(UsageProblem) as caught:
        read(tmp_path / "gone.txt")
    assert "gone.txt cannot be read: No such file or directory" == str(caught.value)
    (tmp_path / "b.txt").write_bytes(b"six\xff\xfe\x00")
    with pytest.raises(UsageProblem) as caught:
        read(tmp_path / "b.txt")
    assert "b.txt is not text in the encoding utf-8; save it as UTF-8" == str(caught.value)
