"""Facts about serving: a real waitress in a process of its own, which tells where it listens."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.plan import runtime_source
from eggcarton.core.script import Start, runtime_body
from eggcarton.core.script import script as script_of

pytest.importorskip("waitress")
pytestmark = pytest.mark.slow

APPLICATION = """
import os, sys, threading, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        sys.stderr.write("asked\\n")
        sys.stderr.flush()
        time.sleep(1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.environ.get('GREETING', 'hello')} {environ['SERVER_PORT']}".encode()]

def make():
    return application

def from_paste(global_config, **settings):
    assert global_config == {} and settings == {}
    return application

class Site:
    nested = staticmethod(application)

def broken():
    return missing.name

def wants():
    return (1).wants

def nothing():
    pass

NAME = "guest"
"""
OTHERS = {
    "lacking.py": "import lack\n",
    "lacking_inside/__init__.py": "import lacking_inside.more\n",
    "house/__init__.py": "import os\nfrom os.path import join\ndef door(): pass\ndef roof(): pass\n",
    "house/attic.py": "",
}


LIMIT = 120
"""Seconds for what takes one: they only end what hangs."""


class Server:
    """A server in a process of its own."""

    def __init__(self, script: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={}
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.errors = self.process.stderr
        self.told = self.process.stdout.readline()
        match = re.fullmatch(r"serving on (http://\S+)\n", self.told)
        assert match, self.told + self.errors.read()
        self.url = match[1]

    def ask(self, path: str = "/") -> str:
        with urllib.request.urlopen(self.url + path, timeout=LIMIT) as answer:
            return str(answer.read().decode())

    def wait_until_asked(self) -> None:
        """Wait until the application answers; on a busy machine waitress remarks on its queue before."""
        assert "asked\n" in iter(self.errors.readline, "")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LIMIT)
        # What waitress remarks when a request comes before its threads have begun, as on a machine with much to do.
        return self.process.returncode, out, err.replace("Task queue depth is 1\n", "")


Make = Callable[..., Path]


@pytest.fixture
def script(tmp_path: Path) -> Make:
    """Makes a script that serves an object of a module."""
    (tmp_path / "parts/web").mkdir(parents=True)
    source = tmp_path / "parts/web/serve.py"
    source.write_text(runtime_source("serve"))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/site.pth").touch()
    for name, text in {"guest.py": APPLICATION, **OTHERS}.items():
        place = tmp_path / "lib" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)

    def make(attribute: str = "application", environment: tuple[tuple[str, str], ...] = (), **changes: Any) -> Path:
        settings = {
            "module": "guest",
            "attribute": attribute,
            "kind": "application",
            "listen": "127.0.0.1:0",
            "threads": 2,
            "program": "web",
            **changes,
        }
        start, path = Start(python=Path(sys.executable), isolation=OPEN_BELOW), tmp_path / "web"
        text = script_of(start, path, runtime_body(start, path, source, environment, settings))
        # In a build the application is in the environment; here it lies beside the test.
        text = text.replace("import runpy", f"sys.path.append({str(tmp_path / 'lib')!r})\nimport runpy")
        path.write_text(text)
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def serve(script: Make) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*arguments: str, **settings: Any) -> Server:
        servers.append(Server(script(**settings), *arguments))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


@pytest.mark.parametrize(
    ("attribute", "kind"),
    [
        ("application", "application"),
        ("make", "factory"),
        ("from_paste", "paste"),
        ("Site.nested", "application"),
    ],
)
def test_kinds(serve: Callable[..., Server], attribute: str, kind: str) -> None:
    """An application, what a factory makes without arguments, and what a paste factory makes are served."""
    server = serve(attribute=attribute, kind=kind)
    assert f"hello {server.url.rpartition(':')[2]}" == server.ask()


def test_environment(serve: Callable[..., Server]) -> None:
    """The part's environment variables are set before the application is imported."""
    assert serve(environment=(("GREETING", "good day"),)).ask().startswith("good day ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end(serve: Callable[..., Server], number: int) -> None:
    """SIGTERM and Ctrl-C end it at once, with exit status 0 and without a word."""
    server = serve()
    server.ask()
    assert (0, "", "") == server.end(number)


def test_end_while_answering(serve: Callable[..., Server]) -> None:
    """A request that is being answered is answered to its end."""
    server = serve()
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(server.ask("/slow")))
    asking.start()
    server.wait_until_asked()
    server.process.send_signal(signal.SIGTERM)
    asking.join(LIMIT)
    assert 0 == server.process.wait(LIMIT)
    assert [f"hello {server.url.rpartition(':')[2]}"] == answers


def test_told_twice(serve: Callable[..., Server]) -> None:
    """Told a second time, it does not wait for the request that is being answered."""
    server = serve()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as asking:
        asking.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_until_asked()
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)
        assert 0 == server.process.wait(LIMIT)


def test_command_line(serve: Callable[..., Server]) -> None:
    """The command line says otherwise than the part where to listen."""
    server = serve("--listen", "localhost:0", "--threads", "1", listen="127.0.0.1:1")
    assert server.ask().startswith("hello ")


