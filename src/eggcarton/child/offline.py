"""What a build lacks where no socket may be opened: all of it is told at once, files and programs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eggcarton.child.building import BuildRequirements
from eggcarton.child.door import Door
from eggcarton.child.downloads import wanted_at
from eggcarton.core.credentials import without_credentials
from eggcarton.core.errors import IntegrityProblem, Unavailable
from eggcarton.packages.build_requirements import chosen
from eggcarton.packages.direct import build_name
from eggcarton.packages.lock import LockedFile, LockedPackage
from eggcarton.packages.sdists import has_compiler, is_allowed, is_compiled, label_of
from eggcarton.packages.store import Store
from eggcarton.packages.wheels import best_wheel


@dataclass(slots=True)
class Missing:
    """What is missing so far: names of files, those that are here with other bytes, and programs, in words."""

    door: Door
    store: Store
    requirements: BuildRequirements | None
    files: dict[str, None] = field(default_factory=dict)
    spoilt: dict[Path, str] = field(default_factory=dict)
    programs: dict[str, None] = field(default_factory=dict)

    def check(self, packages: Sequence[LockedPackage], downloads: Sequence[Sequence[str]]) -> None:
        """Look at all that a build takes from here, and raise for what is missing, if anything is.

        Args:
            packages: what it uses of its lock.
            downloads: part, address and sha256 of what parts name by an address.

        Raises:
            IntegrityProblem: files are here under the right names, and with other bytes.
            Unavailable: files are not here; the programs that are missing too are told with them.
        """
        self.look_at(packages)
        for part, url, sha256 in downloads:
            wanted = wanted_at(url, sha256)
            if self.door.fetcher.local(wanted) is None:
                self.files[f"{wanted.name}: {without_credentials(url)}, which [{part}] option 'url' names"] = None
        self.told()

    def look_at(self, packages: Sequence[LockedPackage]) -> None:
        """Add what is missing of some packages, and of what is built to have them."""
        for package in packages:
            position = best_wheel([wheel.name for wheel in package.wheels])
            if position is not None:
                wheel = package.wheels[position]
                if self.store.find(wheel.sha256) is None:
                    self._path(package, wheel)
            elif package.sdist is not None and (package.origin or is_allowed(package.name, self.door.allow_sdist)):
                self._look_at_source(package, package.sdist)

    def _path(self, package: LockedPackage, file: LockedFile) -> Path | None:
        """Return where a file lies; where it does not, it is noted."""
        wanted = self.door.wanted(package, file)
        found = self.door.fetcher.local(wanted)
        if found is None:
            wrong = self.door.fetcher.spoilt(wanted)
            self.spoilt |= wrong
            self.files |= {} if wrong else {file.name: None}
        return found

    def _look_at_source(self, package: LockedPackage, sdist: LockedFile) -> None:
        found, name, builder = self._path(package, sdist), build_name(package), self.door.builder
        if found is None and package.origin and package.origin.kind != "archive" and not shutil.which("git"):
            self.programs[f"the program git, which makes {sdist.name} of its repository where there is a network"] = (
                None
            )
        if found is not None and builder is not None and builder.kept(sdist.sha256, name) is not None:
            return
        if found is not None and is_compiled(found, sdist.name) and not has_compiler():
            self.programs[f"a C compiler such as cc, which the build of {package.name} {package.version} may need"] = (
                None
            )
        label = label_of(name)
        for entry in self.requirements.lock.builds if self.requirements else ():
            if label in entry.builds:
                self.look_at([needed for needed, _ in chosen(entry)])

    def told(self) -> None:
        """Raise for what is missing, if anything is.

        Raises:
            IntegrityProblem: files are here under the right names, and with other bytes.
            Unavailable: files are not here; the programs that are missing too are told with them.
        """
        missing = [*sorted(self.files), *sorted(self.programs)]
        if self.spoilt:
            lines = [f"  {path}: {why}" for path, why in sorted(self.spoilt.items())]
            lines += ["what is missing besides:", *(f"  {line}" for line in missing)] if missing else []
            begin = "offline, and these files are not what was locked, so that nothing was installed; copy them anew:"
            raise IntegrityProblem("\n".join([begin, *lines]))
        if self.files:
            number = len(self.files)
            are = "1 file is" if number == 1 else f"{number} files are"
            raise Unavailable(f"offline, and {are} neither in the store nor in the cache:", tried=missing)
