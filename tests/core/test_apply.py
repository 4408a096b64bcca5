"""Facts about the one door through which a part's files are written."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eggcarton.core.apply import apply
from eggcarton.core.errors import (
    CommandFailed,
    EggcartonError,
    ForeignFile,
    RecordProblem,
    StagingProblem,
    UnmarkedFile,
)
from eggcarton.core.plan import (
    EditableFile,
    ExpectedFile,
    File,
    Item,
    KeptDirectory,
    KeptFile,
    Link,
    OwnedDirectory,
    Plan,
    Produced,
    Rendered,
)
from eggcarton.core.records import read_record


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "buildout"


def install(root: Path, *items: Item, part: str = "web", **effects: Any) -> tuple[str, ...]:
    return apply(Plan(items), part, root / "parts/.eggcarton", replace=False, **effects)


def update(root: Path, *items: Item, part: str = "web", **effects: Any) -> tuple[str, ...]:
    return apply(Plan(items), part, root / "parts/.eggcarton", replace=True, **effects)


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    """All that stands below a directory, with its modes and times; records and their directories aside."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name == "parts" or name.startswith("parts/.eggcarton/") or name == "parts/.eggcarton":
            continue
        seen = path.lstat()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("directory", stat.S_IMODE(seen.st_mode))
        elif not path.is_file():
            found[name] = ("other", stat.S_IMODE(seen.st_mode))
        else:
            found[name] = ("file", path.read_bytes(), stat.S_IMODE(seen.st_mode), seen.st_mtime_ns)
    return found


