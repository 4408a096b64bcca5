"""Our sections as recipes of others know those of zc.recipe.egg, which they ask for the eggs of a section."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

from eggcarton.buildout import egg_recipe
from eggcarton.core.errors import OptionProblems


def write(buildout: Any, name: str, options: Any) -> None:
    """Write into a section what zc.recipe.egg writes there when somebody asks it for the section's eggs.

    They may do so while another part is installed, and a section with another content than at the end of the last run
    would have its part installed anew.

    Raises:
        OptionProblems: zc.recipe.egg does not know what relative-paths says.
    """
    usual = buildout["buildout"].get("relative-paths", "false")
    if "relative-paths" in options and not options["relative-paths"].strip():
        # Left empty it is not set, which zc.recipe.egg does not know.
        options["relative-paths"] = usual
    relative = options.get("relative-paths", usual)
    if relative not in ("true", "false"):
        section = name if "relative-paths" in options else "buildout"
        problem = f"option 'relative-paths': {relative!r} is neither 'true' nor 'false', the only two spellings"
        raise OptionProblems(section, [problem])
    own = "index" in options
    egg_recipe.module(buildout).Scripts(buildout, name, options)
    options["executable"] = sys.executable
    if not own and "@" in urlsplit(options.get("index", "")).netloc:
        # What zc.buildout notes of its parts is no place for credentials.
        del options["index"]
