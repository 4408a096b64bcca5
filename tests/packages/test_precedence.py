"""A develop package comes before what is locked, in whatever way its build backend lets it be imported."""

from __future__ import annotations

import textwrap
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path

import pytest

from eggcarton.core.names import canonical_name
from eggcarton.packages import develop, environment
from eggcarton.packages.builds import Toolchain
from eggcarton.packages.member import Member
from eggcarton.packages.verify import of_environment
from support.buildouts import Shared
from support.distributions import PKG_RESOURCES_NAMESPACE, PKGUTIL_NAMESPACE, wheel
from support.environments import PYTHON, made, makeup, members, python, told

BACKEND = '[build-system]\nrequires = ["{}"]\nbuild-backend = "{}"\n[project]\nname = "{name}"\nversion = "1.0"\n'
HATCHLING = BACKEND.format("hatchling", "hatchling.build", name="{name}")
FLIT = BACKEND.format("flit_core", "flit_core.buildapi", name="{name}") + 'description = "Developed."\n'
PDM = BACKEND.format("pdm-backend", "pdm.backend", name="{name}")
POETRY = BACKEND.format("poetry-core", "poetry.core.masonry.api", name="{name}")
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'

LAYOUTS = {
    "setuptools, flat": ("", SETUPTOOLS, "packages={packages!r}, py_modules={modules!r}"),
    "setuptools, src": ("src/", SETUPTOOLS, "packages={packages!r}, py_modules={modules!r}, package_dir={{'': 'src'}}"),
    "hatchling, flat": ("", HATCHLING + "[tool.hatch.build.targets.wheel]\nonly-include = ['{top}']\n", ""),
    "hatchling, src": ("src/", HATCHLING + "[tool.hatch.build.targets.wheel]\npackages = ['src/{top}']\n", ""),
    "flit, flat": ("", FLIT + "[tool.flit.module]\nname = '{first}'\n", ""),
    "flit, src": ("src/", FLIT + "[tool.flit.module]\nname = '{first}'\n", ""),
    "pdm, src": ("src/", PDM, ""),
    "poetry, src": ("src/", POETRY + "[tool.poetry]\npackages = [{{ include = '{top}', from = 'src' }}]\n", ""),
}
"""Of each: what stands before its modules, ``pyproject.toml``, and the arguments of ``setup`` where there is one."""

NAMESPACES = {"PEP 420": "", "pkgutil": PKGUTIL_NAMESPACE, "pkg_resources": PKG_RESOURCES_NAMESPACE}


@pytest.fixture(scope="session")
def tools(shared: Shared, backends: Path) -> Toolchain:
    """All build backends, in one directory."""

    def make(place: Path) -> None:
        for path in backends.glob("*.whl"):
            zipfile.ZipFile(path).extractall(place)

    place = shared.once("unpacked-backends", make)
    versions = {canonical_name(found.metadata["Name"]): found.version for found in distributions(path=[str(place)])}
    return Toolchain((str(place),), versions)


def project(place: Path, layout: str, name: str, modules: Mapping[str, str], namespaces: tuple[str, ...] = ()) -> Path:
    """Write a project of these modules."""
    before, pyproject, setup = LAYOUTS[layout]
    packages = sorted({str(Path(path).parent).replace("/", ".") for path in modules if "/" in path})
    first = packages[-1] if packages else next(iter(modules)).removesuffix(".py")
    top = first.partition(".")[0]
    files = {f"{before}{path}": text for path, text in modules.items()}
    files["pyproject.toml"] = pyproject.format(name=name, first=first, top=top) if not setup else pyproject
    if setup:
        arguments = setup.format(packages=packages, modules=[path[:-3] for path in modules if "/" not in path])
        more = f", namespace_packages={list(namespaces)!r}" if namespaces else ""
        files["setup.py"] = f"from setuptools import setup\n\nsetup(name={name!r}, version='1.0', {arguments}{more})\n"
    for path, text in files.items():
        (place / name / path).parent.mkdir(parents=True, exist_ok=True)
        (place / name / path).write_text(textwrap.dedent(text), "utf-8")
    return place / name


