"""The rules of the house: which layer may import what, how long things get, and that nothing is left undocumented."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from eggcarton import option_pages

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "eggcarton"
MODULES = sorted(PACKAGE.rglob("*.py"))
DECISIONS = ROOT / "docs" / "decisions"
LONGEST_MODULE, LONGEST_FUNCTION = 350, 60

EVERYTHING = frozenset({"core", "recipes", "indexes", "packages", "child", "buildout", "commands", "cli"})
MAY_IMPORT = {
    "core": {"core"},
    "recipes": {"core"},
    "indexes": {"core", "indexes"},
    "packages": {"core", "indexes", "packages"},
    "child": {"core", "indexes", "packages", "child"},
    "runtime": set(),
    "buildout": {"core", "recipes", "indexes", "packages", "buildout"},
    "commands": EVERYTHING - {"cli"},
    "cli": EVERYTHING,
    "option_pages": EVERYTHING,
    "": set(),
}
# Python 3.10 does not have the last one; what imports it asks for the version first.
STANDARD_LIBRARY = sys.stdlib_module_names | {"tomllib"}
CLOSED_SET = frozenset({"packaging", "tomli", "urllib3", "truststore", "jinja2"})
BUILDOUT = frozenset({"zc"})
MAY_USE = {"indexes": CLOSED_SET, "packages": CLOSED_SET, "child": CLOSED_SET, "buildout": BUILDOUT}
# What runs beside the application is installed there by the part that asked for it.
BESIDE = {
    "runtime/testing/with_pytest.py": {"pytest"},
    "runtime/testing/pytest_plugin.py": {"pytest"},
    "runtime/testing/in_worker.py": {"pytest"},
    "runtime/testing/with_zope_testrunner.py": {"zope"},
    "runtime/testing/with_django.py": {"django"},
    "runtime/testing/measuring.py": {"coverage"},
    "runtime/testing/processes.py": {"coverage"},
    "runtime/testing/reports.py": {"coverage"},
    "runtime/serve.py": {"waitress"},
}
# What runs inside zc.buildout's process, where the closed set is not.
STANDARD_LIBRARY_AND_CORE = (
    "selection",
    "environment",
    "environment_links",
    "store_names",
    "environment_scripts",
    "by_part",
    "inventory",
    "inventory_difference",
    "pyright",
    "tree",
    "member",
    "machine",
    "core_metadata",
    "merging",
    "modules",
    "hidden",
    "precedence",
    "same_names",
    "interpreter",
    "eggs",
    "generations",
    "closed",
    "code_places",
    "watched",
    "editable_metadata",
    "while_running",
    "seals",
    "surroundings",
    "build_hook",
    "build_questions",
    "build_sight",
    "build_watch",
)
# Where the private names of zc.buildout may stand, and why.
INSIDERS = {
    "buildout/patches.py": "it is what changes zc.buildout",
    "buildout/extended.py": "it tells what an extension has added to a configuration from what is written in it",
    "buildout/stock.py": "a stock main develops packages itself, and is told there of what the next one needs",
    "buildout/sections.py": "what a section says must be known before zc.buildout makes its recipe",
    "buildout/strays.py": "it looks for sections that no recipe and no option names",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def layer_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Give the full name of every module that a file imports, wherever in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                # What is copied side by side has another name there than here.
                assert layer_of(path) == "runtime", f"{path} imports relatively"
                continue
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if module_path(inner) else node.module


def module_path(name: str) -> Path | None:
    place = PACKAGE.parent.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def our_imports(path: Path) -> set[str]:
    return {name for name in imports(path) if name.partition(".")[0] == "eggcarton" and name != "eggcarton"}


def foreign_imports(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)} - {"eggcarton"} - STANDARD_LIBRARY


def at_start(path: Path) -> set[Path]:
    """Return all modules of ours that importing one leads to."""
    seen, queue = {path}, [path]
    while queue:
        for name in our_imports(queue.pop()):
            found = module_path(name)
            assert found is not None
            if found not in seen:
                seen.add(found)
                queue.append(found)
    return seen


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def recipe_names() -> list[str]:
    setup = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    found = next(
        node.value
        for node in setup.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "RECIPES"
    )
    return list(ast.literal_eval(found))


@cache
def files() -> tuple[Path, ...]:
    """Return every file of the project, those not committed yet included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    return tuple(path for name in listed if name and (path := ROOT / name).is_file())


def texts() -> Iterator[tuple[Path, str]]:
    for path in files():
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_layer_imports_only_the_layers_that_the_design_allows(path: Path) -> None:
    """A layer imports only the layers below it; recipes never import each other."""
    allowed = MAY_IMPORT[layer_of(path)]
    assert set() == {name for name in our_imports(path) if name.split(".")[1] not in allowed}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_layer_uses_only_the_libraries_that_the_design_allows(path: Path) -> None:
    """Only the layer buildout imports zc.buildout, only what runs in the closed set its libraries."""
    allowed = MAY_USE.get(layer_of(path), frozenset()) | BESIDE.get(name_of(path), set())
    assert set() == foreign_imports(path) - allowed


