"""What happens to what a visitor writes."""

from __future__ import annotations

import pytest
from webtest import Upload

from guestbook.forms import EntryForm


def test_signing_goes_on_to_the_list(browser):
    """A stored entry is answered with a redirect, so that loading the page again does not store it again."""
    form = browser.get("/sign").form
    form["name"], form["message"] = "Ada", "Hello"
    answer = form.submit()
    assert (303, "http://localhost/") == (answer.status_int, answer.location)


def test_thanks_are_said_once(browser, sign):
    """The list thanks the visitor by name, and only once."""
    sign("Ada")
    assert "Thank you, Ada!" in browser.get("/").html.find(role="status").text
    assert "Thank you" not in browser.get("/")


def test_the_entry_is_in_the_database(sign, stored):
    """What was written stands in the database file."""
    sign("Ada", "Hello")
    assert [("Ada", "Hello")] == stored()


@pytest.mark.parametrize("token", [{}, {"csrf_token": "guessed"}])
def test_a_form_from_elsewhere_is_refused(browser, stored, token):
    """Without the right CSRF token the answer is 400 and nothing is stored."""
    browser.get("/sign")
    answer = browser.post("/sign", {"name": "Mallory", "message": "Hello", **token}, status=400)
    assert "Nothing was stored" in answer
    assert [] == stored()


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("name", "", "Please write your name."),
        ("name", " \t ", "Please write your name."),
        ("name", "x" * 61, "Please keep your name to 60 characters; it has 61."),
        ("message", "", "Please write a message."),
        ("message", "\r\n \r\n", "Please write a message."),
        ("message", "x" * 2001, "Please keep your message to 2000 characters; it has 2001."),
    ],
)
def test_a_bad_field_is_refused_beside_it(browser, stored, field, text, sentence):
    """An empty or too long text is refused with a sentence that the field points to; nothing is stored."""
    form = browser.get("/sign").form
    form["name"], form["message"] = "Ada", "Hello"
    form[field] = text
    html = form.submit(status=422).html
    control = html.find(id=field)
    assert "true" == control["aria-invalid"]
    assert html.find(id=control["aria-describedby"].split()[-1]).text == sentence
    assert [] == stored()


def test_a_refused_form_keeps_what_was_written(browser):
    """A form that comes back still holds the texts that were sent."""
    form = browser.get("/sign").form
    form["message"] = 'A "long"\nletter'
    again = form.submit(status=422).form
    assert 'A "long"\nletter' == again["message"].value.replace("\r\n", "\n")


def test_a_refused_form_can_be_sent_again(browser, stored):
    """The form that comes back is stored once it is mended."""
    form = browser.get("/sign").form
    form["message"] = "Hello"
    again = form.submit(status=422).form
    again["name"] = "Ada"
    again.submit(status=303)
    assert [("Ada", "Hello")] == stored()


@pytest.mark.parametrize(("field", "length"), [("name", 60), ("message", 2000)])
def test_the_longest_text_is_accepted(field, length):
    """A text of exactly the greatest length has no problem."""
    assert {} == EntryForm.read({"name": "x", "message": "x", field: "é" * length}).problems


def test_line_ends_of_browsers_become_plain():
    """The line ends that browsers send are stored as single newlines."""
    assert "a\nb\n\nc" == EntryForm.read({"message": "a\r\nb\r\rc\r\n"}).message


def test_control_characters_are_dropped():
    """Control characters are taken out, and a name is a single line."""
    form = EntryForm.read({"name": "A\0da\n \x1b Lovelace", "message": "\0a\tb\x07"})
    assert ("Ada Lovelace", "a\tb") == (form.name, form.message)


def test_a_file_in_place_of_text_is_refused(browser, stored):
    """A file that is sent where text belongs counts as an empty field."""
    token = browser.get("/sign").form["csrf_token"].value
    fields = {"csrf_token": token, "name": "Ada", "message": Upload("a.txt", b"Hello", "text/plain")}
    assert "Please write a message." in browser.post("/sign", fields, status=422)
    assert [] == stored()
