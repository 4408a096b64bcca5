"""Facts about services: real ones, for a program in a process of its own."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import textwrap
from pathlib import Path

import pytest

from eggcarton.runtime import environment_file, ports
from support.buildouts import wait_for
from support.wanting import SERVES, Wanting

# Stays, and ends as any program does when it is told to.
STAYS = "import time\nprint('here I am', flush=True)\ntime.sleep(600)\n"
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
time.sleep(600)
"""
# Shows the first line of a page.
ASKS = """
import os, urllib.request
print(urllib.request.urlopen(f"http://127.0.0.1:{os.environ['WEB_PORT']}/web%20%C3%BC.py").status, flush=True)
return 0
"""


@pytest.fixture
def wanting(tmp_path: Path) -> Wanting:
    """A program that wants services, in a directory whose name has blanks and more."""
    return Wanting(tmp_path / "my sïte")


def test_a_server(wanting: Wanting) -> None:
    """A server is up while something runs, which knows its port, and is gone afterwards; its log stays."""
    wanting.server("web")
    assert (0, "200\nended with 0\n", "") == wanting.run(ASKS)
    assert [] == wanting.left()
    assert re.fullmatch(r"serving \d+\n127.0.0.1 .*GET.*\n(.*\n)*", wanting.log("web").read_text("utf-8"))


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("return 3", 3, ""),
        ("raise ValueError('broken')", 1, "ValueError: broken"),
        ("sys.exit(4)", 4, ""),
        ("os.kill(os.getpid(), 2)", -2, "KeyboardInterrupt"),
        ("os.kill(os.getpid(), 15)", -15, ""),
        ("os.kill(os.getpid(), 9)", -9, ""),
        ("os._exit(5)", 5, ""),
        ("os.abort()", -6, ""),
        ("os.execv('/bin/true', ['true'])", 0, ""),
    ],
)
def test_however_it_ends(wanting: Wanting, body: str, status: int, told: str) -> None:
    """However the program ends, its exit status is its own, and no service is left, nor what one has started."""
    wanting.server("web")
    wanting.service(
        "forks",
        "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "open(sys.argv[1], 'w').close()\ntime.sleep(600)\n",
        str(wanting.root / "is up"),
        file=str(wanting.root / "is up"),
    )
    found, output, errors = wanting.run(body)
    assert (status, True) == (found, told in errors), output + errors
    assert wanting.is_soon_clear()


def test_order(wanting: Wanting) -> None:
    """Services are started in their order, each when the one before is up, and stopped in the opposite one."""
    text = """
        import os, signal, sys, time
        def end(*_):
            open("order", "a").write(f"{sys.argv[1]} ends\\n")
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        open("order", "a").write(f"{sys.argv[1]} up with {os.environ.get('FIRST_PORT')}\\n")
        if sys.argv[1] == "first":
            import socket
            server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
        open(f"{sys.argv[1]} is up", "w").close()
        while True:
            time.sleep(600)
        """
    wanting.service("first", text, "first", "{port}", port=0, file=str(wanting.root / "first is up"))
    wanting.service("second", text, "second", file=str(wanting.root / "second is up"))
    body = "open(here / 'order', 'a').write('run ' + os.environ['FIRST_PORT'] + chr(10))\nreturn 0"
    assert (0, "ended with 0\n", "") == wanting.run(body)
    lines = (wanting.root / "order").read_text("utf-8").splitlines()
    port = lines[2].removeprefix("run ")
    assert [f"first up with {port}", f"second up with {port}", f"run {port}", "second ends", "first ends"] == lines


def test_not_up_in_time(wanting: Wanting) -> None:
    """A server that never opens its port is given up, with what it wrote last, and nothing runs."""
    wanting.server("web")
    # A shell has written by then on any machine, where a Python may not yet have started.
    wanting.service("slow", "", port=0, timeout=5.0, command=["sh", "-c", "echo here I am; exec sleep 600"])
    status, output, errors = wanting.run("print('never')")
    assert (1, "ended with 1\n") == (status, output)
    assert re.fullmatch(
        rf"\[slow\] it was not up within 5 seconds: nothing accepts connections on port \d+; the last lines of"
        rf" {re.escape(str(wanting.log('slow')))}:\n  here I am\n",
        errors,
    )
    assert [] == wanting.left()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "raise SystemExit('no data')",
            "it ended with exit status 1 before it was up; the last lines of {log}:\n  no data",
        ),
        ("import os; os.abort()", "it was killed by SIGABRT before it was up; it wrote nothing to {log}"),
        (
            "import os, time\nif os.fork() == 0: time.sleep(600)",
            "it ended with exit status 0 before it was up, though a service stays in the foreground; it wrote nothing"
            " to {log}",
        ),
    ],
)
def test_dies_at_once(wanting: Wanting, text: str, told: str) -> None:
    """A service that dies at once is told with its last words, and what it has started is ended."""
    wanting.service("bad", text, port=0)
    told = told.format(log=wanting.log("bad"))
    assert (1, "ended with 1\n", f"[bad] {told}\n") == wanting.run("print('never')")
    assert [] == wanting.left()


