"""Projects for each way in which a version comes from version control, and for compiled modules."""

from __future__ import annotations

# Name of the tool -> its pyproject.toml, without the name of the project.
VERSIONED = {
    "setuptools-scm": """
        [build-system]
        requires = ["setuptools<80", "setuptools-scm"]
        build-backend = "setuptools.build_meta"

        [project]
        name = "NAME"
        dynamic = ["version"]

        [tool.setuptools_scm]
        version_file = "src/NAME/_version.py"
        """,
    "hatch-vcs": """
        [build-system]
        requires = ["hatchling", "hatch-vcs"]
        build-backend = "hatchling.build"

        [project]
        name = "NAME"
        dynamic = ["version"]

        [tool.hatch.version]
        source = "vcs"

        [tool.hatch.build.hooks.vcs]
        version-file = "src/NAME/_version.py"
        """,
    "pdm": """
        [build-system]
        requires = ["pdm-backend"]
        build-backend = "pdm.backend"

        [project]
        name = "NAME"
        dynamic = ["version"]

        [tool.pdm.version]
        source = "scm"
        """,
    "poetry-dynamic-versioning": """
        [build-system]
        requires = ["poetry-core", "poetry-dynamic-versioning"]
        build-backend = "poetry_dynamic_versioning.backend"

        [project]
        name = "NAME"
        dynamic = ["version"]

        [tool.poetry]
        packages = [{ include = "NAME", from = "src" }]
        version = "0.0.0"

        [tool.poetry-dynamic-versioning]
        enable = true
        """,
}
IGNORED = "__pycache__\n*.egg-info\n_version.py\n.pdm-build\nbuild\n*.so\n"
