"""Makes a script that serves a WSGI application in the foreground, as process supervisors want it."""

from __future__ import annotations

from dataclasses import dataclass

from eggcarton.core import imports
from eggcarton.core.code_readers import Application, application
from eggcarton.core.errors import OptionProblems
from eggcarton.core.launchers import launcher
from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import PART_NAME, option
from eggcarton.core.plan import File, OwnedDirectory, Plan, runtime_source
from eggcarton.core.readers import Listen, assignments, choice, integer, listen, requirements
from eggcarton.core.script import Start, runtime_body

__all__ = ["Options", "plan"]

_GROUP = "paste.app_factory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Which application is served, by which server, and where."""

    eggs: tuple[str, ...] = option(
        requirements,
        "The distributions that the application needs, one requirement a line.",
        default=PART_NAME,
    )
    application: Application = option(
        application,
        "The application: module:callable, module:factory() where calling makes it, or egg:NAME#ENTRY for an"
        " entry point of the group paste.app_factory (egg:NAME for the one called main).",
    )
    server: str = option(choice("waitress"), "The server.", default="waitress")
    listen: Listen = option(
        listen, "Where the server listens; port 0 lets the system choose one.", default="127.0.0.1:8080"
    )
    threads: int = option(integer(1, 9999), "How many requests are answered at once.", default="4")
    environment: tuple[tuple[str, str], ...] = option(
        assignments, "Environment variables for the application, KEY=VALUE, one a line.", default=""
    )
    allowed_eggs_from_site_packages: tuple[str, ...] = imports.allowed_eggs_from_site_packages()

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the part imports."""
        return (*self.eggs, self.server)


def plan(options: Options, layout: Layout, environment: Environment | None) -> Plan:
    """Return the plan of the script and of the file it calls.

    Raises:
        OptionProblems: when no distribution is named, or an entry point is asked for that none has.
    """
    if not options.eggs:
        raise OptionProblems(layout.part, ["option 'eggs' is empty: there is nothing that has an application"])
    if environment is None:
        return Plan(())
    server = layout.location / "serve.py"
    script = layout.bin / layout.part
    settings = {
        **_target(options.application, layout, environment),
        "listen": str(options.listen),
        "threads": options.threads,
        "program": layout.part,
    }
    start = Start(python=environment.python, root=layout.movable)
    body = runtime_body(start, script, server, options.environment, settings)
    return Plan(
        (
            OwnedDirectory(layout.location),
            File(server, runtime_source("serve")),
            *launcher(layout, start, layout.part, body),
        ),
        {
            "bin-directory": str(layout.bin),
            "listen": str(options.listen),
            "location": str(layout.location),
            "script": str(script),
        },
    )


def _target(wanted: Application, layout: Layout, environment: Environment) -> dict[str, str]:
    """Return the settings that name the application."""
    if wanted.kind != "paste":
        return {"module": wanted.where, "attribute": wanted.name, "kind": wanted.kind}
    point = environment.find(_GROUP, wanted.name, wanted.where)
    if point is None:
        there_are = sorted(
            f"egg:{point.distribution}#{point.name}" for point in environment.entry_points if point.group == _GROUP
        )
        known = f"there are {', '.join(there_are)}" if there_are else "no distribution here has one"
        problem = f"option 'application': egg:{wanted.where}#{wanted.name} is no entry point of {_GROUP}: {known}"
        raise OptionProblems(layout.part, [problem])
    return {"module": point.module, "attribute": point.attribute, "kind": "paste"}
