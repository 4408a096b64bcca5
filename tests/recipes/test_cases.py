"""Every case in tests/cases: a section in, a plan or an error out.

A case is a file NAME.cfg whose first section is the part, with NAME.plan or NAME.error beside it. A section
`[facts]` may say where the buildout lies (`root`, `prefix`; `inside` for an environment below the root, `relative` for
a tree that may be moved), which files there are (`file PATH = TEXT`), which scripts distributions bring as files
(`script-files = DISTRIBUTION:NAME:KIND...`) and what is locked there (`locked = NAME...`, `others = NAME...`,
`pins = NAME=VERSION...`); without `locked` nothing is; and which rows a matrix has there (`row NAME = PYTHON`,
`left-out NAME = WHY`, `alias NAME = ROW`); that the part is itself a row (`row = NAME`, and
`part-imports`, the names of what its part imports); and what else it imports (`imports = NAME...`).
With CASES_REGENERATE=1 in the environment the expectations are written instead of compared: read them.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from eggcarton import runtime
from eggcarton.core import services
from eggcarton.core.errors import EggcartonError
from eggcarton.core.layout import (
    CodePlace,
    EntryPoint,
    Environment,
    Layout,
    Locked,
    Matrix,
    PackageIndex,
    PackageIndexes,
    ScriptFile,
)
from eggcarton.core.options import read_options
from eggcarton.core.plan import RUNTIME, File, Item, Plan

CASES = Path(__file__).parent.parent / "cases"
RECIPES = ("coverage", "eggs", "mirrors", "pins", "scripts", "template", "test", "wsgi")
FOUND = sorted(CASES.glob("*/*.cfg"))


def recipe(name: str) -> ModuleType:
    return importlib.import_module(f"eggcarton.recipes.{name}")


def read_case(text: str) -> dict[str, dict[str, str]]:
    """Read sections as buildout does: continuation lines keep what indentation they have in common with none."""
    sections: dict[str, dict[str, str]] = {}
    for header, body in re.findall(r"^\[(.+)\]\n((?:(?!\[).*\n?)*)", text, re.MULTILINE):
        options = re.findall(r"^([^\s#;=][^=\n]*?)[ \t]*=[ \t]*(.*(?:\n[ \t]+.*|\n(?=\n*[ \t]))*)", body, re.MULTILINE)
        sections[header] = {
            name: textwrap.dedent(value).strip() if value.startswith("\n") else value.strip() for name, value in options
        }
    return sections


def environment_of(facts: dict[str, str], root: Path) -> Environment:
    prefix = Path(facts.get("prefix", "/srv/environments/3f2a"))
    if "inside" in facts:
        prefix = root / "parts/.eggcarton/environments/3f2a"
    return Environment(
        python=prefix / "bin/python",
        prefix=prefix,
        site_packages=root / "site-packages",
        distributions=(
            *(("guestbook", "1.0"), ("pyramid", "2.0.2")),
            *((name, "1.0") for name in facts.get("imports", "").split()),
        ),
        entry_points=(
            EntryPoint("guestbook", "console_scripts", "guestbook", "guestbook.cli", "main"),
            EntryPoint("guestbook", "console_scripts", "guestbook-admin", "guestbook.admin", "Admin.main"),
            EntryPoint("guestbook", "paste.app_factory", "main", "guestbook", "make_application"),
            EntryPoint("guestbook", "paste.app_factory", "readonly", "guestbook.readonly", "make"),
            EntryPoint("guestbook", "gui_scripts", "guestbook-window", "guestbook.window", "main"),
            EntryPoint("pyramid", "console_scripts", "pserve", "pyramid.scripts.pserve", "main"),
        ),
        digest="3f2a",
        store=Path("/srv/store"),
        places=(
            CodePlace("guestbook", root / "guestbook/src", is_developed=True),
            CodePlace("pyramid", Path("/srv/store/pyramid-2.0.2.egg")),
            CodePlace("webob", Path("/usr/lib/python3/dist-packages/webob"), "webob"),
        ),
        script_files=tuple(ScriptFile(*word.split(":")) for word in facts.get("script-files", "").split()),
    )


def locked_of(facts: dict[str, str], root: Path) -> Locked | None:
    if "locked" not in facts:
        return None
    names = facts["locked"].split()
    text = "".join(f"{name}\n" for name in names)
    return Locked(
        lock=root / "pylock.toml",
        texts={kind: f"# {kind}\n{text}" for kind in ("versions", "constraints", "requirements")},
        names=tuple(names),
        others=tuple(facts.get("others", "").split()),
        pins=dict(pin.split("=", 1) for pin in facts.get("pins", "").split()),
    )


def indexes_of(facts: dict[str, str]) -> PackageIndexes | None:
    """Return the indexes: a line each of name, address, mirrors in brackets, and names that are asked there only."""
    found = []
    for line in facts.get("indexes", "").splitlines():
        head, _, rest = line.partition("[")
        mirrors, _, projects = rest.partition("]")
        *name, url = head.split()
        index = PackageIndex(
            name=" ".join(name), url=url, mirrors=tuple(mirrors.split()), projects=tuple(projects.split())
        )
        found.append(index)
    return PackageIndexes(known=tuple(found), in_force="unlocked" not in facts) if found else None


def with_rows(layout: Layout, facts: dict[str, str]) -> Layout:
    """Return a layout with the rows of a matrix that the facts tell of."""

    def told(kind: str) -> list[tuple[str, str]]:
        return [(name.removeprefix(kind), text) for name, text in facts.items() if name.startswith(kind)]

    matrix = Matrix(
        rows={name: layout.parts / f"test-{name}/bin" for name, _ in told("row ")},
        left_out=dict(told("left-out ")),
        aliases=dict(told("alias ")),
        pythons=tuple(dict.fromkeys(python for _, python in told("row ") if python)),
    )
    return dataclasses.replace(
        layout,
        matrix=None if matrix == Matrix() else matrix,
        row=facts.get("row"),
        part_imports=tuple(facts["part-imports"].split()) if "part-imports" in facts else None,
    )


def without_runtime(plan: Plan) -> Plan:
    """Name the files that are copied from eggcarton.runtime, a package by its directory, instead of showing them."""
    items: dict[Path, Item] = {}
    for item in plan.items:
        name = name_in_runtime(item) if isinstance(item, File) else None
        if not isinstance(item, File) or not name:
            items[item.path] = item
            continue
        package, _, module = name.rpartition("/")
        path = item.path.parent if package else item.path
        items[path] = File(path, f"eggcarton/runtime/{package or module}\n")
    return dataclasses.replace(plan, items=tuple(items.values()))


def name_in_runtime(item: File) -> str | None:
    """Return the path below eggcarton/runtime of what a file is a copy of."""
    _, _, below = item.path.as_posix().partition(f"/{RUNTIME}/")
    name = below or item.path.name
    source = Path(runtime.__file__).parent / name
    is_copy = name.endswith(".py") and source.is_file() and item.content == source.read_text("utf-8")
    return name if is_copy else None


def outcome(case: Path, place: Path) -> tuple[str, str]:
    """Return what comes of a case, and under which suffix that is expected."""
    sections = read_case(case.read_text(encoding="utf-8"))
    part = next(iter(sections))
    facts = sections.get("facts", {})
    root = place / facts.get("root", "site")
    root.mkdir()
    for name, text in facts.items():
        if name.startswith("file "):
            file = root / name.removeprefix("file ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("latin-1" if "latin" in name else "utf-8") + b"\n")
    standing = sorted(root.rglob("*"))
    module = recipe(case.parent.name)
    try:
        reading = read_options(module.Options, part, sections[part])
        needed = getattr(reading.options, "requirements", ())
        has_environment = needed or getattr(reading.options, "always_has_environment", False)
        environment = environment_of(facts, root) if has_environment else None
        named = getattr(reading.options, "services", ())
        layout = dataclasses.replace(
            Layout.under(root, part),
            locked=locked_of(facts, root),
            fetched=dict.fromkeys(getattr(reading.options, "downloads", {}), root / facts.get("fetched", "")),
            indexes=indexes_of(facts),
            services=services.read(part, named, sections.get, tuple(sections)).services,
            relative="relative" in facts or bool(getattr(reading.options, "relative_paths", None)),
        )
        plan = module.plan(reading.options, with_rows(layout, facts), environment)
    except EggcartonError as error:
        return ".error", f"{error}\n".replace(f"{root}/", "")
    finally:
        assert standing == sorted(root.rglob("*")), "planning touched something"
    lines = [
        f"requires {', '.join(needed) or 'nothing'}\n",
        *(f"warning {line}\n" for line in reading.warnings),
    ]
    return ".plan", "".join(lines) + without_runtime(plan).text(root)


@pytest.mark.parametrize("case", FOUND, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_case(case: Path, tmp_path: Path) -> None:
    """The section gives the plan, or the error, that stands beside it."""
    suffix, found = outcome(case, tmp_path)
    if os.environ.get("CASES_REGENERATE"):
        for other in (".plan", ".error"):
            case.with_suffix(other).unlink(missing_ok=True)
        case.with_suffix(suffix).write_text(found, encoding="utf-8")
    assert not case.with_suffix(".error" if suffix == ".plan" else ".plan").exists()
    assert case.with_suffix(suffix).read_text(encoding="utf-8") == found


@pytest.mark.parametrize("name", RECIPES)
def test_exports(name: str) -> None:
    """A recipe is a module with a docstring, Options and plan, and has cases."""
    module = recipe(name)
    assert ["Options", "plan"] == module.__all__
    assert all(member.__doc__ for member in (module, module.Options, module.plan))
    public = {key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    assert {"Options", "plan"} == {key for key in public if not key.startswith("_")}
    assert len(list((CASES / name).glob("*.plan"))) >= 3
    assert list((CASES / name).glob("*.error"))


def test_no_leftovers() -> None:
    """Every expectation belongs to a case."""
    assert {path.with_suffix("") for path in FOUND} == {
        path.with_suffix("") for suffix in ("plan", "error") for path in CASES.glob(f"*/*.{suffix}")
    }
