"""Facts about telling coverage which test runs: real coverage, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.runtime.testing.processes import CONTEXT, VARIABLE

SHOP = "def one():\n    return 1\n\ndef two():\n    return 2\n\ndef three():\n    return 3\n"
PROGRAM = f"""
import json, os, sys
sys.path.insert(0, os.getcwd())
from eggcarton.runtime.testing import contexts

if "measured" in sys.argv:
    from coverage import Coverage

    measured = Coverage(data_file="data", source=["."])
    measured.set_option("run:core", "ctrace")
    measured.start()
import shop

contexts.begun("a.B", "test_one")
shop.one()
during = os.environ.get("{CONTEXT}")
if "emptied" in sys.argv:
    os.environ.clear()
contexts.begun("a.B", "test_two")
shop.two()
contexts.over()
shop.three()
found = {{}}
if "measured" in sys.argv:
    measured.stop()
    found = measured.get_data().contexts_by_lineno(os.path.abspath("shop.py"))
found = [found.get(number) for number in (2, 5, 8)]
print(json.dumps([during, os.environ.get("{CONTEXT}"), "coverage" in sys.modules, found]))
"""


@pytest.mark.parametrize(
    ("words", "names", "expected"),
    [
        (["measured"], [VARIABLE, CONTEXT], ["a.B.test_one", "", True, [["a.B.test_one"], ["a.B.test_two"], [""]]]),
        (
            ["measured", "emptied"],
            [VARIABLE, CONTEXT],
            ["a.B.test_one", "", True, [["a.B.test_one"], ["a.B.test_two"], [""]]],
        ),
        (["measured"], [VARIABLE], [None, None, True, [[""], [""], [""]]]),
        (["measured"], [CONTEXT], ["", "", True, [[""], [""], [""]]]),
        ([], [VARIABLE, CONTEXT], ["", "", False, [None, None, None]]),
    ],
    ids=["wanted", "emptied by a test", "not wanted", "of no run", "without coverage"],
)
def test_lines_by_tests(tmp_path: Path, words: list[str], names: list[str], expected: list[object]) -> None:
    """Lines are told by the test that ran them where a run wants that, also after a test that empties the environment.

    Elsewhere neither coverage nor the environment hears of a test, and coverage is not imported.
    """
    (tmp_path / "shop.py").write_text(SHOP)
    variables = dict.fromkeys(names, "")
    paths = {"PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(command, cwd=tmp_path, env=variables | paths, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert expected == json.loads(done.stdout)
