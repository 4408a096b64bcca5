"""Facts about services of the real world, for real runners of tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.layout import Layout
from eggcarton.core.prerequisites import prerequisites
from eggcarton.core.services import read
from support.tested import Project
from support.wanting import left

pytestmark = pytest.mark.slow

REDIS = shutil.which("redis-server", path=os.defpath)
TESTS = """
import os
import socket

class Redis:
    def __enter__(self):
        self.stream = socket.create_connection(("127.0.0.1", int(os.environ["CACHE_PORT"])))
        return self.stream.makefile("rw", newline="\\r\\n")

    def __exit__(self, *_):
        self.stream.close()

def test_kept():
    with Redis() as redis:
        redis.write("SET egg carton\\nGET egg\\n")
        redis.flush()
        assert ["+OK", "$6", "carton"] == [redis.readline().strip() for _ in range(3)]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "my project")


def settings(project: Project, command: str, requires: str) -> dict[str, Any]:
    """Return the settings of a script whose tests need one service, as a recipe makes them."""
    found = read("test", ["cache"], {"cache": {"command": command, "port": "auto"}}.get).services
    layout = Layout.under(project.root, "test")
    wanted = [each.setting() for each in prerequisites(requires)]
    common = {"part": "test", "root": project.root}
    return {
        "requires": {**common, "requires": wanted},
        "services": {**common, "reader": None, "services": [service.setting(layout) for service in found]},
    }


@pytest.mark.skipif(REDIS is None, reason="redis-server is not installed: run .ci/apt-packages.sh")
@pytest.mark.parametrize(("more", "status"), [("", 0), ("def test_bad():\n    assert False\n", 1)])
def test_redis(project: Project, more: str, status: int) -> None:
    """Tests under pytest keep something in Redis; the exit status is pytest's, and Redis ends as it wants to."""
    project.write("src/shop/tests/test_redis.py", TESTS + more)
    command = "redis-server --port {port} --save '' --appendonly no"
    marker = {"MARKER": str(project.root)}
    done = project.test(
        "-k", "kept or bad", environment=marker, **settings(project, command, "redis-server >= 4, < 99")
    )
    assert (status, "") == (done.returncode, done.stderr), done.stdout
    assert "bye bye" in (project.root / "var/log/test/cache.log").read_text("utf-8")
    assert [] == left(f"MARKER={project.root}")


def test_not_there(project: Project) -> None:
    """Where something is missing, or a service does not come up, no test runs, and the exit status is 1."""
    done = project.test(**settings(project, "no-such-program", "variable NO_SUCH_VARIABLE"))
    assert (1, "", 2) == (done.returncode, done.stdout, len(done.stderr.splitlines())), done.stderr
    done = project.test(environment={"NO_SUCH_VARIABLE": "1"}, **settings(project, "no-such-program", "variable PWD"))
    assert (1, "") == (done.returncode, done.stdout)
    done = project.test(environment={"PATH": "/no/where"}, **settings(project, "no-such-program", "disk 1k"))
    told = (
        "[cache] option 'command': no program 'no-such-program' is in /no/where; install it, or name it by its path\n"
    )
    assert (1, "", told) == (done.returncode, done.stdout, done.stderr)
