"""Which user and password an address is asked with: found where its index says, and told to its own origin only.

Nothing here is ever written, logged or given to another process on its command line.
"""

from __future__ import annotations

import base64
import netrc
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from eggcarton.core.credentials import without_credentials
from eggcarton.indexes.routing import DEFAULT, Index, origin_of

TOKEN_USER = "__token__"
"""The user that goes with a token, where nothing tells another."""

PATIENCE = 60.0
"""Seconds that the keyring has for its answer: it may ask its user to unlock it."""

QUIET = 5.0
"""Seconds after which it is said that the keyring is waited for."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, and where they are from, in the words of a message."""

    user: str
    password: str = field(repr=False)
    source: str

    @property
    def header(self) -> str:
        """The value of the header that tells them to a server or a proxy."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


_withdrawn: dict[str, str] = {}


def withdrawn(indexes: Iterable[Index], environment: MutableMapping[str, str]) -> Mapping[str, str]:
    """Take the variables with credentials of these indexes out of an environment, and return what it had with them.

    What is started from here on, such as the build of a source distribution, which runs its author's code, does not
    inherit them.
    """
    for index in indexes:
        kind, _, name = index.credentials.partition(":")
        if kind == "env" and name in environment:
            _withdrawn[name] = environment.pop(name)
    return {**environment, **_withdrawn}


class Credentials:
    """Finds what origins are asked with, each looked for once in a run; several threads may ask.

    Args:
        indexes: those whose ``credentials`` are a variable, which is for the origin of their ``url`` alone.
        environment: the process's variables.
        home: the user's home directory.
        warn: told of what should be there and is not, a sentence each, once.
        patience: seconds that the keyring has for its answer.
        say: told at once that the keyring is waited for, when it has not answered within `quiet` seconds.
    """

    def __init__(
        self,
        indexes: Iterable[Index] = (),
        *,
        environment: Mapping[str, str] = os.environ,
        home: Path | None = None,
        warn: Callable[[str], None] = lambda sentence: None,
        patience: float = PATIENCE,
        say: Callable[[str], None] = lambda sentence: None,
        quiet: float = QUIET,
    ) -> None:
        self._environment, self._warn, self._patience = environment, warn, patience
        self._say, self._quiet = say, quiet
        self._home = home if home is not None else Path(os.path.expanduser("~"))
        known = list(indexes)
        self._bound = {(index.credentials, index.canonical.origin) for index in known}
        routes = (route for index in known for route in (*index.page_routes(), *index.file_routes()))
        self._services = {route.origin: without_credentials(route.url) for route in routes}
        self._guard = threading.RLock()
        self._of_addresses: dict[str, Login] = {}
        self._found: dict[tuple[str, str, str | None], Login | None] = {}
        self._turns: dict[tuple[str, str, str | None], threading.Lock] = {}
        self._netrc: dict[str, tuple[str, str]] | None = None
        self._said: set[str] = set()

    def of(self, url: str, setting: str) -> Login | None:
        """Return what to ask an address with, None where there is nothing.

        An index whose address holds credentials may link to its files by addresses that hold none.

        Args:
            url: the address, which may hold credentials itself; these come first.
            setting: ``netrc``, ``keyring``, ``env:NAME`` or ``none``.
        """
        parts, origin = urlsplit(url), origin_of(url)
        own = login_of(parts)
        if own is not None:
            if not own.password:
                own = self._looked_up(origin, setting, own.user) or own
            self._of_addresses[origin] = own
        return self._of_addresses.get(origin) or self._looked_up(origin, setting, None)

    def _looked_up(self, origin: str, setting: str, user: str | None) -> Login | None:
        key = (setting, origin, user)
        with self._guard:
            turn = self._turns.setdefault(key, threading.Lock())
        # A keyring that waits for its user holds up nobody who asks another origin.
        with turn:
            if key not in self._found:
                kind, _, name = setting.partition(":")
                self._found[key] = {
                    "netrc": lambda: self._of_netrc(origin, user),
                    "keyring": lambda: self._of_keyring(origin, user),
                    "env": lambda: self._of_variable(name, origin, setting, user),
                }.get(kind, lambda: None)()
            return self._found[key]

    def _of_netrc(self, origin: str, user: str | None) -> Login | None:
        with self._guard:
            if self._netrc is None:
                self._netrc = self._read_netrc()
        parts = urlsplit(origin)
        found = self._netrc.get(parts.netloc) or self._netrc.get(parts.hostname or "")
        if found is None or user not in (None, found[0]):
            return None
        return Login(*found, "netrc")

    def _read_netrc(self) -> dict[str, tuple[str, str]]:
        """Return user and password by machine; an entry that is for all machines is for none of ours."""
        named = self._environment.get("NETRC")
        places = [Path(named)] if named else [self._home / ".netrc", self._home / "_netrc"]
        for path in places:
            try:
                machines = netrc.netrc(str(path)).hosts
            except FileNotFoundError:
                continue
            except netrc.NetrcParseError as error:
                # Its own words may hold a password that stands in the wrong place.
                self._tell(
                    f"{path} is no file of netrc's, see its line {error.lineno}; no credentials are taken from it"
                )
                return {}
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is no text"
                self._tell(f"{path} cannot be read: {reason}; no credentials are taken from it")
                return {}
            return {
                machine.lower(): (login or account or "", password or "")
                for machine, (login, account, password) in machines.items()
                if machine != "default"
            }
        return {}

    def _of_variable(self, name: str, origin: str, setting: str, user: str | None) -> Login | None:
        if (setting, origin) not in self._bound:
            return None
        value = self._environment.get(name)
        if not value:
            self._tell(f"the variable {name}, which 'credentials = env:{name}' names, is not set: nothing is sent")
            return None
        before, colon, after = value.partition(":")
        if not colon:
            return Login(user or TOKEN_USER, value, f"the variable {name}")
        return Login(before, after, f"the variable {name}")

    def _of_keyring(self, origin: str, user: str | None) -> Login | None:
        """Ask the keyring as pip and uv do: for the address first, then for the host."""
        program = shutil.which("keyring", path=self._environment.get("PATH"))
        if program is None:
            self._tell("'credentials = keyring' needs the program keyring, which is not on PATH: nothing is sent")
            return None
        netloc = urlsplit(origin).netloc
        host = re.sub(r":(80|443)\Z", "", netloc)
        for service in dict.fromkeys((self._services.get(origin, f"{origin}/"), host)):
            lines = self._ask_keyring(program, service, user)
            if lines is not None and user is not None and lines:
                return Login(user, lines[0], "the keyring")
            if lines is not None and user is None and len(lines) > 1:
                return Login(lines[0], lines[1], "the keyring")
        return None

    def _ask_keyring(self, program: str, service: str, user: str | None) -> list[str] | None:
        """Return what the keyring prints for a service, None where it has nothing, or does not answer."""
        arguments = ["get", service, user] if user is not None else ["--mode", "creds", "get", service]
        waiting = threading.Timer(self._quiet, lambda: self._say(self._waiting(service)))
        waiting.daemon = True
        waiting.start()
        try:
            done = subprocess.run(
                [program, *arguments],
                env={**self._environment, "PYTHONIOENCODING": "utf-8"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._tell(f"the keyring did not answer within {self._patience:g} s: nothing is sent")
            return None
        except OSError as error:
            self._tell(f"the keyring cannot be started: {(error.strerror or str(error)).lower()}; nothing is sent")
            return None
        finally:
            waiting.cancel()
        if done.returncode:
            if b"unrecognized arguments: --mode" in done.stderr:
                self._tell(
                    "the keyring is older than 25.2.1 and finds no user: take a newer one, or write the user into the "
                    "address, as in https://USER@index.example/simple/"
                )
            return None
        return done.stdout.decode("utf-8", "replace").splitlines()

    def _waiting(self, service: str) -> str:
        return (
            f"the program keyring is waited for, which was asked for the credentials of {service}, up to "
            f"{self._patience:g} s: it may want to be unlocked"
        )

    def _tell(self, sentence: str) -> None:
        with self._guard:
            if sentence not in self._said:
                self._said.add(sentence)
                self._warn(sentence)


def login_of(parts: SplitResult) -> Login | None:
    """Return what an address itself holds."""
    if parts.username is None:
        return None
    return Login(unquote(parts.username), unquote(parts.password or ""), "the address")


def remedy(index: Index) -> str:
    """Return what to do where an index refuses: where it has its credentials from, in the user's words."""
    parts = urlsplit(index.url)
    kind, _, name = index.credentials.partition(":")
    if index.name == DEFAULT:
        where = "in pip's configuration, in PIP_INDEX_URL or in ~/.netrc"
    elif parts.username is not None and (parts.password or kind != "keyring"):
        where = f"instead of those in 'url' of [{index.name}]"
    elif kind == "env":
        where = f"as USER:PASSWORD or as a token in the variable {name}, which 'credentials' of [{index.name}] names"
    elif kind == "keyring":
        service = without_credentials(index.url)
        where = f"by 'keyring set {service} USER', since [{index.name}] has 'credentials = keyring'"
    elif kind == "none":
        return f"none are sent, since [{index.name}] has 'credentials = none': name netrc, keyring or env:NAME there"
    else:
        where = f"in ~/.netrc, or the file that NETRC names, as those of the machine {parts.hostname}"
    return f"give it credentials that it takes, {where}"
