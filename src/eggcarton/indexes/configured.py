"""Which index, certificate and proxy this machine's user has configured for pip and uv, and where caches may be."""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from eggcarton.core.errors import UsageProblem

_INDEXES = ("http", "https", "file")
PROXIES = ("http", "https")
"""What proxies of ours are spoken to by."""

AUTHORITIES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables that may name a bundle of certificate authorities."""

_PIPS_PROXIES = (*PROXIES, "socks4", "socks4a", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What pip may be told of the way to an index; everything else that it can be configured to do is left out."""

    index: str | None
    certificate: str | None
    proxy: str | None

    def variables(self) -> dict[str, str]:
        """Return the variables that tell pip, whose command line every user of the machine could read."""
        named = {"PIP_INDEX_URL": self.index, "PIP_CERT": self.certificate, "PIP_PROXY": self.proxy}
        return {"PIP_CONFIG_FILE": os.devnull, **{name: value for name, value in named.items() if value}}


def pip_settings(environment: Mapping[str, str], home: Path, *, index: str | None = None) -> PipSettings:
    """Return the index, the certificate and the proxy that the environment or pip's configuration names.

    Args:
        environment: the process's variables.
        home: the user's home directory.
        index: comes before any that is configured.

    Raises:
        UsageProblem: one of them cannot be an address.
    """
    options = _options(environment, home)
    asked = checked(index, "the index that is configured") if index else _index(environment, options)
    certificate, _ = _first(environment, options, "cert", "PIP_CERT", "SSL_CERT_FILE")
    proxy, source = _first(environment, options, "proxy", "PIP_PROXY")
    if proxy:
        checked(proxy if "://" in proxy else f"http://{proxy}", source, "a proxy", _PIPS_PROXIES)
    else:
        proxy_for(asked or "https://", _PIPS_PROXIES)
    return PipSettings(asked, certificate, proxy)


def index_url(environment: Mapping[str, str], home: Path) -> str | None:
    """Return the index that the environment or pip's configuration names, None where neither does.

    Raises:
        UsageProblem: what they name cannot be an address.
    """
    return _index(environment, _options(environment, home))


