"""One resolution by uv, which sees the relay and local directories, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eggcarton.indexes.relay import Relay
from eggcarton.packages import compiled, python_range, uv
from eggcarton.packages import lock as locks
from eggcarton.packages import origin as origins
from eggcarton.packages.lock import Lock, LockedPackage
from eggcarton.packages.needs import Needs, pin_of
from eggcarton.packages.offers import write_wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TABLE = "[tool.eggcarton.places]"


class Compiler:
    """Runs ``uv pip compile``.

    Args:
        program: the uv binary.
        relay: what uv sees instead of all indexes and pages of find-links.
        directories: those of find-links that are on this machine.
        cache: uv's own, for as long as the relay is there: uv keeps what it has by the address that it came from.
    """

    def __init__(self, program: Path, relay: Relay, directories: Sequence[str], cache: Path) -> None:
        self._program, self._relay, self._cache = program, relay, cache
        self._directories = tuple(directories)

    def compile(
        self,
        directory: Path,
        needs: Needs,
        offered: Path,
        newest: str | None,
        direct: Sequence[LockedPackage],
        before: Lock | None,
    ) -> uv.Completed:
        """Have uv resolve needs, and return how that ended; what it says tells no address of the relay.

        Args:
            directory: where it runs; the result is left there.
            needs: what is asked for.
            offered: the directory of wheels that stand for source distributions.
            newest: the moment after which nothing counts.
            direct: what comes from an address.
            before: the lock so far, whose versions are kept.

        Raises:
            EggcartonError: something of an index could not be had.
        """
        if before is not None:
            indexed = replace(before, packages=tuple(package for package in before.packages if package.origin is None))
            (directory / "pylock.toml").write_text(locks.text_of(indexed).partition(_TABLE)[0], "utf-8")
        self._write(directory, needs, direct)
        arguments = [
            "pip",
            "compile",
            "needs.in",
            "--universal",
            "--format",
            "pylock.toml",
            "--output-file",
            "pylock.toml",
        ]
        arguments += ["--no-header", "--generate-hashes", "--no-build", "--quiet"]
        arguments += ["--python", sys.executable, "--python-version", compiled.lowest(needs.requires_python)]
        arguments += ["--constraints", "versions.txt"]
        arguments += ["--prerelease", "allow" if needs.terms.prereleases else "if-necessary-or-explicit"]
        arguments += ["--exclude-newer", newest] if newest else []
        for link in (str(offered), *self._directories):
            arguments += ["--find-links", link]
        variables = uv.only_loopback(self._relay.url)
        done = uv.run(self._program, arguments, cache=self._cache, directory=directory, variables=variables)
        failure = self._relay.failure()
        if done.status and failure is not None:
            raise failure
        return uv.Completed(done.status, self._relay.told(done.output))

    def read(self, directory: Path) -> dict[str, list[dict[str, object]]]:
        """Return what uv has resolved to, each file with the address that its index has for it."""
        found: dict[str, list[dict[str, object]]] = tomllib.loads((directory / "pylock.toml").read_text("utf-8"))
        for entry in found.get("packages", ()):
            wheels, sdist = entry.get("wheels"), entry.get("sdist")
            for file in (*(wheels if isinstance(wheels, list) else ()), sdist):
                if isinstance(file, dict) and "url" in file:
                    file["url"] = self._relay.original(str(file["url"]))
        return found

    def _write(self, directory: Path, needs: Needs, direct: Sequence[LockedPackage]) -> None:
        """Write what is asked for and what holds, for uv to read."""
        stubs = {package.name: _stub(directory, package) for package in needs.develop}
        python = needs.requires_python
        lines = {python_range.within(_as_needed(need.requirement, stubs), python) for need in needs.needs}
        lines |= set(python_range.fork(python, lambda name, version: write_wheel(directory, name, version, ())))
        # A file that only this user can read: on the command line everybody could read where the relay is.
        links = [f"--find-links {link}" for link in self._relay.links]
        (directory / "needs.in").write_text("".join(f"{line}\n" for line in (*links, *sorted(lines))), "utf-8")
        pins = [
            f"{name}{pin_of(name, value)}\n"
            for name, value in needs.pins.items()
            if canonicalize_name(name) not in stubs
        ]
        pins += [f"{_as_needed(line.requirement, stubs)}\n" for line in needs.constraints]
        # What nothing asks for by name here may still be led to, and must be asked for at no index then.
        pins += [f"{name} @ {stub.as_uri()}\n" for name, stub in stubs.items()]
        # Only by a constraint does uv take an address for what others need by name alone.
        pins += [f"{package.name} @ {_stub(directory, package).as_uri()}\n" for package in direct]
        (directory / "versions.txt").write_text("".join(sorted(pins)), "utf-8")


def _stub(directory: Path, package: LockedPackage) -> Path:
    """Write a wheel that holds nothing but a develop package's metadata.

    uv then resolves its extras and markers as it does everyone's, and its name is asked at no index.
    """
    lines = [f"Provides-Extra: {extra}" for extra in sorted(package.extras)]
    # What it needs by address has an entry of its own.
    lines += [f"Requires-Dist: {origins.without_address(line)}" for line in package.requires]
    return write_wheel(directory, package.name, package.version, lines)


def _as_needed(line: str, stubs: Mapping[str, Path]) -> str:
    requirement = Requirement(line)
    stub = stubs.get(str(canonicalize_name(requirement.name)))
    if stub is None:
        return origins.without_address(line)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras} @ {stub.as_uri()}{marker}"
