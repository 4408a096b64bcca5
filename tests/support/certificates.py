"""Certificates for servers on loopback, right ones and wrong ones, of a private authority."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

KINDS = ("good", "expired", "self-signed", "wrong-host")


class Authority:
    """A private certificate authority.

    authority = Authority()
    with Index(directory, tls=authority.server("expired")) as index: ...
    """

    def __init__(self) -> None:
        self._authority = trustme.CA()

    def write(self, path: Path) -> Path:
        """Write the authority's own certificate, for SSL_CERT_FILE and the like."""
        self._authority.cert_pem.write_to_path(path)
        return path

    def server(self, kind: str = "good") -> ssl.SSLContext:
        """Return the context of a server at 127.0.0.1 whose certificate is of one of the `KINDS`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "self-signed":
            alone = trustme.CA()
            with TemporaryDirectory() as place:
                alone.cert_pem.write_to_path(f"{place}/certificate")
                alone.private_key_pem.write_to_path(f"{place}/key")
                context.load_cert_chain(f"{place}/certificate", f"{place}/key")
        elif kind == "expired":
            yesterday = datetime.now(timezone.utc) - timedelta(days=1)
            self._authority.issue_cert("127.0.0.1", not_after=yesterday).configure_cert(context)
        elif kind == "wrong-host":
            self._authority.issue_cert("elsewhere.example").configure_cert(context)
        elif kind == "good":
            self._authority.issue_cert("127.0.0.1").configure_cert(context)
        else:
            raise ValueError(f"{kind!r} is no kind of certificate; there are {', '.join(KINDS)}")
        return context