def test_last_words_of_this_run(wanting: Wanting) -> None:
    """The log is kept from run to run; what is told of it is of this one, and not all of much."""
    wanting.service("bad", "import sys\nfor n in range(200000): print('line', n)\nsys.exit(7)", port=0)
    wanting.run("return 0")
    wanting.service("bad", "import sys\nsys.exit('last words')", port=0)
    wanting.services[:1] = []
    status, _, errors = wanting.run("return 0")
    assert (1, ["  last words"]) == (status, errors.splitlines()[1:])
    assert 200001 == len(wanting.log("bad").read_text("utf-8").splitlines())


def test_dies_later(wanting: Wanting) -> None:
    """A service that dies meanwhile is told at the end, and the status is that of what ran."""
    text = """
        import os, time
        with open("pid", "w") as stream:
            stream.write(str(os.getpid()))
        open("up", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
        print("Tschüss")
        """
    wanting.service("brief", text, file=str(wanting.root / "up"))
    body = """
        import time
        (here / "go").touch()
        place = Path("/proc", (here / "pid").read_text(), "stat")
        # It ends, and is a zombie until the process that keeps it has looked.
        while place.exists() and ") Z " not in place.read_text():
            time.sleep(0.01)
        return 0
        """
    status, output, errors = wanting.run(body)
    told = f"[brief] it ended with exit status 0 before it was told to; the last lines of {wanting.log('brief')}:"
    assert (0, "ended with 0\n", f"{told}\n  Tschüss\n") == (status, output, errors)


def test_stubborn(wanting: Wanting) -> None:
    """A service that ignores its signal is killed after a while, which is told."""
    up = wanting.root / "up"
    wanting.service("stubborn", STUBBORN, str(up), file=str(up), stop_timeout=0.2)
    told = "[stubborn] it did not end within 0.2 seconds of SIGTERM, and was killed\n"
    assert (0, "ended with 0\n", told) == wanting.run("return 0")
    assert [] == wanting.left()


def test_stop_signal(wanting: Wanting) -> None:
    """A service is ended by the signal that it wants, also where that was ignored by whoever started all."""
    up = wanting.root / "up"
    text = f"import time\nopen({str(up)!r}, 'w').close()\ntime.sleep(600)\n"
    wanting.service("hung up", text, file=str(up), stop_signal="HUP")
    command = wanting.command("return 0")
    script = "trap '' HUP; exec \"$@\""
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command], env=wanting.variables(), capture_output=True, text=True, check=False
    )
    assert (0, "ended with 0\n", "") == (done.returncode, done.stdout, done.stderr)


