"""Write a small checkout that builds, tests and serves at once, and say what to commit."""

from __future__ import annotations

from eggcarton.commands import vendor
from eggcarton.commands.call import Call
from eggcarton.packages import new_checkout
from eggcarton.packages.new_checkout import arguments

__all__ = ["HELP", "arguments", "run"]

HELP = "write a small checkout that builds, tests and serves at once, and say what to commit"


def run(call: Call) -> int:
    """Write the checkout with what it needs of ours, and tell how to go on."""
    for line in new_checkout.begin(call.options, vendor.ours()):
        print(line)
    return 0
