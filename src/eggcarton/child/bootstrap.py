"""The second half of ``bootstrap.py``: the toolchain into the store, then ``bin/buildout`` and ``bin/eggcarton``."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from eggcarton.child import toolchain
from eggcarton.child.places import asked, last_line, refuse_files
from eggcarton.core.errors import EggcartonError
from eggcarton.core.isolation import OPEN_BELOW
from eggcarton.core.linking import link
from eggcarton.core.locks import scratch, sweep
from eggcarton.core.script import Start, script
from eggcarton.core.standing import discard
from eggcarton.packages import closed, new_checkout, own_wheel
from eggcarton.packages.own_wheel import Distribution
from eggcarton.packages.store import Store, Unpacked
from eggcarton.packages.store_names import HIDDEN

_EGG_INFO = """
import sys
sys.path[:0] = sys.argv[1:2]
base = sys.argv[2]
sys.argv[:] = ["setup.py", "-q", "egg_info", "--egg-base", base]
import setuptools
sys.dont_write_bytecode = True
__file__ = "setup.py"
source = open(__file__, encoding="utf-8").read()
exec(compile(source, __file__, "exec"), {"__file__": __file__, "__name__": "__main__"})
"""


def main() -> None:
    """Do what the JSON on the command line orders; an error is one sentence and an exit code."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupted)
    try:
        order = json.loads(sys.argv[1])
        _COMMANDS[order["command"]](order)
    except KeyboardInterrupt:
        # The parent tells of it.
        sys.exit(130)
    except EggcartonError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        sys.exit(f"Error: {error.filename or 'bootstrap.py'}: {error.strerror or error}")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"Error: {error.cmd[0]} did not end within {error.timeout:g} seconds")


def _interrupted(number: int, frame: FrameType | None) -> None:
    # Only the first one counts: the parent sends another, and what clears up must not be interrupted.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def bootstrap(order: Mapping[str, Any]) -> None:
    """Put the toolchain, the closed set and eggcarton itself where a buildout keeps its distributions.

    Where that is only zc.buildout's own reader can tell, so the toolchain is unpacked in the cache first and asked.
    """
    cache, directory = Path(order["cache"]), Path(order["directory"])
    preliminary = cache / "toolchain" / closed.directory_name()
    tag = f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"
    first = _provide(order, preliminary, tag)
    checkout = Path(order["checkout"])
    python = Path(order["python"])
    with tempfile.TemporaryDirectory(prefix="eggcarton-bootstrap-") as name:
        own = _of_wheel(order, preliminary, tag) or _own_egg(checkout, first, Path(name), python)
        places = asked(order, [*(found["egg"] for found in first), str(own)], Path(name))
        refuse_files(places)
        root = Path(os.path.realpath(directory)) if places["relative-paths"] == "true" else None
        store = Path(places["eggs-directory"])
        found = _provide(order, store, places["tag"])
        closed_set = _closed_set(Path(order["closed_set"]), store)
        _compile([str(closed_set), *(item["egg"] for item in found if item["name"] != "pip")])
        develop_eggs = Path(places["develop-eggs-directory"])
        develop_eggs.mkdir(parents=True, exist_ok=True)
        egg = _of_wheel(order, store, places["tag"])
        if egg is None:
            eggs = _in_place(own, develop_eggs, checkout, root)
        else:
            eggs = [egg]
            # What was linked to a checkout before would hide it.
            for old in develop_eggs.glob("eggcarton-*.egg"):
                discard(old)
    paths = [*map(str, eggs), *(item["egg"] for item in found)]
    scripts = Path(places["bin-directory"])
    scripts.mkdir(parents=True, exist_ok=True)
    # Without site (-S) no site-packages is on the path that a part could be served from.
    start = Start(python=python, isolation=replace(OPEN_BELOW, flags="-IS"), root=root)
    for program, function in (("eggcarton", "eggcarton"), ("buildout", "main")):
        place = scripts / program
        _write(place, _script(start, place, _seen_from(scripts, paths, root), program, function, order["stamp"]))
    note = directory / ".eggcarton" / "bin"
    if order["wish"] or scripts != directory / "bin":
        note.parent.mkdir(exist_ok=True)
        note.write_text(json.dumps([str(scripts), order["wish"]]), "utf-8")
    else:
        note.unlink(missing_ok=True)


def init(order: Mapping[str, Any]) -> None:
    """Write a new checkout; what it needs of ours is what a ``bin/eggcarton`` made from here would put there."""
    parser = argparse.ArgumentParser(prog="bootstrap.py init", allow_abbrev=False)
    new_checkout.arguments(parser)
    for line in new_checkout.begin(parser.parse_args(order["arguments"]), _ours(order)):
        print(line)


_COMMANDS = {"bootstrap": bootstrap, "init": init}