def untimed(found: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    return {name: state[:3] for name, state in found.items()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def fill(root: Path, text: str) -> Produced:
    """A directory that a real command fills, with one file and one below."""
    program = "mkdir -p {staging}/deep && printf %s {text} > {staging}/deep/file"
    words = ("/bin/sh", "-c", program.replace("{text}", text))
    return Produced(root / "parts/docs", words)


class TestWriting:
    def test_every_kind_of_item(self, root: Path) -> None:
        """Files, links, directories, rendered files and produced directories stand as planned."""
        owned = install(
            root,
            File(root / "bin/web", "#!/bin/sh\n", 0o755),
            File(root / "etc/binary", b"\0\xff", 0o600),
            Link(root / "etc/current", "binary"),
            OwnedDirectory(root / "parts/web"),
            KeptDirectory(root / "var/web", 0o750),
            Rendered(root / "etc/web.ini", "{{ x }}", "web.ini.in", {"x": "1"}, 0o640),
            fill(root, "made"),
            render=lambda item: item.template.replace("{{ x }}", str(item.variables["x"])),
        )
        assert {
            "bin": ("directory", 0o755),
            "bin/web": ("file", b"#!/bin/sh\n", 0o755),
            "etc": ("directory", 0o755),
            "etc/binary": ("file", b"\0\xff", 0o600),
            "etc/current": ("link", "binary"),
            "etc/web.ini": ("file", b"1", 0o640),
            "parts/docs": ("directory", 0o755),
            "parts/docs/deep": ("directory", 0o755),
            "parts/docs/deep/file": ("file", b"made", 0o644),
            "parts/web": ("directory", 0o755),
            "var": ("directory", 0o755),
            "var/web": ("directory", 0o750),
        } == untimed(tree(root))
        expected = ["bin/web", "etc/binary", "etc/current", "parts/web", "etc/web.ini", "parts/docs"]
        assert tuple(str(root / name) for name in expected) == owned

    def test_umask(self, root: Path) -> None:
        """A umask of 077 changes no mode, neither of files nor of directories and parents."""
        before = os.umask(0o077)
        try:
            install(
                root,
                File(root / "a/b/file", "x", 0o644),
                OwnedDirectory(root / "own", 0o755),
                fill(root, "y"),
            )
        finally:
            os.umask(before)
        assert [0o755, 0o755, 0o644, 0o755, 0o755] == [
            mode(root / name) for name in ("a", "a/b", "a/b/file", "own", "parts/docs")
        ]

    def test_created(self, root: Path) -> None:
        """`created` hears of what did not exist, before it exists, and of nothing else."""
        (root / "etc").mkdir(parents=True)
        (root / "etc/same").write_text("same")
        (root / "etc/same").chmod(0o644)
        heard: list[tuple[Path, bool]] = []
        install(
            root,
            File(root / "etc/same", "same"),
            File(root / "etc/new", "new"),
            OwnedDirectory(root / "own"),
            KeptDirectory(root / "kept"),
            created=lambda path: heard.append((path, path.exists())),
        )
        assert [(root / "own", False), (root / "etc/new", False)] == heard

    def test_odd_names(self, root: Path) -> None:
        """Names with blanks, quotes, line ends and letters of any script are names, also the longest there are."""
        names = ["a b", "it's", 'say "x"', "line\nend", "größe 大", "x" * 255, ".hidden", "-rf"]
        install(root, *(File(root / "odd" / name, name) for name in names))
        assert {name: name for name in names} == {p.name: p.read_text() for p in (root / "odd").iterdir()}
        assert set(read_record(root / "parts/.eggcarton", "web").paths) == {root / "odd" / name for name in names}

    @pytest.mark.parametrize("part", ["a/b", "..", "ü", "a%2fb", "with space", "x:y"])
    def test_part_names(self, root: Path, part: str) -> None:
        """A record is found again whatever the part is called, and stays in its directory."""
        install(root, File(root / "file", "1"), part=part)
        update(root, File(root / "file", "2"), part=part)
        assert "2" == (root / "file").read_text()
        assert 1 == len(list((root / "parts/.eggcarton").iterdir()))


class TestNothingToDo:
    def test_second_time(self, root: Path) -> None:
        """Identical content is not rewritten: files keep their times and their inode, records too."""
        items = (File(root / "bin/web", "x", 0o755), Link(root / "l", "t"), OwnedDirectory(root / "o"))
        install(root, *items)
        record = root / "parts/.eggcarton/web.json"
        before = tree(root), record.stat().st_mtime_ns, (root / "bin/web").stat().st_ino
        for again in (install, update):
            again(root, *items)
        assert before == (tree(root), record.stat().st_mtime_ns, (root / "bin/web").stat().st_ino)

    def test_produced_skipped(self, root: Path) -> None:
        """A produced directory is made again when its command or its inputs changed, and only then."""
        source = root / "source"
        source.mkdir(parents=True)
        (source / "page").write_text("1")
        item = Produced(root / "html", ("cp", "-R", str(source), "{staging}/copy"), (source,))
        runs: list[tuple[str, ...]] = []

        def run(command: tuple[str, ...], *, timeout: float) -> None:
            runs.append(command)
            os.makedirs(Path(command[-1]))
            (Path(command[-1]) / "page").write_text((source / "page").read_text())

        install(root, item, run=run)
        update(root, item, run=run)
        assert 1 == len(runs)
        (source / "page").write_text("2")
        update(root, item, run=run)
        assert (2, "2") == (len(runs), (root / "html/copy/page").read_text())
        other = Produced(root / "html", ("cp", "-a", str(source), "{staging}/copy"), (source,))
        update(root, other, run=run)
        assert 3 == len(runs)

    def test_rendered_skipped(self, root: Path) -> None:
        """A template is not rendered again while it, its variables and the file are as they were."""
        calls: list[str] = []

        def render(item: Rendered) -> str:
            calls.append(item.name)
            return f"<{item.variables['x']}>"

        for again in (install, update, install):
            again(root, Rendered(root / "f", "t", "n", {"x": 1}), render=render)
        assert ["n"] == calls
        update(root, Rendered(root / "f", "t", "n", {"x": 2}), render=render)
        assert "<2>" == (root / "f").read_text()
        (root / "f").write_text("edited")
        update(root, Rendered(root / "f", "t", "n", {"x": 2}), render=render)
        assert "<2>" == (root / "f").read_text()

    def test_kept(self, root: Path) -> None:
        """A kept directory that exists stays as it is, with its mode and data, as a link too."""
        (root / "elsewhere").mkdir(parents=True)
        (root / "var").mkdir(mode=0o700)
        (root / "var/data").write_text("precious")
        (root / "log").symlink_to("elsewhere")
        before = tree(root)
        assert () == install(root, KeptDirectory(root / "var"), KeptDirectory(root / "log"))
        assert before == tree(root)


def make_file(path: Path) -> None:
    path.write_text("mine")


def make_link(path: Path) -> None:
    path.symlink_to("/nowhere")


def make_full_directory(path: Path) -> None:
    path.mkdir()
    (path / "mine").write_text("mine")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link_to_directory(path: Path) -> None:
    (path.parent / "target").mkdir()
    path.symlink_to("target")


class TestStrangers:
    @pytest.mark.parametrize("replace", [False, True], ids=["install", "update"])
    @pytest.mark.parametrize("stranger", [make_file, make_link, make_full_directory, make_pipe, make_link_to_directory])
    @pytest.mark.parametrize(
        "item",
        [
            lambda path: File(path, "ours"),
            lambda path: Link(path, "ours"),
            lambda path: OwnedDirectory(path),
            lambda path: Produced(path, ("/bin/false",)),
            lambda path: Rendered(path, "ours", "ours", {}),
        ],
        ids=["File", "Link", "OwnedDirectory", "Produced", "Rendered"],
    )
    def test_refused(
        self, root: Path, item: Callable[[Path], Item], stranger: Callable[[Path], None], replace: bool
    ) -> None:
        """A file, link, directory or pipe that the part did not put there is refused before anything is written."""
        root.mkdir()
        stranger(root / "there")
        before = tree(root)
        items = (File(root / "first", "ours"), item(root / "there"), File(root / "last", "ours"))
        with pytest.raises(ForeignFile) as caught:
            (update if replace else install)(root, *items, render=lambda item: "ours")
        assert (root / "there", "web") == (caught.value.path, caught.value.part)
        assert before == tree(root)
        assert not (root / "parts").exists()

    def test_kept_directory_is_a_file(self, root: Path) -> None:
        """A file where a directory for data belongs is refused."""
        root.mkdir()
        (root / "var").write_text("mine")
        with pytest.raises(ForeignFile):
            install(root, KeptDirectory(root / "var"))

    def test_edited(self, root: Path) -> None:
        """What the part wrote and somebody edited is a stranger's to an installation, and replaced by an update."""
        install(root, File(root / "f", "1"))
        (root / "f").write_text("edited")
        with pytest.raises(ForeignFile):
            install(root, File(root / "f", "2"))
        assert "edited" == (root / "f").read_text()
        update(root, File(root / "f", "2"))
        assert "2" == (root / "f").read_text()

    def test_other_part(self, root: Path) -> None:
        """What another part owns is refused with that part's name."""
        install(root, File(root / "bin/x", "1"), part="first")
        with pytest.raises(ForeignFile, match=r"^\[second\] .*/bin/x exists and belongs to part \[first\]"):
            install(root, File(root / "bin/x", "2"), part="second")

    def test_script_of_another_part(self, root: Path) -> None:
        """Of a script that another part owns it is told how scripts are renamed."""
        install(root, File(root / "bin/x", "1", 0o755), part="first")
        with pytest.raises(ForeignFile, match="NAME=x-second in 'scripts'"):
            install(root, File(root / "bin/x", "2", 0o755), part="second")

    @pytest.mark.parametrize("step", [install, update])
    @pytest.mark.parametrize(
        "make",
        [
            lambda path: File(path, "same"),
            lambda path: Link(path, "same"),
            lambda path: OwnedDirectory(path),
            lambda path: Produced(path, ("true",)),
            lambda path: Rendered(path, "same", "same", {}),
        ],
        ids=["File", "Link", "OwnedDirectory", "Produced", "Rendered"],
    )
    def test_the_same_in_two_parts(self, root: Path, make: Callable[[Path], Item], step: Callable[..., object]) -> None:
        """What another part owns is refused with that part's name even where the two plan the very same."""
        install(root, make(root / "x"), part="first", render=lambda item: "same")
        before = tree(root)
        with pytest.raises(ForeignFile, match=r"^\[second\] .*/x exists and belongs to part \[first\]"):
            step(root, File(root / "y", "1"), make(root / "x"), part="second", render=lambda item: "same")
        assert before == tree(root)
        step(root, make(root / "x"), part="first", render=lambda item: "same")
        assert before == tree(root)

    def test_data_of_two_parts(self, root: Path) -> None:
        """A directory that is kept belongs to nobody, so that any number of parts may keep it."""
        for part in ("first", "second"):
            install(root, KeptDirectory(root / "var"), part=part)
        assert ["var"] == sorted(tree(root))

    def test_identical(self, root: Path) -> None:
        """A stranger's file with the very content and mode is fine, and owned from then on."""
        root.mkdir()
        (root / "f").write_text("same")
        (root / "f").chmod(0o644)
        assert (str(root / "f"),) == install(root, File(root / "f", "same"))
        install(root, File(root / "f", "other"))
        assert "other" == (root / "f").read_text()

    def test_link_is_never_followed(self, root: Path) -> None:
        """A link of ours is itself replaced; what it points to stays as it is."""
        root.mkdir()
        (root / "precious").write_text("precious")
        install(root, Link(root / "there", "precious"))
        update(root, File(root / "there", "ours"))
        assert not (root / "there").is_symlink()
        assert ("ours", "precious") == ((root / "there").read_text(), (root / "precious").read_text())

    def test_produced_is_put_aside_by_user(self, root: Path) -> None:
        """A user's directory where an earlier installation of the part had produced one is refused."""
        install(root, fill(root, "ours"))
        os.rename(root / "parts/docs", root / "moved")
        (root / "parts/docs").mkdir()
        (root / "parts/docs/mine").write_text("mine")
        with pytest.raises(ForeignFile):
            install(root, fill(root, "new"))
        assert "mine" == (root / "parts/docs/mine").read_text()

    def test_parent_is_a_link(self, root: Path) -> None:
        """A directory that the user has linked elsewhere is written through."""
        (root / "real").mkdir(parents=True)
        (root / "bin").symlink_to("real")
        install(root, File(root / "bin/x", "1"))
        assert "1" == (root / "real/x").read_text()


class TestChanges:
    def test_kind_changes(self, root: Path) -> None:
        """What was a file may become a link, a directory or a produced one, and back, with ours only."""
        path = root / "parts/docs"
        forms: list[Item] = [File(path, "f"), Link(path, "l"), OwnedDirectory(path), fill(root, "p")]
        for before, after in itertools.product(forms, repeat=2):
            update(root)
            assert [] == sorted(tree(root))
            update(root, before)
            update(root, after)
            assert ["parts/docs"] == sorted(name for name in tree(root) if "deep" not in name)
            if isinstance(after, OwnedDirectory):
                # What was produced lies in the owned directory now, which goes with it when the part goes.
                shutil.rmtree(root / "parts/docs/deep", ignore_errors=True)

    def test_no_longer_planned(self, root: Path) -> None:
        """What an earlier plan left and the new one does not name goes, unless somebody has changed it."""
        items: list[Item] = [
            File(root / "gone", "1"),
            File(root / "edited", "1"),
            Link(root / "link", "x"),
            OwnedDirectory(root / "empty"),
            OwnedDirectory(root / "full"),
            KeptDirectory(root / "kept"),
            fill(root, "x"),
        ]
        install(root, *items, File(root / "stays", "1"))
        (root / "edited").write_text("2")
        (root / "full/mine").write_text("mine")
        update(root, File(root / "stays", "1"))
        assert ["edited", "full", "full/mine", "kept", "stays"] == sorted(tree(root))
        assert [root / "stays"] == list(read_record(root / "parts/.eggcarton", "web").paths)

    def test_taken_over(self, root: Path) -> None:
        """A path that another part has taken over meanwhile is not removed."""
        install(root, File(root / "bin/x", "1"), part="first")
        (root / "bin/x").unlink()
        install(root, File(root / "bin/x", "1"), part="second")
        install(root, File(root / "bin/y", "1"), part="first")
        assert ["x", "y"] == sorted(p.name for p in (root / "bin").iterdir())

    def test_owned_becomes_kept(self, root: Path) -> None:
        """A directory that is kept from now on stays, with what is in it."""
        install(root, OwnedDirectory(root / "var"), File(root / "var/f", "1"))
        update(root, KeptDirectory(root / "var"))
        assert ["var"] == sorted(tree(root))

    def test_moved_buildout(self, root: Path) -> None:
        """A buildout that was moved as a whole still knows its files."""
        install(root, File(root / "bin/x", "1"))
        moved = root.with_name("moved")
        os.rename(root, moved)
        install(moved, File(moved / "bin/x", "2"))
        assert "2" == (moved / "bin/x").read_text()

    def test_mode_changes(self, root: Path) -> None:
        """A mode that somebody changed is put right, of files and of owned directories."""
        items = (File(root / "f", "1", 0o755), OwnedDirectory(root / "d", 0o750))
        install(root, *items)
        (root / "f").chmod(0o600)
        (root / "d").chmod(0o700)
        update(root, *items)
        assert (0o755, 0o750) == (mode(root / "f"), mode(root / "d"))


class TestErrors:
    def test_a_command_fails(self, root: Path) -> None:
        """A command that fails leaves everything as it was, also what it had written already."""
        install(root, File(root / "f", "1"), fill(root, "old"))
        before = tree(root)
        with pytest.raises(CommandFailed, match="ended with exit status 3"):
            update(
                root,
                File(root / "f", "2"),
                File(root / "deep/new", "2"),
                Produced(root / "parts/docs", ("/bin/sh", "-c", "touch {staging}/half; exit 3")),
            )
        assert before == tree(root)

    def test_a_template_fails(self, root: Path) -> None:
        """A template that cannot be rendered is told before anything is written."""

        def render(item: Rendered) -> str:
            raise EggcartonError("web.ini.in, line 1: 'x' is undefined")

        with pytest.raises(EggcartonError, match="'x' is undefined"):
            install(root, File(root / "f", "1"), Rendered(root / "r", "{{ x }}", "web.ini.in", {}), render=render)
        assert not root.exists()

    def test_no_renderer(self, root: Path) -> None:
        """Without a way to render, a rendered file is an error and not an empty file."""
        with pytest.raises(StagingProblem, match="nothing here can fill in its template"):
            install(root, Rendered(root / "r", "t", "n", {}))

    @pytest.mark.parametrize("place", ["file/below", "file/below/deep", "dangling/below"])
    def test_unwritable_place(self, root: Path, place: str) -> None:
        """A place that cannot be written, such as one below a file, is one sentence and changes nothing."""
        root.mkdir()
        (root / "file").write_text("mine")
        (root / "dangling").symlink_to("nowhere")
        before = tree(root)
        with pytest.raises(StagingProblem, match=r"could not be written: .*; nothing was changed$"):
            install(root, File(root / "new", "1"), File(root / place, "1"))
        assert before == tree(root)

    def test_missing_input(self, root: Path) -> None:
        """A produced directory with an input that is not there is an error that names it."""
        missing = root / "missing"
        with pytest.raises(StagingProblem, match=r"No such file or directory \(.*/missing\)"):
            install(root, Produced(root / "d", ("true",), (missing,)))

    def test_no_directory_produced(self, root: Path) -> None:
        """A command that takes away the directory it should fill is an error."""
        with pytest.raises(StagingProblem, match="left no directory"):
            install(root, Produced(root / "d", ("rm", "-r", "{staging}")))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"digest": 1}',
            '{"digest": "x", "paths": {"a": 1}}',
            '{"digest": "x", "paths": {"a": {"kind": "other", "digest": "y", "mode": "0644"}}}',
            "\0",
        ],
    )
    def test_broken_record(self, root: Path, text: str) -> None:
        """A record that is none is one sentence, and nothing is written."""
        (root / "parts/.eggcarton").mkdir(parents=True)
        (root / "parts/.eggcarton/web.json").write_text(text)
        with pytest.raises(RecordProblem, match=r"web\.json is not a record .*: delete it and run again$"):
            install(root, File(root / "f", "1"))
        assert not (root / "f").exists()

    def test_created_fails(self, root: Path) -> None:
        """An error of the caller's while things are put in place takes everything back."""
        install(root, File(root / "f", "1"))
        before = tree(root)

        def created(path: Path) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            update(root, File(root / "f", "2"), File(root / "g", "2"), created=created)
        assert before == tree(root)
        assert [root / "f"] == list(read_record(root / "parts/.eggcarton", "web").known)


