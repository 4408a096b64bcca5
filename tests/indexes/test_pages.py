"""What an index page says is read the same from JSON and from HTML; what is no such page is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eggcarton.indexes.client import Client
from eggcarton.indexes.pages import ACCEPT, JSON, Listed, PageProblem, read, read_page
from support.distributions import sdist, wheel
from support.index import Index

PAGE = "https://index.example/simple/six/"
SIX = "six-1.17.0-py3-none-any.whl"


def html(body: str, *, head: str = "", url: str = PAGE) -> tuple[Listed, ...]:
    return read_page(f"<html><head>{head}</head><body>{body}</body></html>".encode(), "text/html", url)


@pytest.mark.parametrize("in_json", [True, False], ids=["json", "html"])
def test_both_formats_tell_the_same(tmp_path: Path, in_json: bool) -> None:
    """From a served page, in either format, come each file's name, full address and digests."""
    wheel(tmp_path, "six", "1.17.0")
    sdist(tmp_path, "six", "1.16.0")
    with Index(tmp_path, json=in_json) as index, Client().get(f"{index.url}six/", accept=ACCEPT) as answer:
        found = read_page(answer.read(), answer.headers["Content-Type"], f"{index.url}six/")
        expected = {d.path.name: (f"{index.address}/files/{d.place}", d.sha256) for d in index.distributions()}
    assert expected == {file.name: (file.url, file.sha256) for file in found}
    assert {SIX: True, "six-1.16.0.tar.gz": False} == {file.name: file.has_metadata for file in found}


def test_json_tells_sizes_and_metadata() -> None:
    """A JSON page also tells a file's size and the digest of its metadata, also by that key's older name."""
    hashes = {"sha256": "ab"}
    entries = [
        {"filename": "a", "url": "a", "hashes": hashes, "size": 5, "core-metadata": {"sha256": "cd"}},
        {"filename": "b", "url": "b", "hashes": {"md5": "ab"}, "dist-info-metadata": {"sha256": "ef"}},
        {"filename": "c", "url": "c", "hashes": {}, "core-metadata": True},
        {"filename": "d", "url": "d", "hashes": {}, "core-metadata": False, "dist-info-metadata": True},
    ]
    found = read_page(json.dumps({"files": entries}).encode(), JSON, PAGE)
    assert (
        Listed("a", f"{PAGE}a", "ab", 5, "cd", True),
        Listed("b", f"{PAGE}b", None, None, "ef", True),
        Listed("c", f"{PAGE}c", None, None, None, True),
        Listed("d", f"{PAGE}d", None, None, None, False),
    ) == found


@pytest.mark.parametrize("in_json", [True, False], ids=["json", "html"])
def test_both_formats_tell_what_was_withdrawn_and_for_whom(tmp_path: Path, in_json: bool) -> None:
    """From either format comes why a file was yanked, an empty text where no reason is given, and for which Pythons."""
    for version in ("1.15.0", "1.16.0"):
        wheel(tmp_path, "six", version)
    wheel(tmp_path, "six", "1.17.0", requires_python=">=3.10")
    yanked = {"six-1.15.0-py3-none-any.whl": "", "six-1.16.0-py3-none-any.whl": "breaks > 1"}
    with (
        Index(tmp_path, json=in_json, yanked=yanked) as index,
        Client().get(f"{index.url}six/", accept=ACCEPT) as answer,
    ):
        found = read_page(answer.read(), answer.headers["Content-Type"], f"{index.url}six/")
    assert {**yanked, SIX: None} == {file.name: file.yanked for file in found}
    assert {">=3.10": SIX} == {file.requires_python: file.name for file in found if file.requires_python}