def _index(environment: Mapping[str, str], options: Mapping[str, tuple[str, str]]) -> str | None:
    found, source = _first(environment, options, "index-url", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
    # uv lets a name stand before the address.
    return checked(re.sub(r"\A[\w.-]+=(?=\w+:)", "", found), source) if found else None


def _first(
    environment: Mapping[str, str], options: Mapping[str, tuple[str, str]], option: str, *variables: str
) -> tuple[str | None, str]:
    """Return the value of the first variable that is set, or else of an option of pip, and where it is from."""
    for variable in variables:
        if environment.get(variable):
            return environment[variable], variable
    return options.get(option, (None, option))


def _options(environment: Mapping[str, str], home: Path) -> dict[str, tuple[str, str]]:
    """Return pip's options for fetching, each with where it stands.

    Source: pip's documentation of its configuration files; later files override earlier ones.
    """
    sections: dict[str, dict[str, tuple[str, str]]] = {}
    for path in _pip_files(environment, home):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, "utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in parser.sections():
            for name, value in parser.items(section):
                if value:
                    option = name.replace("_", "-")
                    sections.setdefault(section, {})[option] = (value, f"{option} in {path}")
    # pip reads a command's own section after the global one, whichever file they stand in.
    return {
        **sections.get("global", {}),
        **sections.get("install", {}),
        **sections.get("download", {}),
    }


def checked(address: str, source: str, what: str = "an index", schemes: Sequence[str] = _INDEXES) -> str:
    """Return an address that can be one; a directory may stand for an index, as it may for pip.

    Args:
        source: where the address comes from, in the user's words.

    Raises:
        UsageProblem: it cannot be an address.
    """
    if schemes is _INDEXES and os.path.isdir(address):
        return Path(address).resolve().as_uri()
    if reason := fault_of(address, schemes):
        # In what is no address, nobody can tell where credentials end.
        shown = re.sub("//.*@", "//", address)
        raise UsageProblem(f"{source}: {shown} is not the address of {what}: {reason}; mend it, or leave it out")
    return address


def fault_of(address: str, schemes: Sequence[str] = _INDEXES) -> str | None:
    """Return why an address cannot be one, None where it can."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in schemes or not address[len(parts.scheme) :].startswith("://"):
            return f"it does not begin with {' or '.join(f'{scheme}://' for scheme in schemes[:3])}"
        if parts.scheme != "file" and not parts.hostname:
            return "it names no host"
        if re.search(r"[\x00-\x20\x7f]", address):
            return "it holds a blank"
    except ValueError:
        return "its host is none"
    try:
        return "no port is 0" if parts.port == 0 else None
    except ValueError:
        return "its port is not a number up to 65535"


def is_allowed(url: str, patterns: Sequence[str]) -> bool:
    """Tell whether ``allow-hosts`` lets the host of an address be asked; a pattern may name the port, too."""
    parts = urlsplit(url)
    names = (parts.netloc.rpartition("@")[2], parts.hostname or "")
    return any(fnmatch(name, pattern) for pattern in patterns for name in names)


def proxy_of_pip(environment: Mapping[str, str], home: Path) -> tuple[str | None, str]:
    """Return the proxy that pip is configured with, None where it is not, and where that stands."""
    return _first(environment, _options(environment, home), "proxy", "PIP_PROXY")


def proxy_for(
    url: str, schemes: Sequence[str] = PROXIES, *, preferred: tuple[str | None, str] = (None, "")
) -> str | None:
    """Return the proxy for an address, None where it is asked directly.

    Args:
        url: the address.
        schemes: what a proxy may be spoken to by.
        preferred: a proxy that comes before those of the environment, and where it stands.

    Raises:
        UsageProblem: what is named cannot be a proxy.
    """
    parts, known = urlsplit(url), getproxies()
    variable = parts.scheme if known.get(parts.scheme) else "all"
    address, source = preferred if preferred[0] else (known.get(variable), f"{variable}_proxy")
    if not address or parts.scheme == "file" or proxy_bypass(parts.hostname or ""):
        return None
    return checked(address if "://" in address else f"http://{address}", source, "a proxy", schemes)


def _pip_files(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    chosen = environment.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    yield Path("/etc/pip.conf")
    for directory in reversed(environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)):
        yield Path(directory, "pip", "pip.conf")
    yield home / ".pip" / "pip.conf"
    yield config / "pip" / "pip.conf"
    yield Path(sys.prefix, "pip.conf")
    if chosen:
        yield Path(chosen)


def authorities(environment: Mapping[str, str], home: Path | None = None) -> str | None:
    """Return the bundle of certificate authorities that is named beside the machine's own.

    Args:
        environment: the process's variables, the first of which that names a file is taken.
        home: the user's home directory; then what pip is configured with counts, too.
    """
    named = [environment.get(name) for name in AUTHORITIES]
    if home is not None:
        named.append(_first({}, _options(environment, home), "cert")[0])
    return next((bundle for bundle in named if bundle and os.path.isfile(bundle)), None)


def cache_directory(environment: Mapping[str, str], home: Path, root: Path) -> tuple[Path, str | None]:
    """Return a cache directory that can be written, and a remark when it is not the usual one.

    Args:
        environment: the process's variables.
        home: the user's home directory, which may not exist or not be writable.
        root: the buildout directory, where the cache lies when the home cannot hold it.
    """
    if environment.get("EGGCARTON_CACHE"):
        usual = Path(environment["EGGCARTON_CACHE"])
    elif sys.platform == "darwin":
        usual = home / "Library" / "Caches" / "eggcarton"
    elif sys.platform == "win32":
        usual = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local", "eggcarton", "Cache")
    else:
        usual = Path(environment.get("XDG_CACHE_HOME") or home / ".cache", "eggcarton")
    try:
        reason = "it is not an absolute path"
        if usual.is_absolute():
            usual.mkdir(parents=True, exist_ok=True)
            if os.access(usual, os.W_OK):
                return usual, None
            reason = "it may not be written"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    chosen = root / ".eggcarton" / "cache"
    return chosen, f"the cache {usual} cannot be used ({reason}); {chosen} is used"