def before_and_after(root: Path) -> tuple[list[Item], list[Item]]:
    """Two plans that differ in every way that a plan can."""
    before: list[Item] = [
        File(root / "changed", "old", 0o644),
        File(root / "same", "same"),
        File(root / "mode", "same", 0o644),
        File(root / "gone", "gone"),
        Link(root / "link", "old"),
        Link(root / "link-to-file", "old"),
        File(root / "file-to-directory", "old"),
        OwnedDirectory(root / "own"),
        File(root / "own/f", "old"),
        fill(root, "old"),
        EditableFile(root / "editable", "old"),
        EditableFile(root / "edited", "old"),
        EditableFile(root / "edited-alone", "same"),
    ]
    after: list[Item] = [
        File(root / "changed", "new", 0o755),
        File(root / "same", "same"),
        File(root / "mode", "same", 0o755),
        File(root / "deep/er/new", "new"),
        Link(root / "link", "new"),
        File(root / "link-to-file", "new"),
        OwnedDirectory(root / "file-to-directory"),
        File(root / "file-to-directory/inside", "new"),
        OwnedDirectory(root / "own", 0o750),
        File(root / "own/f", "new"),
        KeptDirectory(root / "kept"),
        fill(root, "new"),
        Rendered(root / "rendered", "t", "n", {}),
        EditableFile(root / "editable", "new"),
        EditableFile(root / "edited", "new"),
        EditableFile(root / "edited-alone", "same"),
    ]
    return before, after


