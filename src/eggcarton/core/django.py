"""The options by which parts name the settings of Django."""

from __future__ import annotations

from eggcarton.core.code_readers import module_name
from eggcarton.core.layout import Environment
from eggcarton.core.options import option

# What djangorecipe takes where only the project is named.
_USUAL = "development"


def settings() -> str | None:
    """Declare the settings module."""
    return option(
        module_name,
        "The settings module of Django, such as guestbook.settings, for the runner django and for pytest-django. As"
        " with manage.py, DJANGO_SETTINGS_MODULE in the environment comes before it.",
        default=None,
        aliases=("dotted-settings-path",),
    )


def project() -> str | None:
    """Declare the package that settings without a dot are in."""
    return option(
        module_name,
        "The package that the settings module is in, where settings has no dot; with it alone, that module is"
        f" {_USUAL}. As in djangorecipe.",
        default=None,
    )


def without_effect(project: str | None, settings: str | None, runner: str, environment: Environment) -> tuple[str, ...]:
    """Return what the user should hear where settings are named that the runner does not use."""
    is_used = runner == "django"
    need, advice = f"{runner} does not set Django up", "say runner = django"
    if runner == "pytest":
        is_used = any(name == "pytest-django" for name, _ in environment.distributions)
        need, advice = "pytest sets Django up only with pytest-django", "add that to eggs"
    if is_used or (project is None and settings is None):
        return ()
    name = "project" if settings is None else "settings"
    effect = f"option '{name}' has no effect but that DJANGO_SETTINGS_MODULE is set"
    return (f"{effect}: {need}; {advice}, or leave the option out",)


def settings_module(project: str | None, settings: str | None) -> dict[str, object]:
    """Return what a script is told of the settings, nothing where none are named."""
    if project is None:
        return {} if settings is None else {"django_settings": settings}
    name = settings or _USUAL
    return {"django_settings": name if "." in name else f"{project}.{name}"}
