"""Where the modules of develop packages are, for scripts of a zc.buildout that does not read ``.pth`` files.

``develop-eggs`` holds the metadata of a develop package and a ``.pth`` file that leads to its modules. zc.buildout 6
puts what that names on the path of scripts; 5.2 puts nothing there but the places of distributions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zc.buildout import easy_install

from eggcarton.core.layout import canonical_name
from eggcarton.core.pth import named_by

if TYPE_CHECKING:
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
    for session in () if hasattr(easy_install, "get_pth_paths") else running:
        modules = _of_modules(session, call.arguments["working_set"])
        call.arguments["extra_paths"] = [*modules, *call.arguments.get("extra_paths", ())]
    return original(*call.args, **call.kwargs)


def _of_modules(session: Session, working_set: Any) -> Iterator[str]:
    for dist in working_set:
        package = session.developed.get(canonical_name(dist.project_name))
        for name in package.files if package else ():
            if name.endswith(".pth"):
                yield from map(str, named_by(session.develop_eggs / name))