def developed(place: Path, tools: Toolchain, *projects: Path) -> list[Member]:
    """Build projects as the develop packages of an environment."""
    built = develop.build(projects, tools, place / "develop-eggs", lambda project: lambda requires, asked: tools)
    found = []
    for number, one in enumerate(built):
        directory = place / "develop-eggs" / str(number)
        found.append(Member(one["name"], one["version"], directory, one["name"], tuple(one["files"])))
    return found


def locked(place: Path, name: str, modules: Mapping[str, str], namespaces: tuple[str, ...] = ()) -> list[Member]:
    (place / "wheels").mkdir(exist_ok=True)
    return members(place, wheel(place / "wheels", name, "1.0", modules, namespaces=namespaces))


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_module_of_both(tmp_path: Path, tools: Toolchain, layout: str) -> None:
    """Where a develop package and a locked one have the same package, the developed one is imported, and it is said."""
    source = project(tmp_path, layout, "own", {"both/__init__.py": "'''Both.'''\nwhose = 'developed'\n"})
    others = locked(tmp_path, "other", {"both/__init__.py": "whose = 'locked'\n", "both/more.py": "", "other.py": ""})
    found, remarks = told(tmp_path, [*developed(tmp_path, tools, source), *others])
    code = "import both, importlib.util as u, other; print(both.whose, u.find_spec('both.more'))"
    assert "developed None" == python(found, code)
    assert ("both of other cannot be imported: the develop package own has it, and comes first",) == remarks
    (source / LAYOUTS[layout][0] / "both/new.py").write_text("", "utf-8")
    (source / LAYOUTS[layout][0] / "both/__init__.py").write_text("whose = 'edited'\n", "utf-8")
    assert "edited" == python(found, "import both.new; print(both.whose)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "kind"),
    # flit makes no namespaces that a file declares.
    [(layout, kind) for layout in LAYOUTS for kind in NAMESPACES if kind == "PEP 420" or not layout.startswith("flit")],
)
def test_namespaces(tmp_path: Path, tools: Toolchain, layout: str, kind: str) -> None:
    """A namespace is shared by a develop package and locked ones, in whatever way any of them declares it."""
    modules = {"ns/own/__init__.py": "'''Own.'''\n__version__ = '1.0'\n", "ns/own/inner.py": ""}
    modules |= {"ns/__init__.py": NAMESPACES[kind]} if kind != "PEP 420" else {}
    source = project(tmp_path, layout, "own", modules, ("ns",) if kind == "pkg_resources" else ())
    others = [
        *locked(tmp_path, "one", {"ns/one.py": ""}),
        *locked(tmp_path, "two", {"ns/two/__init__.py": "", "ns/__init__.py": PKGUTIL_NAMESPACE}),
        *locked(tmp_path, "three", {"ns/three/__init__.py": ""}, ("ns",)),
    ]
    found = made(tmp_path, [*developed(tmp_path, tools, source), *others])
    code = "import ns.own.inner, ns.one, ns.two, ns.three; print(ns.own.__file__)"
    assert str(source / LAYOUTS[layout][0] / "ns/own/__init__.py") == python(found, code)
    (source / LAYOUTS[layout][0] / "ns/own/new.py").write_text("", "utf-8")
    python(found, "import ns.own.new")


def lines(place: Path, name: str, *sources: Path) -> Member:
    """Return a develop package that one ``.pth`` line a source lets be imported."""
    place.mkdir(parents=True)
    (place / f"{name}.pth").write_text("".join(f"{source}\n" for source in sources), "utf-8")
    return Member(name, "1.0", place, name, (f"{name}.pth",))


def finder(place: Path, name: str, **modules: Path) -> Member:
    """Return a develop package that a finder as setuptools writes it lets be imported."""
    place.mkdir(parents=True)
    mapping = {module: str(path) for module, path in modules.items()}
    (place / f"__editable___{name}_finder.py").write_text(FINDER.format(mapping=mapping), "utf-8")
    (place / f"{name}.pth").write_text(f"import __editable___{name}_finder as f; f.install()\n", "utf-8")
    return Member(name, "1.0", place, name, (f"__editable___{name}_finder.py", f"{name}.pth"))


