"""The recipes as zc.buildout loads them: our one adapter over each module of ``eggcarton.recipes``."""

from __future__ import annotations

from functools import partial

from eggcarton.buildout.part import Part

scripts = partial(Part, "scripts")
eggs = partial(Part, "eggs")
test = partial(Part, "test")
coverage = partial(Part, "coverage")
wsgi = partial(Part, "wsgi")
template = partial(Part, "template")
pins = partial(Part, "pins")
mirrors = partial(Part, "mirrors")
