"""Answer the requests of one build: a line of JSON in, lines of JSON out, until the input ends."""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from eggcarton.child import run
from eggcarton.core.errors import EggcartonError

OPERATIONS = {
    "ready": "eggcarton.child.provide:ready",
    "prepare": "eggcarton.child.provide:prepare",
    "provide": "eggcarton.child.provide:provide",
    "locked-names": "eggcarton.child.provide:locked_names",
    "toolchain": "eggcarton.child.toolchain:provide",
    "lock-toolchain": "eggcarton.child.toolchain:lock",
    "develop": "eggcarton.child.develop:build",
    "metadata": "eggcarton.child.develop:metadata",
    "source": "eggcarton.child.sources:provide",
    "renew-builds": "eggcarton.child.building:renew",
    "require": "eggcarton.child.develop:require",
    "verify": "eggcarton.child.verify:verify",
    "right-caches": "eggcarton.child.verify:right_caches",
    "read-extends": "eggcarton.child.extends:read",
    "write-extends": "eggcarton.child.extends:write",
    "fetch": "eggcarton.child.downloads:fetch",
    "retrieve": "eggcarton.child.downloads:retrieve",
    "render": "eggcarton.child.render:render",
    "why": "eggcarton.child.inspect:why",
    "diff": "eggcarton.child.inspect:diff",
    "outdated": "eggcarton.child.inspect:outdated",
    "unanswered": "eggcarton.child.inspect:unanswered",
    "read-requirements": "eggcarton.child.requirements:read",
    "export": "eggcarton.child.exchange:export",
    "import": "eggcarton.child.exchange:bring_in",
    "check-mirrors": "eggcarton.child.mirrors:check",
    "examine": "eggcarton.child.doctor:examine",
    "unlisted": "eggcarton.child.freeze:unlisted",
    "fetch-locked": "eggcarton.child.fetching:fetch",
}
"""What can be asked for; its module is imported when it is."""


def _operation(name: str) -> Callable[..., Any]:
    module, _, attribute = OPERATIONS[name].partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found


def main() -> None:
    """Serve requests on the standard streams; whatever else prints goes to the standard error."""
    gc.disable()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _serve(answers)
    except KeyboardInterrupt:
        # Not sys.exit: that would wait for the threads of downloads.
        os._exit(130)
    except BrokenPipeError:
        # Whoever asked was killed meanwhile; nobody is left to be told of it.
        os._exit(1)


def _serve(answers: TextIO) -> None:
    writing = threading.Lock()

    def write(answer: dict[str, Any]) -> None:
        with writing:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()

    # What is told at once comes as a line of its own before the answer.
    requests = run.begin(lambda sentence: write({"told": {"warnings": [sentence]}}))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer: dict[str, Any] = {"result": _operation(request["operation"])(**request["arguments"])}
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
        if told := requests.told():
            answer["told"] = told
        write(answer)
        _look_for_garbage()


def _look_for_garbage() -> None:
    """Begin to, but never look through what has been imported by then, which lives to the end."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(50_000)
        gc.enable()


if __name__ == "__main__":
    main()