def _ours(order: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files that a checkout needs of ours: the wheel is the vendored one, or made of the checkout here."""
    if order["own_wheel"] is not None:
        wheel = Path(order["own_wheel"][0])
        return own_wheel.beside(wheel.name, wheel.read_bytes())
    place = Path(order["cache"]) / "toolchain" / closed.directory_name()
    found = _provide(order, place, f"py{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}")
    with tempfile.TemporaryDirectory(prefix="eggcarton-bootstrap-") as name:
        egg = _own_egg(Path(order["checkout"]), found, Path(name), Path(order["python"]))
        metadata = egg / "EGG-INFO"
        texts = {name: (metadata / name).read_text("utf-8") for name in own_wheel.TEXTS if (metadata / name).is_file()}
        texts["METADATA"] = (metadata / "PKG-INFO").read_text("utf-8")
    ours = Distribution(egg.name.split("-")[1], texts)
    return own_wheel.beside(own_wheel.file_name(ours.version), own_wheel.content(ours))


def _provide(order: Mapping[str, Any], store: Path, tag: str) -> list[dict[str, str]]:
    store.mkdir(parents=True, exist_ok=True)
    sources = {
        "index": "",
        "find_links": [],
        "cache": order["cache"],
        "directories": [order["wheels"]],
        "offline": True,
    }
    return toolchain.provide(pins_file=order["toolchain"], sources=sources, store=str(store), tag=tag)


def _of_wheel(order: Mapping[str, Any], directory: Path, tag: str) -> Path | None:
    """Put eggcarton's own wheel into a store where it lies vendored; None where there is a checkout instead."""
    if order["own_wheel"] is None:
        return None
    wheel, sha256 = order["own_wheel"]
    path, store = Path(wheel), Store(directory, tag)
    item = Unpacked("eggcarton", path.name.split("-")[1], path.name, sha256)
    eggs = store.add({sha256: path}, [item])
    store.show(eggs.values())
    return eggs[sha256]


def _own_egg(checkout: Path, found: Sequence[Mapping[str, str]], place: Path, python: Path) -> Path:
    """Make an egg whose package is a link to the checkout's source, with the metadata that setup.py gives it."""
    setuptools = next(item["egg"] for item in found if item["name"] == "setuptools")
    base = place / "info"
    base.mkdir()
    done = subprocess.run(
        [str(python), "-IS", "-c", _EGG_INFO, setuptools, str(base)],
        cwd=checkout,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )
    info = base / "eggcarton.egg-info"
    if done.returncode or not info.is_dir():
        raise EggcartonError(f"{checkout / 'setup.py'} gave no metadata: {last_line(done.stderr)}")
    version = re.search(r"^Version: (.+)$", (info / "PKG-INFO").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    egg = place / f"eggcarton-{version[1]}-py{sys.version_info[0]}.{sys.version_info[1]}.egg"
    (egg / "EGG-INFO").mkdir(parents=True)
    for name in ("PKG-INFO", "entry_points.txt", "requires.txt", "top_level.txt"):
        shutil.copyfile(info / name, egg / "EGG-INFO" / name)
    link(checkout / "src" / "eggcarton", egg / "eggcarton")
    return egg


def _in_place(egg: Path, directory: Path, checkout: Path, root: Path | None) -> list[Path]:
    """Put the egg where it belongs, and return what is imported from: where there are no links, the checkout too."""
    final, source = directory / egg.name, checkout / "src"
    sweep(directory, ".own-")
    with scratch(directory, ".own-") as place:
        # Under its name it is whole or not there: bootstrap.py looks no further.
        shutil.copytree(egg, place / "new", ignore=shutil.ignore_patterns("eggcarton"))
        package = place / "new" / "eggcarton"
        (target,) = _seen_from(final, [str(source / "eggcarton")], root)
        is_linked = link(target, package, source=source / "eggcarton") == "symbolic"
        if not is_linked:
            # Changes of the checkout have to be seen, which a copy would hide.
            discard(package)
        for number, old in enumerate(directory.glob("eggcarton-*.egg")):
            old.rename(place / str(number))
        (place / "new").rename(final)
    return [final] if is_linked else [final, source]


def _compile(eggs: Sequence[str]) -> None:
    """Byte-compile what builds start from, so that the first one is as fast as the second.

    All of pip would take longer than everything else here; what zc.buildout imports of it is compiled when it does.
    """
    for egg in eggs:
        compileall.compile_dir(egg, quiet=2)


def _seen_from(directory: Path, paths: Sequence[str], root: Path | None) -> list[str]:
    """Return paths as they are written in a directory: relative where both lie in a tree that may be moved."""
    here = Path(os.path.realpath(directory))
    if root is None or not here.is_relative_to(root):
        return list(paths)
    real = [os.path.realpath(path) for path in paths]
    inside = [Path(path).is_relative_to(root) for path in real]
    return [os.path.relpath(r, here) if i else path for path, r, i in zip(paths, real, inside, strict=True)]


def _closed_set(source: Path, store: Path) -> Path:
    final = store / HIDDEN / closed.directory_name()
    return final if final.is_dir() else closed.copied(source, final)


def _script(start: Start, place: Path, paths: Sequence[str], program: str, function: str, stamp: str) -> str:
    lines = "".join(f"    {json.dumps(path)},\n" for path in paths)
    joined = (
        ""
        if all(map(os.path.isabs, paths))
        else "here = os.path.dirname(os.path.realpath(__file__))\n"
        f"paths = [os.path.normpath(os.path.join(here, path)) for path in sys.path[:{len(paths)}]]\n"
        f"sys.path[:{len(paths)}] = paths\n"
    )
    body = (
        f"# bootstrap: {stamp}\n"
        f"sys.path[:0] = [\n{lines}]\n"
        f"{joined}\n"
        f"try:\n    from eggcarton.buildout.start import {function}\n"
        "except ImportError as error:\n"
        f'    sys.exit(f"Error: {{error}}, which bin/{program} starts from; run bootstrap.py again")\n\n'
        f'if __name__ == "__main__":\n    {function}()'
    )
    return script(start, place, body)


def _write(path: Path, text: str) -> None:
    """Put a script in place; one of a stock zc.buildout is kept beside it."""
    if path.exists() and path.name == "buildout" and "# bootstrap: " not in path.read_text("utf-8", "replace"):
        os.replace(path, path.with_name("buildout.before"))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.chmod(0o755)
    os.replace(temporary, path)