@pytest.mark.parametrize("name", STANDARD_LIBRARY_AND_CORE)
def test_a_module_shared_with_buildout_needs_the_standard_library_and_core_only(name: str) -> None:
    """What the closed set's process and zc.buildout's share imports the standard library, core and each other only."""
    path = PACKAGE / "packages" / f"{name}.py"
    shared = {f"eggcarton.packages.{other}" for other in STANDARD_LIBRARY_AND_CORE} | {"eggcarton.indexes.configured"}
    assert set() == foreign_imports(path)
    assert set() == {module for module in our_imports(path) if not module.startswith("eggcarton.core.")} - shared


@pytest.mark.parametrize("path", [*sorted((PACKAGE / "buildout").glob("*.py")), PACKAGE / "cli.py"], ids=name_of)
def test_the_process_of_buildout_never_needs_the_closed_set(path: Path) -> None:
    """Whatever bin/buildout and bin/eggcarton lead to needs zc.buildout and the standard library only."""
    assert set() == {
        f"{name_of(module)} imports {name}"
        for module in at_start(path)
        for name in foreign_imports(module) - BUILDOUT
    }  # fmt: skip


@pytest.mark.parametrize("path", [path for path in MODULES if layer_of(path) in ("buildout", "cli")], ids=name_of)
def test_only_patches_touches_the_internals_of_buildout(path: Path) -> None:
    """A private name of another module's object stands in patches, and where a reason is given here, only."""
    own = {node.name for node in functions(path)}
    own |= {
        node.attr
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    touched = {
        node.attr
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr)
        # What is called as something of its own may still be zc.buildout's.
        if node.attr not in own or "buildout" in (getattr(node.value, "attr", ""), getattr(node.value, "id", ""))
    }
    if name_of(path) in INSIDERS:
        assert set() != touched
    else:
        assert set() == touched


