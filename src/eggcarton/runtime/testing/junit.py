"""Writes what came of tests as JUnit's XML, in one dialect whatever ran them."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

from .watch import ERROR, FAILED, SKIPPED, Outcome

_ELEMENTS = {FAILED: "failure", ERROR: "error", SKIPPED: "skipped"}
# What XML 1.0 cannot hold, not even escaped.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(path: str, outcomes: Sequence[Outcome]) -> None:
    """Write one suite of all tests, in the place of what stood there."""
    kinds = Counter(outcome.kind for outcome in outcomes)
    total = {"tests": len(outcomes), "failures": kinds[FAILED], "errors": kinds[ERROR], "skipped": kinds[SKIPPED]}
    numbers = {name: str(number) for name, number in total.items()}
    seconds = f"{sum(outcome.seconds for outcome in outcomes):.3f}"
    root = ElementTree.Element("testsuites", numbers, time=seconds)
    suite = ElementTree.SubElement(root, "testsuite", numbers, name="tests", time=seconds)
    for outcome in outcomes:
        names = {"classname": _text(outcome.group), "name": _text(outcome.name), "time": f"{outcome.seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", names)
        if outcome.kind in _ELEMENTS:
            ElementTree.SubElement(case, _ELEMENTS[outcome.kind], message=_text(outcome.message)).text = _text(
                outcome.details
            )
    directory = os.path.dirname(os.path.abspath(path))
    os.makedirs(directory, exist_ok=True)
    handle, staging = tempfile.mkstemp(dir=directory, prefix=".junit-")
    with open(handle, "wb") as stream:
        ElementTree.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
    os.chmod(staging, 0o644)
    os.replace(staging, path)


def _text(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
