"""Configuration files from addresses: their sha256 is locked, a copy is kept, and a changed one is named.

zc.buildout reads them before it loads any extension, so that only our own programs see to them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from eggcarton.buildout import downloads
from eggcarton.core.errors import Drift, IntegrityProblem
from eggcarton.packages import closed

LOCK = "buildout.lock.toml"
_REMOTE = ("http", "https", "ftp")


class Extends:
    """The addresses that one configuration extends.

    Args:
        root: the directory of the configuration, where the lock and the copies lie.
        refresh: whether the addresses are asked anew although they are locked.

    ``place`` is where the copies lie, each by its sha256.
    """

    def __init__(self, root: Path, *, refresh: bool = False) -> None:
        self._lock, self.place, self._refresh = root / LOCK, root / ".eggcarton" / "extends", refresh
        self._child = closed.Child(closed.beside_toolchain)
        self._locked: Mapping[str, str] | None = None
        self.new: dict[str, str] = {}

    @classmethod
    def of(cls, config: str, *, refresh: bool = False) -> Extends:
        """Return those of a configuration; its lock lies beside it, or here where it comes from an address."""
        return cls(Path.cwd() if "://" in config else Path(os.path.abspath(config)).parent, refresh=refresh)

    @property
    def locked(self) -> Mapping[str, str]:
        """The sha256 of each address, as the lock has it; only a lock that has changed is read."""
        if self._locked is None:
            self._locked = self._known()
        return self._locked

    def _known(self) -> Mapping[str, str]:
        try:
            digest = hashlib.sha256(self._lock.read_bytes()).hexdigest()
        except FileNotFoundError:
            return {}
        index = self.place / "index.json"
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads(index.read_text("utf-8"))
            if known["lock"] == digest:
                return {str(url): str(sha256) for url, sha256 in known["extends"].items()}
        found: dict[str, str] = self._child.ask("read-extends", lock=str(self._lock))
        _write(index, json.dumps({"lock": digest, "extends": found}, indent=1).encode())
        return found

    def close(self) -> None:
        """End the process that read the lock, where one had to."""
        self._child.close()

    def download(self, original: Callable[..., tuple[str, bool]]) -> Callable[..., tuple[str, bool]]:
        """Return what zc.buildout downloads with: the kept copy where there is one, else what it downloads is kept."""

        def answer(download: Any, url: str, md5sum: str | None = None, path: str | None = None) -> tuple[str, bool]:
            if urlsplit(url).scheme not in _REMOTE:
                return original(download, url, md5sum, path)
            name = _without_credentials(url)
            sha256 = None if self._refresh else self.locked.get(name)
            if sha256 and _digest(self.place / sha256) == sha256:
                return str(self.place / sha256), False
            found, is_temporary = original(download, url, md5sum, path)
            data = Path(found).read_bytes()
            came = hashlib.sha256(data).hexdigest()
            if sha256 is not None and came != sha256:
                if is_temporary:
                    os.unlink(found)
                raise IntegrityProblem(
                    f"{name} is not the file that was locked: {LOCK} has its sha256 {sha256}, and the bytes hash to "
                    f"{came}; bin/eggcarton lock --upgrade takes it as it is now"
                )
            _write(self.place / came, data)
            if came != self.locked.get(name):
                self.new[name] = came
            return found, is_temporary

        return answer

    def retrieve(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return what zc.buildout itself then fetches with: our own way out, with its proxies, credentials and tries.

        Raises:
            EggcartonError: it could not be had.
        """

        def urlretrieve(url: str, filename: str) -> Any:
            if not downloads.is_remote(url):
                return original(url, filename)
            self._child.ask("retrieve", url=url, path=filename, sources=None, text=True)
            return filename, Message()

        return urlretrieve

    def settle(self, *, frozen: bool) -> list[str]:
        """Lock what was not locked before, and return a line for each.

        Raises:
            Drift: the policy is frozen.
        """
        if not self.new:
            return []
        if frozen:
            raise Drift(
                f"{LOCK} has no sha256 of what this configuration extends, and policy = frozen forbids to add it; run "
                "bin/eggcarton lock where it may change, and commit the result:",
                differences=sorted(self.new),
            )
        with self._child:
            self._child.ask("write-extends", lock=str(self._lock), extends=self.new)
        lines = [f"{LOCK}: {url} {'changed' if url in self.locked else 'added'}" for url in sorted(self.new)]
        self._locked, self.new = None, {}
        return lines


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)
