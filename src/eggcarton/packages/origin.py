"""Addresses that somebody asked for: a repository at a revision, or one archive; never with credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from packaging.requirements import InvalidRequirement, Requirement

from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import IntegrityProblem, UsageProblem

VERSION_CONTROL = ("git", "hg", "svn", "bzr")
_TRANSPORTS = ("https", "http", "ssh", "git", "file")
_ARCHIVES = (".whl", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz", ".zip")
_REMEDY = "restore the lock, or remove it and lock again"
_HISTORY = re.compile(r"[\w.+/-]+-[0-9]+-g[0-9a-f]+")
_SHA256 = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """One address as it is asked for.

    ``kind`` is ``git`` or ``archive``; ``url`` has neither credentials nor revision nor fragment; ``revision`` is a
    branch, a tag or a commit, None for what the repository itself shows; ``sha256`` is what the archive has to have.
    """

    kind: str
    url: str
    revision: str | None = None
    subdirectory: str | None = None
    sha256: str | None = None

    def __str__(self) -> str:
        return _text(self.kind, self.url, self.revision, self.subdirectory)


@dataclass(frozen=True, slots=True)
class Asked:
    """One address, the canonical name that it is asked for by, and who asks.

    ``commit`` and ``hashes`` are what another tool's file says of it; ``imported`` tells that nobody else asks for it.
    """

    name: str
    reference: Reference
    asked_by: str
    commit: str | None = None
    hashes: frozenset[str] = frozenset()
    imported: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a locked distribution comes from that no index has.

    ``revision`` was asked for and ``commit`` is what it was then; ``history`` is what ``git describe`` said of it,
    where its version is made of that; ``imported`` tells that another tool's file asked for it and no configuration.
    """

    kind: str
    url: str
    revision: str | None = None
    commit: str | None = None
    subdirectory: str | None = None
    history: str | None = None
    imported: bool = False

    def __str__(self) -> str:
        return _text(self.kind, self.url, self.revision, self.subdirectory)

    @property
    def exact(self) -> str:
        """The address that means these bytes and no others, as pip and uv read it."""
        return _text(self.kind, self.url, self.commit, self.subdirectory)

    @property
    def is_wheel(self) -> bool:
        """Whether it is installed as it is."""
        return self.kind == "archive" and self.url.endswith(".whl")

    def answers(self, reference: Reference, sha256: str) -> bool:
        """Tell whether it is what an address asks for, with the digest that is locked."""
        same = (self.kind, self.url, self.subdirectory) == (reference.kind, reference.url, reference.subdirectory)
        revisions = (self.revision, self.commit) if reference.revision else (self.revision,)
        return same and reference.revision in revisions and reference.sha256 in (None, sha256)


def _text(kind: str, url: str, revision: str | None, subdirectory: str | None) -> str:
    address = url if kind == "archive" else f"{kind}+{url}" + (f"@{revision}" if revision else "")
    return address + (f"#subdirectory={subdirectory}" if subdirectory else "")


