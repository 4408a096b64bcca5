"""What the recipe template says that a template may use is what it may use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from eggcarton.core.layout import Environment, Layout
from eggcarton.core.options import read_options
from eggcarton.core.plan import Rendered
from eggcarton.recipes import template

SECTION = {"eggs": "guestbook", "input": "inline:text", "output": "text", "secret-file": "secret"}


def names(variables: Mapping[str, object]) -> Iterator[str]:
    """Give the names of variables, and those in each mapping that is one."""
    for name, value in variables.items():
        yield name
        if isinstance(value, Mapping):
            yield from names(value)


def test_the_page_names_all_that_a_template_may_use(tmp_path: Path) -> None:
    """Every variable that a template gets, and everything in it, stands in the text that heads the reference page."""
    environment = Environment(
        python=tmp_path / "bin/python",
        prefix=tmp_path,
        site_packages=tmp_path / "site-packages",
        distributions=(("zope-interface", "8.0"),),
        entry_points=(),
        digest="",
        store=tmp_path,
    )
    options = read_options(template.Options, "settings", SECTION).options
    [item] = template.plan(options, Layout.under(tmp_path, "settings"), environment).items
    assert isinstance(item, Rendered)
    told = set(re.findall(r"[a-z][a-z_-]+", template.__doc__ or ""))
    assert set() == set(names(item.variables)) - told
