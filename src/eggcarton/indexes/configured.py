"""Which index this machine's user has configured for pip and uv, and where caches may be written."""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path


def index_url(environment: Mapping[str, str], home: Path) -> str | None:
    """Return the index that the environment or pip's configuration names, None where neither does.

    Source: pip's documentation of its configuration files; later files override earlier ones.
    """
    for variable in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environment.get(variable):
            # uv lets a name stand before the address.
            return re.sub(r"\A[\w.-]+=(?=\w+:)", "", environment[variable])
    found: dict[str, str] = {}
    for path in _pip_files(environment, home):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, "utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in parser.sections():
            for name, value in parser.items(section):
                if name.replace("_", "-") == "index-url" and value:
                    found[section] = value
    # pip reads a command's own section after the global one, whichever file they stand in.
    return found.get("download") or found.get("install") or found.get("global")


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
        usual.mkdir(parents=True, exist_ok=True)
        if os.access(usual, os.W_OK):
            return usual, None
        reason = "it may not be written"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    chosen = root / ".eggcarton" / "cache"
    return chosen, f"the cache {usual} cannot be used ({reason}); {chosen} is used"
