"""An egg is trusted only while it is whole: what was cut off, however that came, is found."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eggcarton.packages import seals
from eggcarton.packages.eggs import Row

FILES = {"six.py": b"n = 1\n", "acme/data.txt": b"x" * 5000, "empty.py": b"", "acme/a\x85b\u2028c": b"ends no line"}
METADATA = b"Name: six\n"


@pytest.fixture
def egg(tmp_path: Path) -> Path:
    """An egg as the store has it: its RECORD calls the metadata's directory as other installers do."""
    egg = tmp_path / "six-1.0-py3.11.egg"
    for name, content in FILES.items():
        (egg / name).parent.mkdir(parents=True, exist_ok=True)
        (egg / name).write_bytes(content)
    info = egg / "six-1.0-py3.11.dist-info"
    info.mkdir()
    (info / "METADATA").write_bytes(METADATA)
    rows = [f"{name},{Row.of(content)},{len(content)}" for name, content in FILES.items()]
    rows += [f"six-1.0.dist-info/METADATA,{Row.of(METADATA)},{len(METADATA)}", "six-1.0.dist-info/RECORD,,"]
    (info / "RECORD").write_text("\n".join(rows) + "\n", "utf-8")
    return egg


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


CUTS: dict[str, Callable[[Path], None]] = {
    "a file is gone": lambda egg: (egg / "six.py").unlink(),
    "an empty file is gone": lambda egg: (egg / "empty.py").unlink(),
    "a file is shorter": lambda egg: truncate(egg / "acme/data.txt"),
    "a file is empty": lambda egg: os.truncate(egg / "six.py", 0),
    "the RECORD is shorter": lambda egg: truncate(next(egg.glob("*.dist-info/RECORD"))),
    "the RECORD is gone": lambda egg: next(egg.glob("*.dist-info/RECORD")).unlink(),
    "a file of the metadata is empty": lambda egg: os.truncate(next(egg.glob("*.dist-info/METADATA")), 0),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("is_sealed", [True, False])
def test_what_was_cut_off(egg: Path, cut: Callable[[Path], None], is_sealed: bool) -> None:
    """An egg that lacks something is not whole, sealed or not."""
    if is_sealed:
        seals.seal(egg)
        assert seals.is_whole(egg)
    cut(egg)
    assert not seals.is_whole(egg)
    assert is_sealed == seals.is_sealed(egg)


def test_one_without_a_seal(egg: Path) -> None:
    """An egg without a seal, as a kill leaves it, is read; where it is whole it is sealed, where not it has none."""
    (egg / "six.py").write_bytes(b"n = 2\n")
    assert (False, False) == (seals.is_whole(egg), seals.is_sealed(egg))
    (egg / "six.py").write_bytes(b"n = 1\n")
    assert (True, True) == (seals.is_whole(egg), seals.is_sealed(egg))


def test_after_the_machine_started_anew(egg: Path) -> None:
    """What the disk lost without a change of size is found when the machine has started anew; it is read once."""
    seals.seal(egg, start="monday")
    (egg / "acme/data.txt").write_bytes(bytes(5000))
    assert (True, False) == (seals.is_whole(egg, start="monday"), seals.is_whole(egg, start="tuesday"))
    (egg / "acme/data.txt").write_bytes(FILES["acme/data.txt"])
    assert seals.is_whole(egg, start="tuesday")
    # What has lasted once is not read again: this cannot come from a start of the machine.
    (egg / "acme/data.txt").write_bytes(bytes(5000))
    assert seals.is_whole(egg, start="wednesday")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"record": "0"}'])
def test_a_seal_that_was_cut_off_itself(egg: Path, text: str) -> None:
    """Half a seal is none: the egg is read."""
    Path(f"{egg}{seals.SUFFIX}").write_text(text, "ascii")
    (egg / "six.py").write_bytes(b"n = 2\n")
    assert not seals.is_whole(egg)
    (egg / "six.py").write_bytes(b"n = 1\n")
    assert seals.is_whole(egg)


def test_what_python_compiled_since(egg: Path) -> None:
    """What Python has written beside its modules while it ran is no matter."""
    seals.seal(egg)
    (egg / "__pycache__").mkdir()
    (egg / "__pycache__/six.cpython-311.pyc").write_bytes(b"")
    assert seals.is_whole(egg)


def test_a_seal_is_of_one_egg(egg: Path) -> None:
    """An egg is not whole by the seal of another one that stood in its place."""
    seals.seal(egg)
    record = next(egg.glob("*.dist-info/RECORD"))
    record.write_text("\n".join(line for line in record.read_text("utf-8").splitlines() if "six.py" not in line))
    assert not seals.is_whole(egg)


def test_no_half_seal_is_left(egg: Path, tmp_path: Path) -> None:
    """A seal comes whole; nothing lies beside it."""
    seals.seal(egg)
    assert sorted([egg.name, f"{egg.name}{seals.SUFFIX}"]) == sorted(os.listdir(tmp_path))
