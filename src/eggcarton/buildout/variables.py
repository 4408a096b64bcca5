"""Environment variables that stand in a section of their own, which an option `environment` names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

from eggcarton.core.errors import OptionProblems

_OPTION = "environment"
_NONE_OF_THEM = frozenset({"<", "<part-dependencies>"})


def in_place(
    module: ModuleType, part: str, values: Mapping[str, str], section: Callable[[str], Mapping[str, str] | None]
) -> Mapping[str, str]:
    """Return a part's options in which the variables of a section stand where its name did.

    Args:
        section: gives the options of a section, None where there is no such one.

    Raises:
        OptionProblems: the section is that of a part, or a variable has several lines.
    """
    named = values.get(_OPTION, "").strip()
    is_read = _OPTION in getattr(module.Options, "__dataclass_fields__", {})
    found = section(named) if is_read and named and named != part and not set(named) & set("=\n") else None
    if is_read and (named == part or (found is not None and "recipe" in found)):
        raise OptionProblems(
            part, [f"option '{_OPTION}': [{named}] is a part; write the variables into another section"]
        )
    if found is None:
        return values
    lines = {name: value for name, value in found.items() if name not in _NONE_OF_THEM}
    several = sorted(name for name, value in lines.items() if "\n" in value)
    if several:
        problem = f"option '{_OPTION}': {several[0]} in [{named}] has several lines; a variable is set to one"
        raise OptionProblems(part, [problem])
    return {**values, _OPTION: "\n".join(f"{name}={value}" for name, value in lines.items())}
