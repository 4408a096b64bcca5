"""The web application, put together from its settings."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any

import zope.sqlalchemy
from pyramid.config import Configurator
from pyramid.events import NewResponse
from pyramid.request import Request
from pyramid.session import SignedCookieSessionFactory
from pyramid.static import QueryStringConstantCacheBuster
from sqlalchemy.orm import Session

from guestbook import models
from guestbook.database import open_database
from guestbook.first_start import signing_secret
from guestbook.settings import Settings
from guestbook.views import moment

DAY = 24 * 60 * 60

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def build(settings: Settings) -> Any:
    """Return the WSGI application; the database and the secret are made if this is the first start."""
    # A server or a test that has configured logging keeps what it has: then this does nothing.
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = {"jinja2.undefined": "strict", "tm.manager_hook": "pyramid_tm.explicit_manager"}
    with Configurator(settings=options) as config:
        config.include("pyramid_tm")
        config.include("pyramid_jinja2")
        config.add_request_method(lambda request: settings, "site", property=True)
        _add_database(config, settings)
        _add_protection(config, settings)
        _add_pages(config)
        return config.make_wsgi_app()


def _add_database(config: Configurator, settings: Settings) -> None:
    engine = open_database(settings)
    # Whoever embeds the application, a test for instance, ends it by registry.engine.dispose().
    config.registry.engine = engine

    def dbsession(request: Request) -> Session:
        """The request's database session, which its transaction commits, rolls back and closes."""
        session = Session(engine)
        zope.sqlalchemy.register(session, transaction_manager=request.tm)
        return session

    config.add_request_method(dbsession, reify=True)


def _add_protection(config: Configurator, settings: Settings) -> None:
    # The token of a form lives as long as the session: a visitor may think about a message for a day.
    session = SignedCookieSessionFactory(
        signing_secret(settings.secret_file),
        cookie_name="guestbook",
        httponly=True,
        samesite="Lax",
        secure=settings.secure_cookies,
        timeout=DAY,
    )
    config.set_session_factory(session)
    config.set_default_csrf_options(require_csrf=True)
    config.add_subscriber(lambda event: event.response.headers.update(HEADERS), NewResponse)


def _add_pages(config: Configurator) -> None:
    config.add_route("entries", "/")
    config.add_route("sign", "/sign")
    # 18 digits are as many as always fit into an integer of SQLite.
    config.add_route("entry", "/entries/{id:[1-9][0-9]{0,17}}")
    config.add_static_view("static", "guestbook:static", cache_max_age=DAY)
    config.add_cache_buster("guestbook:static", QueryStringConstantCacheBuster(version("guestbook")))
    config.scan("guestbook.views")

    def complete_templates() -> None:
        environment = config.get_jinja2_environment()
        environment.filters["moment"] = moment
        environment.globals.update(longest_name=models.LONGEST_NAME, longest_message=models.LONGEST_MESSAGE)

    config.action(None, complete_templates, order=1)
