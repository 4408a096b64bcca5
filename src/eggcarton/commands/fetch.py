"""Bring here all that the locks name: into the cache, or into a directory to carry away."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eggcarton.buildout import asking, building, needs
from eggcarton.buildout.extends import Extends
from eggcarton.buildout.session import Session
from eggcarton.commands import vendor
from eggcarton.commands.call import Call
from eggcarton.core.errors import Drift, UsageProblem

HELP = (
    "fetch all that the locks name into the cache, or into a bundle: a directory from which bootstrap.py builds where "
    "there is no network; 3 where a platform lacks something"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command may be told."""
    parser.add_argument(
        "--to",
        metavar="DIR",
        help="the bundle; files with wrong bytes in it are replaced, all else in it is left alone",
    )
    parser.add_argument(
        "--platform",
        action="append",
        default=[],
        metavar="NAME",
        help="a platform to fetch for and all newer ones of its kind, such as manylinux_2_28_x86_64 or "
        "macosx_11_0_arm64, or a name of uv's; several with commas, or given again; all for what any needs; without "
        "it, this one",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="VERSION",
        help="a version of Python to fetch for, such as 3.12; several likewise, or all; without it, this one",
    )
    parser.add_argument(
        "--simple",
        action="store_true",
        help="write index pages into the bundle, so that pip and uv can install from it",
    )


def run(call: Call) -> int:
    """Fetch, and say what was fetched, what was wrong, and what a platform will lack."""
    options = call.options
    if options.to == "":
        raise UsageProblem("--to names no directory; name one, or leave it out to fill the cache")
    if options.to is None and options.simple:
        raise UsageProblem("--simple writes pages into a bundle; name that with --to DIR")
    if options.to is not None:
        vendor.check_place(Path(options.to))
    with call.session() as session, TemporaryDirectory(prefix="eggcarton-ours-") as ours:
        asking.check_offline(session)
        for name, data in vendor.ours().items():
            Path(ours, name).write_bytes(data)
        told = session.child.ask(
            "fetch-locked",
            **_locked(session, Extends.of(options.config).place),
            platform=options.platform,
            python=options.python,
            sources=session.sources,
            ours=ours,
            to=options.to and os.path.abspath(options.to),
            index=options.simple,
        )
    for line in _lines(told, options.to):
        print(line)
    for line in told["lacking"]:
        print(f"Not complete: {line}.")
    return Drift.exit_code if told["lacking"] or told["changed"] else 0


def _locked(session: Session, extends: Path) -> dict[str, Any]:
    """Return where it is locked what is fetched, and the addresses that the configuration asks for."""
    orders = [asking.order_of_parts(session, group, []) for group in asking.groups(session)]
    asked = [pair for order in [*orders, *session.others] for pair in order["needs"]]
    paths = [*map(session.lock_of, session.groups()), *(other["lock"] for other in session.others)]
    return {
        "paths": list(dict.fromkeys(map(str, paths))),
        "builds": str(building.lock_of(session)),
        "given": sorted({requirement for requirement, _ in asked}),
        "extends": str(extends),
        "downloads": {
            "files": [pair for part in needs.of_parts(session.sections) for pair in part.downloads],
            "kept": str(session.records / "state" / "downloads"),
        },
    }


def _lines(told: Mapping[str, Any], to: str | None) -> Iterator[str]:
    """Give what was done, a line each."""
    for place in told["replaced"]:
        yield f"replaced, since its bytes were wrong: {to}/{place}"
    for name in told["changed"]:
        yield f"kept, since it was changed by hand: {to}/{name}; remove it and fetch again to have ours"
    number, fetched, kept = told["files"], told["fetched"], told["kept"]
    came = f"{fetched} fetched ({told['bytes'] / 1e6:.1f} MB)" if fetched else "none fetched"
    where = f", {kept} there already" if to else ""
    yield f"{to or 'The cache'}: {number} file{'s' * (number != 1)} for {', '.join(told['targets'])}: {came}{where}."
    for line in told["built"]:
        yield f"{line}: it is built there from source, and where that is in C a compiler is needed."
    if to:
        yield f"There, python3 {to}/bootstrap.py CHECKOUT --from {to} builds without a network."
