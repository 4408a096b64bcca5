"""The closed set is had by hash or not at all, and its one process answers, or its end is told."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from eggcarton.core.errors import EggcartonError, Unavailable
from eggcarton.core.plan import Rendered
from eggcarton.packages import closed
from eggcarton.packages.closed import Child
from support.closed import closed_set, needs
from support.distributions import wheel
from support.index import Index


@pytest.fixture
def child() -> Iterator[Child]:
    with Child(closed_set) as started:
        yield started


def ask_render(child: Child, template: str) -> str:
    answer: str = child.ask("render", template=template, name="a.in", variables={})
    return answer


def test_it_is_started_when_it_is_needed() -> None:
    """No process is started, and not even the closed set looked for, before something is asked."""
    asked = []

    def place() -> Path:
        asked.append(1)
        return closed_set()

    with Child(place) as child:
        assert ([], False) == (asked, child.started)
        assert "2" == ask_render(child, "{{ 1 + 1 }}")
        assert "4" == ask_render(child, "{{ 2 + 2 }}")
        assert ([1], True) == (asked, child.started)
    assert not child.started


def test_what_it_imports(child: Child, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The process imports our libraries from the closed set, whatever the variables of Python say."""
    (tmp_path / "jinja2.py").write_text("raise RuntimeError\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    assert "ä€" == ask_render(child, "{{ 'ä€' }}")


@pytest.mark.parametrize("template", ["[{{ x }}", "{{ nothing }}"])
def test_errors_are_told(child: Child, template: str) -> None:
    """What an operation raises is raised here, and the process lives on."""
    with pytest.raises(EggcartonError, match=r"a\.in, line 1: "):
        ask_render(child, template)
    assert "1" == ask_render(child, "1")


def test_errors_keep_their_exit_code(child: Child, tmp_path: Path) -> None:
    """An error has the kind, and so the exit code, that it had in the process."""
    pins = tmp_path / "pins.txt"
    pins.write_text("six==1.0 --hash=sha256:" + "a" * 64, "utf-8")
    sources = {"index": "", "find_links": [], "cache": str(tmp_path), "directories": [], "offline": True}
    with pytest.raises(Unavailable) as caught:
        child.ask("toolchain", pins_file=str(pins), sources=sources, store=str(tmp_path / "store"), tag="x")
    assert (4, "no wheel of six 1.0 that is pinned for this Python lies in the directories given") == (
        caught.value.exit_code,
        str(caught.value),
    )


def test_errors_of_the_system(child: Child, tmp_path: Path) -> None:
    """What the operating system refuses is told with the path."""
    sources = {"index": "", "find_links": [], "cache": str(tmp_path), "directories": [], "offline": True}
    with pytest.raises(EggcartonError) as caught:
        child.ask("toolchain", pins_file=str(tmp_path / "none"), sources=sources, store=str(tmp_path), tag="x")
    assert f"No such file or directory: {tmp_path / 'none'}" == str(caught.value)


def test_faults_of_our_own(child: Child) -> None:
    """A fault in eggcarton itself is told as one, with where it is."""
    with pytest.raises(EggcartonError) as caught:
        child.ask("render", unexpected=1)
    assert str(caught.value).startswith("a fault in eggcarton itself, please report it:\nTraceback")
    assert "unexpected" in str(caught.value)


def test_what_it_prints_is_no_answer(child: Child, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What an operation prints, or a program that it starts, goes to the standard error and disturbs no answer."""
    assert [] == child.ask("locked-names", paths=[str(tmp_path / "pylock.toml")])
    ask_render(child, "1")
    assert "" == capfd.readouterr().out


class Killer:
    """A closed set whose process kills itself at the first import of Jinja2."""

    def __init__(self, place: Path, code: str) -> None:
        place.mkdir()
        (place / "jinja2.py").write_text(code, "utf-8")
        self.place = place

    def __call__(self) -> Path:
        return self.place


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os; os._exit(7)", 7),
        (
            "import os; [os.write(fd, b'{\"res') for fd in range(3, 9) if os.path.exists(f'/proc/self/fd/{fd}') "
            "and 'pipe' in os.readlink(f'/proc/self/fd/{fd}')]; os._exit(7)",
            7,
        ),
    ],
    ids=["killed", "ended", "ended while it answered"],
)
def test_a_process_that_dies(tmp_path: Path, code: str, status: int) -> None:
    """The end of the process is told with its status, and the next request is answered by a new one."""
    killer = Killer(tmp_path / "set", code)
    with Child(killer) as child:
        with pytest.raises(EggcartonError) as caught:
            ask_render(child, "1")
        assert f"the process that was to render ended with status {status}; its last words are above" == str(
            caught.value
        )
        killer.place = closed_set()
        assert "1" == ask_render(child, "1")


def test_what_is_told_before_an_answer(tmp_path: Path) -> None:
    """What a process tells at once is heeded before its answer, here its end, comes."""
    code = "from eggcarton.child import run; run.current().say('the keyring is waited for'); import os; os._exit(7)"
    told: list[Mapping[str, object]] = []
    with Child(Killer(tmp_path / "set", code), told.append) as child, pytest.raises(EggcartonError, match="status 7"):
        ask_render(child, "1")
    assert [{"warnings": ["the keyring is waited for"]}] == told


def test_a_process_that_died_between_requests(child: Child) -> None:
    """A process that was killed while nothing was asked of it is told at the next request."""
    ask_render(child, "1")
    assert child._process is not None
    child._process.kill()
    child._process.wait()
    with pytest.raises(EggcartonError, match="the process that was to render ended with status -9"):
        ask_render(child, "1")


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """When the process that asks is killed, the child ends by itself."""
    code = (
        f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n"
        "import pathlib, time\nfrom eggcarton.packages.closed import Child\n"
        f"child = Child(lambda: pathlib.Path({str(closed_set())!r}))\n"
        "child.ask('render', template='1', name='a', variables={})\n"
        "print(child._process.pid, flush=True)\nsys.stdin.readline()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    watch = os.pidfd_open(pid)
    parent.kill()
    parent.wait()
    assert [watch] == select.select([watch], [], [], 30)[0]
    os.close(watch)


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A closed set beside a toolchain's egg that this process imports from, as bin/buildout does."""
    place = tmp_path / ".eggcarton" / closed.directory_name()
    place.parent.mkdir()
    place.symlink_to(closed_set())
    monkeypatch.setattr(sys, "path", [*sys.path, str(place.parent / "digest" / "some.egg")])
    yield place
    closed.cool_down()


def test_started_early(beside: Path) -> None:
    """A process that was started early is the one that answers."""
    closed.warm_up()
    (early,) = [process for _, process in closed._warm]
    with Child(lambda: beside) as child:
        assert "1" == ask_render(child, "1")
        assert early is child._process
    assert 0 == early.returncode


def test_started_early_for_nothing(beside: Path) -> None:
    """A process that was started early ends when nobody took it, and does not answer for another closed set."""
    closed.warm_up()
    (early,) = [process for _, process in closed._warm]
    with Child(closed_set) as child:
        assert "1" == ask_render(child, "1")
        assert early is not child._process
    closed.cool_down()
    assert 0 == early.returncode


def test_nothing_to_start_early(tmp_path: Path) -> None:
    """Where no closed set stands beside the toolchain, nothing is started."""
    closed.warm_up()
    started = list(closed._warm)
    closed.cool_down()
    known = [Path(entry).parent.parent / closed.directory_name() for entry in sys.path]
    assert any(place.is_dir() for place in known) == bool(started)


def test_rendering_for_a_plan(child: Child, tmp_path: Path) -> None:
    """A plan's template may refer to paths and to nested values."""
    item = Rendered(
        tmp_path / "out",
        "{{ root }} {{ a.b[0] }} {{ n }}",
        "a.in",
        {"root": tmp_path, "a": {"b": (Path("x"),)}, "n": 5},
    )
    assert f"{tmp_path} x 5" == closed.render(child, item)


def test_develop_packages_are_built_there(child: Child, tmp_path: Path) -> None:
    """A develop package's build runs in the child, with the toolchain that it is given and no closed set."""
    place = tmp_path / "own"
    place.mkdir()
    (place / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n", "utf-8"
    )
    (place / "backend.py").write_text("import packaging\n", "utf-8")
    builds = {"lock": str(tmp_path / "buildout.lock.toml"), "frozen": True, "store": str(tmp_path), "tag": "py3"}
    builds |= {"requires_python": ">=3.10", "exclude_newer": None, "developed": []}
    with pytest.raises(EggcartonError, match="No module named 'packaging'"):
        child.ask(
            "develop",
            projects=[str(place)],
            out=str(tmp_path / "out"),
            toolchain={"paths": [], "versions": {}, "builds": builds},
            sources={"index": "", "find_links": [], "cache": str(tmp_path), "directories": [], "offline": True},
            allow_sdist=[],
        )


def test_the_place_is_known(tmp_path: Path) -> None:
    """A closed set that is there is taken, without a word and without asking anyone."""
    place = tmp_path / ".eggcarton" / closed.directory_name()
    place.mkdir(parents=True)
    said: list[str] = []
    assert place == closed.ensure(tmp_path, index="http://127.0.0.1:9/", say=said.append)
    assert [] == said


ENSURE = """
import pathlib, sys
from eggcarton.core.errors import EggcartonError
from eggcarton.packages import closed
try:
    closed.ensure(pathlib.Path(sys.argv[1]), index=sys.argv[2] or None, say=lambda line: print("said", line))
except EggcartonError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def ensure(store: Path, index: str, **more: str) -> tuple[int, list[str]]:
    """Have the closed set fetched by a process of its own, as it looks for pip, and return how that ended."""
    needs("pip")
    code = f"import sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}\n{ENSURE}"
    variables = os.environ | {"no_proxy": "127.0.0.1", "PIP_CONFIG_FILE": os.devnull} | more
    done = subprocess.run(
        [sys.executable, "-c", code, str(store), index],
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_it_cannot_be_fetched(tmp_path: Path) -> None:
    """Where the index does not have what is pinned, that is told with pip's last words, and nothing half-made stays."""
    (tmp_path / "served").mkdir()
    with Index(tmp_path / "served") as index:
        status, told = ensure(tmp_path / "store", index.url)
    assert (4, "the libraries that eggcarton works with could not be fetched:") == (status, told[1])
    assert told[0].startswith("said Getting the libraries that eggcarton itself works with into ")
    assert [] == os.listdir(tmp_path / "store" / ".eggcarton")


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    """Where the index has other bytes under a pinned name, nothing is installed, and no credentials are told."""
    pinned(tmp_path / "served")
    with Index(tmp_path / "served") as index:
        status, told = ensure(tmp_path / "store", index.url.replace("://", "://me:secret@"))
    assert (5, False) == (status, "secret" in " ".join(told))
    assert [] == os.listdir(tmp_path / "store" / ".eggcarton")


def pinned(place: Path) -> None:
    """Make a wheel for every pinned name, with other bytes than those pinned."""
    for line in closed.PINS.read_text("utf-8").splitlines():
        if "==" in line:
            name, _, version = line.partition(" ")[0].partition("==")
            wheel(place, name, version)


def test_only_the_way_to_the_index_counts(tmp_path: Path) -> None:
    """Of what pip is told, by variables or files, only index, certificate and proxy count; the rest changes nothing."""
    pinned(tmp_path / "served")
    (tmp_path / "empty").mkdir()
    settings = tmp_path / "pip.conf"
    with Index(tmp_path / "served") as index, Index(tmp_path / "empty") as extra:
        settings.write_text(
            f"[global]\nindex-url = {index.url}\nextra-index-url = {extra.url}\nno-binary = :all:\nuser = true\n",
            "utf-8",
        )
        for given, variables in (
            ("", {"PIP_CONFIG_FILE": str(settings)}),
            ("", {"PIP_INDEX_URL": index.url}),
            (index.url, {"PIP_INDEX_URL": extra.url}),
        ):
            status, told = ensure(
                tmp_path / "store",
                given,
                **variables,
                PIP_EXTRA_INDEX_URL=extra.url,
                PIP_FIND_LINKS=str(tmp_path / "served"),
                PIP_NO_BINARY=":all:",
                PIP_TARGET=str(tmp_path / "target"),
                PIP_USER="1",
                PIP_REQUIRE_VIRTUALENV="1",
                PYTHONPATH=str(tmp_path / "nowhere"),
            )
            # That the bytes are others is found once they have come from there.
            assert 5 == status, told
            assert index.paths("*.whl")
            index.requests.clear()
        assert [] == extra.requests
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("index", "variables", "told"),
    [
        ("http://[bad", {}, "the index that is configured: http://[bad is not the address of an index: its host"),
        ("", {"PIP_INDEX_URL": "htp:/x"}, "PIP_INDEX_URL: htp:/x is not the address of an index: it does not begin"),
        ("", {"PIP_PROXY": "http://proxy:port"}, "PIP_PROXY: http://proxy:port is not the address of a proxy: its"),
    ],
)
def test_an_address_that_is_none(tmp_path: Path, index: str, variables: dict[str, str], told: str) -> None:
    """What cannot be an address is told as a wrong setting, and pip is not even started."""
    status, lines = ensure(tmp_path / "store", index, **variables)
    assert (2, told) == (status, lines[1][: len(told)])
    assert [] == os.listdir(tmp_path / "store" / ".eggcarton")


def test_the_name_hangs_on_the_pins() -> None:
    """The directory's name is the same in every process, and holds a digest."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from eggcarton.packages.closed import directory_name as d; print(d())"
    )
    told = subprocess.check_output([sys.executable, "-c", code, *filter(None, sys.path)], text=True, timeout=300)
    assert closed.directory_name() == told.strip()
    assert json.dumps(told.strip()).startswith('"closed-set-')
