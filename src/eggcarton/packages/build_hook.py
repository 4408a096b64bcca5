"""Run one hook of a build backend: a file that works alone, in a process of its own.

Argument: a JSON file that says what to build, and where to write the answer. Where a build is to be watched, the answer
has what `build_watch`, which lies beside this file then, has seen.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

_WATCHING = ("build_watch", "build_questions", "build_sight")


class Sorted:
    """What ``os.scandir`` returns, in an order that does not depend on the file system."""

    def __init__(self, entries: Any) -> None:
        with entries:
            self._entries = iter(sorted(entries, key=lambda entry: os.fsencode(entry.name)))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> Sorted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give nothing more."""
        self._entries = iter(())


def in_order() -> None:
    """Have directories listed in the same order everywhere: wheels are made in the order in which files are found."""
    listdir, scandir = os.listdir, os.scandir

    def listed(*arguments: Any, **named: Any) -> list[Any]:
        return sorted(listdir(*arguments, **named), key=os.fsencode)

    def scanned(*arguments: Any, **named: Any) -> Sorted:
        return Sorted(scandir(*arguments, **named))

    # Static, so that they do not become methods where a class has them, as pathlib's does in Python 3.10.
    os.listdir = staticmethod(listed)
    os.scandir = staticmethod(scanned)  # type: ignore[assignment]


def _metadata_hook(backend: Any) -> Any:
    """Return a hook that makes metadata and builds nothing, called as those that build are."""
    prepare = getattr(backend, "prepare_metadata_for_build_editable", None)
    return prepare and (lambda out, settings, metadata: prepare(out, settings))


def _egg_info(backend: Any, kind: str, out: str) -> str | None:
    """Have setuptools write its own metadata, too, which recipes look for, and return that of the wheel.

    It is what pip asks for before it builds a develop package; the build takes it, and does not make it once more.
    """
    prepare = getattr(backend, "prepare_metadata_for_build_editable", None)
    if kind != "editable" or prepare is None or "setuptools" not in sys.modules:
        return None
    return os.path.join(out, prepare(out, None))


def main() -> None:
    """Build what the first argument's file describes."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        wanted = json.load(stream)
    watching = {name: importlib.import_module(name) for name in _WATCHING} if wanted["watch"] is not None else {}
    # What lies beside this file is none of the build's business.
    sys.path.pop(0)
    in_order()
    if wanted["same_names"]:
        import tempfile

        # Names of temporary directories come into results; these are tried one after the other, as random ones are.
        tempfile._name_sequence = map("{:08d}".format, itertools.count())  # type: ignore[attr-defined]
    os.chdir(wanted["source"])
    sys.path[:0] = [os.path.join(wanted["source"], path) for path in wanted["backend_path"]]
    sys.argv[:] = ["setup.py"]
    watch = watching["build_watch"].start(wanted["source"], wanted["watch"], watching) if watching else None
    module, _, attributes = wanted["backend"].partition(":")
    backend = importlib.import_module(module)
    for name in filter(None, attributes.split(".")):
        backend = getattr(backend, name)
    told: list[str] = []
    answer: dict[str, object] = {"requires": told, "wheel": None}
    kind = "editable" if wanted["kind"] == "metadata" else wanted["kind"]
    hook = getattr(backend, f"build_{kind}", None)
    requires = getattr(backend, f"get_requires_for_build_{kind}", None)
    if wanted["kind"] == "metadata":
        hook = _metadata_hook(backend) or hook
    if hook is not None and requires is not None and wanted["ask_requires"]:
        told = answer["requires"] = list(requires(None))
    is_due = wanted["answered"] is not None and set(told) <= set(wanted["answered"])
    if hook is not None and is_due:
        answer["wheel"] = hook(wanted["out"], None, _egg_info(backend, wanted["kind"], wanted["out"]))
    answer["watched"] = watch.told() if watch is not None else None
    with open(wanted["answer"], "w", encoding="utf-8") as stream:
        json.dump(answer, stream)


if __name__ == "__main__":
    main()
