"""The index is the one that pip and uv would ask, and the cache lies where it can be written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from eggcarton.core.errors import UsageProblem
from eggcarton.indexes.configured import PipSettings, cache_directory, index_url, pip_settings, proxy_for
from support.closed import needs

A, B, C = (f"https://{name}.example/simple/" for name in "abc")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def section(url: str, name: str = "global") -> str:
    return f"[{name}]\nindex-url = {url}\n"


def test_nothing_configured(home: Path) -> None:
    """Where nobody names an index, there is none."""
    assert None is index_url({"PIP_CONFIG_FILE": os.devnull}, home)


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_variables_come_first(home: Path, variable: str) -> None:
    """A variable of pip or uv comes before every file."""
    write(home / ".config/pip/pip.conf", section(A))
    assert B == index_url({variable: B}, home)


def test_pip_comes_before_uv(home: Path) -> None:
    """Where pip's variable and uv's name different indexes, pip's counts; an empty variable is none."""
    assert A == index_url({"PIP_INDEX_URL": A, "UV_DEFAULT_INDEX": B}, home)
    assert B == index_url({"PIP_INDEX_URL": "", "UV_DEFAULT_INDEX": B}, home)


def test_a_name_before_the_address(home: Path) -> None:
    """uv lets its index have a name; the address is what stands behind it."""
    assert A == index_url({"UV_DEFAULT_INDEX": f"corp={A}"}, home)
    assert f"{A}?key=value" == index_url({"UV_DEFAULT_INDEX": f"{A}?key=value"}, home)


@pytest.mark.parametrize("place", [".pip/pip.conf", ".config/pip/pip.conf"])
def test_places_in_the_home(home: Path, place: str) -> None:
    """pip's file is found at its place and at its older place."""
    write(home / place, section(A))
    assert A == index_url({}, home)


def test_later_places_win(home: Path, tmp_path: Path) -> None:
    """The machine's file gives way to the old user's file, that to the new one, and all to the one chosen."""
    variables = {"XDG_CONFIG_DIRS": str(tmp_path / "xdg")}
    write(tmp_path / "xdg/pip/pip.conf", section("https://machine.example/"))
    assert "https://machine.example/" == index_url(variables, home)
    write(home / ".pip/pip.conf", section(A))
    assert A == index_url(variables, home)
    write(home / ".config/pip/pip.conf", section(B))
    assert B == index_url(variables, home)
    chosen = write(tmp_path / "chosen.conf", section(C))
    assert C == index_url({**variables, "PIP_CONFIG_FILE": str(chosen)}, home)


def test_the_first_machine_directory_wins(home: Path, tmp_path: Path) -> None:
    """Of the machine's configuration directories the first one named is the strongest."""
    write(tmp_path / "one/pip/pip.conf", section(A))
    write(tmp_path / "two/pip/pip.conf", section(B))
    assert A == index_url({"XDG_CONFIG_DIRS": f"{tmp_path}/one{os.pathsep}{tmp_path}/two"}, home)


def test_configuration_elsewhere(home: Path, tmp_path: Path) -> None:
    """The user's configuration directory may lie outside the home."""
    write(tmp_path / "mine/pip/pip.conf", section(A))
    assert A == index_url({"XDG_CONFIG_HOME": str(tmp_path / "mine")}, home)


def test_the_null_device_turns_files_off(home: Path) -> None:
    """With the null device as pip's file, no file counts."""
    write(home / ".config/pip/pip.conf", section(A))
    assert None is index_url({"PIP_CONFIG_FILE": os.devnull}, home)


def test_sections(home: Path) -> None:
    """A command's own section comes before the global one, even of a later file; other sections do not count."""
    write(home / ".pip/pip.conf", section(A, "install"))
    write(home / ".config/pip/pip.conf", section(B) + section(C, "search"))
    assert A == index_url({}, home)


