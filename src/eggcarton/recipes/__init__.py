"""One module a recipe, each with `Options` and `plan`."""
