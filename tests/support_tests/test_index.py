"""The index serves what real clients install, counts what they ask for, and fails as it is told to."""

import hashlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import trustme

from support.certificates import Authority
from support.closed import uv_program
from support.distributions import sdist, wheel
from support.faults import Response
from support.index import Index
from support.pages import JSON

SIX = "/simple/six/"
PAGES_AND_FILES = {
    "everything offered": {},
    "html only": {"json": False},
    "no metadata files": {"metadata": False},
    "no metadata files, no ranges": {"metadata": False, "ranges": False},
    "no hashes": {"hashes": False},
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with an application, what it needs as a wheel, and what it needs as a source distribution."""
    place = tmp_path / "distributions"
    wheel(place, "six", "1.16.0", {"six.py": "answer = 41\n"})
    wheel(place, "six", "1.17.0", {"six.py": "answer = 42\n"}, requires_python=">=3.8")
    wheel(place, "guests", modules={"guests.py": ""}, requires=["six>=1", "old"])
    sdist(place, "old", "2.0", {"old.py": ""})
    return place


@pytest.fixture
def index(directory: Path) -> Iterator[Index]:
    """An index that serves the directory."""
    with Index(directory) as serving:
        yield serving


def get(url: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Read an address without any proxy."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(urllib.request.Request(url, headers=dict(headers or {})), timeout=300) as response:
        body: bytes = response.read()
    return body


def project(index: Index, name: str = "six") -> dict[str, dict[str, object]]:
    """Return the files of a project by their names, as the JSON page tells of them."""
    page = json.loads(get(f"{index.url}{name}/", {"Accept": JSON}))
    return {file["filename"]: file for file in page["files"]}


def file_url(index: Index, name: str = "six-1.17.0-py3-none-any.whl") -> str:
    """Return the address of a file."""
    return next(f"{index.address}/files/{d.place}" for d in index.distributions() if d.path.name == name)


def install(tool: str, index: Index, target: Path, *requirements: str) -> subprocess.CompletedProcess[str]:
    """Install with a real client that knows no other index and no cache."""
    environment = {"PATH": os.defpath, "HOME": str(target.parent), "UV_HTTP_RETRIES": "0"}
    if tool == "pip":
        command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-cache-dir", "--no-input"]
        command += [
            "--disable-pip-version-check",
            "--retries=0",
            "--index-url",
            index.url,
            "--target",
            str(target),
        ]
    else:
        command = [str(uv_program()), "pip", "install", "--no-config", "--no-cache", "--default-index", index.url]
        command += ["--python", sys.executable, "--target", str(target)]
    return subprocess.run(
        [*command, *requirements], env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize("offer", PAGES_AND_FILES.values(), ids=PAGES_AND_FILES)
def test_real_clients_install(tool: str, offer: dict[str, bool], directory: Path, tmp_path: Path) -> None:
    """pip and uv install a wheel, its dependency and a source distribution, whatever the index leaves out."""
    with Index(directory, **offer) as index:  # type: ignore[arg-type]
        done = install(tool, index, tmp_path / "target", "guests")
    assert (0, True) == (done.returncode, "answer = 42\n" == (tmp_path / "target/six.py").read_text()), done.stderr
    assert (tmp_path / "target/old.py").exists()


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_foreign_bytes_are_seen(tool: str, index: Index, directory: Path, tmp_path: Path) -> None:
    """A client that knows a file's hash refuses other bytes under its name, good as they may be."""
    foreign = wheel(tmp_path / "foreign", "six", "1.17.0", {"six.py": "answer = 43\n"}).read_bytes()
    wanted = hashlib.sha256((directory / "six-1.17.0-py3-none-any.whl").read_bytes()).hexdigest()
    (tmp_path / "requirements.txt").write_text(f"six==1.17.0 --hash=sha256:{wanted}\n")

    def exchange(response: Response) -> None:
        response.body = foreign

    index.fault("*.whl", exchange, forever=True)
    done = install(tool, index, tmp_path / "target", "--require-hashes", "-r", str(tmp_path / "requirements.txt"))
    assert 0 != done.returncode
    assert hashlib.sha256(foreign).hexdigest() in done.stderr
    assert not (tmp_path / "target/six.py").exists()


def test_flipped_byte(index: Index, directory: Path, tmp_path: Path) -> None:
    """One byte of a file is another, its length is right, and pip sees it by the hash on the page."""
    index.fault("*.whl", "flip", "flip", forever=True)
    whole = (directory / "six-1.17.0-py3-none-any.whl").read_bytes()
    received = get(file_url(index))
    assert (len(whole), 1) == (len(received), sum(a != b for a, b in zip(whole, received, strict=True)))
    assert "hash" in install("pip", index, tmp_path / "target", "six==1.17.0").stderr.lower()


def test_requests_are_recorded_in_order(index: Index) -> None:
    """A request is its method and path, and knows its headers and what was answered."""
    get(index.url + "six/", {"X-Name": "value"})
    get(file_url(index))
    assert [("GET", SIX), ("GET", file_url(index).removeprefix(index.address))] == index.requests
    assert ("value", 200) == (index.requests[0].headers["X-Name"], index.requests[0].status)
    assert [SIX] == index.paths("/simple/*")
    index.requests.clear()
    assert [] == index.requests


def test_lines_are_told(directory: Path) -> None:
    """One line a request goes to whoever wants to hear."""
    lines: list[str] = []
    with Index(directory, tell=lines.append) as index:
        get(index.url)
    assert ["200 GET /simple/"] == lines


def test_json_page(index: Index, directory: Path) -> None:
    """A JSON page tells hash, size, time, required Python and metadata of each file."""
    path = directory / "six-1.17.0-py3-none-any.whl"
    told = project(index)[path.name]
    assert {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()} == told["hashes"]
    assert path.stat().st_size == told["size"]
    assert ">=3.8" == told["requires-python"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(told["upload-time"]))
    metadata = get(file_url(index) + ".metadata")
    assert {"sha256": hashlib.sha256(metadata).hexdigest()} == told["core-metadata"]
    assert b"Version: 1.17.0" in metadata


def test_html_page(index: Index) -> None:
    """Without a wish for JSON the page is HTML, with the same facts."""
    page = get(index.url + "six/").decode()
    assert 2 == page.count("<a href=")
    assert 'data-requires-python="&gt;=3.8"' in page
    assert 2 == page.count("#sha256=") == page.count("data-core-metadata=")


def test_left_out(directory: Path) -> None:
    """Hashes, sizes, metadata and JSON can be left out."""
    with Index(directory, hashes=False, sizes=False, metadata=False) as index:
        told = project(index)["six-1.17.0-py3-none-any.whl"]
        assert {} == told["hashes"]
        assert {"size", "core-metadata", "dist-info-metadata"}.isdisjoint(told)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(file_url(index) + ".metadata")
    with Index(directory, json=False) as index:
        assert get(index.url, {"Accept": JSON}).startswith(b"<!DOCTYPE html>")


def test_yanked(directory: Path, tmp_path: Path) -> None:
    """A yanked file is marked on both pages, and clients avoid it."""
    with Index(directory, yanked={"six-1.17.0-py3-none-any.whl": "it broke"}) as index:
        assert "it broke" == project(index)["six-1.17.0-py3-none-any.whl"]["yanked"]
        assert 'data-yanked="it broke"' in get(index.url + "six/").decode()
        assert 0 == install("pip", index, tmp_path / "target", "six").returncode
    assert "answer = 41\n" == (tmp_path / "target/six.py").read_text()


def test_names(index: Index) -> None:
    """A page has one address; another spelling leads there, and an unknown name is not found."""
    for spelling in ("Six/", "six"):
        get(index.url + spelling)
    assert [SIX] * 2 == [path for path in index.paths() if path == SIX]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(index.url + "seven/")


def test_a_file_added_later(index: Index, directory: Path) -> None:
    """What is put into the directory later is on the next page, and an unchanged page is not sent again."""
    with urllib.request.urlopen(index.url + "six/") as response:
        tag = response.headers["ETag"]
    with pytest.raises(urllib.error.HTTPError, match="304"):
        get(index.url + "six/", {"If-None-Match": tag})
    wheel(directory, "six", "1.18.0")
    assert b"six-1.18.0" in get(index.url + "six/", {"If-None-Match": tag})


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [("bytes=2-4", 206, slice(2, 5)), ("bytes=5-", 206, slice(5, None)), ("bytes=-7", 206, slice(-7, None))],
)
def test_ranges(index: Index, directory: Path, wanted: str, status: int, part: slice) -> None:
    """A part of a file can be asked for, and no more of it is sent."""
    whole = (directory / "six-1.17.0-py3-none-any.whl").read_bytes()
    request = urllib.request.Request(file_url(index), headers={"Range": wanted})
    with urllib.request.urlopen(request, timeout=300) as response:
        assert (status, whole[part]) == (response.status, response.read())
        start = range(len(whole))[part].start
        assert f"bytes {start}-{range(len(whole))[part].stop - 1}/{len(whole)}" == response.headers["Content-Range"]


