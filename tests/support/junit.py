"""A reader of JUnit's XML that takes nothing but what readers of such reports agree on."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

NUMBERS = {"tests", "failures", "errors", "skipped"}
ATTRIBUTES = {
    "testsuites": {*NUMBERS, "time"},
    "testsuite": {*NUMBERS, "time", "name", "timestamp"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message"},
    "error": {"message"},
    "skipped": {"message"},
    "system-out": set(),
    "system-err": set(),
}
CHILDREN = {
    "testsuites": "(testsuite )*",
    "testsuite": "(testcase )*",
    "testcase": "((failure|error|skipped) )?(system-out )?(system-err )?",
}
KINDS = {"failure": "failed", "error": "error", "skipped": "skipped"}


class Told(NamedTuple):
    """What a report tells of one test."""

    name: str
    kind: str
    message: str
    details: str
    stdout: str
    stderr: str


def read(path: Path) -> list[Told]:
    """Return what a report tells, whose elements, attributes and numbers all have to be right."""
    root = ElementTree.fromstring(path.read_bytes())
    assert "testsuites" == root.tag
    for element in root.iter():
        assert ATTRIBUTES[element.tag] == set(element.attrib), element.tag
        inside = "".join(f"{child.tag} " for child in element)
        assert re.fullmatch(CHILDREN.get(element.tag, ""), inside), (element.tag, inside)
        if "time" in element.attrib:
            assert re.fullmatch(r"\d+\.\d{3}", element.attrib["time"]), element.attrib
        if "timestamp" in element.attrib:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", element.attrib["timestamp"])
        if element.tag in ("testsuites", "testsuite"):
            assert numbers_of(element) == {name: int(element.attrib[name]) for name in NUMBERS}
    return [told(case) for case in root.iter("testcase")]


def numbers_of(element: ElementTree.Element) -> dict[str, int]:
    """Return what the numbers of a suite have to be."""
    kinds = Counter(child.tag for case in element.iter("testcase") for child in case)
    total = len(list(element.iter("testcase")))
    return {"tests": total, "failures": kinds["failure"], "errors": kinds["error"], "skipped": kinds["skipped"]}


def told(case: ElementTree.Element) -> Told:
    verdict = next((child for child in case if child.tag in KINDS), None)
    return Told(
        f"{case.attrib['classname']}.{case.attrib['name']}",
        "passed" if verdict is None else KINDS[verdict.tag],
        "" if verdict is None else verdict.attrib["message"],
        "" if verdict is None else verdict.text or "",
        case.findtext("system-out", ""),
        case.findtext("system-err", ""),
    )


def kinds(path: Path) -> dict[str, str]:
    """Return the kind of each test by its name; no name is there twice."""
    found = read(path)
    assert len(found) == len({test.name for test in found}), sorted(test.name for test in found)
    return {test.name: test.kind for test in found}
