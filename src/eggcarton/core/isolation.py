"""How far a script is kept apart from what else is on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

GUARD = "EGGCARTON_ISOLATION"
"""The environment variable by which the Pythons that a script starts know that they are kept apart too.

It is meant for those of the script's own environment: a script that is less isolated does not hand it on.
"""

MEASURED = "EGGCARTON_COVERAGE"
"""The environment variable by which the Pythons that measured tests start know what measures them too."""

HEARD_ISOLATED = ("PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__")
"""The variables that CPython hears even in isolated mode, from 3.11 on: they name the interpreter of an environment.

Source: Modules/getpath.py.
"""

# Isolated mode ignores the others, but does not bind the processes that a script starts.
_LEADING_ELSEWHERE = (
    *HEARD_ISOLATED,
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
)


@dataclass(frozen=True, slots=True)
class Isolation:
    """What an interpreter and the processes that it starts take no notice of.

    Args:
        flags: the options of the interpreter, as one word; empty for none.
        scrubbed: the environment variables that are not handed on.
        handed_on: environment variables that are set for the processes that it starts.
    """

    flags: str
    scrubbed: tuple[str, ...]
    handed_on: tuple[tuple[str, str], ...] = ()

    @property
    def is_alone(self) -> bool:
        """Whether nothing is imported from beside a program."""
        return self.flags == "-I"

    def with_site_packages(self) -> Isolation:
        """Return this for an environment that sees the machine's site-packages.

        Python would add the user's own to that, but for its -I and -s; what a script starts has neither.
        """
        if not self.flags:
            return self
        return Isolation(self.flags, self.scrubbed, (*self.handed_on, ("PYTHONNOUSERSITE", "1")))


FULL = Isolation("-I", _LEADING_ELSEWHERE, ((GUARD, "full"),))
"""Only the environment and the standard library, also in the Pythons of the environment that a script starts."""

OPEN_BELOW = Isolation("-I", (*_LEADING_ELSEWHERE, GUARD))
"""As full, but for the working directory of the Pythons that a script starts: tests make programs, and run them."""

AS_STARTED = Isolation("-I", _LEADING_ELSEWHERE)
"""As full where a script that is so has started it, else open below: for the programs of an environment itself."""

USER = Isolation("-Es", (*_LEADING_ELSEWHERE, GUARD))
"""Without PYTHONPATH and the user's site-packages; a program's own directory is imported from, as in any Python."""

NONE = Isolation("", (GUARD,))
"""As any Python of a virtual environment."""

BY_NAME: Mapping[str, Isolation] = MappingProxyType({"full": FULL, "user": USER, "none": NONE})
"""The values of the option `isolation`."""
