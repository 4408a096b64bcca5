"""Small real distributions, made in milliseconds without a build tool; the same arguments give the same bytes.

wheel(directory, "six", "1.17.0", {"six.py": "answer = 42"})
wheel(directory, "app", modules={"app/__init__.py": ""}, requires=["six>=1"], console_scripts={"app": "app:main"})
sdist(directory, "old", "2.0", {"old.py": ""}, backend="setuptools")
"""

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Files = Mapping[str, str | bytes]
Groups = Mapping[str, Mapping[str, str]]

PKGUTIL_NAMESPACE = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
PKG_RESOURCES_NAMESPACE = "__import__('pkg_resources').declare_namespace(__name__)\n"
EPOCH = 1577836800  # 2020-01-01, so that the bytes of an archive do not depend on the day


def wheel(
    directory: Path,
    name: str,
    version: str = "1.0",
    modules: Files | None = None,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    console_scripts: Mapping[str, str] | None = None,
    entry_points: Groups | None = None,
    data: Files | None = None,
    tag: str = "py3-none-any",
    build: str = "",
    headers: Sequence[str] = (),
    dist_info: Files | None = None,
    namespaces: Sequence[str] = (),
    corrupt_record: bool = False,
) -> Path:
    """Write a wheel and return its path.

    Args:
        modules: path in site-packages -> content; by default one empty module named like the distribution.
        requires: requirements; those of an extra go into `extras`.
        console_scripts: shorthand for that group of `entry_points`.
        data: path below the data directory -> content: `scripts/x`, `headers/x.h`, `data/share/x`, `purelib/x.py`.
        tag: python, abi and platform tag; a platform tag other than `any` makes it not pure.
        build: the build number.
        headers: more lines for METADATA.
        dist_info: more files of the `.dist-info` directory.
        namespaces: packages made namespaces in the style of pkg_resources.
        corrupt_record: whether RECORD tells a wrong hash for the first file.
    """
    file_name = _file_name(name)
    info = f"{file_name}-{version}.dist-info"
    files = dict(modules if modules is not None else {f"{_module_name(name)}.py": ""})
    files |= {f"{package.replace('.', '/')}/__init__.py": PKG_RESOURCES_NAMESPACE for package in namespaces}
    files |= {f"{file_name}-{version}.data/{path}": content for path, content in (data or {}).items()}
    files[f"{info}/METADATA"] = metadata(name, version, requires, extras, requires_python, headers)
    pure = str(tag.endswith("-any")).lower()
    tags = "".join(f"Tag: {one}\n" for one in _expanded(tag))
    build_line = f"Build: {build}\n" if build else ""
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: eggcarton\nRoot-Is-Purelib: {pure}\n{tags}{build_line}"
    if points := entry_points_text(console_scripts, entry_points):
        files[f"{info}/entry_points.txt"] = points
    if namespaces:
        files[f"{info}/namespace_packages.txt"] = "\n".join(namespaces) + "\n"
    files |= {f"{info}/{path}": content for path, content in (dist_info or {}).items()}
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD", corrupt_record)
    stem = "-".join(part for part in (file_name, version, build, tag) if part)
    return _write(directory / f"{stem}.whl", zipped(files))


def sdist(
    directory: Path,
    name: str,
    version: str = "1.0",
    modules: Files | None = None,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    console_scripts: Mapping[str, str] | None = None,
    entry_points: Groups | None = None,
    build_requires: Sequence[str] = (),
    backend: str = "own",
    files: Files | None = None,
) -> Path:
    """Write a source distribution (`.tar.gz`) and return its path.

    Args:
        backend: `own` carries its build backend with it and needs nothing; `setuptools` needs setuptools, which is
            then added to `build_requires`.
        build_requires: what building it needs.
        files: more files of the archive's root; they replace those made here.
    """
    content = dict(modules if modules is not None else {f"{_module_name(name)}.py": ""})
    told = metadata(name, version, requires, extras, requires_python, ())
    points = entry_points_text(console_scripts, entry_points)
    if backend == "own":
        tree = _own_backend(name, version, content, told, points, build_requires)
    else:
        tree = dict(content) | _setuptools_files(
            name, version, content, requires, extras, requires_python, points, build_requires
        )
    tree["PKG-INFO"] = told
    stem = f"{re.sub(r'[^a-z0-9]+', '_', name.lower())}-{version}"
    return _write(
        directory / f"{stem}.tar.gz",
        tarred({f"{stem}/{p}": c for p, c in (tree | dict(files or {})).items()}),
    )


def source(
    directory: Path,
    name: str,
    version: str = "1.0",
    modules: Files | None = None,
    *,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str | None = None,
    console_scripts: Mapping[str, str] | None = None,
    entry_points: Groups | None = None,
    build_requires: Sequence[str] = (),
) -> Path:
    """Write a source tree built by setuptools into `directory/NAME`, as a develop package is; return its path."""
    content = dict(modules if modules is not None else {f"{_module_name(name)}.py": ""})
    points = entry_points_text(console_scripts, entry_points)
    tree = content | _setuptools_files(
        name, version, content, requires, extras, requires_python, points, build_requires
    )
    for path, text in tree.items():
        _write(directory / name / path, _bytes(text))
    return directory / name


