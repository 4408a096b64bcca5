"""The pages of the guestbook."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.view import exception_view_config, notfound_view_config, view_config
from sqlalchemy.exc import OperationalError

from guestbook import models
from guestbook.forms import EntryForm
from guestbook.models import Entry

log = logging.getLogger(__name__)


@view_config(route_name="entries", request_method="GET", renderer="templates/entries.jinja2")
def entries(request: Request) -> dict[str, Any]:
    """List the entries, the newest first, a page at a time."""
    size = request.site.entries_per_page
    total = models.count(request.dbsession)
    pages = max(1, -(-total // size))
    wanted = request.GET.get("page", "1")
    try:
        page = int(wanted)
    except ValueError:
        raise HTTPNotFound from None
    if not 1 <= page <= pages:
        raise HTTPNotFound
    found = models.newest(request.dbsession, skip=(page - 1) * size, limit=size)
    return {"entries": found, "total": total, "page": page, "pages": pages}


@view_config(route_name="entry", request_method="GET", renderer="templates/entry.jinja2")
def entry(request: Request) -> dict[str, Any]:
    """Show one entry at an address of its own."""
    found = request.dbsession.get(Entry, int(request.matchdict["id"]))
    if found is None:
        raise HTTPNotFound
    return {"entry": found}


@view_config(route_name="sign", request_method="GET", renderer="templates/sign.jinja2")
def form(request: Request) -> dict[str, Any]:
    """Show the empty form."""
    return {"form": EntryForm()}


@view_config(route_name="sign", request_method="POST", renderer="templates/sign.jinja2")
def sign(request: Request) -> dict[str, Any] | HTTPSeeOther:
    """Store an entry and go on to the list, or show the form again with what has to be mended."""
    sent = EntryForm.read(request.POST)
    if sent.problems:
        request.response.status = 422
        return {"form": sent}
    new = Entry(name=sent.name, message=sent.message)
    request.dbsession.add(new)
    # Written now, not at the end of the request: a database that stays locked shows before the thanks.
    request.dbsession.flush()
    log.info("entry %d was written by %r", new.id, new.name)
    request.session.flash(f"Thank you, {new.name}! Your entry is in the book.")
    return HTTPSeeOther(request.route_url("entries"))


@notfound_view_config(renderer="templates/notice.jinja2")
def not_found(request: Request) -> dict[str, str]:
    """Say that there is no such page."""
    request.response.status = 404
    return {
        "heading": "There is no such page",
        "explanation": "The address may have been mistyped, or the entry was taken out of the book.",
    }


@exception_view_config(HTTPBadRequest, renderer="templates/notice.jinja2")
@exception_view_config(UnicodeDecodeError, renderer="templates/notice.jinja2")
def bad_request(request: Request) -> dict[str, str]:
    """Say that a request cannot be trusted or understood: mostly a form that lay open for too long."""
    request.response.status = 400
    return {
        "heading": "This could not be accepted",
        "explanation": "Nothing was stored. The form may have been open for too long, or cookies are"
        " switched off: go back, load the form again and send it once more.",
    }


@exception_view_config(OperationalError, renderer="templates/notice.jinja2")
def unavailable(error: OperationalError, request: Request) -> dict[str, str]:
    """Say that the database is busy, and tell the log the reason."""
    log.error("the database failed: %s", error.orig, exc_info=error)
    request.response.status = 503
    request.response.headers["Retry-After"] = "10"
    return {
        "heading": "The book is in use",
        "explanation": "Nothing was stored. Please go back and try again in a moment.",
    }


def moment(when: datetime) -> str:
    """Return a point in time as it is written under an entry."""
    return f"{when.day} {when:%B %Y, %H:%M} UTC"