def install_and_edit(root: Path, before: list[Item]) -> None:
    """Install a plan, and edit two of its files as an administrator does."""
    install(root, *before)
    for name in ("edited", "edited-alone"):
        (root / name).write_text("by hand")


CHANGING = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod"}


# The exit status of a change that went through although it was interrupted.
HARMLESS = 7


def at_change(number: int, act: Callable[[], None]) -> list[str]:
    """Act just before this process changes the file system for the given time; the result tells whether it did."""
    acted: list[str] = []
    count = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in CHANGING or writes:
            count += 1
            if count == number:
                acted.append(event)
                act()

    sys.addaudithook(hook)
    return acted


def in_child(work: Callable[[], int]) -> int:
    """Do something in a forked process and return its exit status: what work returns, 1 after an error."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = work()
        except EggcartonError:
            pass
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def each_interruption(
    base: Path, act: Callable[[], None], step: Callable[..., object]
) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Interrupt a change at each of its points, each time in a new place, until it goes through."""
    installed = base / "installed"
    install_and_edit(installed, before_and_after(installed)[0])
    for number in range(1, 500):
        root = base / str(number)
        # What a record names is told from its own place.
        shutil.copytree(installed, root, symlinks=True)
        _, after = before_and_after(root)
        old = tree(root)

        def change(number: int = number, root: Path = root, after: list[Item] = after) -> int:
            acted = at_change(number, act)
            step(root, *after, render=lambda item: "rendered")
            return HARMLESS if acted else 0

        status = in_child(change)
        yield root, status, old
        if status == 0:
            return
    raise AssertionError("the change never went through")


