"""Addresses are read as pip and uv read them, and never hold credentials afterwards."""

from __future__ import annotations

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.packages.origin import Origin, Reference, clean, cleaned, given, read, without_address

SHA256 = "ab" * 32


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git+https://host.example/six.git", Reference("git", "https://host.example/six.git")),
        ("git+https://host.example/six@v1/2", Reference("git", "https://host.example/six", "v1/2")),
        ("git+https://a:b@host.example/six@main#egg=six", Reference("git", "https://host.example/six", "main")),
        (
            "git+ssh://git:secret@host.example:22/six.git@v1#subdirectory=./a//b/",
            Reference("git", "ssh://git@host.example:22/six.git", "v1", "a/b"),
        ),
        ("git+file:///srv/six", Reference("git", "file:///srv/six")),
        ("https://host.example/six-1.0.tar.gz?x=1", Reference("archive", "https://host.example/six-1.0.tar.gz?x=1")),
        (
            f"https://host.example/six-1.0.zip#sha256={SHA256}&subdirectory=a",
            Reference("archive", "https://host.example/six-1.0.zip", None, "a", SHA256),
        ),
        ("file:///srv/six-1.0-py3-none-any.whl", Reference("archive", "file:///srv/six-1.0-py3-none-any.whl")),
    ],
)
def test_what_can_be_locked(url: str, expected: Reference) -> None:
    """A repository has an address, a revision and a subdirectory; an archive an address and a digest."""
    assert expected == read(url, "part app")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("hg+https://a:secret@host.example/six@v1", "of version control only git can be locked; name the address"),
        ("svn+https://host.example/six", "of version control only git can be locked"),
        ("git+ext://sh/six", "is not the address of a repository such as git+https://host.example/project.git@v1.0"),
        ("git+git@host.example:six.git", "a repository is named with git+ before its address"),
        ("git+https:///six", "is not the address of a repository such as"),
        ("git+https://host.example/six@", "'' is not a branch, a tag or a commit"),
        ("git+https://host.example/six@--upload-pack=x", "'--upload-pack=x' is not a branch, a tag or a commit"),
        ("git+https://host.example/six#subdirectory=../x", "the subdirectory '../x' leaves the source"),
        ("https://host.example/six", "is neither a wheel nor an archive of a source"),
        ("ftp://host.example/six-1.0.zip", "is neither a wheel nor an archive of a source"),
        ("https://host.example/six-1.0.zip#sha256=1", "'1' is not a sha256"),
        ("https://host.example/six-1.0.zip#md5=1", "only sha256 is checked; replace md5 by it"),
        ("https://[host.example/six-1.0.zip", "is not an address"),
    ],
)
def test_what_cannot_be_locked(url: str, sentence: str) -> None:
    """What cannot be locked is refused with who asks for it, and without credentials."""
    with pytest.raises(UsageProblem) as caught:
        read(url, "part app")
    assert str(caught.value).startswith("part app: ")
    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


def test_credentials() -> None:
    """Credentials go, but for the user that ssh needs; a requirement without any stays as it is written."""
    assert "https://host.example/x@y" == clean("https://me:a%40b@host.example/x@y")
    assert "git+ssh://git@host.example/x" == clean("git+ssh://git:secret@host.example/x")
    line = "six[a]@git+https://host.example/six@v1 ;python_version>'3'"
    assert line == cleaned(line)
    assert "six @ git+https://host.example/six@v1" == cleaned("six @ git+https://me@host.example/six@v1")
    assert "secret" not in cleaned("no requirement https://me:secret@host.example")
    assert "six[a]>=1" == without_address("six[a]>=1")
    assert 'six[a]; python_version > "3"' == without_address(line)
    asked = ["six>=1", line, "a @ git+https://me:secret@host.example/six.git@v1#subdirectory=b"]
    assert {"https://host.example/six.git": "https://me:secret@host.example/six.git"} == given(asked)


def test_answers() -> None:
    """A revision is answered by what was asked for then, and by the commit itself; nothing else is the same."""
    commit = "c" * 40
    origin = Origin("git", "https://host.example/six", "v1", commit)
    for text, expected in (
        ("git+https://host.example/six@v1", True),
        (f"git+https://host.example/six@{commit}", True),
        ("git+https://host.example/six@v2", False),
        ("git+https://host.example/six", False),
        ("git+https://host.example/six@v1#subdirectory=a", False),
        ("git+https://other.example/six@v1", False),
    ):
        assert expected is origin.answers(read(text, "x"), SHA256), text
    archive = Origin("archive", "https://host.example/six-1.0.zip")
    assert archive.answers(read(f"{archive.url}#sha256={SHA256}", "x"), SHA256)
    assert not archive.answers(read(f"{archive.url}#sha256={SHA256}", "x"), "0" * 64)
    assert (f"git+https://host.example/six@{commit}", "git+https://host.example/six@v1") == (origin.exact, str(origin))
