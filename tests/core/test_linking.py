"""Links, and what is made in their place where the platform refuses them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eggcarton.core import linking
from eggcarton.core.linking import link


def refusing(number: int) -> Callable[[object, object], None]:
    """Return what makes a link, on a platform that answers with this error."""

    def make(target: object, place: object) -> None:
        raise OSError(number, os.strerror(number), str(place))

    return make


def not_implemented(target: object, place: object) -> None:
    raise NotImplementedError("links")


def unprivileged(target: object, place: object) -> None:
    error = OSError(errno.EINVAL, "A required privilege is not held by the client")
    error.winerror = 1314  # type: ignore[attr-defined]
    raise error


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory with a script in it, and more below."""
    made = tmp_path / "source"
    (made / "inner").mkdir(parents=True)
    (made / "script").write_text("#!/bin/sh\n", "utf-8")
    (made / "script").chmod(0o755)
    (made / "inner" / "text").write_text("text", "utf-8")
    return made


def test_a_symbolic_link_says_what_it_was_given(source: Path, tmp_path: Path) -> None:
    """Where symbolic links can be made one is, with the text that was given."""
    assert "symbolic" == link("source", tmp_path / "place")
    assert "source" == os.readlink(tmp_path / "place")


REFUSALS = {
    "not permitted": refusing(errno.EPERM),
    "not supported": refusing(errno.EOPNOTSUPP),
    "no such call": refusing(errno.ENOSYS),
    "not implemented": not_implemented,
    "no privilege": unprivileged,
}


@pytest.mark.parametrize("symlink", REFUSALS.values(), ids=REFUSALS)
def test_hard_links_take_the_place_of_symbolic_ones(source: Path, tmp_path: Path, symlink: linking.Make) -> None:
    """A directory becomes one of hard links to the same files, which need no further room."""
    assert "hard" == link("source", tmp_path / "place", symlink=symlink)  # type: ignore[arg-type]
    for name in ("script", "inner/text"):
        assert os.path.samefile(source / name, tmp_path / "place" / name)


@pytest.mark.parametrize(
    "hardlink",
    [*REFUSALS.values(), refusing(errno.EXDEV), refusing(errno.EMLINK)],
    ids=[*REFUSALS, "another file system", "too many"],
)
def test_copies_take_the_place_of_hard_links(source: Path, tmp_path: Path, hardlink: linking.Make) -> None:
    """Copies have the content, the permissions and the time of change of what they were made from."""
    assert "copied" == link(source, tmp_path / "place", symlink=linking.refused, hardlink=hardlink)
    for name in ("script", "inner/text"):
        one, other = (source / name), (tmp_path / "place" / name)
        assert not os.path.samefile(one, other)
        assert one.read_bytes() == other.read_bytes()
        assert (one.stat().st_mode, one.stat().st_mtime_ns) == (other.stat().st_mode, other.stat().st_mtime_ns)


def test_a_target_is_looked_for_beside_the_place(source: Path, tmp_path: Path) -> None:
    """A relative target starts from the directory of the place, or else the source that is told is taken."""
    (tmp_path / "deep").mkdir()
    link("../source/inner/text", tmp_path / "deep" / "file", symlink=linking.refused)
    assert "text" == (tmp_path / "deep" / "file").read_text("utf-8")
    link("nowhere", tmp_path / "place", source=source, symlink=linking.refused)
    assert (tmp_path / "place" / "script").is_file()


def test_links_in_a_source_are_followed(source: Path, tmp_path: Path) -> None:
    """A link in the source becomes what it leads to; one that leads to where it lies in is an error."""
    (source / "again").symlink_to("inner")
    link(source, tmp_path / "place", symlink=linking.refused)
    assert os.path.samefile(source / "inner/text", tmp_path / "place/again/text")
    (source / "inner" / "up").symlink_to("..")
    with pytest.raises(OSError, match="Too many levels of symbolic links") as problem:
        link(source, tmp_path / "other", symlink=linking.refused)
    assert errno.ELOOP == problem.value.errno
    assert not (tmp_path / "other").exists()


def test_what_is_not_wanted_is_left_out(source: Path, tmp_path: Path) -> None:
    """Of a tree that is made of a directory only what is wanted is there."""
    link(source, tmp_path / "place", symlink=linking.refused, is_wanted=lambda path: path.name != "inner")
    assert ["script"] == os.listdir(tmp_path / "place")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS], ids=errno.errorcode.get)
def test_other_errors_are_errors(source: Path, tmp_path: Path, number: int) -> None:
    """That no room is left, or no right to write, is no reason to try otherwise."""
    with pytest.raises(OSError, match=os.strerror(number)):
        link(source, tmp_path / "place", symlink=refusing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        link(source, tmp_path / "place", symlink=linking.refused, hardlink=refusing(number))
    assert ["source"] == os.listdir(tmp_path)


@pytest.mark.parametrize("hardlink", [os.link, linking.refused], ids=["hard", "copied"])
@pytest.mark.parametrize("symlink", [os.symlink, linking.refused], ids=["symbolic", "refused"])
def test_nothing_is_written_over(source: Path, tmp_path: Path, symlink: linking.Make, hardlink: linking.Make) -> None:
    """What stands at the place stays, whatever would be made there."""
    for target in (source, source / "script"):
        place = tmp_path / "place"
        place.write_text("mine", "utf-8")
        with pytest.raises(FileExistsError):
            link(target, place, symlink=symlink, hardlink=hardlink)  # type: ignore[arg-type]
        assert "mine" == place.read_text("utf-8")


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    """Where there are no symbolic links, nothing can be linked to what does not exist."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        link("nowhere", tmp_path / "place", symlink=linking.refused)


def test_the_remark(tmp_path: Path) -> None:
    """It tells what is made instead, and is empty where nothing is."""
    assert "" == linking.sentence(tmp_path, {"symbolic"})
    assert "copies are made instead" in linking.sentence(tmp_path, {"copied"})
    assert "hard links, and copies where" in linking.sentence(tmp_path, {"hard", "copied"})


def test_whether_links_are_possible(tmp_path: Path) -> None:
    """It is found out by making one, of which nothing is left; that there is no room is an error."""
    assert linking.is_possible(tmp_path / "new")
    assert not linking.is_possible(tmp_path, symlink=linking.refused)  # type: ignore[arg-type]
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        linking.is_possible(tmp_path, symlink=refusing(errno.ENOSPC))
    assert ["new"] == os.listdir(tmp_path)