def kill() -> None:
    os.kill(os.getpid(), 9)


def refuse() -> None:
    raise OSError(28, "No space left on device")


def expected_after(base: Path, step: Callable[..., object]) -> dict[str, tuple[object, ...]]:
    root = base / "reference"
    before, after = before_and_after(root)
    install_and_edit(root, before)
    step(root, *after, render=lambda item: "rendered")
    return untimed(tree(root))


@pytest.mark.slow
@pytest.mark.parametrize("step", [install, update])
def test_killed_anywhere(tmp_path: Path, step: Callable[..., object]) -> None:
    """Killed at any point, each file is old or new, and the next time everything is new and nothing left over."""
    wanted = expected_after(tmp_path, step)
    points = 0
    for root, status, old in each_interruption(tmp_path, kill, step):
        points += status == -9
        standing = untimed(tree(root))
        for name in ("changed", "same", "mode", "link", "link-to-file", "own/f", "parts/docs/deep/file", "editable"):
            assert standing[name] in (untimed(old)[name], wanted[name]), name
        assert b"by hand" == standing["edited"][1] == wanted["edited"][1]
        assert standing.get("edited.new") in (None, wanted["edited.new"])
        _, after = before_and_after(root)
        step(root, *after, render=lambda item: "rendered")
        assert wanted == untimed(tree(root)), f"killed before change {points}"
        assert not read_record(root / "parts/.eggcarton", "web").pending
    assert points > 50