def test_a_file_that_was_not_withdrawn() -> None:
    """A JSON page may say in so many words that a file was not yanked."""
    entry = {"filename": "a", "url": "a", "hashes": {}, "yanked": False, "requires-python": None}
    assert (Listed("a", f"{PAGE}a"),) == read_page(json.dumps({"files": [entry]}).encode(), JSON, PAGE)


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("six.whl", "https://index.example/simple/six/six.whl"),
        ("../../files/six.whl", "https://index.example/files/six.whl"),
        ("/files/six.whl", "https://index.example/files/six.whl"),
        ("//files.example/six.whl", "https://files.example/six.whl"),
        ("http://files.example/six.whl", "http://files.example/six.whl"),
        ("six.whl?signed=yes", "https://index.example/simple/six/six.whl?signed=yes"),
    ],
)
def test_links_are_relative_to_the_page(link: str, address: str) -> None:
    """A link leads where it leads in a browser, in both formats."""
    page = json.dumps({"files": [{"filename": "six.whl", "url": link, "hashes": {}}]}).encode()
    assert [("six.whl", address)] == [(file.name, file.url) for file in read_page(page, JSON, PAGE)]
    assert [("six.whl", address)] == [(file.name, file.url) for file in html(f'<a href="{link}">six</a>')]


def test_base_of_a_page() -> None:
    """Links of an HTML page are relative to its base element, which may itself be relative."""
    (found,) = html('<a href="six.whl">six</a>', head='<base href="/mirror/">')
    assert "https://index.example/mirror/six.whl" == found.url


def test_only_the_first_base_counts() -> None:
    """Of several base elements the first one counts, as in a browser."""
    (found,) = html('<a href="six.whl">six</a>', head='<base href="/a/"><base href="/b/">')
    assert "https://index.example/a/six.whl" == found.url


def test_names_are_unquoted() -> None:
    """A file's name is that of its link's path, with its signs as they are and nothing of the fragment."""
    (found,) = html('<a href="../x/six-1%2B2.tar.gz?a/b#sha256=ab">something else</a>')
    assert ("six-1+2.tar.gz", "ab") == (found.name, found.sha256)


@pytest.mark.parametrize("fragment", ["", "#md5=ab", "#sha256", "#sha256=", "#egg=six"])
def test_only_sha256_is_a_digest(fragment: str) -> None:
    """A link without a sha256 has no digest."""
    (found,) = html(f'<a href="six.whl{fragment}">six</a>')
    assert None is found.sha256


def test_links_without_address_are_no_files() -> None:
    """An anchor that leads nowhere is passed over."""
    assert ["six.whl"] == [file.name for file in html('<a name="top"></a><a href>x</a><a href="six.whl">six</a>')]


@pytest.mark.parametrize(
    "body", ["<h1>Links for six</h1>", '<meta name="pypi:repository-version" content="1.0">'], ids=["heading", "meta"]
)
def test_project_without_files(body: str) -> None:
    """A project may have no files any more."""
    assert () == html(body)
    assert () == read_page(b'{"files": []}', JSON, PAGE)


@pytest.mark.parametrize("body", ["Please log in.", '<a href="/login">Welcome</a>'])
def test_captive_portal(body: str) -> None:
    """A page of a network that wants a login is not taken for a project without files."""
    with pytest.raises(PageProblem, match="is no package index page; a network that wants a login"):
        html(body)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"\x00", "application/octet-stream", "is of the type 'application/octet-stream', not a package index page"),
        (b"", "", "is of the type 'nothing', not a package index page"),
        (b'{"files": [', JSON, "is not a valid JSON index page (JSONDecodeError"),
        (b"[]", JSON, "is not a valid JSON index page (AttributeError"),
        (b"{}", JSON, "is not a valid JSON index page (KeyError('files'"),
        (b'{"files": [{"url": "x"}]}', JSON, "is not a valid JSON index page (KeyError('filename'"),
        (b'{"files": 5}', JSON, "is not a valid JSON index page (TypeError"),
        (b"\xff\xfe\xfd", JSON, "is not a valid JSON index page (UnicodeDecodeError"),
        (b'{"meta": {"api-version": "2.0"}, "files": []}', JSON, "is of version 2.0 of the index interface"),
    ],
)
def test_what_is_no_page(body: bytes, kind: str, message: str) -> None:
    """A body of another type, a spoilt one and one of an unknown version are refused with a reason."""
    with pytest.raises(PageProblem) as caught:
        read_page(body, kind, PAGE)
    assert message in str(caught.value)


