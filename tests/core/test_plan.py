"""Facts about plans: frozen, checked when made, the same digest in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eggcarton.core.errors import PlanProblem
from eggcarton.core.plan import (
    File,
    Item,
    KeptDirectory,
    Link,
    OwnedDirectory,
    Plan,
    Produced,
    Rendered,
    digest_of,
    runtime_source,
)

ROOT = Path("/srv/site")
ITEMS: tuple[Item, ...] = (
    File(ROOT / "bin/web", "#!/bin/sh\nexec true\n", 0o755),
    File(ROOT / "etc/raw", b"\0"),
    Rendered(ROOT / "etc/web.ini", "port = {{ port }}", "web.ini.in", {"port": "80", "root": ROOT}),
    Link(ROOT / "etc/current", "web.ini"),
    OwnedDirectory(ROOT / "parts/web", 0o750),
    KeptDirectory(ROOT / "var/web"),
    Produced(ROOT / "parts/docs", ("build", "{staging}"), (ROOT / "docs",)),
)
PLAN = Plan(ITEMS, {"location": str(ROOT / "parts/web")}, ("Start it with bin/web.",))


def test_text() -> None:
    """A plan reads like what it does, with paths from the root and every line's end visible."""
    assert PLAN.text(ROOT) == (
        "file bin/web 0755\n"
        "    | #!/bin/sh\n"
        "    | exec true\n"
        "file etc/raw 0644\n"
        "    | 1 bytes, sha256 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d\n"
        "rendered etc/web.ini 0644 from web.ini.in\n"
        '    port = "80"\n'
        '    root = "."\n'
        "    | port = {{ port }} (no newline at the end)\n"
        "link etc/current -> web.ini\n"
        "directory parts/web 0750 owned\n"
        "directory var/web 0755 kept\n"
        "produced parts/docs\n"
        "    command build {staging}\n"
        "    input docs\n"
        "output location = parts/web\n"
        "remark Start it with bin/web.\n"
    )
    assert "file /srv/site/bin/web 0755\n" in str(PLAN)


def test_digest_in_another_process() -> None:
    """The digest is the same in a process with another hash seed."""
    program = f"import sys; sys.path[:0] = {sys.path!r}; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    program += "from test_plan import PLAN; print(PLAN.digest)"
    command = [sys.executable, "-c", program]
    found = {
        subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    }
    assert {f"{PLAN.digest}\n"} == found


@pytest.mark.parametrize(
    "other",
    [
        Plan(ITEMS[1:], PLAN.outputs),
        Plan((File(ROOT / "bin/web", "#!/bin/sh\nexec true\n", 0o700), *ITEMS[1:]), PLAN.outputs),
        Plan((File(ROOT / "bin/web", "other"), *ITEMS[1:]), PLAN.outputs),
        Plan((*ITEMS[:4], KeptDirectory(ROOT / "parts/web", 0o750), *ITEMS[5:]), PLAN.outputs),
        Plan(ITEMS, {}),
    ],
)
def test_digest_changes(other: Plan) -> None:
    """Anything that would be written or published differently changes the digest."""
    assert PLAN.digest != other.digest


def test_digest_stays() -> None:
    """The order of items and what the user is told do not change the digest."""
    assert PLAN.digest == Plan(tuple(reversed(ITEMS)), PLAN.outputs).digest


def test_unstable_values() -> None:
    """A value whose text could differ between processes has no digest."""
    with pytest.raises(TypeError, match="set has no stable form"):
        digest_of({"x": {"a", "b"}})


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([File(Path("bin/x"), "")], "'bin/x' is planned, but is not an absolute path without '..'"),
        ([File(Path("/a/../x"), "")], "'/a/../x' is planned, but is not an absolute path without '..'"),
        (
            [File(Path("/x"), ""), Link(Path("/x"), "y")],
            "/x is planned twice: give one of the two another name",
        ),
        (
            [File(Path("/x/y/z"), ""), File(Path("/x"), "")],
            "/x/y/z is planned below /x, which is planned as something else",
        ),
        (
            [Produced(Path("/x"), ()), OwnedDirectory(Path("/x/y"))],
            "/x/y is planned below /x, which is planned as something else",
        ),
    ],
)
def test_refused(items: list[Item], message: str) -> None:
    """A plan that no order of writing could make true is refused when it is made."""
    with pytest.raises(PlanProblem) as caught:
        Plan(tuple(items))
    assert message == str(caught.value)


def test_below_directories() -> None:
    """Files below planned directories are fine."""
    Plan((OwnedDirectory(Path("/x")), KeptDirectory(Path("/x/y")), File(Path("/x/y/z"), "")))


@pytest.mark.parametrize("name", ["environment_file", "serve"])
def test_runtime_source(name: str) -> None:
    """The source of a file that runs beside the application is there, and compiles."""
    compile(runtime_source(name), name, "exec")
