"""A small project whose tests a script runs, called as such scripts are called from cron."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path
from typing import Any

from eggcarton.core import prerequisites, services
from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.plan import runtime_files
from eggcarton.core.preamble import Preamble
from eggcarton.core.script import Start, package_body, script

# Where pytest and what it needs really lie, whatever environment runs these tests.
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
INSTALLED = sorted({str(path.resolve().parent) for path in SITE_PACKAGES.iterdir()})

FILES = {
    "pytest.ini": "[pytest]\npythonpath = src\naddopts = -p no:cacheprovider\n",
    "src/shop/__init__.py": """
        def price(count):
            if count > 10:
                return count * 2
            return count * 3
        """,
    "src/shop/unused.py": "x = 1\n",
    "src/shop/tests/__init__.py": "",
    "src/shop/tests/test_price.py": """
        import os
        from shop import price

        def test_few():
            assert price(1) == 3

        def test_where():
            assert os.environ.get("SHOP", "open") == "open"
        """,
    "src/shop/tests/test_many.py": """
        from shop import price

        def test_many():
            assert price(20) == 40
        """,
    "other/test_other.py": "def test_other():\n    pass\n",
}


class Project:
    """A small application with tests, and the script that runs them."""

    def __init__(self, root: Path, python: Path = Path(sys.executable)) -> None:
        self.root, self.python, self.initialization = root, python, ""
        for name, text in FILES.items():
            self.write(name, text)
        self.parts = root / "parts/test"
        for file in runtime_files(self.parts, "testing", *services.COPIED, *prerequisites.COPIED[:-1]):
            self.write(str(file.path.relative_to(root)), file.data.decode())
        self.coverage: dict[str, Any] = {
            "source": ["shop"],
            "omit": [],
            "outside": [str(root / "parts"), *INSTALLED],
            "branch": None,
            "fail_under": None,
            "report": ["term"],
            "include": [],
            "contexts": False,
            "diff": None,
            "diff_fail_under": None,
            "directory": str(root / "var"),
            "html_directory": str(root / "var/html"),
        }

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def script(
        self, environment: dict[str, str], settings: dict[str, Any], environment_file: Path | None = None
    ) -> Path:
        everything = {
            "runner": "pytest",
            "packages": ["shop.tests"],
            "defaults": [],
            "working_directory": str(self.root),
            "parallel": None,
            "fail_fast": False,
            "timeout": None,
            "junit": None,
            "cases": None,
            "script": str(self.root / "bin/test"),
            **settings,
        }
        path = self.root / "bin/test"
        path.parent.mkdir(exist_ok=True)
        start = Start(python=self.python, isolation=OPEN_BELOW)
        first = Preamble(
            environment=tuple(environment.items()),
            environment_file=environment_file,
            initialization=self.initialization,
            directory=self.parts,
        )
        for file in first.files:
            self.write(str(file.path.relative_to(self.root)), file.data.decode())
        directory = everything.pop("working_directory")
        before = {"working_directory": directory, "junit": everything["junit"]}
        preamble = first.statements(start, path)
        body = package_body(start, path, self.parts, "testing", everything, preamble=preamble, before=before)
        text = script(start, path, body)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def test(
        self, *arguments: str, environment: dict[str, str] | None = None, **settings: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the script from another directory and with an empty environment, as cron does."""
        return self.run(self.script(environment or {}, settings), *arguments)

    def run(self, *words: str | Path, input: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command likewise."""
        return subprocess.run(
            words, cwd="/", env={}, capture_output=True, text=True, timeout=300, check=False, input=input
        )

    def cover(self, *arguments: str, **changes: Any) -> subprocess.CompletedProcess[str]:
        return self.test(*arguments, coverage={**self.coverage, **changes})
