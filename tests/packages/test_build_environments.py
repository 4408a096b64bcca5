"""Builds that need the same tools run in one environment, others in another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eggcarton.packages import develop
from eggcarton.packages.build_environments import BuildEnvironments
from eggcarton.packages.builds import Toolchain
from support.distributions import wheel

BACKEND = """
import shutil, sys
def build_editable(directory, settings=None, metadata=None):
    with open("prefix.txt", "w") as stream:
        stream.write(sys.prefix)
    shutil.copy("{name}-1.0-py3-none-any.whl", directory)
    return "{name}-1.0-py3-none-any.whl"
"""


def project(place: Path, requires: str = "") -> Path:
    wheel(place, place.name, "1.0")
    (place / "backend.py").write_text(BACKEND.format(name=place.name), "utf-8")
    text = f"[build-system]\nrequires = [{requires!r}]\n" if requires else "[build-system]\nrequires = []\n"
    (place / "pyproject.toml").write_text(f"{text}build-backend = 'backend'\nbackend-path = ['.']\n", "utf-8")
    return place


def test_one_for_the_same_tools(tmp_path: Path) -> None:
    """Asked for at the same time, an environment is made once; for other tools there is another."""
    environments = BuildEnvironments(tmp_path / "place")
    first, second = Toolchain((str(tmp_path),), {}), Toolchain((str(tmp_path), "/elsewhere"), {})
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(environments, [first, second] * 6))
    assert [found[0], found[1]] * 6 == found
    assert found[0] != found[1]
    assert [path.resolve() for path, _ in found] == [real for _, real in found]
    assert all((path / "bin/python").exists() for path, _ in found)


def test_builds_of_one_run(tmp_path: Path) -> None:
    """All packages that the toolchain builds are built in one environment, what needs more in another; both go."""
    more = Toolchain((str(tmp_path),), {"more": "1"})
    places = [project(tmp_path / name) for name in ("one", "two", "three")] + [project(tmp_path / "four", "more")]
    develop.build(places, Toolchain((), {}), tmp_path / "out", lambda project: lambda requires, asked: more)
    one, two, three, four = [(place / "prefix.txt").read_text("utf-8") for place in places]
    assert one == two == three != four
    assert [] == [prefix for prefix in (one, four) if Path(prefix).exists()]