FINDER = """\
import sys
from importlib.util import spec_from_file_location

MAPPING: dict = {mapping!r}

class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return spec_from_file_location(name, MAPPING[name] + ".py") if name in MAPPING else None

def install():
    sys.meta_path.append(Finder)
"""


def modules(place: Path, *names: str) -> Path:
    """Write modules that tell which directory they are in."""
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"whose = {place.name!r}\n", "utf-8")
    return place


@pytest.mark.parametrize("kinds", ["lines, lines", "finder, finder", "lines, finder", "finder, lines"])
def test_two_develop_packages(tmp_path: Path, kinds: str) -> None:
    """Where two develop packages have the same module that of the first by name is imported, and it is said."""
    found = []
    for name, kind in zip("ab", kinds.split(", "), strict=True):
        source = modules(tmp_path / name, "both.py", f"only_{name}.py")
        named = {module: source / module for module in ("both", f"only_{name}")}
        place = tmp_path / "develop-eggs" / name
        found.append(lines(place, name, source) if kind == "lines" else finder(place, name, **named))
    result, remarks = told(tmp_path, found[::-1])
    assert "a a b" == python(result, "import both, only_a, only_b; print(both.whose, only_a.whose, only_b.whose)")
    said = "both of the develop package b cannot be imported: the develop package a has it, and comes first"
    assert (said,) == remarks


@pytest.mark.parametrize("make", [lines, finder])
def test_the_standard_library_comes_first(tmp_path: Path, make: object) -> None:
    """A develop package cannot take the place of a module of the standard library; that it has one is said."""
    source = modules(tmp_path / "source", "json.py", "own.py")
    place = tmp_path / "develop-eggs"
    mapped = finder(place, "own", json=source / "json", own=source / "own") if make is finder else None
    found, remarks = told(tmp_path, [mapped or lines(place, "own", source)])
    said = "json of the develop package own cannot be imported: the standard library has it, and comes first"
    assert (said,) == remarks
    assert "source 1" == python(found, "import own, json; print(own.whose, json.dumps(1))")


def test_a_module_that_is_new(tmp_path: Path) -> None:
    """A module that a develop package gets after the build is imported at once, and before a locked one."""
    source = modules(tmp_path / "source", "own.py")
    others = locked(tmp_path, "other", {"late.py": "whose = 'locked'\n", "ns/late.py": "whose = 'locked'\n"})
    found = made(tmp_path, [lines(tmp_path / "develop-eggs", "own", source), *others])
    code = "import late, ns.late; print(late.whose, ns.late.whose)"
    assert "locked locked" == python(found, code)
    modules(source, "late.py", "ns/late.py")
    assert "source source" == python(found, code)


def test_a_locked_package_that_hides_a_namespace(tmp_path: Path) -> None:
    """Where a locked distribution makes a package of its own of a namespace, the develop package's part is told of."""
    source = modules(tmp_path / "source", "ns/own.py")
    others = locked(tmp_path, "other", {"ns/__init__.py": "answer = 42\n"})
    _, remarks = told(tmp_path, [lines(tmp_path / "develop-eggs", "own", source), *others])
    assert ("ns of the develop package own cannot be imported: other has it, and comes first",) == remarks


def test_below_namespaces(tmp_path: Path) -> None:
    """Namespaces within namespaces are shared too; a member of one that both have is the developed one."""
    source = modules(tmp_path / "source", "ns/sub/own.py", "ns/sub/both.py", "ns/both.py")
    for path in ("ns/__init__.py", "ns/sub/__init__.py"):
        (source / path).write_text(PKG_RESOURCES_NAMESPACE, "utf-8")
    others = locked(tmp_path, "other", {"ns/sub/other.py": "", "ns/sub/both.py": "", "ns/both/__init__.py": ""})
    found, remarks = told(tmp_path, [lines(tmp_path / "develop-eggs", "own", source), *others])
    code = "import ns.sub.own, ns.sub.other, ns.sub.both, ns.both; print(ns.both.whose, ns.sub.both.whose)"
    assert "source source" == python(found, code)
    said = "ns.both and ns.sub.both of other cannot be imported: the develop package own has them, and comes first"
    assert (said,) == remarks


