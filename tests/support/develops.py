"""Projects for each way in which a version comes from version control."""

from __future__ import annotations

_PROJECT = """\
[build-system]
requires = [{requires}]
build-backend = "{backend}"

[project]
name = "NAME"
dynamic = ["version"]

{settings}
"""


def _project(requires: str, backend: str, *settings: str) -> str:
    return _PROJECT.format(requires=requires, backend=backend, settings="\n".join(settings))


# Name of the tool -> its pyproject.toml, without the name of the project.
VERSIONED = {
    "setuptools-scm": _project(
        '"setuptools<80", "setuptools-scm"',
        "setuptools.build_meta",
        "[tool.setuptools_scm]",
        'version_file = "src/NAME/_version.py"',
    ),
    "hatch-vcs": _project(
        '"hatchling", "hatch-vcs"',
        "hatchling.build",
        "[tool.hatch.version]",
        'source = "vcs"',
        "[tool.hatch.build.hooks.vcs]",
        'version-file = "src/NAME/_version.py"',
    ),
    "pdm": _project('"pdm-backend"', "pdm.backend", "[tool.pdm.version]", 'source = "scm"'),
    "poetry-dynamic-versioning": _project(
        '"poetry-core", "poetry-dynamic-versioning"',
        "poetry_dynamic_versioning.backend",
        "[tool.poetry]",
        'packages = [{ include = "NAME", from = "src" }]',
        'version = "0.0.0"',
        "[tool.poetry-dynamic-versioning]",
        "enable = true",
    ),
}
IGNORED = "__pycache__\n*.egg-info\n_version.py\n.pdm-build\nbuild\n*.so\n"
