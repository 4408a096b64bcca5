"""Facts about PIE files: real distributions in real directories, loaded into a Python that sees nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from eggcarton.runtime import pie
from support import distributions

pytestmark = pytest.mark.slow

SOURCE = Path(pie.__file__)
VALUE = "value = {!r}\n"


class Machine:
    """A Python without site-packages, two directories to install into, and a PIE file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.copy = root / "copy of" / "pie.py"
        self.copy.parent.mkdir()
        shutil.copy(SOURCE, self.copy)
        for name in ("site", "more"):
            (root / name).mkdir()

    def install(
        self, where: str, name: str, version: str = "1.0", modules: Mapping[str, str] | None = None, **more: object
    ) -> Path:
        """Install a distribution with one module of its name, which tells its version."""
        module = name.replace("-", "_").replace(".", "_").lower()
        files = modules if modules is not None else {f"{module}.py": VALUE.format(version)}
        wheel = distributions.wheel(self.root / "wheels", name, version, files, **more)  # type: ignore[arg-type]
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.root / where)
        return self.root / where

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def zipped(self, name: str) -> None:
        """Install an egg with one module, shop.py, as easy_install once did."""
        (self.root / name).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(self.root / name, "w") as archive:
            archive.writestr("shop.py", VALUE.format("1.0"))
            archive.writestr("EGG-INFO/PKG-INFO", "Name: shop\nVersion: 1.0\n")

    def pie(self, text: str, name: str = "app.pie") -> Path:
        return self.write(name, text)

    def run(self, code: str, *path: str, python: str = sys.executable) -> str:
        """Run code in a Python whose path holds these directories; `load` and `attempt` are there."""
        start = f"""
            import sys
            sys.path.append({str(self.copy.parent)!r})
            import pie
            sys.path.pop()
            sys.path += {[str(self.root / one) for one in path]!r}
            def load(name="app.pie"):
                return [one.removeprefix({str(self.root)!r} + "/") for one in
                        pie.load_isolated_environment({str(self.root)!r} + "/" + name)]
            def attempt(name, what="value"):
                try:
                    module = __import__(name, fromlist=["x"])
                except ImportError:
                    return None
                return getattr(module, what, "there")
            def told(name="app.pie"):
                try:
                    load(name)
                except (ValueError, ImportError) as error:
                    return type(error).__name__ + ": " + str(error).replace({str(self.root)!r} + "/", "")
            def known(name):
                import importlib.metadata
                try:
                    return importlib.metadata.version(name)
                except importlib.metadata.PackageNotFoundError:
                    return None
        """
        done = subprocess.run(
            [python, "-I", "-S", "-c", textwrap.dedent(start) + textwrap.dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.root,
        )
        return done.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class TestWhatIsNeeded:
    def test_from_line_1(self, machine: Machine) -> None:
        """What is needed is imported from line 1's directories, which start from the file's own directory."""
        machine.install("site", "shop", "2.0")
        machine.pie("site\nShop >= 1.5\n")
        assert "['site'] 2.0 2.0" == machine.run("print(load(), attempt('shop'), known('shop'))")

    def test_only_what_is_listed(self, machine: Machine) -> None:
        """What lies beside it and is not listed, a dependency too, can neither be imported nor found."""
        machine.install("site", "shop", requires=["till"])
        machine.install("site", "till")
        machine.write("site/loose.py", "value = 1\n")
        machine.pie("site\nshop\n")
        code = "load(); print(attempt('shop'), attempt('till'), known('till'), attempt('loose'))"
        assert "1.0 None None None" == machine.run(code)

    def test_what_is_there_stays(self, machine: Machine) -> None:
        """What is importable and will do stays as it is, though line 1 has a later one; nothing is put on the path."""
        machine.install("site", "shop", "1.0")
        machine.install("more", "shop", "2.0")
        machine.pie("more\nshop\n")
        assert "[] 1.0" == machine.run("print(load(), attempt('shop'))", "site")

    def test_another_version_is_there(self, machine: Machine) -> None:
        """What is importable and will not do gives way to line 1's, for importlib.metadata too."""
        machine.install("site", "shop", "1.0", {"shop/__init__.py": VALUE.format("1.0"), "shop/old.py": ""})
        machine.install("site", "till", "1.0")
        machine.install("more", "shop", "2.0")
        machine.pie("more\nshop >= 2\n")
        code = "print(load(), attempt('shop'), known('shop'), attempt('shop.old'), attempt('till'))"
        assert "['more'] 2.0 2.0 None 1.0" == machine.run(code, "site")

    def test_another_version_is_imported(self, machine: Machine) -> None:
        """Where a version that will not do is imported already, nothing is changed and the error says by what."""
        machine.install("site", "shop", "1.0")
        machine.install("more", "shop", "2.0")
        machine.pie("more\nshop >= 2\n")
        code = "import shop; before = list(sys.path), list(sys.meta_path); print(told());"
        code += "print(before == (sys.path, sys.meta_path), attempt('shop'))"
        assert (
            "PackageConflict: app.pie:2: shop >= 2 is needed, but shop is imported already, from shop 1.0 in site; "
            "load the file before anything imports it\nTrue 1.0"
        ) == machine.run(code, "site")

    def test_nowhere(self, machine: Machine) -> None:
        """PackageMissing has the name, the requirement, the versions that were found and where it was looked."""
        machine.install("site", "shop", "1.0")
        machine.install("more", "shop", "1.5rc1")
        machine.pie("more:gone\nShop[fast] >= 2, != 2.1\ntill\n")
        code = """
            try:
                load()
            except pie.PackageMissing as error:
                print(error.name, '|', error.requirement, error.versions, len(error.directories), len(error.others))
                print(sys.path[-1].endswith('site'))
            print(told())
            """
        assert (
            "shop | Shop[fast] >= 2, != 2.1 ('1.0', '1.5rc1') 2 1\nTrue\n"
            "PackageMissing: app.pie:2: Shop[fast] >= 2, != 2.1 is needed, and found: 1.0, 1.5rc1 (in sys.path and in "
            "more, gone (no directory))\n"
            "app.pie:3: till is needed, and none is there (in sys.path and in more, gone (no directory))"
        ) == machine.run(code, "site")

    def test_early_releases_count(self, machine: Machine) -> None:
        """A pre-release that is there will do."""
        machine.install("site", "shop", "2.0a1")
        machine.pie("site\nshop >= 1\n")
        assert "2.0a1" == machine.run("load(); print(attempt('shop'))")

    def test_conditions(self, machine: Machine) -> None:
        """A requirement whose condition is not for this Python is none."""
        machine.install("site", "shop")
        machine.pie('site\nshop ; python_version >= "3"\ntill ; sys_platform == "vms" or python_version < "3"\n')
        assert "1.0" == machine.run("load(); print(attempt('shop'))")

    def test_empty_line_1(self, machine: Machine) -> None:
        """With an empty line 1 only what is importable already can be needed."""
        machine.install("site", "shop")
        machine.pie("\n\n# a comment\nshop  # another\n")
        assert "[] 1.0" == machine.run("print(load(), attempt('shop'))", "site")


class TestKindsOfDistributions:
    def test_egg_info_directory_and_file(self, machine: Machine) -> None:
        """The egg-info of setuptools and that of distutils, one file, are metadata."""
        machine.write("site/old.py", VALUE.format("old"))
        machine.write("site/old-1.5.egg-info/PKG-INFO", "Metadata-Version: 1.0\nName: Old\nVersion: 1.5\n")
        machine.write("site/old-1.5.egg-info/top_level.txt", "old\n")
        machine.write("site/older.py", VALUE.format("older"))
        machine.write("site/older-0.5.egg-info", "Metadata-Version: 1.0\nName: older\nVersion: 0.5\n")
        machine.pie("site\nold == 1.5\nolder == 0.5\n")
        assert "['site'] old older" == machine.run("print(load(), attempt('old'), attempt('older'))")

    def test_egg_directory(self, machine: Machine) -> None:
        """A directory NAME.egg in a directory of line 1 is a distribution, and an entry of the path of its own."""
        machine.write("site/shop-3.0-py3.egg/shop.py", VALUE.format("3.0"))
        machine.write("site/shop-3.0-py3.egg/EGG-INFO/PKG-INFO", "Name: shop\nVersion: 3.0\n")
        machine.install("site", "till")
        machine.pie("site\nshop\n")
        code = "print(load(), attempt('shop'), known('shop'), attempt('till'))"
        assert "['site/shop-3.0-py3.egg'] 3.0 3.0 None" == machine.run(code)

    @pytest.mark.parametrize(
        ("text", "version"),
        [
            ('__version__ = "1.2"\nraise RuntimeError("run")\n', "1.2"),
            ('__version__: str = "1.2"\n', "1.2"),
            ('release = "1.2"\n__version__ = release\n', "1.2"),
            ("__version__ = (1, 2)\n", "1.2"),
            ("__version__ = 1.2\n", "1.2"),
            ("from .numbers import version as __version__\n", "1.1"),
            ("from shop_tools.numbers import version as __version__\n", "1.1"),
            ("from .nowhere import __version__\n", "0.0"),
            ("from .. import __version__\n", "0.0"),
            ("from .around import __version__\n", "0.0"),
            ('__version__ = ""\n', "0.0"),
            ("__version__ = compute()\n", "0.0"),
            ("value = 1\n", "0.0"),
            ("this is no Python\n", "0.0"),
        ],
    )
    def test_no_metadata(self, machine: Machine, text: str, version: str) -> None:
        """A package without metadata counts with its __version__, which is read without running it, else as 0.0."""
        machine.write("site/shop_tools/__init__.py", text)
        machine.write("site/shop_tools/numbers.py", 'version = "1.1"\n')
        machine.write("site/shop_tools/around.py", "__version__ = other\nother = __version__\n")
        machine.pie(f"site\nShop.Tools == {version}\n")
        assert "['site'] False" == machine.run("print(load(), 'shop_tools' in sys.modules)")
        machine.pie("site\nshop-tools > 1.2\n")
        assert f"and found: {version} (" in machine.run("print(told())")

    def test_no_metadata_on_the_path(self, machine: Machine) -> None:
        """A module without metadata that is importable counts, and gives way where its version will not do."""
        machine.write("site/shop.py", '__version__ = value = "1.0"\n')
        machine.install("more", "shop", "2.0")
        machine.pie("more\nshop >= 1\n")
        assert "[] 1.0" == machine.run("print(load(), attempt('shop'))", "site")
        machine.pie("more\nshop >= 2\n")
        assert "['more'] 2.0" == machine.run("print(load(), attempt('shop'))", "site")

    def test_no_metadata_in_a_namespace(self, machine: Machine) -> None:
        """A package without metadata in a namespace that no file declares is imported through that."""
        machine.write("site/shop/till/__init__.py", VALUE.format("till"))
        machine.pie("site\nshop.till\n")
        assert "['site'] till" == machine.run("print(load(), attempt('shop.till'))")

    def test_a_zipped_egg_on_the_path(self, machine: Machine) -> None:
        """A zipped egg that is an entry of the path is importable, and counts with the version of its name."""
        machine.zipped("site/shop-1.0-py3.egg")
        machine.pie("\nshop >= 1\n")
        assert "[] 1.0" == machine.run("print(load(), attempt('shop'))", "site/shop-1.0-py3.egg")
        machine.pie("\nshop >= 2\n")
        assert "and found: 1.0 (" in machine.run("print(told())", "site/shop-1.0-py3.egg")
        machine.pie("site\nshop\n")
        assert "none is there" in machine.run("print(told())")

    def test_a_module_of_the_standard_library(self, machine: Machine) -> None:
        """A distribution that is in the standard library too is needed without hiding that."""
        machine.install("site", "fileinput", "9.0", {"fileinput.py": "input = 'hidden'\n"})
        machine.pie("site\nfileinput >= 8\n")
        assert "['site'] False" == machine.run("print(load(), attempt('fileinput', 'input') in ('hidden', None))")

    def test_entries_that_are_no_directories(self, machine: Machine) -> None:
        """What stands on the path and is no text, or leads nowhere, is passed over as Python does."""
        machine.install("site", "shop")
        machine.pie("site\nshop\n")
        code = """
            import os, pathlib
            os.mkdir("gone"), os.chdir("gone"), os.rmdir("../gone")
            # Before 3.11 Python itself stumbles over bytes.
            sys.path += ["", pathlib.Path("/"), None, "/nowhere", 1, *([b"/"] if sys.version_info >= (3, 11) else [])]
            print(load(), attempt('shop'))
            """
        assert "['site'] 1.0" == machine.run(code)

    def test_threads(self, machine: Machine) -> None:
        """Threads that load one file at the same time leave what one of them would have left."""
        for number in range(50):
            machine.install("site", f"shop{number}")
        machine.pie("site\nshop1\n! shop2\n")
        code = """
            import threading
            sys.setswitchinterval(1e-6)
            barrier = threading.Barrier(8)
            threads = [threading.Thread(target=lambda: (barrier.wait(), load())) for _ in range(8)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            print(sum(one.endswith("site") for one in sys.path))
            print(sum(hasattr(one, "eggcarton_pie") for one in sys.meta_path))
            print(attempt("shop1"))
            """
        assert "1\n1\n1.0" == machine.run(code)

    def test_errors_are_handed_on(self, machine: Machine) -> None:
        """An error reaches another process with all that it tells, as from a worker."""
        machine.install("site", "shop")
        machine.pie("site\nshop >= 2\ntill\n")
        machine.pie("\nshop => 2\n", "malformed.pie")
        code = """
            import pickle
            for name in ("app.pie", "malformed.pie"):
                try:
                    load(name)
                except (ValueError, ImportError) as error:
                    other = pickle.loads(pickle.dumps(error))
                    print(str(other) == str(error), type(other) is type(error), getattr(other, "line", None))
                    if name == "app.pie":
                        print(other.name, other.requirement, other.versions, len(other.others), other.others[0].name)
            """
        expected = "True True None\nshop shop >= 2 ('1.0',) 1 till\nTrue True 2"
        assert expected == machine.run(code)

    def test_a_module_of_another_distribution(self, machine: Machine) -> None:
        """A module that belongs to a distribution of another name is no package without metadata."""
        machine.install("site", "PyYAML", "6.0", {"yaml/__init__.py": ""})
        machine.pie("site\nyaml\n")
        assert "PackageMissing: app.pie:2: yaml is needed, and none is there" in machine.run("print(told())")

    def test_pth(self, machine: Machine) -> None:
        """Directories that .pth files name are looked into; lines that import are not run unless a needed one's."""
        machine.install("site", "shop")
        machine.write("site/shop.pth", "import sys; sys.shop = sitedir\n")
        machine.write("site/stranger.pth", "../src\n\n# comment\n/gone\nimport sys; sys.stranger = 1\n")
        machine.write("src/till.py", VALUE.format("till"))
        machine.write("src/till.egg-info/PKG-INFO", "Name: till\nVersion: 4\n")
        machine.pie("site\nshop\ntill\n")
        code = """
            print(load(), attempt('till'), sys.shop.endswith('site'), hasattr(sys, 'stranger'))
            """
        assert "['site', 'src'] till True False" == machine.run(code)

    def test_develop_package(self, machine: Machine) -> None:
        """A develop package is imported through the .pth file that belongs to it, and not when it is not listed."""
        machine.write("src/shop/__init__.py", VALUE.format("develop"))
        machine.install("site", "shop", "1.0", {"__editable__.shop-1.0.pth": f"{machine.root}/src\n"})
        machine.install("site", "till")
        machine.pie("site\nshop\n")
        assert "['site', 'src'] develop" == machine.run("print(load(), attempt('shop'))")
        machine.pie("site\ntill\n")
        assert "['site'] None" == machine.run("print(load(), attempt('shop'))")

    def test_two_versions_of_one_directory(self, machine: Machine) -> None:
        """Of two metadata directories of one name, as Debian has them, the one that will do counts."""
        machine.install("site", "shop", "2.0")
        machine.write("site/shop.egg-info/PKG-INFO", "Name: shop\nVersion: 1.0\n")
        machine.pie("site\nshop >= 2\n")
        assert "['site'] 2.0" == machine.run("print(load(), attempt('shop'))")


class TestWhatIsTakenAway:
    def test_in_a_shared_directory(self, machine: Machine) -> None:
        """A distribution is taken away with all its modules and its metadata, its neighbours stay."""
        machine.install("site", "shop", modules={"shop/__init__.py": "", "shop_extra.py": ""})
        machine.install("site", "till")
        machine.pie("\n! shop\n")
        code = "print(load(), attempt('shop'), attempt('shop_extra'), known('shop'), attempt('till'), known('till'))"
        assert "[] None None None 1.0 1.0" == machine.run(code, "site")

    @pytest.mark.parametrize(("clause", "left"), [("", None), ("< 2", None), (">= 2", "1.0")])
    def test_by_version(self, machine: Machine, clause: str, left: str | None) -> None:
        """Only a version that matches is taken away; where another one lies behind it, that is imported."""
        machine.install("site", "shop", "1.0")
        machine.pie(f"\n!shop {clause}\n")
        assert str(left) == machine.run("load(); print(attempt('shop'))", "site")
        machine.install("more", "shop", "2.0")
        behind = {"": None, "< 2": "2.0", ">= 2": "1.0"}[clause]
        assert str(behind) == machine.run("load(); print(attempt('shop'))", "site", "more")

    @pytest.mark.parametrize("style", ["native", "pkgutil", "pkg_resources"])
    def test_a_namespace(self, machine: Machine, style: str) -> None:
        """Of a namespace that several distributions share only what is its own goes."""
        start = {
            "native": {},
            "pkgutil": {"acme/__init__.py": distributions.PKGUTIL_NAMESPACE},
            "pkg_resources": {"acme/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"},
        }[style]
        machine.install("site", "acme.shop", modules={**start, "acme/shop/__init__.py": "", "acme/shop/deep.py": ""})
        machine.install("site", "acme.till", modules={**start, "acme/till.py": VALUE.format("till")})
        machine.install("more", "acme.box", modules={**start, "acme/box.py": VALUE.format("box")})
        machine.pie("\n! acme.shop\n")
        code = "load(); names = 'shop', 'shop.deep', 'till', 'box'; "
        code += "print([attempt('acme.' + one) for one in names], known('acme.shop'))"
        assert "[None, None, 'till', 'box'] None" == machine.run(code, "site", "more")

    def test_its_own_directory(self, machine: Machine) -> None:
        """An egg that is an entry of the path goes from the path."""
        machine.write("site/shop.egg/shop.py", "")
        machine.write("site/shop.egg/EGG-INFO/PKG-INFO", "Name: shop\nVersion: 3.0\n")
        machine.pie("\n! shop\n")
        code = "load(); print(attempt('shop'), any(one.endswith('.egg') for one in sys.path))"
        assert "None False" == machine.run(code, "site/shop.egg")

    def test_a_zipped_egg(self, machine: Machine) -> None:
        """A zipped egg that is an entry of the path goes from the path, imported or not."""
        machine.zipped("site/shop-1.0-py3.egg")
        machine.pie("\n! shop\n")
        assert "[] None" == machine.run("print(load(), attempt('shop'))", "site/shop-1.0-py3.egg")
        assert "1.0 [] None" == machine.run("print(attempt('shop'), load(), attempt('shop'))", "site/shop-1.0-py3.egg")

    def test_however_the_directory_is_spelled(self, machine: Machine) -> None:
        """A directory hides the same in each of its spellings that are on the path, or come later."""
        machine.install("site", "shop")
        (machine.root / "linked").symlink_to("site")
        machine.pie("\n! shop\n")
        assert "[] None" == machine.run("print(load(), attempt('shop'))", "site", "linked")
        code = "print(load()); sys.path += [sys.path[-1] + '/', 'linked']; print(attempt('shop'))"
        assert "[]\nNone" == machine.run(code, "site")

    def test_the_standard_library(self, machine: Machine) -> None:
        """A line takes away the distribution of a name, and leaves the standard library's module of that name."""
        machine.install("site", "fileinput", "9.0", {"fileinput.py": "input = 'hidden'\n"})
        machine.pie("\n! fileinput\n! os\n")
        code = """
            sys.path.insert(0, sys.path.pop())
            print(load(), attempt("fileinput", "input") in ("hidden", None), attempt("os.path"), known("fileinput"))
            """
        assert "[] False there None" == machine.run(code, "site")

    def test_what_is_imported(self, machine: Machine) -> None:
        """What is imported already is not found by an import any more; who holds it keeps it."""
        machine.install("site", "shop", modules={"shop/__init__.py": "", "shop/deep.py": "value = 5"})
        machine.pie("\n! shop\n")
        code = "import shop.deep; held = shop.deep; load(); print(attempt('shop'), attempt('shop.deep'), held.value)"
        assert "None None 5" == machine.run(code, "site")

    def test_taken_away_and_needed(self, machine: Machine) -> None:
        """What a line takes away answers no other line of the file, and the error names the line."""
        machine.install("site", "shop", "1.0")
        machine.pie("site\nshop\n! shop < 2\n")
        assert "app.pie:3 takes 1.0 away" in machine.run("print(told())")
        machine.install("more", "shop", "2.0")
        machine.pie("more\nshop\n! shop < 2\n")
        assert "['more'] 2.0" == machine.run("print(load(), attempt('shop'))", "site")

    def test_later_imports_of_the_path(self, machine: Machine) -> None:
        """What was taken away stays away when caches are cleared and the path changes."""
        machine.install("site", "acme.shop", modules={"acme/shop.py": ""})
        machine.install("site", "acme.till", modules={"acme/till.py": ""})
        machine.pie("\n! acme.shop\n")
        code = """
            load()
            import importlib.util, acme.till
            sys.path.append('/nowhere')
            sys.path_importer_cache.clear()
            importlib.invalidate_caches()
            print(attempt('acme.shop'), importlib.util.find_spec('acme.shop'))
            """
        assert "None None" == machine.run(code, "site")

    def test_what_does_not_tell(self, machine: Machine) -> None:
        """One that tells no modules, and has none of its own name, cannot be taken away: an error says so."""
        machine.write("site/other_name.py", "")
        machine.write("site/shop-1.0.egg-info", "Name: shop\nVersion: 1.0\n")
        machine.pie("\n! shop\n")
        code = "before = list(sys.path), list(sys.meta_path); print(told(), before == (sys.path, sys.meta_path))"
        said = machine.run(code, "site")
        assert "PackageConflict: shop 1.0 in site does not tell which modules are its own" in said
        assert said.endswith(" True")


class TestASecondFile:
    def test_adds(self, machine: Machine) -> None:
        """A second file adds what it needs, from a directory of the first too; what the first needs stays."""
        for name in ("shop", "till", "box"):
            machine.install("site", name)
        machine.pie("site\nshop\n")
        machine.pie("site\ntill\n", "second.pie")
        code = "print(load(), attempt('till'), load('second.pie'), [attempt(one) for one in ('shop', 'till', 'box')])"
        assert "['site'] None [] ['1.0', '1.0', None]" == machine.run(code)

    def test_the_same_again(self, machine: Machine) -> None:
        """A file that is loaded twice changes nothing the second time."""
        machine.install("site", "shop")
        machine.pie("site\nshop\n! till\n")
        code = (
            "load(); before = list(sys.path), list(sys.meta_path); print(load(), before == (sys.path, sys.meta_path))"
        )
        assert "[] True" == machine.run(code)

    def test_what_the_first_took_away(self, machine: Machine) -> None:
        """What the first file takes away the second cannot have: the error names the line."""
        machine.install("site", "shop")
        machine.pie("\n! shop\n")
        machine.pie("site\nshop\n", "second.pie")
        assert "app.pie:2 takes 1.0 away" in machine.run("load(); print(told('second.pie'))", "site")

    def test_what_the_first_needs(self, machine: Machine) -> None:
        """The second file cannot take away what the first needs, nor have another version of it."""
        machine.install("site", "shop", "1.0")
        machine.install("more", "shop", "2.0")
        machine.pie("site\nshop\n")
        machine.pie("\n! shop\n", "away.pie")
        machine.pie("more\nshop >= 2\n", "other.pie")
        assert (
            "PackageConflict: away.pie:2: '! shop' takes away shop 1.0, which app.pie:2 needs; take one of the two "
            "lines out\nPackageConflict: other.pie:2: shop >= 2 is needed, but app.pie:2 has put shop 1.0 on the path "
            "for 'shop'; let both lines ask for versions that one of them has\n1.0"
        ) == machine.run("load(); print(told('away.pie')); print(told('other.pie')); print(attempt('shop'))")

    def test_two_copies(self, machine: Machine) -> None:
        """Two copies of pie.py in one process know of each other."""
        machine.install("site", "shop")
        machine.pie("\n! shop\n")
        machine.pie("site\nshop\n", "second.pie")
        code = """
            load()
            del sys.modules['pie']
            sys.path.insert(0, sys.path[-1] + '/../copy of')
            import pie as other
            print(other is pie)
            pie = other
            print(told('second.pie'))
            """
        assert "False\nPackageMissing: " in machine.run(code, "site")


MALFORMED = [
    (b"", "1: the file is empty; write directories on line 1, or leave that line empty"),
    (b"# shop\nshop\n", "1: a comment stands where the directories belong; put it below line 1"),
    (b"shop >= 2\n", "1: 'shop >= 2' is a requirement, not a directory; put an empty line 1 above it"),
    (b"! shop\n", "1: '! shop' is a requirement, not a directory; put an empty line 1 above it"),
    (b"a::b\n", "1: beside a ':' no directory is named; take that ':' out"),
    (b"/a:\n", "1: beside a ':' no directory is named; take that ':' out"),
    (b"a\0b\n", "1: no directory's name holds a zero byte; take it out"),
    (b"\nshop\nt\xfcll\n", "3: this is not UTF-8; save the file as UTF-8"),
    (b"\n!\n", "2: nothing follows the '!'; write a name and versions such as 'lxml >= 0.9' behind it"),
    (b"\n\nshop till\n", "3: in 'shop till' 'till' has no version and comparison; "),
    (b"\n-r other.txt\n", "2: '-r other.txt' is not a requirement; write a name and versions such as 'lxml >= 0.9'"),
    (b"\nshop @ https://index.example/shop.whl\n", "2: 'shop @ https://index.example/shop.whl' is an address, and "),
    (b"\nhttps://index.example/shop.whl\n", "2: 'https://index.example/shop.whl' is an address, and nothing is fetch"),
    (b"\nshop >= \n", "2: in 'shop >=' '>=' has no version and comparison; "),
    (b"\nshop >= 1,\n", "2: in 'shop >= 1,' a comma has nothing beside it; "),
    (b"\nshop = 1\n", "2: in 'shop = 1' '= 1' has no version and comparison; "),
    (b"\nshop >= one\n", "2: in 'shop >= one' 'one' is not a version; write one such as 1.2, 1.2.* or 2.0rc1"),
    (
        b"\nshop >= 1.*\n",
        "2: in 'shop >= 1.*' '.*' stands behind a plain number and '==' or '!=' only; write '== 1.2.*'",
    ),
    (b"\nshop == 1rc1.*\n", "2: in 'shop == 1rc1.*' '.*' stands behind a plain number and '==' or '!=' only"),
    (b"\nshop ~= 1\n", "2: in 'shop ~= 1' '~=' needs two numbers; write '~= 1.0' or '>= 1'"),
    (b"\nshop >= 1+a\n", "2: in 'shop >= 1+a' '>=' takes no local version; leave '+a' out"),
    (b"\nshop ; extra == 'x'\n", "2: in 'shop ; extra == 'x'' 'extra' is nothing that a condition here can ask for; "),
    (b"\nshop ; python_version\n", "2: in 'shop ; python_version' its condition cannot be read; write one such as "),
    (b"\nshop ; ( os_name == 'x'\n", "2: in 'shop ; ( os_name == 'x'' its condition cannot be read; "),
    (b"\nshop ; os_name > 'x'\n", "2: in 'shop ; os_name > 'x'' 'posix' and 'x' are not versions, which '>' compares"),
]


@pytest.mark.parametrize(("text", "sentence"), MALFORMED, ids=[sentence[:40] for _, sentence in MALFORMED])
def test_malformed(tmp_path: Path, text: bytes, sentence: str) -> None:
    """A malformed file is told by its line, with what is wrong and what to write instead."""
    path = tmp_path / "app.pie"
    path.write_bytes(text)
    with pytest.raises(pie.MalformedFile) as caught:
        pie.load_isolated_environment(path)
    assert str(caught.value).startswith(f"{path}:{sentence}")
    assert (str(path), int(sentence.partition(":")[0])) == (caught.value.path, caught.value.line)


def test_line_ends_and_marks(tmp_path: Path) -> None:
    """Line ends of Windows and a byte order mark are read over."""
    path = tmp_path / "app.pie"
    path.write_bytes("\ufeffsite:lib dir\r\n\r\nshop (>=1,<2)\r\n".encode())
    read = pie._read(str(path))
    assert (str(tmp_path / "site"), str(tmp_path / "lib dir")) == read.directories
    assert [("shop", ((">=", "1"), ("<", "2")))] == [(line.name, line.clauses) for line in read.needed]


@pytest.mark.parametrize("name", ["3.10", "3.12", "3.13"])
def test_other_pythons(machine: Machine, name: str) -> None:
    """The file works as it is under every Python that we support."""
    # Where several versions are installed side by side, one beside this one is meant.
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{name}*/bin/python{name}"))
    python = next(map(str, beside), shutil.which(f"python{name}"))
    if python is None or subprocess.run([python, "-c", ""], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip(f"there is no Python {name}")
    machine.install("site", "acme.shop", modules={"acme/shop.py": VALUE.format("shop")})
    machine.install("site", "acme.till", modules={"acme/till.py": ""})
    machine.install("more", "box")
    machine.pie("site\nacme.shop\n! box\n")
    code = "print(load(), attempt('acme.shop'), attempt('acme.till'), known('acme.till'), attempt('box'), known('box'))"
    assert "['site'] shop None None None None" == machine.run(code, "more", python=python)


def test_on_the_command_line(machine: Machine) -> None:
    """Run as a program it says what answers each line and what would go to the path."""
    machine.install("site", "shop", "1.0")
    path = machine.pie("site\nshop >= 1\n")
    command = [sys.executable, "-I", "-S", str(machine.copy)]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    site = machine.root / "site"
    assert (0, f"shop >= 1: shop 1.0 in {site}\nput on the path: {site}\n") == (done.returncode, done.stdout)
    machine.pie("site\nshop >= 2\n")
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert (1, f"Error: {path}:2: shop >= 2 is needed, and found: 1.0 (in ") == (
        done.returncode,
        done.stderr[: len(f"Error: {path}:2: shop >= 2 is needed, and found: 1.0 (in ")],
    )
    assert 2 == subprocess.run(command, capture_output=True, check=False).returncode


NUMBERS = st.sampled_from(["0", "1", "2", "3", "01", "10"])
SEPARATORS = st.sampled_from(["", ".", "-", "_"])


def phase(*names: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda before, name, between, number: f"{before}{name}{between if number else ''}{number}",
        SEPARATORS,
        st.sampled_from(names),
        SEPARATORS,
        st.just("") | NUMBERS,
    )


EMPTY = st.just("")
VERSIONS = st.builds(
    "{}{}{}{}{}{}{}".format,
    st.sampled_from(["", "", "v"]),
    st.sampled_from(["", "", "0!", "1!"]),
    st.lists(NUMBERS, min_size=1, max_size=4).map(".".join),
    EMPTY | phase("a", "alpha", "b", "beta", "c", "rc", "pre", "preview", "RC"),
    EMPTY | phase("post", "rev", "r", "POST") | NUMBERS.map("-{}".format),
    EMPTY | phase("dev"),
    EMPTY | st.lists(NUMBERS | st.sampled_from(["a", "ubuntu", "1a", "B"]), min_size=1, max_size=3).map(
        lambda parts: f"+{'.'.join(parts)}"
    ),
)  # fmt: skip
CLAUSES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~=", "==="]),
    VERSIONS,
    st.sampled_from(["", "", ".*"]),
)


@settings(max_examples=1500, deadline=None)
@given(version=VERSIONS, clauses=st.lists(CLAUSES, min_size=1, max_size=2))
def test_versions(version: str, clauses: list[str]) -> None:
    """What a clause is, and which versions are in it, is what `packaging` says."""
    text = ",".join(clauses)
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        with pytest.raises(ValueError, match="in 'shop "):
            pie._line(f"shop {text}", "app.pie:2")
        return
    line = pie._line(f"shop {text}", "app.pie:2")
    assert line is not None
    assert specifiers.contains(version, prereleases=True) == pie._satisfies(version, line.clauses)


TERMS = st.sampled_from(
    [
        'python_version >= "3.9"',
        '"3.10" > python_version',
        'python_full_version != "3.11.*"',
        'sys_platform == "linux"',
        'os_name != "posix"',
        "implementation_name == 'cpython'",
        '"inu" in sys_platform',
        'platform_machine not in "sparc"',
        'platform_system in "Linux Darwin"',
    ]
)
CONDITIONS = st.recursive(
    TERMS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(condition=CONDITIONS)
def test_conditions(condition: str) -> None:
    """A condition is true where `packaging` says so."""
    line = pie._line(f"shop ; {condition}", "app.pie:2")
    assert Marker(condition).evaluate() == (line is not None)