@pytest.mark.skipif(not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")
def test_ipv6(serve: Callable[..., Server]) -> None:
    """An IPv6 address is told as a URL has it."""
    if "00000000000000000000000000000001" not in Path("/proc/net/if_inet6").read_text():
        pytest.skip("no IPv6 loopback here")
    server = serve(listen="[::1]:0")
    assert server.url.startswith("http://[::1]:")
    assert server.ask().startswith("hello ")


def run(script: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run([script, *arguments], capture_output=True, text=True, env={}, timeout=LIMIT, check=False)
    assert "" == done.stdout
    return done.returncode, done.stderr


def test_address_in_use(script: Make) -> None:
    """An address in use is one sentence and exit status 1."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert (1, cannot_listen(address, "address already in use")) == run(script(listen=address))


def cannot_listen(address: str, reason: str) -> str:
    advice = "another address is chosen by option 'listen', or by --listen"
    return f"web: cannot listen on {address}: {reason}; {advice}\n"


def test_unknown_host(script: Make) -> None:
    """A host that nobody knows is one sentence and exit status 1."""
    assert (1, cannot_listen("nobody.invalid:0", "its host is not known here")) == run(
        script(listen="nobody.invalid:0")
    )


def test_port_for_root_only(script: Make, tmp_path: Path) -> None:
    """A port that the system does not let the user have is one sentence and exit status 1."""
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if not first.exists() or int(first.read_text()) < 2:
        pytest.skip("this system keeps no port for root")
    if os.geteuid() == 0:
        # Root without the capability is anybody, as in most containers.
        drop = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 10, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
        command = [sys.executable, "-c", drop, str(script(listen="127.0.0.1:1"))]
    else:
        command = [str(script(listen="127.0.0.1:1"))]
    done = subprocess.run(command, capture_output=True, text=True, env={}, timeout=LIMIT, check=False)
    reason = "permission denied, since the system keeps the lowest ports, mostly those below 1024, for root"
    assert (1, cannot_listen("127.0.0.1:1", reason)) == (done.returncode, done.stderr)


@pytest.mark.parametrize("address", ["127.0.0.1:x", "127.0.0.1:99999", "[::1", "", ":80"])
def test_no_address(script: Make, address: str) -> None:
    """An address that is none is told as argparse tells it, with exit status 2."""
    status, text = run(script(), "--listen", address)
    expected = f"web: error: argument --listen: '{address}' is not an address such as 127.0.0.1:8080\n"
    assert (2, True) == (status, text.endswith(expected)), text


@pytest.mark.parametrize(
    ("module", "attribute", "kind", "told"),
    [
        ("no_such_module", "application", "application", "there is no module 'no_such_module'"),
        ("guets", "application", "application", "there is no module 'guets'; did you mean 'guest'?"),
        ("guest.inner", "application", "application", "there is no module 'guest.inner'"),
        ("house.attik.room", "x", "application", "there is no module 'house.attik'; did you mean 'house.attic'?"),
        ("guest", "aplication", "factory", "the module 'guest' has no 'aplication'; did you mean 'application'?"),
        ("guest", "Site.nestd", "application", "'Site' of the module 'guest' has no 'nestd'; did you mean 'nested'?"),
        ("guest", "quite_else", "paste", "the module 'guest' has no 'quite_else'"),
        ("house", "x", "application", "the module 'house' has no 'x'; did you mean 'door' or 'roof'?"),
        ("guest", "NAME", "factory", "guest:NAME is of the type 'str', which cannot be called"),
        (
            "guest",
            "nothing",
            "factory",
            "guest:nothing() makes something of the type 'NoneType', which cannot be called",
        ),
        (
            "guest",
            "make",
            "application",
            "guest:make() does not take what an application takes, environ and start_response; write guest:make() if"
            " calling it makes the application",
        ),
    ],
)
def test_what_is_no_application(script: Make, module: str, attribute: str, kind: str, told: str) -> None:
    """What is not there, or cannot be an application, is one sentence that names the option and what may be meant."""
    expected = f"web: option 'application': {told}\n"
    assert (1, expected) == run(script(attribute, module=module, kind=kind))


@pytest.mark.parametrize(
    ("module", "attribute", "own"),
    [
        ("guest", "broken", "NameError: name 'missing' is not defined"),
        ("guest", "wants", "AttributeError: 'int' object has no attribute 'wants'"),
        ("lacking", "make", "ModuleNotFoundError: No module named 'lack'"),
        ("lacking_inside", "make", "ModuleNotFoundError: No module named 'lacking_inside.more'"),
    ],
)
def test_broken_application(script: Make, module: str, attribute: str, own: str) -> None:
    """An error of the application's own, while it is imported or made, is shown whole."""
    status, text = run(script(attribute, module=module, kind="factory"))
    assert (1, True) == (status, own in text), text
    assert "Traceback" in text


@pytest.mark.parametrize("threads", ["0", "x"])
def test_bad_threads(script: Make, threads: str) -> None:
    """A wrong command line is exit status 2."""
    status, text = run(script(), "--threads", threads)
    expected = f"web: error: argument --threads: '{threads}' is not a number of threads\n"
    assert (2, True) == (status, text.endswith(expected)), text