def test_types_have_parameters_and_capitals() -> None:
    """A type is known in any case and with a character set behind it."""
    assert () == read_page(b'{"files": []}', "Application/JSON; charset=utf-8", PAGE)


def test_everything_a_page_tells_is_kept() -> None:
    """Fields that nobody here knows stay in the document of a JSON page; only its addresses are made absolute."""
    told = {
        "meta": {"api-version": "1.4", "_last-serial": 7, "tracks": ["https://index.example/other/"]},
        "name": "Six",
        "project-status": {"status": "archived", "reason": "done"},
        "versions": ["1.17.0"],
        "files": [{"filename": SIX, "url": "../x", "hashes": {"md5": "ab"}, "provenance": None, "new-field": [1]}],
        "alternate-locations": [],
    }
    page = read(json.dumps(told).encode(), JSON, PAGE, project="six")
    expected = json.loads(json.dumps(told))
    expected["files"][0]["url"] = "https://index.example/simple/x"
    assert (expected, 7, (SIX,)) == (page.document, page.serial, tuple(file.name for file in page.listed))


def test_an_html_page_as_a_document() -> None:
    """What an HTML page tells is put as a JSON page would tell it."""
    head = (
        '<meta name="pypi:repository-version" content="1.0"><meta name="pypi:project-status" content="archived">'
        '<meta name="pypi:project-status-reason" content="done">'
    )
    link = (
        f'<a href="{SIX}#sha256=ab" data-requires-python="&gt;=3.8" data-core-metadata="sha256=cd" data-yanked=""'
        ' data-gpg-sig="false" data-provenance="https://index.example/p">x</a>'
    )
    page = read(f"<html><head>{head}</head>{link}</html>".encode(), "text/html", PAGE, serial="12")
    entry = {
        "filename": SIX,
        "url": f"{PAGE}{SIX}",
        "hashes": {"sha256": "ab"},
        "requires-python": ">=3.8",
        "core-metadata": {"sha256": "cd"},
        "yanked": True,
        "gpg-sig": False,
        "provenance": "https://index.example/p",
    }
    status = {"status": "archived", "reason": "done"}
    assert {"meta": {"api-version": "1.0"}, "files": [entry], "project-status": status} == page.document
    assert (12, Listed(SIX, f"{PAGE}{SIX}", "ab", None, "cd", True, None, ">=3.8", "")) == (
        page.serial,
        page.listed[0],
    )


@pytest.mark.parametrize(
    ("header", "meta", "serial"),
    [
        (None, {}, None),
        ("9", {"_last-serial": 7}, 9),
        ("", {"_last-serial": 7}, 7),
        ("soon", {}, None),
        ("-1", {}, None),
    ],
)
def test_serials(header: str | None, meta: dict[str, int], serial: int | None) -> None:
    """The serial is that of the header, else that of the page; what is no number is unknown."""
    assert serial == read(json.dumps({"meta": meta, "files": []}).encode(), JSON, PAGE, serial=header).serial


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (json.dumps({"name": "seven", "files": []}), JSON, "is that of 'seven'"),
        (json.dumps({"files": [{"filename": "seven-1.0.tar.gz", "url": "x"}]}), JSON, "lists files of other projects"),
        ('<a href="six_addons-1.0-py3-none-any.whl">x</a>', "text/html", "lists files of other projects alone"),
    ],
)
def test_the_page_of_another_project(body: str, kind: str, told: str) -> None:
    """A page that names another project, or lists nothing but files of others, is none of the one asked for."""
    with pytest.raises(PageProblem) as caught:
        read(body.encode(), kind, PAGE, project="six")
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    "name", ["Six-1.0.zip", "six-1.0-1.tar.gz", "six-1.0.win32.exe", "six.whl", "six-2005b.tar.gz"]
)
def test_files_of_old_forms(name: str) -> None:
    """Files whose names do not tell their project are no reason to refuse a page."""
    assert 1 == len(read(f'<a href="{name}">x</a>'.encode(), "text/html", PAGE, project="six").listed)
