"""Where the modules of develop packages are, for scripts that zc.buildout writes: they read no ``.pth`` files.

``develop-eggs`` holds the metadata of a develop package and a ``.pth`` file that leads to its modules. zc.buildout 6
puts what that names on the path of scripts; 5.2 puts nothing there but the places of distributions. Neither runs the
finder that such a file may name instead, as that of a package beside its ``setup.py`` does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zc.buildout import easy_install

from eggcarton.core.names import canonical_name
from eggcarton.core.pth import named_by
from eggcarton.packages import modules

if TYPE_CHECKING:
    from eggcarton.buildout.develop import Developed
    from eggcarton.buildout.developed_by_parts import DevelopedByPart
    from eggcarton.buildout.session import Session


def scripts(
    running: Sequence[Session], original: Callable[..., Any], given: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """Write scripts that find the modules of the develop packages in their working set.

    Args:
        running: the session, where there is one.
        original: zc.buildout's own way, with what it was ``given`` and ``named``.
    """
    call = inspect.signature(original).bind(*given, **named)
    for session in running:
        found = [_modules(session, package) for package in _developed(session, call.arguments["working_set"])]
        places = dict.fromkeys(str(path) for paths, _ in found for path in paths)
        call.arguments["extra_paths"] = [*places, *call.arguments.get("extra_paths", ())]
        lines = [line for _, lines in found for line in lines]
        call.arguments["initialization"] = "\n".join([*lines, call.arguments.get("initialization", "")])
    return original(*call.args, **call.kwargs)


def _developed(session: Session, working_set: Any) -> Iterator[Developed | DevelopedByPart]:
    for dist in working_set:
        package = session.developed.get(canonical_name(dist.project_name))
        if package is not None:
            yield package


def _modules(session: Session, package: Developed | DevelopedByPart) -> tuple[list[Path], list[str]]:
    """Return what a package has on the path, and the lines that let it be imported where no path can say that.

    zc.buildout's own develop packages have the directory on the path that a package lies in, with all beside it.
    """
    files = [session.develop_eggs / name for name in package.files if name.endswith(".pth")]
    paths = [] if hasattr(easy_install, "get_pth_paths") else [path for file in files for path in named_by(file)]
    roots = [_root(name, place) for name, place in modules.find(session.develop_eggs, package.files).found.items()]
    if None not in roots:
        return paths + [root for root in roots if root is not None], []
    texts = (file.read_text("utf-8") for file in files if not file.stem.endswith("-nspkg"))
    # The finder that such a line names lies beside it.
    lines = [line for text in texts for line in text.splitlines() if line.startswith("import ")]
    return [*paths, session.develop_eggs], lines


def _root(name: str, place: Path) -> Path | None:
    """Return the directory by which a module is found, None where it is called otherwise than its file."""
    names = tuple(name.split("."))
    place = place.with_suffix("") if place.suffix == ".py" else place
    return place.parents[len(names) - 1] if place.parts[-len(names) :] == names else None