def test_port_of_another(wanting: Wanting) -> None:
    """A port that somebody else holds is told before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        wanting.service("first", STAYS)
        wanting.server("web", port=port)
        status, output, errors = wanting.run("print('never')")
    told = (
        rf"\[web\] option 'port': {port} is held by .+ \(process {os.getpid()}\); end that, or write 'port = auto',"
        r" which has a free one chosen; nothing was started\n"
    )
    assert (1, True) == (status, bool(re.fullmatch(told, errors))), output + errors
    assert not wanting.log("first").exists()


def test_port_of_a_run_that_was_killed(wanting: Wanting) -> None:
    """A port that the service of a run that was killed is about to give up is waited for."""
    port = next(port for port in random.sample(range(20000, 32000), 99) if ports.is_free(port))
    slow = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit()))\n"
    wanting.service("web", slow + SERVES, "{port}", port=port)
    assert -9 == wanting.run("os.kill(os.getpid(), 9)")[0]
    assert (0, "ended with 0\n", "") == wanting.run("return 0")


def test_another_answers(wanting: Wanting) -> None:
    """A service that dies while another process answers on its port is not taken for up."""
    text = """
        import os, socket, sys, time
        if os.fork() == 0:
            os.setsid()
            server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
            # The second time it is asked because the first one does not do.
            held = [server.accept(), server.accept()]
            open("answered", "w").close()
            time.sleep(600)
        while not os.path.exists("answered"):
            time.sleep(0.001)
        sys.exit("address already in use")
        """
    wanting.service("web", text, "{port}", port=0)
    status, _, errors = wanting.run("print('never')")
    assert (1, True) == (status, "it ended with exit status 1 before it was up" in errors), errors
    assert wanting.is_soon_clear()


def test_file_of_an_earlier_run(wanting: Wanting) -> None:
    """A file that stood there before does not count until the service writes it anew."""
    ready = wanting.root / "ready"
    ready.write_text("old")
    wanting.service("lazy", STAYS, file=str(ready), timeout=0.3)
    told = f"[lazy] it was not up within 0.3 seconds: {ready}, which stood there before, has not changed; "
    status, _, errors = wanting.run("print('never')")
    assert (1, told) == (status, errors[: len(told)])
    wanting.services.clear()
    wanting.service("writes", f"import time\nopen({str(ready)!r}, 'w').write('mine')\ntime.sleep(600)", file=str(ready))
    assert 0 == wanting.run("return 0")[0]


def test_neither_port_nor_file(wanting: Wanting) -> None:
    """What tells in no way when it is up has to stay alive for a moment."""
    wanting.service("stays", STAYS)
    assert (0, "ended with 0\n", "") == wanting.run("return 0")
    wanting.service("goes", "", command=["true"])
    status, _, errors = wanting.run("return 0")
    assert (1, True) == (status, errors.startswith("[goes] it ended with exit status 0 before it was up")), errors


def test_surroundings(wanting: Wanting) -> None:
    """A service has variables, a file of them, a directory of its own, nothing to read, and where it works."""
    (wanting.root / "secrets.env").write_text("PASSWORD='open sesame'\n")
    (wanting.root / "var").mkdir()
    wanting.service(
        "told",
        "import json, os, sys, time\njson.dump([os.environ['PASSWORD'], os.environ['PLACE'], os.getcwd(),"
        " sys.stdin.read(), os.environ['TOLD_DIRECTORY'], os.listdir(os.environ['PLACE'])], open('told', 'w'))\n"
        "os.rename('told', os.path.join(os.environ['PLACE'], 'told'))\ntime.sleep(600)\n",
        environment={"PLACE": "{directory}"},
        environment_file=str(wanting.root / "secrets.env"),
        working_directory=str(wanting.root / "var"),
        file="{directory}/told",
    )
    body = "print(open(os.environ['TOLD_DIRECTORY'] + '/told').read())\nprint(os.environ['TOLD_DIRECTORY'])\nreturn 0"
    status, output, errors = wanting.run(body, reader=environment_file.__file__)
    assert 0 == status, errors
    told, directory, _ = output.splitlines()
    assert ["open sesame", directory, str(wanting.root / "var"), "", directory, []] == json.loads(told)
    assert not Path(directory).exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"command": ["no-such-program"]},
            "option 'command': no program 'no-such-program' is in {path}; install it, or",
        ),
        (
            {"command": ["./no such"]},
            "option 'command': ./no such cannot be started in {root}: No such file or directory",
        ),
        ({"working_directory": "/no/where"}, "option 'working-directory': /no/where is no directory; make it, or name"),
        ({"log": "/dev/null/x.log"}, "option 'log': /dev/null/x.log cannot be written: Not a directory"),
        ({"environment_file": "/no.env"}, "the environment file /no.env cannot be read: No such file or directory"),
    ],
)
def test_cannot_be_started(wanting: Wanting, changes: dict[str, object], told: str) -> None:
    """Whatever keeps a service from being started is one sentence."""
    wanting.service("bad", STAYS, **changes)
    status, _, errors = wanting.run("print('never')", reader=environment_file.__file__)
    assert (1, True) == (status, errors.startswith(f"[bad] {told.format(root=wanting.root, path=os.defpath)}")), errors
    assert 1 == len(errors.splitlines())


@pytest.mark.parametrize(
    "within",
    [
        "subprocess.run([sys.executable, here / 'wants.py'], check=True)",
        "pid = os.fork() or sys.exit(during(run, SETTINGS))\nos.waitpid(pid, 0)",
        "pid = os.fork() or sys.exit()\nos.waitpid(pid, 0)\nrun()",
    ],
    ids=["started", "forked", "forked only"],
)
def test_not_twice(wanting: Wanting, within: str) -> None:
    """What runs meanwhile, and wants the same services, has them; its end is not theirs."""
    wanting.server("web")
    inner = textwrap.indent(within, "    ")
    body = f"""
