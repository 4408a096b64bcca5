"""Answer the requests of one build: a line of JSON in, lines of JSON out, until the input ends."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from eggcarton.child import provide, render, toolchain
from eggcarton.core.errors import EggcartonError
from eggcarton.packages import develop

OPERATIONS: dict[str, Callable[..., Any]] = {
    "prepare": provide.prepare,
    "provide": provide.provide,
    "toolchain": toolchain.provide,
    "lock-toolchain": toolchain.lock,
    "develop": develop.build,
    "render": render.render,
}


def main() -> None:
    """Serve requests on the standard streams; whatever else prints goes to the standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": OPERATIONS[request["operation"]](**request["arguments"])}
        except EggcartonError as error:
            answer = {"error": str(error), "exit_code": error.exit_code}
        except OSError as error:
            answer = {
                "error": f"{error.strerror or error}: {error.filename or request['operation']}",
                "exit_code": 1,
            }
        except Exception:
            answer = {
                "error": f"a fault in eggcarton itself, please report it:\n{traceback.format_exc()}",
                "exit_code": 1,
            }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
