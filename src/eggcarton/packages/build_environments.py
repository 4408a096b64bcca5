"""The environments that builds run in: one for all builds that need the same tools."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from eggcarton.core.linking import link
from eggcarton.packages import environment
from eggcarton.packages.environment import Makeup
from eggcarton.packages.interpreter import Interpreter

if TYPE_CHECKING:
    from eggcarton.packages.builds import Toolchain


class BuildEnvironments:
    """Environments of nothing but tools, below one directory; several builds may ask at the same time.

    Args:
        place: the directory; whoever made it removes it.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._guard = threading.Lock()
        self._turns: dict[str, tuple[threading.Lock, Path]] = {}
        self._made: dict[str, tuple[Path, Path]] = {}

    def __call__(self, tools: Toolchain) -> tuple[Path, Path]:
        """Return the environment of these tools by two names, made when it is first asked for.

        Returns:
            a name that does not hang on where the tools are, and its real place.
        """
        makeup = Makeup(
            python=Interpreter.running(),
            members=tuple(tools.members),
            extra_paths=tuple(Path(path) for path in tools.paths),
        )
        digest = makeup.digest(self._place)
        with self._guard:
            number = len(self._turns)
            turn, name = self._turns.setdefault(
                digest, (threading.Lock(), self._place / (f"environment-{number}" if number else "environment"))
            )
        with turn:
            if digest not in self._made:
                made, _ = environment.ensure(self._place, makeup, self._place)
                link(made.prefix.name, name)
                self._made[digest] = name, made.prefix
            return self._made[digest]