def test_only_patches_replaces_anything_in_zc_buildout() -> None:
    """No module but patches sets an attribute of what it imports, but for what runs a build in a process of its own."""
    found = set()
    for path in MODULES:
        names = {
            (alias.asname or alias.name).partition(".")[0]
            for node in tree_of(path).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        for node in ast.walk(tree_of(path)):
            targets = node.targets if isinstance(node, ast.Assign) else []
            roots = [target.value for target in targets if isinstance(target, ast.Attribute)]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr":
                roots.append(node.args[0])
            found |= {name_of(path) for root in roots if isinstance(root, ast.Name) and root.id in names}
    # In the first, directories are listed in one order, whatever the file system's; in the second, what a build looks
    # for is told to its watch; in the third, what a process has measured is saved before it ends or becomes another
    # program.
    assert {"packages/build_hook.py", "packages/build_sight.py", "runtime/testing/processes.py"} == found


def exempt() -> set[str]:
    """Return what decision records let grow over the ceilings."""
    return {
        name
        for record in DECISIONS.glob("*.rst")
        for line in re.findall(r"^:Over the ceiling: (.+)$", record.read_text("utf-8"), re.MULTILINE)
        for name in re.findall(r"``([^`]+)``", line)
    }


CODE = [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests"]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_grows_over_the_ceilings(path: Path) -> None:
    """A module has at most 350 lines and a function 60, unless a decision record names it."""
    name = path.relative_to(ROOT).as_posix()
    length = len(path.read_text("utf-8").splitlines())
    long = [] if length <= LONGEST_MODULE or name in exempt() else [f"{name}: {length} lines"]
    for node in functions(path):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > LONGEST_FUNCTION and f"{name}:{node.name}" not in exempt():
            long.append(f"{name}:{node.name}: {lines} lines")
    assert [] == long


def test_no_exemption_outlives_what_it_was_for() -> None:
    """Everything that a decision record lets grow is still there and still over a ceiling."""
    for name in exempt():
        path, _, function = name.partition(":")
        if function:
            [node] = [node for node in functions(ROOT / path) if node.name == function]
            assert LONGEST_FUNCTION < (node.end_lineno or 0) - node.lineno + 1
        else:
            assert LONGEST_MODULE < len((ROOT / path).read_text("utf-8").splitlines())


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_whole(name: str) -> None:
    """Every recipe of setup.py has an entry point, a module of exactly Options and plan, golden cases and a page."""
    module = import_module(f"eggcarton.recipes.{name}")
    points = (PACKAGE / "buildout" / "entrypoints.py").read_text("utf-8")
    assert ["Options", "plan"] == module.__all__
    assert {"Options", "plan"} == public_names(PACKAGE / "recipes" / f"{name}.py")
    assert f"\n{name} = partial(Part, " in points
    assert sorted((ROOT / "tests" / "cases" / name).glob("*.cfg"))
    assert (ROOT / "docs" / "reference" / f"{name}.rst").is_file()


def public_names(path: Path) -> set[str]:
    """Return the classes and functions that a module defines under public names."""
    found = (node for node in tree_of(path).body if isinstance(node, ast.ClassDef | ast.FunctionDef))
    return {node.name for node in found if not node.name.startswith("_")}


def test_every_module_of_recipes_is_a_recipe_of_setup() -> None:
    """No recipe lies about that nobody can use."""
    there = {path.stem for path in (PACKAGE / "recipes").glob("*.py")} - {"__init__"}
    assert there == set(recipe_names())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_is_documented(path: Path) -> None:
    """Every module, and every public class, function and method, has a docstring."""
    tree = tree_of(path)
    bare = [] if ast.get_docstring(tree) else ["the module"]
    for node in documentable(tree.body):
        inside = documentable(node.body) if isinstance(node, ast.ClassDef) else []
        bare += [item.name for item in (node, *inside) if not ast.get_docstring(item)]
    assert [] == bare


def documentable(body: Sequence[ast.stmt]) -> list[ast.ClassDef | ast.FunctionDef]:
    """Return the public classes and functions of a body, without mere declarations of overloads."""
    return [
        node
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
        if not any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)
    ]


def test_the_reference_pages_are_what_the_code_declares() -> None:
    """The committed pages are those that ``bin/py -m eggcarton.option_pages docs/reference`` writes."""
    directory = ROOT / "docs" / "reference"
    assert option_pages.pages() == {path.name: path.read_text("utf-8") for path in directory.glob("*.rst")}


# Put together here, so that this file holds none of them.
HOSTS = ("pypi" + ".org", "python" + "hosted.org", "pypi" + ".python.org", "debian" + ".org", "npmjs" + ".org",
         "npmjs" + ".com")  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_names_the_host_of_a_public_registry(host: str) -> None:
    """The default index is what zc.buildout, pip and uv know themselves."""
    assert [] == [path.relative_to(ROOT).as_posix() for path, text in texts() if host in text.lower()]


def test_no_file_holds_a_path_of_one_machine() -> None:
    """Nothing that is committed names a home directory or the place of a checkout."""
    needles = ["/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/", ".py" + "env/", "/wo" + "rk/", f"{ROOT}/"]
    if len(os.path.expanduser("~")) > 1:
        needles.append(os.path.expanduser("~") + "/")
    found = {
        (path.relative_to(ROOT).as_posix(), needle)
        for path, text in texts()
        for needle in needles
        if re.search(rf"(?<![\w.}}-]){re.escape(needle)}", text)
    }
    assert set() == found


KINDS = ("added", "changed", "fixed", "removed", "security")


def test_every_fragment_of_the_changelog_can_be_put_together() -> None:
    """A fragment is changes.d/NAME.KIND.rst of a known kind, and holds finished sentences."""
    fragments = [path for path in (ROOT / "changes.d").iterdir() if path.name != "README.rst"]
    for path in fragments:
        found = re.fullmatch(rf"[a-z0-9][a-z0-9-]*\.({'|'.join(KINDS)})\.rst", path.name)
        assert found, f"{path.name} is not NAME.KIND.rst with one of the kinds {', '.join(KINDS)}"
        assert re.fullmatch(r"[A-Z`\[].*[.]\n", path.read_text("utf-8"), re.DOTALL), f"{path.name} is no sentence"


def readme_commands() -> list[str]:
    """Return the commands that the README says to type first: the lines of its literal blocks, without remarks."""
    text = (ROOT / "README.rst").read_text("utf-8")
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", re.sub(r"^\.\. code-block::.*", "", text, flags=re.MULTILINE))
    lines = [" ".join(line.partition("#")[0].split()) for block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(r"(python3|bin/)", line)]


def test_every_command_of_the_readme_is_run_by_the_continuous_integration() -> None:
    """What the README says to type first is run, as it is written, by .ci/run; the rest is run as a document."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    run = [" ".join(line.split()) for line in script.splitlines()]
    assert [] == [command for command in readme_commands() if command not in run]


def test_every_program_that_the_readme_names_is_made_by_a_part_that_is_built() -> None:
    """What the README calls ``bin/NAME`` is started by .ci/run, or stands in a command that a document runs."""
    named = set(re.findall(r"``(?:[\w/]+/)?(bin/[a-z]+)", (ROOT / "README.rst").read_text("utf-8")))
    places = [ROOT / ".ci" / "run", ROOT / "README.rst", ROOT / "docs" / "tutorial.rst"]
    started = {
        found
        for path in places
        for found in re.findall(r"^ *(?:\$ |.*&& )?(?:[\w/]+/)?(bin/[a-z]+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert set() == named - started


def test_the_readme_has_the_two_commands_of_a_fresh_machine() -> None:
    """The two commands with which everything begins stand in the README as they are."""
    commands = ["python3 bootstrap.py examples/guestbook", "python3 bootstrap.py && bin/test"]
    assert [] == [command for command in commands if command not in readme_commands()]


def test_an_example_can_be_copied_elsewhere() -> None:
    """No file of an example is a link; the one list of Plone's versions is in both places, byte for byte."""
    assert [] == [path for path in files() if path.is_symlink() and path.is_relative_to(ROOT / "examples")]
    template = PACKAGE / "checkouts" / "plone" / "versions.cfg.in"
    assert template.read_bytes() == (ROOT / "examples" / "plone" / "versions.cfg").read_bytes()
