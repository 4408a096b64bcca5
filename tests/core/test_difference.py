"""Facts about the diff of a plan: readable, empty when nothing would change, and without any effect."""

from __future__ import annotations

import os
from pathlib import Path

from eggcarton.core.apply import apply, difference
from eggcarton.core.difference import unmet
from eggcarton.core.plan import (
    EditableFile,
    ExpectedFile,
    File,
    KeptDirectory,
    Link,
    OwnedDirectory,
    Plan,
    Produced,
    Rendered,
)


def plan(root: Path, text: str = "one\ntwo\n", mode: int = 0o644) -> Plan:
    return Plan(
        (
            File(root / "bin/web", text, mode),
            File(root / "raw", b"\xff"),
            Rendered(root / "web.ini", "t", "web.ini.in", {}),
            Link(root / "current", "web.ini"),
            OwnedDirectory(root / "parts/web"),
            KeptDirectory(root / "var", 0o700),
            Produced(root / "html", ("/bin/sh", "-c", "echo > {staging}/index")),
        )
    )


def test_new(tmp_path: Path) -> None:
    """Everything that is missing is shown as new; nothing is made."""
    assert (
        "new file: bin/web 0644\n"
        "--- /dev/null\n"
        "+++ bin/web\n"
        "@@ -0,0 +1,2 @@\n"
        "+one\n"
        "+two\n"
        "new file: raw 0644\n"
        "binary: raw 0 -> 1 bytes\n"
        "new rendered file: web.ini from web.ini.in\n"
        "new link: current -> web.ini\n"
        "new directory: parts/web 0755\n"
        "new directory: var 0700, kept\n"
        "new produced directory: html by /bin/sh -c echo > {staging}/index\n"
    ) == difference(plan(tmp_path), tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_nothing(tmp_path: Path) -> None:
    """After it was carried out, a plan differs from nothing, also where a kept directory has another mode."""
    apply(plan(tmp_path), "web", tmp_path / "parts/.eggcarton", replace=False, render=lambda item: "x")
    (tmp_path / "var").chmod(0o755)
    assert "" == difference(plan(tmp_path), tmp_path)


def test_changes(tmp_path: Path) -> None:
    """A change is a unified diff, and modes and missing line ends are shown."""
    apply(plan(tmp_path), "web", tmp_path / "parts/.eggcarton", replace=False, render=lambda item: "x")
    (tmp_path / "web.ini").chmod(0o600)
    (tmp_path / "parts/web").chmod(0o700)
    os.unlink(tmp_path / "current")
    (tmp_path / "current").symlink_to("elsewhere")
    assert (
        "mode: bin/web 0644 -> 0755\n"
        "--- bin/web\n"
        "+++ bin/web\n"
        "@@ -1,2 +1,2 @@\n"
        " one\n"
        "-two\n"
        "+TWO\n"
        "\\ No newline at end of file\n"
        "mode: web.ini 0600 -> 0644\n"
        "link in place of a link: current -> web.ini\n"
        "mode: parts/web 0700 -> 0755\n"
    ) == difference(plan(tmp_path, "one\nTWO", 0o755), tmp_path)


def test_in_the_way(tmp_path: Path) -> None:
    """What stands in the way is named by its kind."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "html").write_text("x")
    os.mkfifo(tmp_path / "current")
    (tmp_path / "bin").write_text("x")
    found = difference(plan(tmp_path), tmp_path)
    for line in (
        "file in place of a directory: raw 0644\n",
        "produced directory in place of a file: html by ",
        "link in place of something else: current -> web.ini\n",
        "new file: bin/web 0644\n",
    ):
        assert line in found


def test_outside(tmp_path: Path) -> None:
    """A path outside the root is shown whole."""
    target = tmp_path / "outside"
    assert difference(Plan((Link(target, "x"),)), tmp_path / "root") == f"new link: {target} -> x\n"


def test_what_is_unmet(tmp_path: Path) -> None:
    """Findings and files that are not as expected are told, of a long difference the beginning; permissions are not."""
    expected = ExpectedFile(tmp_path / "long", "".join(f"{number}\n" for number in range(100)))
    found = unmet(Plan((expected, ExpectedFile(tmp_path / "right", "right\n")), findings=("one pin",)), tmp_path)
    assert ["one pin", "new file: long 0644", "--- /dev/null", "+++ long"] == found[:4]
    assert ["new file: right 0644", "--- /dev/null", "+++ right", "@@ -0,0 +1 @@", "+right"] == found[-5:]
    assert "... and 84 more lines of long" == found[-6]
    for item in (expected, ExpectedFile(tmp_path / "right", "right\n")):
        item.path.write_text(item.content, "utf-8")
        item.path.chmod(0o600)
    assert [] == unmet(Plan((expected, ExpectedFile(tmp_path / "right", "right\n"))), tmp_path)


def test_an_editable_file(tmp_path: Path) -> None:
    """A file that may be edited is compared by its content alone, since its mode is the administrator's."""
    item = EditableFile(tmp_path / "app", "1\n")
    assert "new file: app 0644\n--- /dev/null\n+++ app\n@@ -0,0 +1 @@\n+1\n" == difference(Plan((item,)), tmp_path)
    item.path.write_text("1\n")
    item.path.chmod(0o600)
    assert "" == difference(Plan((item,)), tmp_path)
    item.path.write_text("2\n")
    assert "--- app\n+++ app\n@@ -1 +1 @@\n-2\n+1\n" == difference(Plan((item,)), tmp_path)
