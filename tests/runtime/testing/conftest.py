"""What tests of running tests have at hand."""

from pathlib import Path

import pytest

from support.tested import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "my project")
