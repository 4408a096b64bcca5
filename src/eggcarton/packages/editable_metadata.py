"""What a develop package's metadata has besides that of its wheel, as recipes look for it.

pip leaves all of this when it makes a develop package for zc.buildout: the place of the source, in the form of PEP 610,
and a RECORD beside the metadata, and setuptools' ``.egg-info`` beside the modules. pkg_resources, by an ``.egg-link``,
takes the directory of that for the place of the distribution: zc.recipe.egg puts it on the path of its scripts, where
a package whose modules only a finder knows could not be imported otherwise.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path


def complete(place: Path, info: Path, source: Path) -> None:
    """Tell in unpacked metadata where the source is, and what belongs to the distribution.

    Rows have no digests: some of these files name the source's directory, and the same project is the same anywhere.

    Args:
        place: the directory of everything that was unpacked.
        info: the ``.dist-info`` in it.
        source: the project's directory.

    Source: PEP 610; PEP 660; PEP 376.
    """
    direct = {"dir_info": {"editable": True}, "url": source.resolve().as_uri()}
    (info / "direct_url.json").write_text(json.dumps(direct), "utf-8")
    (info / "RECORD").touch()
    paths = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    (info / "RECORD").write_text("".join(f"{_quoted(path)},,\n" for path in paths), "utf-8")


def anywhere(content: bytes, root: Path) -> bytes:
    """Return the content of a file of metadata with a token for the root of a tree, as a path and in an address."""
    real = os.path.realpath(root)
    address = Path(real).as_uri().removeprefix("file://")
    return content.replace(os.fsencode(real), b"{root}").replace(os.fsencode(address), b"{root}")


def modules_of(source: Path) -> Path:
    """Return the directory that zc.buildout takes for that of a project's modules."""
    return source / "src" if (source / "src").is_dir() else source


def put_beside(made: Path, source: Path) -> str:
    """Put the ``.egg-info`` that setuptools has made beside a project's modules; where nothing can be written, go on.

    Args:
        made: the directory that a build has written to.

    Returns:
        its path relative to the source, empty where there is none.
    """
    for info in sorted(made.glob("*.egg-info")):
        place = modules_of(source) / info.name
        _tell_of(place.relative_to(source), info)
        with suppress(OSError):
            if not _same(info, place):
                _replace(info, place)
            return place.relative_to(source).as_posix()
    return ""


def stands(source: Path, beside: str) -> bool:
    """Tell whether what was put beside a project's modules is still there."""
    return not beside or (source / beside / "PKG-INFO").is_file()


def _tell_of(place: Path, info: Path) -> None:
    """Have the list of a project's files name the metadata by the place that it gets."""
    listed = info / "SOURCES.txt"
    if listed.is_file():
        lines = listed.read_text("utf-8").splitlines()
        own = {f"{place.as_posix()}/{line[len(str(info)) + 1 :]}" for line in lines if line.startswith(f"{info}/")}
        # setuptools has what lies in a directory before what lies below it.
        text = sorted(own | {line for line in lines if not line.startswith(f"{info}/")}, key=os.path.split)
        listed.write_text("\n".join(text), "utf-8")


def _same(one: Path, other: Path) -> bool:
    names = sorted(os.listdir(one))
    if not other.is_dir() or names != sorted(os.listdir(other)):
        return False
    return filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


def _replace(info: Path, place: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=".egg-info-", dir=place.parent))
    try:
        shutil.copytree(info, aside / "new")
        if place.exists():
            place.rename(aside / "old")
        (aside / "new").rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _quoted(path: str) -> str:
    return '"{}"'.format(path.replace('"', '""')) if set(path) & set(',"') else path
