"""uv as a process: never its user's configuration, never its user's cache."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eggcarton.indexes import configured

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")


@dataclass(frozen=True, slots=True)
class Completed:
    """How a run of uv ended; ``output`` is what it said on its standard error."""

    status: int
    output: str


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that uv runs under: those it inherits, less all that would steer it."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(("UV_", "PIP_", "PYTHON"))}
    # Whatever it needs of the network it asks on loopback, and the address of a proxy may hold a password.
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", *_PROXIES, *map(str.upper, _PROXIES)):
        kept.pop(name, None)
    bundle = configured.authorities(inherited)
    if bundle:
        kept["SSL_CERT_FILE"] = bundle
    return kept | {"UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def only_loopback(index: str) -> dict[str, str]:
    """Return the variables by which uv asks one index on loopback, and no proxy and no file for its credentials.

    Args:
        index: its address. It is told here, as every user of the machine can read a command line.
    """
    return {
        "UV_DEFAULT_INDEX": index,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "NETRC": os.devnull,
        # What answers there asks every route as often as is worth while, which takes its time.
        "UV_HTTP_RETRIES": "0",
        "UV_HTTP_TIMEOUT": "1800",
    }


def run(
    program: Path,
    arguments: Sequence[str],
    *,
    cache: Path,
    directory: Path,
    timeout: float = 1800,
    variables: Mapping[str, str] | None = None,
) -> Completed:
    """Run uv to its end.

    Args:
        program: the uv binary.
        arguments: what follows it.
        cache: its cache directory; a private one where hard links to it must not be shared.
        directory: where it runs.
        timeout: seconds.
        variables: what it is told beyond.
    """
    process = subprocess.run(
        [str(program), *arguments],
        cwd=directory,
        env=environment(os.environ) | {"UV_CACHE_DIR": str(cache)} | dict(variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=timeout,
        check=False,
    )
    return Completed(process.returncode, process.stderr.decode("utf-8", "replace").strip())
