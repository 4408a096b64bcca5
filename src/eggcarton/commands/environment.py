"""Tell what a part can import and from where, and what is different from another part or another build."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from eggcarton.buildout import last_run
from eggcarton.buildout.built import Built
from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift, UsageProblem
from eggcarton.packages import inventory, inventory_difference
from eggcarton.packages.inventory import Inventory

HELP = "tell what a part can import, from where, with which digest; 3 where one differs or is not built"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument("part", nargs="?", metavar="PART", help="the part; without it, one line for each")
    parser.add_argument("other", nargs="?", metavar="OTHER", help="another part, whose differences are told")
    parser.add_argument(
        "--against",
        metavar="DIRECTORY|DIGEST",
        help="another build, whose differences are told: its directory, one environment of it, or the digest of that",
    )


def run(call: Call) -> int:
    """Print what an environment is, or what is different; 3 where something is."""
    part, other, against = call.options.part, call.options.other, call.options.against
    if against is not None and (part is None or other is not None):
        raise UsageProblem("--against compares one part with itself in another build; name that one part")
    built = Built(call.buildout())
    if part is None:
        rows = list(_overview(built))
        width = max(len(name) for name, _, _ in rows)
        is_whole = all(stands for _, _, stands in rows)
        remark = None if is_whole else last_run.remark(built.buildout, call.options.config)
        told = [f"{name.ljust(width)}  {what}" for name, what, _ in rows]
        print("\n".join([*told, remark] if remark else told))
        return 0 if is_whole else Drift.exit_code
    found = _inventory(call, built, part)
    if against is not None and re.fullmatch("[0-9a-f]{64}", against):
        told = [] if found.digest == against else [f"The digest of [{part}] is {found.digest}, not {against}."]
    elif against is not None:
        second = built.elsewhere(part, Path(against))
        told = inventory_difference.differences(found, second, "here", f"in {against}")
    elif other is not None:
        told = inventory_difference.differences(found, built.inventory(other), f"in [{part}]", f"in [{other}]")
    else:
        print("\n".join(inventory.lines(found, lasting=built.lasting(part), isolation=built.isolation(part))))
        return 0
    same = f"[{part}] imports the same {f'as [{other}]' if other else 'there'}: digest {found.digest}."
    print("\n".join(told or [same]))
    return Drift.exit_code if told else 0


def _inventory(call: Call, built: Built, part: str) -> Inventory:
    """Return what the environment of a part is; where it is not built, the configuration that was is named."""
    try:
        return built.inventory(part)
    except (Drift, UsageProblem) as problem:
        remark = last_run.remark(built.buildout, call.options.config)
        raise type(problem)(f"{problem}\n{remark}") if remark else problem from problem


def _overview(built: Built) -> Iterator[tuple[str, str, bool]]:
    """Give each part that has an environment or is still to be built, what that is, and whether it stands.

    Parts that share one tell so.
    """
    first: dict[Path, str] = {}
    for part in built.parts():
        try:
            found = built.inventory(part)
        except Drift as drift:
            yield part, str(drift), False
            continue
        if found.prefix in first:
            yield part, f"the environment of {first[found.prefix]}", True
        else:
            first[found.prefix] = part
            yield part, f"{_size(found)}, {found.told(found.prefix)}", True
    yield from ((part, "not built yet; run bin/buildout", False) for part in built.to_come())


def _size(found: Inventory) -> str:
    number = len(found.distributions)
    return f"{number} distribution{'' if number == 1 else 's'}"
