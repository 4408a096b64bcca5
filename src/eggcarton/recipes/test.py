"""Makes a script that runs tests, in an environment that holds what the tests need and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eggcarton.core import django, imports, matrices, prerequisites, services, tested
from eggcarton.core.cases import Case
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.matrices import RequirementSet
from eggcarton.core.plan import Plan
from eggcarton.core.prerequisites import Prerequisite

__all__ = ["Options", "plan"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is tested, by which runner, and where."""

    eggs: tuple[str, ...] = tested.eggs()
    runner: str | None = tested.runner()
    packages: tuple[str, ...] = tested.packages()
    settings: str | None = django.settings()
    project: str | None = django.project()
    defaults: tuple[str, ...] = tested.defaults()
    parallel: str | None = tested.parallel()
    fail_fast: bool = tested.fail_fast()
    timeout: float | None = tested.timeout()
    junit: Path | None = tested.junit()
    cases: tuple[Case, ...] = tested.cases()
    working_directory: Path = tested.working_directory()
    environment: tuple[tuple[str, str], ...] = tested.environment()
    environment_file: Path | None = tested.environment_file()
    initialization: str = tested.initialization()
    script: str = tested.script()
    services: tuple[str, ...] = services.services()
    requires: tuple[Prerequisite, ...] = prerequisites.requires()
    matrix: tuple[RequirementSet, ...] = matrices.matrix()
    pythons: tuple[str, ...] = matrices.pythons()
    matrix_script: str | None = matrices.matrix_script()
    matrix_parallel: str = matrices.matrix_parallel()
    matrix_timeout: float | None = matrices.matrix_timeout()
    extra_paths: tuple[Path, ...] = imports.extra_paths()
    allowed_eggs_from_site_packages: tuple[str, ...] = imports.allowed_eggs_from_site_packages()
    relative_paths: bool | None = imports.relative_paths()

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return tested.needed(self)

    @property
    def always_has_environment(self) -> bool:
        """Whether the part has one even where it imports nothing: unittest needs no distribution."""
        return True


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the script and of the files it calls."""
    if environment is None:
        return Plan(())
    made = tested.made(options, layout, environment, {})
    all_rows = matrices.made(options, layout, environment, made.script)
    outputs = {"bin-directory": str(layout.bin), "location": str(layout.location), "script": str(made.script)}
    remarks = (*made.remarks, *all_rows.remarks)
    return Plan((*made.items, *all_rows.items), {**outputs, **dict(all_rows.outputs)}, remarks=remarks)
