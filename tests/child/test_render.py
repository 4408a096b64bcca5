"""Templates are filled in as they stand, and what nobody defined is an error with its place."""

from __future__ import annotations

from typing import Any

import pytest

from eggcarton.child.render import render
from eggcarton.core.errors import EggcartonError


@pytest.mark.parametrize(
    ("template", "variables", "expected"),
    [
        ("a = {{ a }}\n", {"a": 1}, "a = 1\n"),
        ("no line end", {}, "no line end"),
        ("two\n\n", {}, "two\n\n"),
        ("{{ a }}", {"a": "<b>&\"'"}, "<b>&\"'"),
        ("ä {{ a }}", {"a": "€\U0001f95a"}, "ä €\U0001f95a"),
        ("{% for n in names %}{{ n }};{% endfor %}", {"names": ["a", "b"]}, "a;b;"),
        ("{{ a.b.c }} {{ a['d-e'] }}", {"a": {"b": {"c": 1}, "d-e": 2}}, "1 2"),
        ("{{ a | default('none') }}{% if b is defined %}b{% endif %}", {}, "none"),
        ("$ ${a} %(a)s {a}", {"a": 1}, "$ ${a} %(a)s {a}"),
        ("one\r\ntwo\r\n", {}, "one\ntwo\n"),
        ("", {}, ""),
    ],
)
def test_rendering(template: str, variables: dict[str, Any], expected: str) -> None:
    """Variables are filled in unescaped, and everything else stays; line ends are those of Unix."""
    assert expected == render(template, "a.in", variables)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("one\n{{ nothing }}\n", "a.in, line 2: 'nothing' is undefined; the template may use known, other"),
        ("{{ known.more }}", "a.in, line 1: 'str object' has no attribute 'more'; the template may use known, other"),
        ("{{ known.more() }}", "a.in, line 1: 'str object' has no attribute 'more'; the template may use known, other"),
        ("{% if nothing %}{% endif %}", "a.in, line 1: 'nothing' is undefined; the template may use known, other"),
        ("\n\n{% for %}", "a.in, line 3: Expected an expression, got 'end of statement block'"),
        ("{{ 'a' }\n", "a.in, line 1: unexpected '}'"),
        ("{% if known %}", "a.in, line 1: Unexpected end of template."),
        ("\n{{ known + 1 }}", 'a.in, line 2: TypeError: can only concatenate str (not "int") to str'),
        ("{{ 1 / 0 }}", "a.in, line 1: ZeroDivisionError: division by zero"),
        ("{{ known | nofilter }}", "a.in, line 1: No filter named 'nofilter'."),
        ("{% include 'other' %}", "a.in, line 1: TypeError: no loader for this environment specified"),
    ],
)
def test_errors(template: str, told: str) -> None:
    """What is wrong with a template is told with its name, its line and, where that helps, what it may use."""
    with pytest.raises(EggcartonError) as caught:
        render(template, "a.in", {"known": "x", "other": "y"})
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("\n{{ buildout.ect }}", "a.in, line 2: 'buildout.ect' is undefined; buildout has etc, root, sub"),
        ("{{ buildout['ect'] }}", "a.in, line 1: 'buildout.ect' is undefined; buildout has etc, root, sub"),
        ("{{ buildout.sub.x }}", "a.in, line 1: 'buildout.sub.x' is undefined; buildout.sub has nothing"),
        ("{{ buildout.etc.x }}", "a.in, line 1: 'str object' has no attribute 'x'; the template may use buildout, "),
        ("{{ buildout.ect.x.y }}", "a.in, line 1: 'buildout.ect' is undefined; buildout has etc, root, sub"),
        ("{{ many['interface'] }}", "a.in, line 1: 'many.interface' is undefined; many has z-interface and 21 others"),
        ("{{ many.quite }}", "a.in, line 1: 'many.quite' is undefined; many has 22 others"),
        ("{% for x in [1] %}{{ loop.nope }}{% endfor %}", "a.in, line 1: 'jinja2.runtime.LoopContext object' has no"),
    ],
)
def test_names_that_a_mapping_does_not_have(template: str, told: str) -> None:
    """A name that one of the mappings does not have is told in full, with those it has, or those that are like it."""
    variables = {
        "buildout": {"root": "/", "etc": "/etc", "sub": {}},
        "many": {f"p{n}": n for n in range(21)} | {"z-interface": 8},
    }
    with pytest.raises(EggcartonError) as caught:
        render(template, "a.in", variables)
    assert str(caught.value).startswith(told)


def test_names_that_are_asked_for() -> None:
    """Whether a name is there may be asked of a mapping too, without an error."""
    assert "none no" == render("{{ a.b | default('none') }} {{ 'yes' if a.b is defined else 'no' }}", "a.in", {"a": {}})