NSPKG = (
    "import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('ns',));"
    "importlib = __import__('importlib.util');__import__('importlib.machinery');"
    "m = sys.modules.setdefault('ns', importlib.util.module_from_spec("
    "importlib.machinery.PathFinder.find_spec('ns', [os.path.dirname(p)])));"
    "m = m or sys.modules.setdefault('ns', types.ModuleType('ns'));"
    "mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n"
)


@pytest.mark.parametrize("kind", NAMESPACES)
def test_lines_that_declare_a_namespace(tmp_path: Path, kind: str) -> None:
    """A line by which a released distribution declares a namespace when Python starts hides no develop package's."""
    source = modules(tmp_path / "source", "ns/own.py")
    if kind != "PEP 420":
        (source / "ns/__init__.py").write_text(NAMESPACES[kind], "utf-8")
    others = locked(tmp_path, "other", {"ns/other.py": "", "other-1.0-nspkg.pth": NSPKG}, ("ns",))
    found = made(tmp_path, [lines(tmp_path / "develop-eggs", "own", source), *others])
    assert "source" == python(found, "import ns.own, ns.other; print(ns.own.whose)")


def test_nothing_is_found_wrong(tmp_path: Path) -> None:
    """An environment with develop packages is as it was made, whatever Python has compiled and whatever is new."""
    source = modules(tmp_path / "source", "both.py")
    own, (other,) = (
        lines(tmp_path / "develop-eggs", "own", source),
        locked(tmp_path, "other", {"both.py": "", "b.py": ""}),
    )
    found, remarks = told(tmp_path, [own, other])
    assert 1 == len(remarks)
    modules(source, "b.py", "new/__init__.py")
    (source / "new/__init__.py").write_text(PKGUTIL_NAMESPACE, "utf-8")
    python(found, "import both, b")
    known = [(other.name, other.identity, str(other.place))]
    assert [] == list(of_environment(found.prefix, PYTHON, known, ()))


def test_an_extra_path_that_is_developed(tmp_path: Path) -> None:
    """Nothing is said where an extra path is the directory of a develop package."""
    source = modules(tmp_path / "source", "own.py")
    made(tmp_path, [lines(tmp_path / "develop-eggs", "own", source)], source)


def test_paths_that_nothing_names(tmp_path: Path) -> None:
    """Directories that no develop package's own line names come first, too, behind those that one names."""
    first, second = (modules(tmp_path / name, "both.py", f"{name}.py") for name in ("one", "two"))
    others = locked(tmp_path, "other", {"two.py": "whose = 'locked'\n"})
    content = replace(makeup([lines(tmp_path / "develop-eggs", "own", first), *others]), first_paths=(second,))
    found, _ = environment.ensure(tmp_path / "environments", content, tmp_path / "store")
    assert "one two" == python(found, "import both, two; print(both.whose, two.whose)")


def test_paths_in_a_tree_that_moves(tmp_path: Path) -> None:
    """In a tree that is to be movable, what puts develop packages first names no whole path of it."""
    source = modules(tmp_path / "source", "own.py")
    content = replace(makeup([lines(tmp_path / "develop-eggs", "own", source)]), root=tmp_path)
    found, _ = environment.ensure(tmp_path / "environments", content, tmp_path / "store")
    assert str(tmp_path) not in (found.site_packages / "~eggcarton-first.pth").read_text("utf-8")
    said = python(found, "import sys; print(*sys.path[-2:], sep='\\n')").splitlines()
    assert [str(source), str(found.site_packages)] == said


def test_without_develop_packages(tmp_path: Path) -> None:
    """An environment without develop packages has nothing of all this, so that it starts as fast as any other."""
    found = made(tmp_path, locked(tmp_path, "other", {"other.py": ""}))
    assert [] == sorted(found.site_packages.glob("*eggcarton[-_][df]*"))