def test_spellings_and_signs(home: Path) -> None:
    """An option may have an underscore, and a per cent sign in an address is only that."""
    write(home / ".config/pip/pip.conf", "[global]\nindex_url = https://me:a%40b@index.example/simple/\n")
    assert "https://me:a%40b@index.example/simple/" == index_url({}, home)


@pytest.mark.parametrize("content", [b"no section\n", b"\xff\xfe", b"[global]\nindex-url\n"])
def test_broken_files_are_passed_over(home: Path, content: bytes) -> None:
    """A file that is none is pip's business; the others still count."""
    write(home / ".pip/pip.conf", section(A))
    write(home / ".config/pip/pip.conf", "").write_bytes(content)
    assert A == index_url({}, home)


def test_pip_reads_the_same(home: Path, tmp_path: Path) -> None:
    """For files in all places at once, pip itself names the same index."""
    needs("pip")
    write(tmp_path / "xdg/pip/pip.conf", section(A) + section(B, "install"))
    write(home / ".config/pip/pip.conf", "[global]\nindex_url = https://pip.example/\n")
    variables = {"HOME": str(home), "PATH": os.defpath, "XDG_CONFIG_DIRS": str(tmp_path / "xdg")}
    command = [sys.executable, "-m", "pip", "config", "debug"]
    told = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=True).stdout
    values = [line.strip() for line in told.splitlines() if "index" in line and "url:" in line]
    assert {f"global.index-url: {A}", f"install.index-url: {B}", "global.index-url: https://pip.example/"} <= set(
        values
    )
    assert B == index_url(variables, home)


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has, the tests do without."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("no_proxies")
def test_what_pip_may_be_told(home: Path) -> None:
    """Index, certificate and proxy come from variables, else from pip's files; nothing else is handed on."""
    write(
        home / ".config/pip/pip.conf",
        section(A) + "cert = file.pem\nproxy = one.example:3128\nuser = true\n[install]\nproxy = two.example:3128\n",
    )
    assert PipSettings(A, "file.pem", "two.example:3128") == pip_settings({"PIP_USER": "1"}, home)
    variables = {"PIP_INDEX_URL": B, "SSL_CERT_FILE": "variable.pem", "PIP_PROXY": "http://me:pw@proxy.example"}
    found = pip_settings(variables, home)
    assert PipSettings(B, "variable.pem", "http://me:pw@proxy.example") == found
    assert PipSettings(C, "variable.pem", found.proxy) == pip_settings(variables, home, index=C)
    assert {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": B,
        "PIP_CERT": "variable.pem",
        "PIP_PROXY": "http://me:pw@proxy.example",
    } == found.variables()
    assert {"PIP_CONFIG_FILE": os.devnull} == PipSettings(None, None, "").variables()


def test_a_directory_may_be_an_index(home: Path, tmp_path: Path) -> None:
    """A directory stands for an index, as it may for pip; its address is what the rest is told."""
    (tmp_path / "an index").mkdir()
    assert f"{tmp_path.as_uri()}/an%20index" == index_url({"PIP_INDEX_URL": str(tmp_path / "an index")}, home)


NONE = [
    ("htp:/x", "htp:/x", "it does not begin with http:// or https:// or file://"),
    ("http://me:secret@[bad", "http://[bad", "its host is none"),
    ("http://me:sec/ret@index.example/", "http://index.example/", "its port is not a number up to 65535"),
    ("http://index.example:99999/", "http://index.example:99999/", "its port is not a number up to 65535"),
    ("http://index.example:0/", "http://index.example:0/", "no port is 0"),
    ("https:///simple/", "https:///simple/", "it names no host"),
    ("https://index.example/\ta", "https://index.example/\ta", "it holds a blank"),
]


@pytest.mark.parametrize(("address", "shown", "reason"), NONE, ids=[case[1] for case in NONE])
def test_an_address_that_is_none(home: Path, address: str, shown: str, reason: str) -> None:
    """What cannot be an index is told without credentials, with where it comes from and why."""
    path = write(home / ".config/pip/pip.conf", section(address))
    for variables, source in (({}, f"index-url in {path}"), ({"UV_DEFAULT_INDEX": address}, "UV_DEFAULT_INDEX")):
        with pytest.raises(UsageProblem) as caught:
            index_url(variables, home)
        told = f"{source}: {shown} is not the address of an index: {reason}; mend it, or leave it out"
        assert told == str(caught.value)