import subprocess, urllib.request
if "ONCE" not in os.environ:
    os.environ["ONCE"] = "yes"
{inner}
print(urllib.request.urlopen(f"http://127.0.0.1:{{os.environ['WEB_PORT']}}/").status, flush=True)
return 0
"""
    status, output, errors = wanting.run(body)
    assert (0, "") == (status, errors)
    assert (1, 2) == (wanting.log("web").read_text("utf-8").count("serving"), output.count("200\n")), output


def test_some_are_up(wanting: Wanting) -> None:
    """Of several services those are started that are not up."""
    wanting.server("web")
    wanting.server("other")
    up = {str(wanting.root): ["web"], "/elsewhere": ["other"]}
    body = """
        print(os.environ["WEB_PORT"], "OTHER_PORT" in os.environ)
        print(os.environ["EGGCARTON_SERVICES"])
        return 0
        """
    more = {"WEB_PORT": "1234", "EGGCARTON_SERVICES": json.dumps(up)}
    status, output, errors = wanting.run(body, more=more)
    both = json.dumps({**up, str(wanting.root): ["web", "other"]})
    assert (0, f"1234 True\n{both}\nended with 0\n", "") == (status, output, errors)
    assert not wanting.log("web").exists()


def test_what_is_forked_lives_on(wanting: Wanting) -> None:
    """A process that is forked meanwhile and lives on keeps no service."""
    wanting.server("web")
    body = """
        import time
        pid = os.fork()
        if not pid:
            os.close(1)
            os.close(2)
            time.sleep(600)
        (here / "pid").write_text(str(pid))
        return 0
        """
    assert (0, "ended with 0\n", "") == wanting.run(body)
    [forked] = wanting.left()
    assert "wants.py" in forked
    os.kill(int((wanting.root / "pid").read_text()), signal.SIGKILL)
    assert wanting.is_soon_clear()


KILL_KEEPER = """
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{pid}/cmdline", "rb").read()
        mine = f"MARKER={here}".encode() in open(f"/proc/{pid}/environ", "rb").read()
    except OSError:
        continue
    if mine and b".keeper import" in words:
        os.kill(int(pid), 9)
"""


def test_killed_keeper(wanting: Wanting) -> None:
    """Where the process that keeps services is killed, these go with it, and what they have started later."""
    wanting.service(
        "forks",
        "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('up', 'w').close()\ntime.sleep(600)\n",
        file=str(wanting.root / "up"),
    )
    told = "the process that keeps the services was killed, and the services with it\n"
    assert (0, "ended with 0\n", told) == wanting.run(f"{KILL_KEEPER}\nreturn 0")
    assert wanting.is_soon_clear()


def test_both_killed(wanting: Wanting) -> None:
    """Where that process and the one that wants services are both killed, the services are."""
    wanting.server("web")
    assert -9 == wanting.run(f"{KILL_KEEPER}\nos.kill(os.getpid(), 9)")[0]
    assert wanting.is_soon_clear()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_while_starting(wanting: Wanting, number: signal.Signals) -> None:
    """Whoever ends the program while a service is not up yet leaves nothing behind; Ctrl-C is told in a sentence."""
    started = wanting.root / "started"
    wanting.service("slow", f"import time\nopen({str(started)!r}, 'w').close()\ntime.sleep(600)", port=0)
    with wanting.start("print('never')") as process:
        wait_for(started.exists, process)
        os.killpg(process.pid, number)
        output, errors = process.communicate()
    if number is signal.SIGINT:
        told = "[test] stopped while its services came up\n"
        assert (130, "ended with 130\n", told) == (process.returncode, output, errors)
    else:
        assert (-number, "") == (process.returncode, output)
    assert wanting.is_soon_clear()


def test_a_held_log(wanting: Wanting) -> None:
    """A process that a service leaves behind with its log open, or that leaves its session, is ended too."""
    text = """
        import os, sys, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                print("held", flush=True)
                time.sleep(600)
            os._exit(0)
        """
    wanting.service("web", textwrap.dedent(text) + SERVES, "{port}", port=0)
    assert 0 == wanting.run("return 0")[0]
    assert [] == wanting.left()
