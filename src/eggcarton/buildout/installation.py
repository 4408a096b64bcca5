"""What stands installed: in a buildout that somebody has built, or in a Python; read without changing anything."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import UsageProblem
from eggcarton.core.names import canonical_name
from eggcarton.packages import by_part, core_metadata, member

Use = Literal["part", "recipe", "there"]

_PATHS = re.compile(r"^sys\.path\[0?:0\] = \[(.*?)^\s*\]", re.MULTILINE | re.DOTALL)
_TEXT = re.compile(r"""['"]([^'"\n]+)['"]""")
_EGG = re.compile(r"(?P<name>[^-/]+)-(?P<version>[^-/]+?)(-py\d.*)?\.egg")
_TOOLS = frozenset({"pip", "setuptools", "wheel", "distribute"})
_OWN_SCRIPTS = frozenset({"buildout", "buildout.before", "eggcarton"})
_LARGEST_SCRIPT = 1 << 20
_ENVIRONMENT = re.compile(r"/[^\s'\"]*/environments/[0-9a-f]{16}(?=/)")
_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")
_SHARED = ("site-packages", "dist-packages")
_WAIT = 120
_LOOK = """
import json, os, site, sys
try:
    from importlib import metadata
except ImportError:
    sys.exit("it is older than Python 3.8")

def told(dist):
    direct = dist.read_text("direct_url.json")
    return {
        "name": dist.metadata["Name"],
        "version": dist.metadata["Version"],
        "requires": list(dist.requires or ()),
        "at": os.path.realpath(str(dist.locate_file(""))),
        "direct": json.loads(direct) if direct else None,
    }

user, others = site.getusersitepackages(), []
if sys.prefix == sys.base_prefix and os.path.isdir(user):
    others = [dist.metadata["Name"] for dist in metadata.distributions(path=[user])]