@pytest.mark.slow
@pytest.mark.parametrize("step", [install, update])
def test_killed_and_then_another_plan(tmp_path: Path, step: Callable[..., object]) -> None:
    """Killed at any point, the next plan, whatever it is, leaves nothing of the two before."""
    for root, _, _ in each_interruption(tmp_path, kill, step):
        step(root, File(root / "changed", "third"))
        left = set(tree(root)) - {"deep", "deep/er", "kept"}
        assert {"changed", "edited", "edited-alone"} == left
        assert "by hand" == (root / "edited").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("step", [install, update])
def test_refused_anywhere(tmp_path: Path, step: Callable[..., object]) -> None:
    """A disk that is full at any point: either an error and all as before, or no error and all new."""
    wanted = expected_after(tmp_path, step)
    errors = 0
    for root, status, old in each_interruption(tmp_path, refuse, step):
        assert status in (0, 1, HARMLESS)
        failed = status == 1
        errors += failed
        found = tree(root)
        if not failed:
            # What cannot be thrown away in the end is thrown away the next time.
            found = untimed({name: state for name, state in found.items() if ".eggcarton-" not in name})
        assert (old if failed else wanted) == found
        _, after = before_and_after(root)
        step(root, *after, render=lambda item: "rendered")
        assert wanted == untimed(tree(root))
    assert errors > 40


