"""What a build sees besides its source: the same variables, whoever builds it, where and when."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:
    # Windows has none: there, each build gets a directory of its own.
    fcntl = None  # type: ignore[assignment]

# 1980-01-01, the first day that a zip file can hold.
EPOCH = "315532800"
_STEERING = ("PIP_", "UV_", "PYTHON", "LC_", "SETUPTOOLS_", "DISTUTILS_", "HATCH_", "PDM_", "POETRY_", "FLIT_")
_PERSONAL = frozenset(
    {"VIRTUAL_ENV", "CONDA_PREFIX", "LANG", "LANGUAGE", "TZ", "PWD", "OLDPWD", "COLUMNS", "LINES", "TERM"}
    | {"USER", "LOGNAME", "HOSTNAME", "MAKEFLAGS", "DESTDIR"}
)
_FIXED = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": EPOCH, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_VERSIONS = ("SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION", "VCS_VERSIONING_PRETEND_VERSION")
_MAPS = ("-ffile-prefix-map", "-fdebug-prefix-map")


def variables(inherited: Mapping[str, str], programs: Path | None) -> dict[str, str]:
    """Return the variables of a build: those inherited, less all that would steer it.

    Args:
        programs: the directory whose programs come first, if any.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith(_STEERING)}
    for name in _PERSONAL:
        kept.pop(name, None)
    # What calls an empty path the default has no use for an empty entry in ours, which means the current directory.
    path = os.pathsep.join(filter(None, (str(programs or ""), kept.get("PATH", os.defpath))))
    return kept | _FIXED | {"PATH": path}


def of_develop(inherited: Mapping[str, str], programs: Path | None = None) -> dict[str, str]:
    """Return the variables of the build of a develop package: those of `variables`, and those that tell a version.

    Args:
        programs: the directory whose programs come first; without it, as the same build sees them anywhere.
    """
    told = {name: value for name, value in inherited.items() if tells_version(name)}
    return variables(inherited, programs) | told


def tells_version(name: str) -> bool:
    """Tell whether a variable tells the version of a project in the place of its version control."""
    return name.startswith(_VERSIONS)


@contextmanager
def same_place(key: str) -> Iterator[Path]:
    """Give an empty directory whose path is the same wherever and by whom the same is built.

    What a build writes about itself, as some do, is the same then. Where somebody is at work there, it is another one.

    Args:
        key: hexadecimal digits that stand for what is built.
    """
    common = Path(os.sep, "tmp")
    base = common if os.name == "posix" and os.access(common, os.W_OK) else Path(tempfile.gettempdir())
    place = base / f"eggcarton-build-{key[:16]}"
    held = _held(place)
    if held is None:
        with tempfile.TemporaryDirectory(prefix="eggcarton-build-") as name:
            yield Path(name)
        return
    try:
        for entry in list(place.iterdir()):
            # A build that was killed has left it.
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(held)


def _held(place: Path) -> int | None:
    """Make a directory that is ours alone and hold it; None where that cannot be, since others may write beside it."""
    if fcntl is None:
        return None
    with suppress(FileExistsError):
        place.mkdir(mode=0o700)
    try:
        held = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(held)
        if found.st_uid == os.getuid() and not found.st_mode & 0o077 and os.path.samestat(found, os.lstat(place)):
            return held
    except OSError:
        pass
    os.close(held)
    return None


def apart(variables: Mapping[str, str], place: Path, others: Mapping[Path, str]) -> dict[str, str]:
    """Return the variables of a build that must leave no trace of where it happened.

    Args:
        place: the directory that holds the source: home and temporary files get directories of their own there.
        others: directories that the build uses besides. Compilers that can do so write what is given for each instead
            of its path, and ``/build`` instead of that of the place.
    """
    changed = dict(variables)
    for name, directory in (("HOME", "home"), ("TMPDIR", "temporary")):
        (place / directory).mkdir(exist_ok=True)
        changed[name] = str(place / directory)
    home = Path(os.path.expanduser("~"))
    for name, directory in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")):
        # Programs that rustup installed find themselves by the home, and that one is another now.
        if name not in changed and (home / directory).is_dir():
            changed[name] = str(home / directory)
    if option := _prefix_map(variables.get("CC") or sysconfig.get_config_var("CC") or "cc"):
        spelled = {
            path: word for place, word in ({place: "/build"} | dict(others)).items() for path in _spellings(place)
        }
        options = [shlex.quote(f"{option}={path}={word}") for path, word in spelled.items()]
        for name in ("CFLAGS", "CXXFLAGS", "FFLAGS"):
            changed[name] = " ".join(filter(None, (changed.get(name, ""), *options)))
    return changed | {"PYTHONDONTWRITEBYTECODE": "1"}


def _spellings(place: Path) -> list[str]:
    return list(dict.fromkeys((str(place), os.path.realpath(place))))


@functools.cache
def _prefix_map(compiler: str) -> str | None:
    """Return the option by which a C compiler replaces the beginning of paths, None where it has none."""
    for option in _MAPS:
        command = [*shlex.split(compiler), f"{option}=a=b", "-fsyntax-only", "-x", "c", "-"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if not done.returncode:
            return option
    return None
