"""Services and what is required, in a real buildout: its tests have both, however they end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from support.buildouts import Buildout, start, wait_for
from support.distributions import wheel
from support.wanting import is_soon_clear, left

pytestmark = pytest.mark.slow

SHOP = """\
import http.server, os, sys

def serve():
    print(os.environ["GREETING"], flush=True)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
TESTS = """\
import os, time, unittest, urllib.request

class Web(unittest.TestCase):
    def test_web(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['WEB_PORT']}/") as page:
            self.assertEqual(200, page.status)

    def test_until_killed(self):
        if "HANG" in os.environ:
            open(os.environ["HANG"], "w").close()
            time.sleep(600)
"""
CONFIG = """
[buildout]
extensions = eggcarton
parts = test

[test]
recipe = eggcarton:test
eggs = shop
runner = unittest
packages = shop_tests
services = web
requires = disk 1k at var

# Only what a service says refers to this part.
[app]
recipe = eggcarton:scripts
eggs = shop

[web]
command = ${app:bin-directory}/shop {port}
port = auto
environment = greeting
requires = variable HOME

[greeting]
GREETING = Grüß Gott
"""


@pytest.fixture
def shop(build: Buildout) -> Buildout:
    """A buildout of a shop that has tests, which ask its server."""
    modules = {"shop.py": SHOP, "shop_tests.py": TESTS}
    wheel(build.index.directory, "shop", "1.0", modules, console_scripts={"shop": "shop:serve"})
    build.configure(CONFIG)
    return build


def log(build: Buildout) -> list[str]:
    """Return what the service has written."""
    return (build.root / "var/log/test/web.log").read_text("utf-8").splitlines()


def test_a_service_of_the_tests(shop: Buildout) -> None:
    """Tests have their service; killed or missing something they leave none; a change of it is planned and made."""
    shop.build()
    status, output = shop.run(program="test")
    assert (0, True) == (status, "Ran 2 tests" in output), output
    assert 1 == log(shop).count("Grüß Gott")
    # Nothing changed, and so nothing is planned.
    status, output = shop.run("plan", "test", program="eggcarton")
    assert (0, False) == (status, "services" in output), output

    hang = shop.root / "hangs"
    variables = {**shop.environment(), "HANG": str(hang)}
    process = start([shop.bin / "test"], cwd=Path("/"), variables=variables)
    wait_for(hang.exists, process)
    assert [] != left(f"HANG={hang}")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert is_soon_clear(f"HANG={hang}")
    assert 2 == log(shop).count("Grüß Gott")

    shop.configure(CONFIG.replace("requires = disk", "requires =\n    no-such-program >= 1\n    disk"))
    status, output = shop.run("plan", "test", program="eggcarton")
    assert (0, True) == (status, "no-such-program >= 1" in output), output
    shop.build()
    home = {name: text for name, text in shop.environment().items() if name != "HOME"}
    process = start([shop.bin / "test"], cwd=Path("/"), variables=home)
    output, _ = process.communicate()
    head, program, variable = output.splitlines()
    assert (1, "[test] 2 of the 3 things") == (process.returncode, head[: len("[test] 2 of the 3 things")]), output
    assert program.startswith("  no-such-program >= 1: no such program is in ")
    assert variable.startswith("  variable HOME: the environment variable is not set; ")
    assert 2 == log(shop).count("Grüß Gott")


def test_without_the_extension(shop: Buildout) -> None:
    """The same is made without the extension."""
    shop.configure(CONFIG.replace("extensions = eggcarton", ""))
    shop.build()
    status, output = shop.run(program="test")
    assert (0, True) == (status, "Ran 2 tests" in output), output
    assert ["Grüß Gott"] == [line for line in log(shop) if "GET" not in line]


def test_wrong_sections(shop: Buildout) -> None:
    """What is wrong with naming services, or with their sections, ends the run; what nothing names is told."""
    unnamed = "[redis]\ncommand = redis-server\nport = 7000\n\n[base]\ncommand = x\nport = 1\n"
    shop.configure(f"{CONFIG}\n{unnamed}")
    output = shop.fails("test:services=wbe app", status=2)
    assert "[test] option 'services': there is no section [wbe]: did you mean 'web'?\n" in output
    assert "[test] option 'services': [app] is no service: give it a section of its own, without a recipe\n" in output
    assert "[web] option 'stop-signal': 'TREM' is no signal" in shop.fails("web:stop-signal=TREM", status=2)
    output = shop.fails("web:services=web", status=2)
    assert "[web] option 'services': 'web' is this section itself; name that of a service" in output
    assert "[web] option 'portt' is not known: did you mean 'port'?" in shop.fails("web:portt=1", status=2)
    output = shop.build("redis:<=base")
    assert "nothing reads the section [redis]: if it is a service, name it in 'services' of a part" in output
    assert "the section [base]" not in output
    assert "the section [web]" not in output