def metadata(
    name: str,
    version: str,
    requires: Sequence[str],
    extras: Mapping[str, Sequence[str]] | None,
    requires_python: str | None,
    headers: Sequence[str],
) -> str:
    """Return the text of METADATA or PKG-INFO."""
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    if requires_python:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, needs in (extras or {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_under_extra(requirement, extra)}" for requirement in needs]
    return "\n".join([*lines, *headers]) + "\n"


def entry_points_text(console_scripts: Mapping[str, str] | None, entry_points: Groups | None) -> str:
    """Return the text of entry_points.txt, which is empty when there are none."""
    groups = {group: dict(points) for group, points in (entry_points or {}).items()}
    if console_scripts:
        groups.setdefault("console_scripts", {}).update(console_scripts)
    return "\n".join(
        f"[{group}]\n" + "".join(f"{point} = {target}\n" for point, target in points.items())
        for group, points in groups.items()
    )


def zipped(files: Files) -> bytes:
    """Return a zip archive whose bytes depend on its content alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            executable = "/scripts/" in path
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _bytes(content))
    return buffer.getvalue()


def tarred(files: Files) -> bytes:
    """Return a gzipped tar archive whose bytes depend on its content alone."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=EPOCH) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime, entry.mode = len(_bytes(content)), EPOCH, 0o644
            archive.addfile(entry, io.BytesIO(_bytes(content)))
    return buffer.getvalue()


def _own_backend(
    name: str, version: str, modules: Files, told: str, points: str, build_requires: Sequence[str]
) -> dict[str, str | bytes]:
    """Return a tree that builds itself: its wheel's files lie in `wheel/`, and its backend zips them."""
    stem = f"{_file_name(name)}-{version}"
    info = f"{stem}.dist-info"
    inside = dict(modules) | {
        f"{info}/METADATA": told,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if points:
        inside[f"{info}/entry_points.txt"] = points
    inside[f"{info}/RECORD"] = _record(inside, f"{info}/RECORD", corrupt=False)
    project = f"[build-system]\nrequires = {list(build_requires)!r}\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    return {f"wheel/{path}": content for path, content in inside.items()} | {
        "pyproject.toml": project,
        "backend.py": OWN_BACKEND.format(wheel=f"{stem}-py3-none-any.whl"),
    }


OWN_BACKEND = """\
import os, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(os.path.join(wheel_directory, "{wheel}"), "w") as archive:
        for folder, _, names in sorted(os.walk("wheel")):
            for name in sorted(names):
                path = os.path.join(folder, name)
                archive.write(path, os.path.relpath(path, "wheel"))
    return "{wheel}"
"""


def _setuptools_files(
    name: str,
    version: str,
    modules: Files,
    requires: Sequence[str],
    extras: Mapping[str, Sequence[str]] | None,
    requires_python: str | None,
    points: str,
    build_requires: Sequence[str],
) -> dict[str, str | bytes]:
    packages = sorted({path.rpartition("/")[0].replace("/", ".") for path in modules if "/" in path})
    top = sorted(path.removesuffix(".py") for path in modules if "/" not in path and path.endswith(".py"))
    arguments = {
        "name": name,
        "version": version,
        "packages": packages,
        "py_modules": top,
        "install_requires": list(requires),
        "extras_require": {extra: list(needs) for extra, needs in (extras or {}).items()},
        "python_requires": requires_python,
        "entry_points": points or None,
    }
    given = "".join(f"    {key}={value!r},\n" for key, value in arguments.items())
    needs = ["setuptools", *build_requires]
    return {
        "setup.py": f"from setuptools import setup\n\nsetup(\n{given})\n",
        "pyproject.toml": f"[build-system]\nrequires = {needs!r}\nbuild-backend = 'setuptools.build_meta'\n",
    }


def _record(files: Files, own_path: str, corrupt: bool) -> str:
    lines = []
    for position, (path, content) in enumerate(files.items()):
        told = b"something else" if corrupt and position == 0 else _bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(told).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(_bytes(content))}\n")
    return "".join(lines) + f"{own_path},,\n"


def _expanded(tag: str) -> Iterable[str]:
    python, abi, platform = tag.split("-")
    return (f"{p}-{a}-{w}" for p in python.split(".") for a in abi.split(".") for w in platform.split("."))


def _under_extra(requirement: str, extra: str) -> str:
    requirement, _, marker = (part.strip() for part in requirement.partition(";"))
    condition = f'extra == "{extra}"'
    return f"{requirement} ; ({marker}) and {condition}" if marker else f"{requirement} ; {condition}"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.]+", "_", name)


def _module_name(name: str) -> str:
    return re.sub(r"[-.]+", "_", name).lower()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
