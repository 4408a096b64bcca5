"""The cases of a part: named parameter sets that its tests run with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping

VARIABLE = "EGGCARTON_CASES"
"""Names the file of the cases, a JSON object of their names and of an object of keys and texts each."""


class Case(Mapping[str, str]):
    """One set of parameters, `case["KEY"]` or `case.KEY`, with the name of the case as `case.name`."""

    def __init__(self, name: str, values: Mapping[str, str]) -> None:
        self.name, self._values = name, dict(values)

    def __getitem__(self, key: str) -> str:
        """Return the text of a key."""
        return self._values[key]

    def __getattr__(self, key: str) -> str:
        """Return the text of a key."""
        values = self.__dict__.get("_values", {})
        if key not in values:
            raise AttributeError(f"the case {self.__dict__.get('name')} has no {key}: it has {', '.join(values)}")
        return str(values[key])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._values)

    def __repr__(self) -> str:
        """Return name and parameters."""
        return f"Case({self.name!r}, {self._values!r})"


def told() -> list[Case]:
    """Return the cases that the environment tells of, in the order of their lines."""
    path = os.environ.get(VARIABLE)
    if not path:
        return []
    with open(path, encoding="utf-8") as stream:
        return [Case(name, values) for name, values in json.load(stream).items()]
