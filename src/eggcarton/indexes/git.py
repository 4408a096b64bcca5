"""Repositories of git, kept as bare copies: what a revision is, what its history says, and every file of a commit."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from eggcarton.core.errors import EggcartonError, Unavailable, UsageProblem
from eggcarton.core.locks import hold
from eggcarton.indexes import configured
from eggcarton.indexes.client import redacted

TIMEOUT = 900.0
"""Seconds after which a git that fetches is given up."""

_LAST_LINES = 5
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_HEAD = "refs/eggcarton/head"
_ASKED = "refs/eggcarton/asked"
_EVERYTHING = ("+HEAD:" + _HEAD, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
# The secrets go by the environment: every user of the machine can read command lines.
_USER, _PASSWORD = "EGGCARTON_GIT_USER", "EGGCARTON_GIT_PASSWORD"
_HELPER = f'!f() {{ printf "username=%s\\npassword=%s\\n" "${_USER}" "${_PASSWORD}"; }}; f'


class GitFailed(Exception):
    """A git that did not end well; the text is its last words."""


def environment(inherited: Mapping[str, str], *, local: bool) -> dict[str, str]:
    """Return the variables that git runs under: none that would steer it, and nothing to ask a person with.

    What the user has configured for git stays: credential helpers, keys, and addresses that stand for others.

    Args:
        local: whether repositories on this machine may be asked.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith("GIT_") and name != "SSH_ASKPASS"}
    bundle = configured.authorities(inherited)
    if bundle:
        kept["GIT_SSL_CAINFO"] = bundle
    protocols = "http:https:ssh:git" + (":file" if local else "")
    return kept | {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


class Repository:
    """A bare copy of one repository.

    Args:
        url: its address, without credentials.
        place: where the copy lies, or will.
        given: its address with the credentials that the configuration holds, if it holds any.
    """

    def __init__(self, url: str, place: Path, given: str | None = None) -> None:
        self.url, self._place, self._given = url, place, given or url

    @classmethod
    def below(cls, directory: Path, url: str, given: str | None = None) -> Repository:
        """Return the copy of a repository in a directory that holds those of all."""
        return cls(url, directory / hashlib.sha256(url.encode()).hexdigest()[:32], given)

    def update(self) -> None:
        """Fetch what is new.

        Raises:
            Unavailable: it cannot be asked.
        """
        try:
            self._fetch("--prune", "--tags", "--force", self.url, *_EVERYTHING)
        except GitFailed as failed:
            raise self._unreachable(failed) from None

    def resolve(self, revision: str | None) -> str:
        """Return the commit that a branch, a tag or the beginning of a commit's name stands for, as last fetched.

        Raises:
            UsageProblem: there is no such revision.
        """
        names = [_HEAD]
        if revision is not None:
            # A branch comes before a tag of the same name, as for pip and uv.
            names = [f"refs/heads/{revision}", f"refs/tags/{revision}"]
            if re.fullmatch("[0-9a-f]{4,64}", revision):
                names.append(revision)
            if (_COMMIT.fullmatch(revision) or revision.startswith("refs/")) and not self._commit_of(names):
                with suppress(GitFailed):
                    self._fetch(self.url, f"+{revision}:{_ASKED}")
                    names = [_ASKED]
        found = self._commit_of(names)
        if found is None:
            what = f"no branch, tag or commit {revision}" if revision else "no commit"
            raise UsageProblem(f"the repository {redacted(self.url)} has {what}; ask for one that it has")
        return found

    def current(self, revision: str | None) -> str | None:
        """Return the commit that a branch or a tag stands for now, None where there is none; nothing is kept of it.

        Raises:
            Unavailable: the repository cannot be asked.
        """
        names = (
            [f"refs/heads/{revision}", f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}"] if revision else ["HEAD"]
        )
        try:
            told = self._run([*self._logging_in(), "ls-remote", self.url, *names], Path(self._place.anchor)).decode()
        except GitFailed as failed:
            raise self._unreachable(failed) from None
        found = {name: commit for commit, _, name in (line.partition("\t") for line in told.splitlines())}
        return next((found[name] for name in names if name in found), None)

    def _unreachable(self, failed: GitFailed) -> Unavailable:
        return Unavailable(
            f"the repository {redacted(self.url)} cannot be asked; check its address, the network, and what git knows "
            f"to log in with there:\n{failed}"
        )

    def _commit_of(self, names: list[str]) -> str | None:
        for name in names:
            with suppress(GitFailed):
                return self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
        return None

    def ensure(self, commit: str) -> None:
        """Have a commit here, fetched if it is not.

        Raises:
            Unavailable: the repository cannot be asked, or has it no more.
        """
        if self._place.exists() and self._commit_of([commit]):
            return
        self.update()
        if self._commit_of([commit]):
            return
        # What no branch leads to any more may still be had by its name.
        with suppress(GitFailed):
            self._fetch(self.url, f"+{commit}:{_ASKED}")
        if not self._commit_of([commit]):
            raise Unavailable(
                f"the repository {redacted(self.url)} has the commit {commit} no more; put the kept archive back into "
                "the folder wheels beside the lock, or lock another commit"
            )

    def history(self, commit: str) -> tuple[str, str]:
        """Return the nearest tag with a number, the commits since, and the commit, as git describes it; and its day."""
        day = self._git("show", "--no-patch", "--format=%cI", commit).decode().strip()
        try:
            told = self._git("describe", "--tags", "--long", "--abbrev=8", "--match", "*[0-9]*", commit)
            return told.decode().strip(), day
        except GitFailed:
            number = self._git("rev-list", "--count", commit).decode().strip()
            return f"0.0-{number}-g{commit[:8]}", day

    def files(self, commit: str) -> Iterator[tuple[str, str, bytes]]:
        """Give every entry of a commit's tree: its mode as git writes it, its path and its content.

        That of a link is where it leads, that of a submodule the name of its commit. No checkout is made, so that
        neither attributes nor the user's configuration change what comes.
        """
        rows = self._git("ls-tree", "-r", "-z", "--full-tree", commit).decode("utf-8", "surrogateescape")
        listed = [(*head.split(), path) for head, _, path in (row.partition("\t") for row in rows.split("\0")[:-1])]
        blobs = [name for _, kind, name, _ in listed if kind == "blob"]
        with self._contents(blobs) as contents:
            for mode, kind, name, path in listed:
                yield mode, path, next(contents) if kind == "blob" else name.encode()

    def submodules(self, commit: str) -> dict[str, str]:
        """Return the address of each submodule by its path; a relative one is relative to this repository's."""
        pattern = r"^submodule\..*\.(path|url)$"
        try:
            told = self._git("config", "--blob", f"{commit}:.gitmodules", "-z", "--get-regexp", pattern)
        except GitFailed:
            return {}
        tables: dict[str, dict[str, str]] = {}
        for row in told.decode("utf-8", "replace").split("\0")[:-1]:
            key, _, value = row.partition("\n")
            name, _, option = key.rpartition(".")
            tables.setdefault(name, {})[option] = value
        return {t["path"]: self.absolute(t["url"]) for t in tables.values() if t.keys() >= {"path", "url"}}

    def absolute(self, url: str) -> str:
        """Return where the address of a submodule leads."""
        if url.startswith(("./", "../")):
            parts = urlsplit(self.url)
            path = os.path.normpath(f"{parts.path}/{url}")
            return urlunsplit(parts._replace(path=path))
        scp = re.fullmatch(r"(?P<host>[\w.-]+@[\w.-]+):(?P<path>[^/].*)", url)
        return f"ssh://{scp['host']}/{scp['path']}" if scp else url

    @contextmanager
    def _contents(self, names: list[str]) -> Iterator[Iterator[bytes]]:
        """Give the contents of objects in their order, read from one process while the block runs."""
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{name}\n" for name in names).encode())
            asked.seek(0)
            process = subprocess.Popen(
                [_program(self.url), "cat-file", "--batch"],
                cwd=self._place,
                env=environment(os.environ, local=False),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert process.stdout is not None
            try:
                yield (_next_object(process.stdout, name) for name in names)
            finally:
                process.kill()
                process.communicate()

    def _fetch(self, *arguments: str) -> None:
        self._place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self._place.with_name(f"{self._place.name}.lock")):
            if not (self._place / "HEAD").exists():
                shutil.rmtree(self._place, ignore_errors=True)
                self._run(["init", "--quiet", "--bare", str(self._place)], self._place.parent)
            fetch = ["fetch", "--quiet", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-gc", *arguments]
            self._run([*self._logging_in(), *fetch], self._place)

    def _git(self, *arguments: str) -> bytes:
        if not self._place.exists():
            raise GitFailed("nothing was fetched of it yet")
        return self._run(list(arguments), self._place)

    def _logging_in(self) -> list[str]:
        parts = urlsplit(self.url)
        if not self._secrets():
            return []
        return ["-c", f"credential.{parts.scheme}://{parts.netloc}.helper={_HELPER}"]

    def _secrets(self) -> dict[str, str]:
        parts = urlsplit(self._given)
        if parts.scheme not in ("http", "https") or parts.username is None:
            return {}
        return {_USER: unquote(parts.username), _PASSWORD: unquote(parts.password or "")}

    def _run(self, arguments: list[str], directory: Path) -> bytes:
        variables = environment(os.environ, local=self.url.startswith("file:")) | self._secrets()
        process = subprocess.Popen(
            [_program(self.url), *arguments],
            cwd=directory,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A session of its own has no terminal that ssh could ask on, and a time-out reaches what git started.
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise GitFailed(f"  git did not end within {TIMEOUT:g} seconds and was killed") from None
            raise
        if process.returncode:
            lines = errors.decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
            raise GitFailed("\n".join(f"  {redacted(line)}" for line in lines))
        return output


def _next_object(stream: object, name: str) -> bytes:
    read, line = stream.read, stream.readline()  # type: ignore[attr-defined]
    words = line.split()
    if len(words) != 3:
        raise EggcartonError(
            f"the copy of a repository lacks the object {name}; remove it from the cache, and run again"
        )
    content: bytes = read(int(words[2]))
    read(1)
    return content


def _program(url: str) -> str:
    found = shutil.which("git")
    if found is None:
        raise EggcartonError(
            f"{redacted(url)} is a git repository, and there is no git on PATH; install it, or name the address of an "
            "archive instead"
        )
    return found


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time into the block."""
    while True:
        try:
            held = hold(path)
            break
        except BlockingIOError:
            time.sleep(0.1)
    try:
        yield
    finally:
        if held is not None:
            held.close()