def test_what_was_restored_is_told(root: Path) -> None:
    """A path that somebody changed or removed is told when it is put right; one that only the plan changes is not."""
    told: list[Path] = []
    items = [File(root / "changed", "one"), File(root / "removed", "one"), File(root / "same", "one")]
    install(root, *items, restored=told.append)
    assert [] == told
    (root / "changed").write_text("by hand")
    (root / "removed").unlink()
    update(root, *items, restored=told.append)
    assert [root / "changed", root / "removed"] == told
    update(root, *(File(item.path, "two") for item in items), restored=told.append)
    assert 2 == len(told)


def test_record(root: Path) -> None:
    """The record names each owned path with its kind, digest and mode, from its own place."""
    install(root, File(root / "bin/x", "x", 0o755), KeptDirectory(root / "var"))
    found = json.loads((root / "parts/.eggcarton/web.json").read_text())
    assert ["digest", "paths"] == sorted(found)
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert {"../../bin/x": {"kind": "file", "digest": digest, "mode": "0755"}} == found["paths"]


NAMES = st.sampled_from(["a", "b", "c", "d/e", "d/f", "g/h/i"])
MODES = st.sampled_from([0o644, 0o600, 0o755])
TEXTS = st.text(max_size=20)


@st.composite
def plans(draw: st.DrawFn) -> list[Item]:
    items: list[Item] = []
    for name in draw(st.sets(NAMES)):
        path = Path("/root-to-be") / name
        items.append(
            draw(
                st.one_of(
                    st.builds(File, st.just(path), TEXTS, MODES),
                    st.builds(Link, st.just(path), st.text("xyz/.", min_size=1, max_size=9)),
                    st.builds(OwnedDirectory, st.just(path)),
                )
            )
        )
    return items


def below(root: Path, items: list[Item]) -> list[Item]:
    moved: list[Any] = list(items)
    return [dataclasses.replace(item, path=root / item.path.relative_to("/root-to-be")) for item in moved]


@settings(max_examples=150)
@given(first=plans(), second=plans())
def test_twice_changes_nothing(first: list[Item], second: list[Item]) -> None:
    """Whatever was planned before, a plan stands as if it were the first, and a second time changes nothing."""
    with tempfile.TemporaryDirectory() as name:
        one, other = Path(name).resolve() / "one", Path(name).resolve() / "other"
        one.mkdir()
        other.mkdir()
        update(one, *below(one, first))
        owned = update(one, *below(one, second))
        once = tree(one)
        assert owned == update(one, *below(one, second))
        assert once == tree(one)
        update(other, *below(other, second))
        parents = {"d", "g", "g/h"}
        assert {k: v for k, v in untimed(once).items() if k not in parents} == {
            k: v for k, v in untimed(tree(other)).items() if k not in parents
        }


def test_a_kept_file_is_made_replaced_and_never_owned(root: Path) -> None:
    """A kept file is written where it is missing or marked, with the permissions that it has, and outlives its plan."""
    path, told = root / "versions.cfg", []
    assert () == install(root, KeptFile(path, "# ours: 1\n", "# ours"), renewed=told.append)
    path.chmod(0o660)
    assert () == update(root, KeptFile(path, "# ours: 2\n", "# ours"), renewed=told.append)
    assert () == update(root, KeptFile(path, "# ours: 2\n", "# ours"), renewed=told.append)
    assert [path, path] == told
    assert ("# ours: 2\n", 0o660) == (path.read_text("utf-8"), stat.S_IMODE(path.stat().st_mode))
    update(root)
    assert path.exists()
    assert ["versions.cfg"] == [name for name in os.listdir(root) if name != "parts"]


def test_a_file_without_the_mark_is_kept_as_it_is(root: Path) -> None:
    """Where something unmarked stands, or what is another part's, nothing of the plan is written."""
    root.mkdir()
    path = root / "versions.cfg"
    path.write_text("mine\n", "utf-8")
    with pytest.raises(UnmarkedFile, match="does not begin with '# ours', so that it is not replaced"):
        update(root, File(root / "other", ""), KeptFile(path, "# ours\n", "# ours"))
    assert ("mine\n", False) == (path.read_text("utf-8"), (root / "other").exists())
    path.unlink()
    install(root, File(path, "# ours: of another\n"), part="other")
    with pytest.raises(ForeignFile, match="belongs to part"):
        update(root, KeptFile(path, "# ours\n", "# ours"))
    path.unlink()
    path.symlink_to("elsewhere")
    with pytest.raises(ForeignFile):
        update(root, KeptFile(path, "# ours\n", "# ours"), part="other 2")