answer = {"version": list(sys.version_info[:2]), "found": [told(dist) for dist in metadata.distributions()]}
answer["others"] = sorted(filter(None, others))
json.dump(answer, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """One distribution: where it was found, and whether a part or a recipe uses it, or it only lies there.

    ``source`` is set where it came from no index: an address as a requirement names it.
    """

    name: str
    version: str
    place: str
    use: Use
    requires: tuple[str, ...] = ()
    source: str | None = None

    @property
    def requirement(self) -> str:
        """What stands for exactly this one."""
        return f"{self.name} @ {self.source}" if self.source else f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class Installation:
    """All that was found, of each name once a use, and what is left out and why, a sentence each."""

    what: str
    distributions: tuple[Installed, ...]
    remarks: tuple[str, ...] = ()
    is_buildout: bool = False

    def chosen(self, *uses: Use) -> dict[str, Installed]:
        """Return one distribution a name, the first use counting most."""
        found: dict[str, Installed] = {}
        for use in uses:
            for item in self.distributions:
                if item.use == use:
                    found.setdefault(item.name, item)
        return dict(sorted(found.items()))


def of(given: str, pins: Mapping[str, str], develop: Collection[Path] = ()) -> Installation:
    """Return what is installed at a place.

    Args:
        given: the directory of a buildout or of a virtual environment, or a Python, by its path or as it is typed.
        pins: exact versions by canonical name, which decide where parts of a buildout use several.
        develop: the directories of develop packages that the configuration names, which nothing is to be told of.

    Raises:
        UsageProblem: there is nothing of that kind, or a buildout uses several versions of one distribution.
    """
    place = Path(given)
    if place.is_dir():
        if (place / ".installed.cfg").is_file():
            return _of_buildout(place.absolute(), pins, develop)
        python = next((place / "bin" / name for name in ("python", "python3") if (place / "bin" / name).exists()), None)
        if python is None:
            raise UsageProblem(
                f"{given} has neither the .installed.cfg of a buildout nor the bin/python of a virtual environment; "
                "name a directory that has one of them, or a Python"
            )
        return _of_python(python.absolute(), given, develop)
    program = place.absolute() if place.is_file() else shutil.which(given)
    if program is None:
        raise UsageProblem(f"there is no {given}; name a Python, or the directory of a buildout or virtual environment")
    return _of_python(Path(program), given, develop)


def project_of(place: Path) -> Path:
    """Return the directory of the project whose modules or metadata lie in a directory: itself, or one above."""
    if not place.is_absolute():
        return place
    above = (at for at in (place, *place.parents[:2]) if any((at / name).is_file() for name in _PROJECT))
    return next(above, place)


def _of_buildout(directory: Path, pins: Mapping[str, str], develop: Collection[Path]) -> Installation:
    record = _record(directory / ".installed.cfg")
    developed = dict(_developed(directory, record))
    found, shared = list(_recipes(directory, record)), set[Path]()
    environments = by_part.find_all(directory / "parts" / ".eggcarton")
    for script in _scripts(directory, record):
        text = _text(script)
        environments |= {Path(prefix) for prefix in _ENVIRONMENT.findall(text)}
        for path in _paths_in(text, directory):
            if path.suffix == ".egg":
                found += filter(None, [_egg(path, "part")])
            elif path.name in _SHARED:
                shared.add(path)
            else:
                developed |= {item.name: str(path) for item in _lying(path, "there", "*.egg-info")}
    standing = [item for prefix in sorted(environments) for item in _linked(prefix)]
    found += standing
    for place in _own_stores(directory, record):
        found += filter(None, (_egg(path, "there") for path in sorted(place.glob("*.egg"))))
    for place in sorted(shared):
        # Which of these a script uses cannot be told; they hold versions, but are not asked for.
        found += _lying(place, "there", "*.dist-info")
    kept = [item for item in found if item.name not in developed]
    remarks = [line for name, at in sorted(developed.items()) for line in _left(f"{name} is developed in", at, develop)]
    decided = tuple(_decided(kept, pins, standing, remarks.append))
    return Installation(f"the buildout {directory}", decided, tuple(remarks), is_buildout=True)


def _left(words: str, place: str, develop: Collection[Path]) -> Iterator[str]:
    """Give the sentence on what is left out, since it is developed; none where the configuration develops it, too."""
    project = project_of(Path(place))
    if os.path.realpath(project) not in map(os.path.realpath, develop):
        yield f"{words} {project}, and left out; name that directory in 'develop' of [buildout]"


def _linked(prefix: Path) -> Iterator[Installed]:
    """Give the distributions that an environment of a part consists of, as its record tells, but for the machine's."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for one in member.noted(prefix, json.loads((prefix / "eggcarton.json").read_text("utf-8"))):
            if not one.is_of_machine:
                told = core_metadata.read(one.place / "EGG-INFO")
                yield Installed(one.name, one.version, str(one.place), "there", told.requires if told else ())


def _record(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except (configparser.Error, OSError) as error:
        raise UsageProblem(f"{path} cannot be read: {' '.join(str(error).split())}; run that buildout again") from None
    return {name: {key: value or "" for key, value in parser.items(name)} for name in parser.sections()}


def _developed(directory: Path, record: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Give the names of develop packages and where each is developed."""
    entries = {directory / path for path in record.get("buildout", {}).get("installed_develop_eggs", "").split("\n")}
    entries |= set((directory / "develop-eggs").glob("*"))
    for path in sorted(entries):
        if path.suffix == ".egg-link" and path.is_file():
            yield canonical_name(path.stem), (path.read_text("utf-8", "replace").splitlines() or [""])[0].strip()
        elif path.suffix == ".dist-info":
            yield canonical_name(path.stem.partition("-")[0]), str(directory)


def _recipes(directory: Path, record: Mapping[str, Mapping[str, str]]) -> Iterator[Installed]:
    """Give the eggs of recipes, which the signatures of their parts name."""
    stores = list(_stores(directory, record))
    for section in record.values():
        for word in section.get("__buildout_signature__", "").split():
            if word.endswith(".egg"):
                at = next((place / word for place in stores if (place / word).exists()), Path(word))
                yield from filter(None, [_egg(at, "recipe")])


def _stores(directory: Path, record: Mapping[str, Mapping[str, str]]) -> Iterator[Path]:
    named = [section[key] for section in record.values() for key in ("eggs-directory", "_e") if section.get(key)]
    yield from dict.fromkeys(Path(name) for name in [*named, str(directory / "eggs"), str(directory / "eggs" / "v5")])


def _own_stores(directory: Path, record: Mapping[str, Mapping[str, str]]) -> list[Path]:
    """Return the eggs directories that this buildout shares with no other."""
    return [place for place in _stores(directory, record) if place.is_dir() and place.is_relative_to(directory)]


def _scripts(directory: Path, record: Mapping[str, Mapping[str, str]]) -> Iterator[Path]:
    """Give every file that parts have made, and all of ``bin``, but for what runs the buildout itself."""
    made = [path for section in record.values() for path in section.get("__buildout_installed__", "").split("\n")]
    seen = set[Path]()
    for place in [*(directory / path.strip() for path in made if path.strip()), directory / "bin"]:
        inside = [Path(at, name) for at, _, names in os.walk(place) for name in names] if place.is_dir() else [place]
        for path in sorted(inside):
            if path.name not in _OWN_SCRIPTS and path not in seen:
                seen.add(path)
                yield path


def _text(script: Path) -> str:
    """Return what a script holds, nothing where it cannot be read or is too large to be one."""
    try:
        return script.read_text("utf-8", "replace") if script.stat().st_size <= _LARGEST_SCRIPT else ""
    except OSError:
        return ""


def _paths_in(text: str, directory: Path) -> Iterator[Path]:
    """Give what a script that zc.buildout has written puts on its path."""
    for block in _PATHS.findall(text):
        yield from (Path(os.path.normpath(directory / entry)) for entry in _TEXT.findall(block))


def _egg(path: Path, use: Use) -> Installed | None:
    told = core_metadata.read(path / "EGG-INFO") if path.is_dir() else None
    if told is not None:
        return Installed(canonical_name(told.name), told.version, str(path), use, told.requires)
    named = _EGG.fullmatch(path.name)
    return Installed(canonical_name(named["name"]), named["version"], str(path), use) if named else None


def _lying(place: Path, use: Use, pattern: str) -> Iterator[Installed]:
    for info in sorted(place.glob(pattern)):
        told = core_metadata.read(info)
        if told is not None:
            yield Installed(canonical_name(told.name), told.version, str(info), use, told.requires)


def _decided(
    found: Iterable[Installed], pins: Mapping[str, str], standing: Iterable[Installed], remark: Any
) -> Iterator[Installed]:
    """Give one distribution a name and use; of what only lies there the one version that environments consist of.

    Raises:
        UsageProblem: parts use several versions of one, and no pin decides.
    """
    by_use: dict[tuple[Use, str], dict[str, Installed]] = {}
    for item in found:
        by_use.setdefault((item.use, item.name), {}).setdefault(item.version, item)
    linked = {(item.name, item.version) for item in standing}
    used, problems = {name for use, name in by_use if use == "part"}, []
    for (use, name), versions in by_use.items():
        if len(versions) > 1 and pins.get(name) in versions:
            versions = {pins[name]: versions[pins[name]]}
        elif use == "there" and len(only := [version for version in versions if (name, version) in linked]) == 1:
            versions = {only[0]: versions[only[0]]}
        if len(versions) == 1:
            yield from versions.values()
        elif use == "part":
            problems += [f"{name} {version}: {item.place}" for version, item in sorted(versions.items())]
        elif name not in used:
            several = ", ".join(sorted(versions))
            remark(f"{name} lies there as {several}, and nothing tells which is used: it is left out")
    if problems:
        rule = "scripts use several versions, of which one lock holds one; pin those that are meant in [versions]:"
        raise UsageProblem("\n".join([rule, *(f"  {line}" for line in problems)]))


def _of_python(python: Path, given: str, develop: Collection[Path]) -> Installation:
    answer = _asked(python, given)
    found, remarks = dict[str, Installed](), list[str]()
    for told in answer["found"]:
        name = canonical_name(told["name"] or "")
        if not name or not told["version"]:
            remarks.append(f"what lies in {told['at']} has metadata without name and version, and is left out")
        elif name not in found:
            use: Use = "there" if name in _TOOLS else "part"
            words, place, source = _origin(name, told)
            if words:
                remarks += _left(words, place, develop)
            else:
                requires = tuple(told["requires"])
                found[name] = Installed(name, told["version"], told["at"], use, requires, source)
    if answer["others"]:
        remarks.append(f"left out, since only this user has them: {', '.join(answer['others'])}")
    return Installation(f"the Python {given}", tuple(found.values()), tuple(remarks))


def _origin(name: str, told: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Return why a distribution is left out and its place, or else where it comes from, None for an index.

    Source: the specification of direct_url.json.
    """
    direct = told["direct"] or {}
    url = without_credentials(str(direct.get("url", "")))
    if "dir_info" in direct:
        return f"{name} is installed from", url.removeprefix("file://"), None
    if os.path.basename(told["at"]) not in _SHARED:
        return f"{name} is developed in", told["at"], None
    fragment = f"#subdirectory={direct['subdirectory']}" if direct.get("subdirectory") else ""
    if "vcs_info" in direct:
        return "", "", f"{direct['vcs_info']['vcs']}+{url}@{direct['vcs_info']['commit_id']}{fragment}"
    return "", "", f"{url}{fragment}" if url and not url.startswith("file:") else None


def _asked(python: Path, given: str) -> dict[str, Any]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _LOOK],
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WAIT,
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout) if not done.returncode else {}
        reason = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it gave no answer"])[-1]
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        answer, reason = {}, str(error)
    if not answer:
        raise UsageProblem(f"{given} does not tell what is installed there: {reason}; name a Python that runs")
    return answer


def text_of(found: Collection[Installed]) -> str:
    """Return distributions as a requirements file."""
    return "".join(f"{item.requirement}\n" for item in found)
