"""One lock for several configurations: what all of them need together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eggcarton.core.errors import UsageProblem
from eggcarton.packages import while_running
from eggcarton.packages.needs import Need, Needs, Terms, pin_of

_TERMS = {
    "asked_python": "[eggcarton] requires-python",
    "exclude_newer": "[eggcarton] exclude-newer",
    "final": "[buildout] prefer-final",
    "indexes": "[eggcarton] indexes",
}


def of(needs: Needs, others: Mapping[str, Needs]) -> Needs:
    """Return the needs of one configuration with those of others, each told with the name of its file.

    Args:
        others: needs by the name of the configuration they come from.

    Raises:
        UsageProblem: the configurations exclude each other, so that no lock could serve them all.
    """
    together = needs
    for name, other in others.items():
        together = _with(together, other, name)
    return together


def _with(needs: Needs, other: Needs, name: str) -> Needs:
    for field, option in _TERMS.items():
        here, there = _term(needs.terms, field), _term(other.terms, field)
        if here != there:
            raise UsageProblem(
                f"{option} is {_word(there)} in {name} and {_word(here)} in the configuration that is run; one lock "
                "serves both, so give both the same, or take one out of 'configs' in [eggcarton]"
            )
    developed = {package.name: package for package in needs.develop}
    for package in other.develop:
        if developed.get(package.name, package).version != package.version:
            raise UsageProblem(
                f"{package.name} is developed at {package.version} by {name} and at "
                f"{developed[package.name].version} by the configuration that is run; one lock serves both, so let "
                "both develop the same"
            )
    known = {(need.requirement, need.asked_by) for need in needs.needs}
    added = [need for need in other.needs if (need.requirement, need.asked_by) not in known]
    pinned = {line for line in other.pins.items() if line not in needs.pins.items()}
    constraints = [Need(f"{key}{pin_of(key, value)}", f"[versions] of {name}") for key, value in sorted(pinned)]
    constraints += [line for line in other.constraints if line not in needs.constraints]
    return replace(
        needs,
        needs=(*needs.needs, *(Need(need.requirement, f"{need.asked_by} of {name}") for need in added)),
        develop=(*needs.develop, *(package for package in other.develop if package.name not in developed)),
        constraints=(*needs.constraints, *constraints),
        hashes=_hashes(needs.hashes, other.hashes),
        machine=(*needs.machine, *(package for package in other.machine if package not in needs.machine)),
        working_sets=(*needs.working_sets, *other.working_sets),
        while_running=while_running.together(needs.while_running, other.while_running),
    )


def _term(terms: Terms, field: str) -> Any:
    return not terms.prereleases if field == "final" else getattr(terms, field)


def _hashes(one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    both = {key: one[key] & other[key] for key in one.keys() & other.keys()}
    return {**one, **other, **both}


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{' '.join(names)} at {index}" for index, names in value.items()) or "all at one"
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
