"""What of zc.recipe.egg's documents is exchanged for ours."""

from __future__ import annotations

from support import eggdocs


def test_only_the_names_of_recipes_are_exchanged() -> None:
    """The name after the colon stays, and so does what else is named like the distribution."""
    text = "recipe = zc.recipe.egg\nrecipe = zc.recipe.egg:eggs\nrecipe = zc.recipe.eggs\nimport zc.recipe.egg\n"
    expected = "recipe = eggcarton\nrecipe = eggcarton:eggs\nrecipe = zc.recipe.eggs\nimport zc.recipe.egg\n"
    assert expected == eggdocs.exchanged(text)
