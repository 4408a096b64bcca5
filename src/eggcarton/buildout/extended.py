"""What other extensions, such as mr.developer, have made of a configuration, for commands that load none of them.

mr.developer adds its checkouts to ``develop``, and a part for its own script, each time that zc.buildout runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eggcarton.buildout import current
from eggcarton.buildout.recipes import OURS
from eggcarton.buildout.sections import Sections
from eggcarton.core import writing

_OPTIONS = ("develop", "parts")


def note(buildout: Any) -> None:
    """Note what the configuration that runs is by now, when all extensions have been loaded."""
    config, file = current.config(buildout), _file(buildout)
    known = _read(file)
    found = {key: value for key, value in known.items() if key != config}
    if config is not None and _others(buildout):
        values = {option: buildout["buildout"].get(option, "") for option in _OPTIONS}
        new = [name for name in buildout._raw if name not in buildout._annotated]
        # Rows of a matrix are made anew by whoever reads the configuration.
        sections = {name: dict(buildout._raw[name]) for name in new if Sections(buildout).made_of(name) is None}
        found[config] = {"written": _written(buildout), "values": values, "sections": sections}
    if found != known:
        writing.replace(file, json.dumps(found, indent=1, sort_keys=True))


def recall(buildout: Any) -> None:
    """Have a configuration that no extension has been loaded for be what it was at the end of the last run.

    Where it was changed since, the next run decides what becomes of it.
    """
    told = _read(_file(buildout)).get(current.config(buildout) or "")
    if told and told["written"] == _written(buildout):
        for name, raw in told["sections"].items():
            buildout._raw.setdefault(name, raw)
        for option, value in told["values"].items():
            buildout["buildout"][option] = value


def _file(buildout: Any) -> Path:
    return Path(buildout["buildout"]["parts-directory"], ".eggcarton", "state", "extended.json")


def _others(buildout: Any) -> list[str]:
    return [name for name in buildout["buildout"].get("extensions", "").split() if name != OURS]


def _written(buildout: Any) -> list[Any]:
    """Return what stands in the configuration, whatever an extension has made of it."""
    written = buildout._annotated.get("buildout", {})
    texts = [written[option].value if option in written else None for option in _OPTIONS]
    return [sorted(_others(buildout)), *texts]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found
