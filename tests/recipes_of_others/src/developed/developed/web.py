"""A WSGI application."""


def application(environ, start_response):
    """Greet."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"greeted"]
