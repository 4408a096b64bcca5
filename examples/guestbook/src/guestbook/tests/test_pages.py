"""What a visitor sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import guestbook

STATIC = Path(guestbook.__file__).parent / "static"


def test_an_empty_book_invites(browser):
    """A book without entries says so and links to the form."""
    page = browser.get("/")
    assert "Nobody has written anything yet" in page
    assert "/sign" == page.click("Be the first!").request.path


def test_an_entry_is_listed(browser, sign):
    """An entry that was written stands in the list with its name and message."""
    sign("Ada", "What a lovely evening!")
    entry = browser.get("/").html.article
    assert ("Ada", "What a lovely evening!") == (entry.h2.text, entry.p.text)


def test_the_newest_entry_is_first(browser, sign):
    """The list begins with the newest entry."""
    sign("Ada")
    sign("Grace")
    assert ["Grace", "Ada"] == [heading.text for heading in browser.get("/").html.find_all("h2")]


def test_an_entry_has_its_own_page(browser, sign):
    """The time under an entry links to a page that shows this entry alone."""
    sign("Ada", "First")
    sign("Grace", "Second")
    page = browser.get("/").click(href="/entries/1")
    assert "Ada" == page.html.h1.text
    assert "Second" not in page


def test_the_time_is_written_in_utc(browser, sign):
    """An entry carries the time of its writing, readable for people and for programs."""
    sign()
    time = browser.get("/entries/1").html.time
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", time["datetime"])
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d UTC", time.text)


def test_html_in_a_message_is_escaped(browser, sign):
    """Markup in a name or a message reaches the page as text."""
    sign("<b>Ada</b>", "<script>alert(1)</script>")
    for address in "/", "/entries/1":
        page = browser.get(address)
        assert "<script>" not in page
        assert "<b>" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_page_holds_as_many_entries_as_set(browser, sign):
    """With three entries a page, the first page of seven entries shows the newest three."""
    for number in range(1, 8):
        sign(f"Visitor {number}")
    headings = browser.get("/").html.find_all("h2")
    assert ["Visitor 7", "Visitor 6", "Visitor 5"] == [heading.text for heading in headings]


def test_paging_goes_forth_and_back(browser, sign):
    """The links below the list lead to the last page and back to the first; neither end leads further."""
    for number in range(1, 8):
        sign(f"Visitor {number}")
    first = browser.get("/")
    last = first.click("Older").click("Older")
    assert ["Visitor 1"] == [heading.text for heading in last.html.find_all("h2")]
    assert "Page 3 of 3" in last
    assert "Older" not in last
    assert "Newer" not in last.click("Newer").click("Newer")


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "", "99999999999999999999"])
def test_a_page_that_is_not_there_is_not_found(browser, page):
    """A number that no page has is answered with the page for 404."""
    assert "There is no such page" in browser.get("/", {"page": page}, status=404)


@pytest.mark.parametrize("path", ["/nothing", "/entries/1", "/entries/0", "/entries/x", "/entries/" + "9" * 30])
def test_an_unknown_address_is_not_found(browser, path):
    """An unknown address is answered with 404, in the frame of the site, with a way back."""
    page = browser.get(path, status=404)
    assert "There is no such page" in page
    assert 200 == page.click("All entries").status_int


@pytest.mark.parametrize("address", ["/%FF", "/?page=%FF"])
def test_an_address_that_is_not_utf8_is_refused(browser, address):
    """An address that is not UTF-8 is a bad request, not an error of the server."""
    assert "could not be accepted" in browser.get(address, status=400)


@pytest.mark.parametrize(("tag", "attribute"), [("link", "href"), ("img", "src")])
def test_every_static_file_of_a_page_is_served(browser, tag, attribute):
    """The style sheet and the logo that a page names come from this site and are there."""
    for element in browser.get("/").html.find_all(tag):
        path, _, _ = element[attribute].removeprefix("/static/").partition("?")
        assert (STATIC / path).read_bytes() == browser.get(element[attribute]).body


def test_reading_sets_no_cookie(browser):
    """Who only reads gets no cookie."""
    assert "Set-Cookie" not in browser.get("/").headers


def test_pages_forbid_foreign_content(browser):
    """Every page tells the browser to load nothing from elsewhere and to run no script."""
    policy = browser.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")


def test_pages_are_named_after_the_site(browser):
    """The title of a page ends with the title in the settings."""
    assert "Sign the book · Guestbook" == browser.get("/sign").html.title.text
