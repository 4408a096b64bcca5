"""The recipes by the name that stands after the colon in ``recipe = eggcarton:NAME``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType

from eggcarton.core.names import canonical_name

OURS = "eggcarton"
"""The distribution that our recipes are of."""


class _Recipes(Mapping[str, ModuleType]):
    """Imports a module when it is asked for: most runs use one or two, and one without changes may use none."""

    _names = ("default", "scripts", "eggs", "test", "coverage", "wsgi", "template", "pins", "mirrors")

    def __getitem__(self, name: str) -> ModuleType:
        if name not in self._names:
            raise KeyError(name)
        return import_module(f"eggcarton.recipes.{'scripts' if name == 'default' else name}")

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


RECIPES: Mapping[str, ModuleType] = _Recipes()
"""The module of each recipe, by its name."""


def ours(values: Mapping[str, str]) -> str | None:
    """Return which of our recipes a section names, known or not, and None where it has none or that of others.

    >>> ours({"recipe": "eggcarton:test"}), ours({"recipe": "eggcarton"})
    ('test', 'default')
    >>> ours({"recipe": "zc.recipe.egg:scripts"}), ours({"eggs": "app"})
    (None, None)
    """
    distribution, _, name = values.get("recipe", "").strip().partition(":")
    return (name or "default") if canonical_name(distribution.strip()) == OURS else None