def clean(url: str) -> str:
    """Return an address without the credentials it may hold; the user that ssh needs is none of them."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return without_credentials(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    kept = f"{user.partition(':')[0]}@{host}" if parts.scheme.rpartition("+")[2] == "ssh" else host
    return urlunsplit(parts._replace(netloc=kept))


def cleaned(line: str) -> str:
    """Return a requirement whose address holds no credentials; what has none stays as it is written."""
    if "://" not in line or "@" not in line:
        return line
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return without_credentials(line)
    if requirement.url is None or clean(requirement.url) == requirement.url:
        return line
    requirement.url = clean(requirement.url)
    return str(requirement)


def given(lines: Iterable[str]) -> dict[str, str]:
    """Return the addresses that hold credentials, by what they are without, revision and fragment left out."""
    found = {}
    for line in lines:
        asked = requirement(line)
        if asked is None or asked.url is None or clean(asked.url) == asked.url:
            continue
        bare = read(asked.url, line).url
        user = urlsplit(asked.url).netloc.rpartition("@")[0]
        parts = urlsplit(bare)
        found[bare] = urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))
    return found


def requirement(line: str) -> Requirement | None:
    """Return a requirement that asks for an address, None where it asks for none."""
    if "@" not in line:
        return None
    try:
        found = Requirement(line)
    except InvalidRequirement:
        return None
    return found if found.url else None


def without_address(line: str) -> str:
    """Return a requirement by name, with its extras and its marker."""
    requirement = Requirement(line)
    requirement.url = None
    return str(requirement)


def read(url: str, asked_by: str) -> Reference:
    """Read an address.

    Args:
        asked_by: who asks for it, in the user's words.

    Raises:
        UsageProblem: it cannot be locked.
    """
    shown = clean(url)
    try:
        parts = urlsplit(shown)
        fragment = dict(parse_qsl(parts.fragment))
    except ValueError as error:
        raise UsageProblem(f"{asked_by}: {shown} is not an address: {error}") from None
    kind, plus, transport = parts.scheme.partition("+")
    subdirectory = _subdirectory(fragment.get("subdirectory"), f"{asked_by}: {shown}")
    if plus:
        url, revision = _of_repository(kind, transport, parts, f"{asked_by}: {shown}")
        return Reference(kind, url, revision, subdirectory)
    if parts.scheme not in ("https", "http", "file") or not parts.path.lower().endswith(_ARCHIVES):
        raise UsageProblem(
            f"{asked_by}: {shown} is neither a wheel nor an archive of a source ({', '.join(_ARCHIVES)}) behind http, "
            "https or file; a repository is named with git+ before its address"
        )
    sha256 = fragment.get("sha256")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise UsageProblem(f"{asked_by}: {shown}: {sha256!r} is not a sha256, which has 64 hexadecimal digits")
    weak = sorted(set(fragment) & {"md5", "sha1", "sha224", "sha384", "sha512"})
    if weak and sha256 is None:
        raise UsageProblem(f"{asked_by}: {shown}: only sha256 is checked; replace {weak[0]} by it, or leave it out")
    return Reference("archive", urlunsplit(parts._replace(fragment="")), None, subdirectory, sha256)


def _of_repository(kind: str, transport: str, parts: SplitResult, where: str) -> tuple[str, str | None]:
    if kind in VERSION_CONTROL and kind != "git":
        raise UsageProblem(
            f"{where}: of version control only git can be locked; name the address of an archive of that revision"
        )
    if kind != "git" or transport not in _TRANSPORTS or (transport != "file" and not parts.hostname):
        example = "git+https://host.example/project.git@v1.0"
        raise UsageProblem(f"{where} is not the address of a repository such as {example}")
    path, at, revision = parts.path.rpartition("@")
    path, revision = (path, unquote(revision)) if at else (parts.path, "")
    if (at and not revision) or revision.startswith("-") or re.search(r"[\x00-\x20\x7f]", revision):
        raise UsageProblem(f"{where}: {revision!r} is not a branch, a tag or a commit; name one after the @")
    return urlunsplit((transport, parts.netloc, path, parts.query, "")), revision or None


def _subdirectory(value: str | None, where: str) -> str | None:
    if value is None:
        return None
    steps = [step for step in value.replace("\\", "/").split("/") if step not in ("", ".")]
    if ".." in steps or value.startswith("/"):
        raise UsageProblem(f"{where}: the subdirectory {value!r} leaves the source")
    return "/".join(steps) or None


def of_entry(entry: Mapping[str, Any], tool: Mapping[str, Any], where: str) -> Origin | None:
    """Return the origin that an entry of a lock tells, None where it comes from an index.

    Raises:
        IntegrityProblem: it must not be obeyed.
    """
    if "directory" in entry:
        raise IntegrityProblem(
            f"{where} is a directory, which no lock can hold; develop it in [buildout], and lock again"
        )
    imported = tool.get("imported") is True
    for kind in ("vcs", "archive"):
        if kind not in entry:
            continue
        table = entry[kind]
        url = str(table.get("url", ""))
        if not url:
            raise IntegrityProblem(f"{where}.{kind} has no address; {_REMEDY}")
        if clean(url) != url:
            raise IntegrityProblem(
                f"{where}: the address {clean(url)} holds credentials; remove them from the lock, and change them where"
                " they are used: whoever has read the lock knows them"
            )
        try:
            subdirectory = _subdirectory(table.get("subdirectory"), where)
            if kind == "archive":
                if read(url, where).kind != kind:
                    raise UsageProblem(f"{where}: {url} is not the address of an archive")
                return Origin(kind, url, subdirectory=subdirectory, imported=imported)
            type_, commit = str(table["type"]), str(table["commit-id"])
            read(f"{type_}+{url}", where)
        except UsageProblem as error:
            raise IntegrityProblem(f"{error}; {_REMEDY}") from None
        if not _COMMIT.fullmatch(commit):
            raise IntegrityProblem(f"{where}: {commit!r} is not a commit; {_REMEDY}")
        history = tool.get("history")
        if history is not None and not (isinstance(history, str) and _HISTORY.fullmatch(history)):
            raise IntegrityProblem(f"{where}: {history!r} is nothing that git describes; {_REMEDY}")
        return Origin(type_, url, table.get("requested-revision"), commit, subdirectory, history, imported)
    return None


def kept_of(entry: Mapping[str, Any], tool: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Return the table of the file that is kept of what has an origin.

    Raises:
        IntegrityProblem: there is none, or it is not whole.
    """
    kept = entry.get("archive", tool.get("kept"))
    hashes = kept.get("hashes") if isinstance(kept, dict) else None
    if (
        not isinstance(kept, dict)
        or not isinstance(hashes, dict)
        or not isinstance(hashes.get("sha256", ""), str)
        or not isinstance(kept.get("size", 0), int)
        or not all(isinstance(kept.get(key, ""), str) for key in ("name", "path", "url"))
    ):
        raise IntegrityProblem(f"{where} does not tell which archive is kept of it; {_REMEDY}")
    return kept


def entry_of(origin: Origin, file: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what an entry of a lock says of an origin: what PEP 751 knows, and what it has no place for.

    Args:
        file: the table of the file that is kept: its name, size and hashes.
    """
    further = {"subdirectory": origin.subdirectory} if origin.subdirectory else {}
    marks: dict[str, Any] = {"imported": True} if origin.imported else {}
    if origin.kind == "archive":
        return {"archive": {"url": origin.url, **_without(file, "name", "path"), **further}}, marks
    asked = {"requested-revision": origin.revision} if origin.revision else {}
    table = {"type": origin.kind, "url": origin.url, **asked, "commit-id": origin.commit, **further}
    if origin.history:
        marks["history"] = origin.history
    return {"vcs": table}, {"kept": dict(file), **marks}


def _without(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in names}


def file_name(url: str) -> str:
    """Return the name of the file that an address leads to."""
    return unquote(urlsplit(url).path).rpartition("/")[2]