@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_that_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be a proxy is told with where it comes from, unless the index is asked without it."""
    with pytest.raises(UsageProblem, match=r"^PIP_PROXY: http://proxy:port is not the address of a proxy: its port"):
        pip_settings({"PIP_PROXY": "me:secret@proxy:port"}, home)
    monkeypatch.setenv("https_proxy", "http://proxy:port")
    with pytest.raises(UsageProblem, match=r"^https_proxy: http://proxy:port is not the address of a proxy: its port"):
        pip_settings({}, home, index=A)
    for index in ("http://a.example/", home.as_uri()):
        assert None is pip_settings({}, home, index=index).proxy
    monkeypatch.setenv("no_proxy", "a.example")
    assert None is pip_settings({}, home, index=A).proxy


@pytest.mark.usefixtures("no_proxies")
def test_the_proxy_for_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of an address's scheme comes before the one for all, and a missing scheme is http."""
    assert None is proxy_for(A)
    monkeypatch.setenv("all_proxy", "all.example:1")
    assert "http://all.example:1" == proxy_for(A)
    monkeypatch.setenv("https_proxy", "https://one.example:1")
    assert ("https://one.example:1", "http://all.example:1") == (proxy_for(A), proxy_for("http://a.example/"))


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="the directories of other platforms")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "home/.cache/eggcarton"),
        ({"XDG_CACHE_HOME": ""}, "home/.cache/eggcarton"),
        ({"XDG_CACHE_HOME": "{}/xdg"}, "xdg/eggcarton"),
        ({"XDG_CACHE_HOME": "{}/xdg", "EGGCARTON_CACHE": "{}/mine"}, "mine"),
    ],
)
def test_cache_is_usual(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    """The cache lies where the user wants it, else where the platform has caches, and nothing is said of it."""
    filled = {name: value.format(tmp_path) for name, value in variables.items()}
    found = cache_directory(filled, tmp_path / "home", tmp_path / "root")
    assert (tmp_path / expected, None) == found
    assert (tmp_path / expected).is_dir()


def test_cache_of_an_unwritable_home(tmp_path: Path) -> None:
    """Where the home cannot hold a cache, the buildout directory does, and that is said with the reason."""
    home = write(tmp_path / "file", "") / "home"
    place, remark = cache_directory({}, home, tmp_path / "root")
    assert tmp_path / "root/.eggcarton/cache" == place
    assert f"the cache {home}/.cache/eggcarton cannot be used (not a directory); {place} is used" == remark


def test_cache_without_a_home(tmp_path: Path) -> None:
    """Where no home is known, no directory is made that is called ~."""
    place, remark = cache_directory({}, Path("~"), tmp_path / "root")
    assert tmp_path / "root/.eggcarton/cache" == place
    assert f"the cache ~/.cache/eggcarton cannot be used (it is not an absolute path); {place} is used" == remark
    assert not Path("~").exists()


def test_cache_that_may_not_be_written() -> None:
    """A cache directory that exists, but may not be written by this user, is not used either."""
    with tempfile.TemporaryDirectory() as name:
        usual = Path(name, "cache")
        usual.mkdir(0o555)
        Path(name).chmod(0o755)
        remark = as_nobody(lambda: str(cache_directory({"EGGCARTON_CACHE": str(usual)}, Path(name), Path(name))[1]))
    assert f"the cache {usual} cannot be used (it may not be written); {name}/.eggcarton/cache is used" == remark


def as_nobody(function: Callable[[], str]) -> str:
    """Run a function without root's rights, in a process of its own."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            os.write(writing, function().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        told = stream.read().decode()
    os.waitpid(process, 0)
    return told