def test_a_range_beyond_the_end(index: Index) -> None:
    """A part that begins after the end cannot be had."""
    with pytest.raises(urllib.error.HTTPError, match="416"):
        get(file_url(index), {"Range": "bytes=9999999-"})


def test_no_ranges(directory: Path) -> None:
    """An index without ranges sends the whole file."""
    with Index(directory, ranges=False) as index:
        assert (directory / "six-1.17.0-py3-none-any.whl").read_bytes() == get(file_url(index), {"Range": "bytes=2-4"})


def test_credentials(directory: Path) -> None:
    """An index that wants credentials answers nothing without them."""
    with Index(directory, credentials="ada:secret") as index:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(index.url)
        get(index.url, {"Authorization": "Basic YWRhOnNlY3JldA=="})


def test_tls(directory: Path) -> None:
    """With a certificate the index speaks TLS, and a client that does not trust it leaves."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Index(directory, tls=context) as index:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(index.url, timeout=300)
        with urllib.request.urlopen(index.url, timeout=300, context=trusting) as response:
            assert b"six" in response.read()


def test_links_to_another_host(directory: Path) -> None:
    """Links are relative, or lead to the address that the index was given for its files."""
    with Index(directory) as index:
        assert str(project(index)["six-1.17.0-py3-none-any.whl"]["url"]).startswith("../../files/")
    with Index(directory, files_at="https://files.index.example") as index:
        links = {str(file["url"]) for file in project(index).values()}
    assert {"https://files.index.example/files/"} == {link[:34] for link in links}


def test_stopped_index_refuses_and_comes_back(index: Index) -> None:
    """A stopped index refuses connections, kept ones too, and comes back on the same port."""
    kept = http.client.HTTPConnection("127.0.0.1", index.port, timeout=300)
    kept.request("GET", SIX)
    kept.getresponse().read()
    index.stop()
    with pytest.raises(urllib.error.URLError, match="refused"):
        get(index.url)
    assert kept.sock is not None
    assert b"" == kept.sock.recv(1)
    index.start()
    assert b"six" in get(index.url)


def test_faults_come_in_their_order(index: Index) -> None:
    """Each request that a pattern matches takes one step of its script; after the last all is right again."""
    index.fault("*.whl", "status:503 header:Retry-After=5", "truncate:0.5", "ok", "reset:0.9")
    url = file_url(index)
    get(index.url + "six/")
    with pytest.raises(urllib.error.HTTPError, match="503") as refused:
        get(url)
    assert "5" == refused.value.headers["Retry-After"]
    with pytest.raises(http.client.IncompleteRead):
        get(url)
    whole = get(url)
    with pytest.raises(ConnectionResetError):
        get(url)
    assert whole == get(url)
    assert [200, 503, 200, 200, 200, 200] == [request.status for request in index.requests]


def test_a_fault_forever(index: Index) -> None:
    """The last step of a script can stay in force."""
    index.fault("/simple/*", "status:500", "status:503", forever=True)
    told = []
    for _ in range(4):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(index.url)
        told.append(refused.value.code)
    assert [500, 503, 503, 503] == told


def test_reset_after_most_of_a_file(index: Index, directory: Path) -> None:
    """Nine tenths of a file arrive before the connection is reset."""
    big = wheel(directory, "big", data={"data/random": os.urandom(3_000_000)})
    index.fault("*/big*.whl", "reset:0.9")
    response = urllib.request.urlopen(file_url(index, big.name), timeout=300)
    received = 0
    with pytest.raises(ConnectionResetError):  # noqa: PT012 - reading goes on until the reset
        while chunk := response.read1(65536):
            received += len(chunk)
    assert int(big.stat().st_size * 0.9) == received


def test_stall_and_slow(index: Index) -> None:
    """A stalled request gets no answer while the index runs; a slow one comes in its own time."""
    index.fault(SIX, "stall", "slow:2000", "wait:0.2")
    impatient = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(TimeoutError):
        impatient.open(index.url + "six/", timeout=0.2)
    # The step is its own, however late a busy machine reads what it had sent before it left.
    while not index.requests:
        time.sleep(0.01)
    for least in (0.2, 0.2):
        begin = time.monotonic()
        assert b"six-1.17.0" in get(index.url + "six/")
        assert time.monotonic() - begin > least


def test_lies_about_length_and_range(index: Index) -> None:
    """Content-Length, the body's length and a range's place can each be wrong."""
    url = file_url(index)
    whole = get(url)
    index.fault("*.whl", "length:9", "length:-9", "length:none", "long:9", "cut:0.5", "ranges:ignored")
    with pytest.raises(http.client.IncompleteRead):
        get(url)
    assert whole[:-9] == get(url)
    assert whole == get(url)
    assert whole + b"\0" * 9 == get(url)
    assert whole[: len(whole) // 2] == get(url)
    assert whole == get(url, {"Range": "bytes=1-2"})
    index.fault("*.whl", "ranges:start", "ranges:total")
    for told in (f"bytes 2-3/{len(whole)}", f"bytes 1-2/{len(whole) + 1}"):
        request = urllib.request.Request(url, headers={"Range": "bytes=1-2"})
        with urllib.request.urlopen(request, timeout=300) as response:
            assert (told, whole[1:3]) == (response.headers["Content-Range"], response.read())


def test_portal_and_redirect(index: Index) -> None:
    """A captive portal answers with a page of its own; a redirect leads to any address."""
    index.fault("*.whl", "portal", "portal:511", f"redirect:{index.url}")
    assert get(file_url(index)).startswith(b"<!DOCTYPE html>")
    with pytest.raises(urllib.error.HTTPError, match="511"):
        get(file_url(index))
    assert b"Simple index" in get(file_url(index))


def test_unknown_fault_is_refused_at_once(index: Index) -> None:
    """A misspelt fault is an error of the test that names it."""
    with pytest.raises(ValueError, match="'resett' is no fault"):
        index.fault("*", "resett:0.5")


def test_most_requests_at_once(index: Index) -> None:
    """The index knows how many requests were in work at the same time."""
    meeting = threading.Barrier(3, timeout=300)

    def meet(response: Response) -> None:
        meeting.wait()

    index.fault("*", meet, meet, meet)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(get, [index.url] * 3))
    assert 3 == index.peak


def test_a_request_that_was_answered_is_not_in_work(index: Index) -> None:
    """Who has a whole answer asks the next question alone: the request before is in work no more."""
    index.fault(SIX, "slow:20000", "length:none", "header:X-Name=value")
    for _ in range(50):
        get(index.url + "six/")
    assert (50, 1) == (len(index.requests), index.peak)


def test_command_line(directory: Path) -> None:
    """Started as a program, the index prints its address, logs requests, and ends when told."""
    program = Path(__file__).parents[1] / "support/index.py"
    with subprocess.Popen(
        [sys.executable, program, directory, "--log"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert b"six" in get(url)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=300)
    assert (0, "200 GET /simple/\n") == (process.returncode, log)


@pytest.fixture
def started(directory: Path) -> Iterator[Callable[..., str]]:
    """Start the index as a program with these arguments, and return its address."""
    program = Path(__file__).parents[1] / "support/index.py"
    with ExitStack() as stack:

        def start(*arguments: str) -> str:
            process = subprocess.Popen(
                [sys.executable, program, directory, *arguments], stdout=subprocess.PIPE, text=True
            )
            stack.enter_context(process)
            stack.callback(process.send_signal, signal.SIGINT)
            assert process.stdout is not None
            return process.stdout.readline().strip()

        yield start


def test_faults_on_the_command_line(started: Callable[..., str]) -> None:
    """A script of faults is given as a pattern and steps; with dots at its end the last step stays."""
    url = started("--fault", "*/six/=status:503,ok,status:500,...", "--fault", "*/old/=header:X-Old=1 header:X-Two=2")
    told = []
    for _ in range(4):
        try:
            get(f"{url}six/")
            told.append(200)
        except urllib.error.HTTPError as error:
            told.append(error.code)
    assert [503, 200, 500, 500] == told
    with urllib.request.urlopen(f"{url}old/") as response:
        assert ("1", "2") == (response.headers["X-Old"], response.headers["X-Two"])


def test_tls_on_the_command_line(started: Callable[..., str], tmp_path: Path) -> None:
    """With --tls it writes the certificate of its authority, and whoever trusts that is answered."""
    url = started("--tls", str(tmp_path / "authority.pem"), "--serial", "7", "--no-json")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    with urllib.request.urlopen(f"{url}six/", context=trusting) as response:
        assert (True, "7") == (url.startswith("https:"), response.headers["X-PyPI-Last-Serial"])


@pytest.mark.parametrize("words", [("--fault", "*=resett"), ("--fault", "*=status:often"), ("--fault", "*=ranges:odd")])
def test_misspelt_faults_on_the_command_line(directory: Path, words: tuple[str, ...]) -> None:
    """A fault that is none is an error of usage, with its name."""
    program = Path(__file__).parents[1] / "support/index.py"
    done = subprocess.run([sys.executable, program, directory, *words], capture_output=True, text=True, check=False)
    assert (2, True) == (done.returncode, " is no fault" in done.stderr)


@pytest.mark.parametrize("kind", ["expired", "self-signed", "wrong-host"])
def test_certificates_that_do_not_hold(directory: Path, tmp_path: Path, kind: str) -> None:
    """A client that trusts the authority leaves, for the reason that the certificate is made to give."""
    authority = Authority()
    trusting = ssl.create_default_context(cafile=str(authority.write(tmp_path / "authority.pem")))
    reasons = {"expired": "expired", "self-signed": "self.signed", "wrong-host": "mismatch"}
    with (
        Index(directory, tls=authority.server(kind)) as index,
        pytest.raises(urllib.error.URLError, match=reasons[kind]),
    ):
        urllib.request.urlopen(index.url, timeout=300, context=trusting)


def test_a_limit_of_requests_at_once(directory: Path) -> None:
    """Beyond its limit of requests at once the index answers 503."""
    with Index(directory, most=1) as index:
        index.fault("/simple/six/", "wait:30")
        slow = threading.Thread(target=lambda: suppressed(index.url + "six/"))
        slow.start()
        while not index.requests:
            time.sleep(0.01)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get(index.url)
    slow.join(120)
    assert not slow.is_alive()


def suppressed(url: str) -> None:
    """Read an address that may end early."""
    with suppress(OSError, http.client.HTTPException):
        get(url)


def test_a_mirror_that_lags_behind(directory: Path) -> None:
    """A mirror may not list the newest files yet; it still serves them."""
    with Index(directory, newest=1) as index:
        assert ["six-1.16.0-py3-none-any.whl"] == [*project(index)]
        get(file_url(index))


def test_rewound(index: Index) -> None:
    """Rewound, the index has forgotten its requests and begins its scripts anew."""
    index.fault(SIX, "status:500", "status:503")
    for _ in range(2):
        for status in ("500", "503"):
            with pytest.raises(urllib.error.HTTPError, match=status):
                get(index.url + "six/")
        assert b"six" in get(index.url + "six/")
        assert 3 == len(index.requests)
        index.rewind()
    assert [] == index.requests
