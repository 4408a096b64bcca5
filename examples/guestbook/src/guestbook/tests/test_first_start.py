"""What is made at the first start is made once, whole, and by one process only."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from guestbook.first_start import create_once, signing_secret
from guestbook.settings import SettingsProblem

# All imports come first, so that what follows the signal is the start alone.
START = """
import sys, guestbook, guestbook.application
print("ready", flush=True)
sys.stdin.read()
guestbook.make_application().registry.engine.dispose()
"""


def test_a_file_is_made_once(tmp_path):
    """The second call keeps what the first one made, and does not make it again."""
    path = tmp_path / "file"
    assert create_once(path, lambda new: new.write_text("first") and None)
    assert not create_once(path, lambda new: new.write_text("second") and None)
    assert "first" == path.read_text()


def test_the_faster_process_wins(tmp_path):
    """A file that appears while another one is being made stays; the slower maker leaves nothing behind."""
    path = tmp_path / "file"

    def slow(new):
        new.write_text("slower")
        path.write_text("faster")

    assert not create_once(path, slow)
    assert [(path, "faster")] == [(found, found.read_text()) for found in tmp_path.iterdir()]


def test_a_failure_leaves_nothing(tmp_path):
    """When making the file fails, no part of it is left."""

    def fail(new):
        new.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        create_once(tmp_path / "file", fail)
    assert [] == list(tmp_path.iterdir())


def test_an_impossible_place_is_a_sentence(tmp_path):
    """A file that cannot be made is named, with the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsProblem, match="secret cannot be made: Not a directory; let the settings name another"):
        signing_secret(tmp_path / "file" / "below" / "secret")


def test_the_secret_is_for_its_owner_only(tmp_path):
    """Only the owner may read and write the secret."""
    signing_secret(tmp_path / "secret")
    assert 0o600 == stat.S_IMODE((tmp_path / "secret").stat().st_mode)


def test_the_secret_stays(tmp_path):
    """The second start reads the secret of the first one."""
    assert signing_secret(tmp_path / "secret") == signing_secret(tmp_path / "secret")


def test_no_two_secrets_are_the_same(tmp_path):
    """Each guestbook gets a secret of its own."""
    assert signing_secret(tmp_path / "one") != signing_secret(tmp_path / "other")


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_bad_secret_is_refused(tmp_path, content):
    """A secret that is too short, or no text, is refused with what to do."""
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SettingsProblem, match="fewer than 32 ASCII characters; remove it"):
        signing_secret(tmp_path / "secret")


def test_an_unreadable_secret_is_refused(tmp_path):
    """A directory in place of the secret is a sentence."""
    with pytest.raises(SettingsProblem, match="cannot be read: Is a directory"):
        signing_secret(tmp_path)


def test_processes_that_start_at_once_agree(tmp_path, settings_file):
    """Four processes whose first start is at the same moment all succeed, on one database and one secret."""
    environment = {
        "GUESTBOOK_SETTINGS": str(settings_file),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-c", START]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, env=environment, **pipes) for _ in range(4)]
    for child in children:
        assert "ready\n" == child.stdout.readline()
    for child in children:
        child.stdin.close()
    errors = [child.stderr.read() for child in children]
    for child in children:
        child.stdout.close()
        child.stderr.close()
    assert [0, 0, 0, 0] == [child.wait(timeout=60) for child in children], errors
    assert 1 == sum("created the database" in error for error in errors)
    names = {path.name for path in (tmp_path / "data").iterdir()}
    assert {"guestbook.sqlite", "secret"} == names - {"guestbook.sqlite-wal", "guestbook.sqlite-shm"}