def test_an_expected_file_is_never_written(root: Path) -> None:
    """What has to stand is compared by whoever asks, and left alone here."""
    root.mkdir()
    (root / "versions.cfg").write_text("mine\n", "utf-8")
    assert () == update(root, ExpectedFile(root / "versions.cfg", "other\n"), ExpectedFile(root / "more", ""))
    assert ("mine\n", False) == ((root / "versions.cfg").read_text("utf-8"), (root / "more").exists())


class TestEditable:
    def test_not_edited(self, root: Path) -> None:
        """A file that nobody edited is replaced, its mode left as it is, and nothing is laid beside it."""
        told: list[tuple[Path, Path]] = []
        path = root / "etc/app"
        assert () == install(root, EditableFile(path, "1"))
        path.chmod(0o600)
        assert () == update(root, EditableFile(path, "2"), laid_beside=lambda *paths: told.append(paths))
        assert ("2", 0o600, ["app"], []) == (path.read_text(), mode(path), os.listdir(path.parent), told)

    @pytest.mark.parametrize("step", [install, update])
    def test_edited(self, root: Path, step: Callable[..., object]) -> None:
        """An edited file is kept, and what changed since is laid beside it and told, once for each change."""
        path, beside = root / "etc/app", root / "etc/app.new"
        told: list[tuple[Path, Path]] = []

        def again(text: str) -> tuple[str, str | None]:
            step(root, EditableFile(path, text), laid_beside=lambda *paths: told.append(paths))
            return path.read_text(), beside.read_text() if beside.exists() else None

        again("1")
        path.write_text("mine")
        assert ("mine", None) == again("1")
        assert [] == told
        assert ("mine", "2") == again("2")
        assert ("mine", "2") == again("2")
        assert [(path, beside)] == told
        beside.unlink()
        assert ("mine", None) == again("2")
        assert ("mine", "3") == again("3")
        assert 2 == len(told)

    def test_merged(self, root: Path) -> None:
        """A file that was made what is planned is no longer edited: what lies beside it goes, and it is replaced."""
        path, beside = root / "app", root / "app.new"
        install(root, EditableFile(path, "1"))
        path.write_text("mine")
        update(root, EditableFile(path, "2"))
        path.write_text("2")
        update(root, EditableFile(path, "2"), clear=False)
        assert not beside.exists()
        update(root, EditableFile(path, "3"))
        assert "3" == path.read_text()

    def test_there_before(self, root: Path) -> None:
        """A file or link that stands without a record is as good as edited; anything else is a stranger's."""
        root.mkdir()
        (root / "app").write_text("of the package")
        (root / "linked").symlink_to("app")
        install(root, EditableFile(root / "app", "1"), EditableFile(root / "linked", "2"))
        assert ["of the package", "1", "app", "2"] == [
            (root / "app").read_text(),
            (root / "app.new").read_text(),
            os.readlink(root / "linked"),
            (root / "linked.new").read_text(),
        ]
        (root / "pipe").mkdir()
        with pytest.raises(ForeignFile):
            install(root, EditableFile(root / "pipe", "1"), part="other")

    def test_of_another_part(self, root: Path) -> None:
        """What another part owns is refused, edited or not."""
        install(root, EditableFile(root / "app", "1"), part="first")
        for text in ("1", "mine"):
            (root / "app").write_text(text)
            with pytest.raises(ForeignFile, match=r"belongs to part \[first\]"):
                install(root, EditableFile(root / "app", "1"), part="second")

    def test_no_longer_planned(self, root: Path) -> None:
        """When it is no longer planned an edited one stays, and one that nobody edited goes."""
        install(root, EditableFile(root / "app", "1"), EditableFile(root / "other", "1"))
        (root / "app").write_text("mine")
        update(root, EditableFile(root / "app", "2"), EditableFile(root / "other", "1"))
        update(root)
        assert ["app"] == [path.name for path in root.iterdir() if path.is_file()]

    def test_a_stranger_beside(self, root: Path) -> None:
        """What stands where the new content would be laid, and is not ours, is refused and nothing is changed."""
        install(root, EditableFile(root / "app", "1"))
        (root / "app").write_text("mine")
        (root / "app.new").write_text("also mine")
        before = tree(root)
        with pytest.raises(ForeignFile, match=r"app\.new exists"):
            update(root, EditableFile(root / "app", "2"))
        assert before == tree(root)
