"""Run a command to which the system refuses links, or a network: ``python denied.py symbolic COMMAND...``.

A filter in the kernel (seccomp) answers symlink(2) and symlinkat(2), for ``symbolic,hard`` link(2) and linkat(2) too,
with EPERM, as a file system does that knows no links. With ``network`` it kills whoever connects to an address
of the Internet's, so that no attempt goes unnoticed. (A socket alone says nothing: urllib3 makes one when it is
imported, to see whether there is IPv6.) Whatever the command starts is held by it as well. Where the system permits no
filter this ends with status 77 and says why.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence

UNABLE = 77
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# aarch64 has the calls with a directory only.
_NUMBERS = {
    "x86_64": {"symbolic": (88, 266), "hard": (86, 265)},
    "aarch64": {"symbolic": (36,), "hard": (37,)},
}
_CONNECT = {"x86_64": 42, "aarch64": 203}
# The lengths of struct sockaddr_in and sockaddr_in6; those of a local socket's address are others.
_INTERNET = (16, 28)
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


class _Program(ctypes.Structure):
    """Source: struct sock_fprog in linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def instructions(machine: str, kinds: Iterable[str]) -> bytes:
    """Return a filter that refuses these kinds of links, or connections.

    Source: struct seccomp_data in linux/seccomp.h: the number of the call is at 0, the architecture at 4, and the third
    argument, which for connect(2) is the length of an address, at 32.
    """
    if "network" in kinds:
        lengths = [(_EQUAL, len(_INTERNET) - place, 0, length) for place, length in enumerate(_INTERNET)]
        code = [
            (_LOAD, 0, 0, 4),
            (_EQUAL, 0, 5, _ARCHITECTURES[machine]),
            (_LOAD, 0, 0, 0),
            (_EQUAL, 0, 3, _CONNECT[machine]),
            (_LOAD, 0, 0, 32),
            *lengths,
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _KILL),
        ]
        return b"".join(struct.pack("HBBI", *instruction) for instruction in code)
    numbers = [number for kind in kinds for number in _NUMBERS[machine][kind]]
    code = [
        (_LOAD, 0, 0, 4),
        # Calls of another architecture go through: nothing here makes any.
        (_EQUAL, 0, len(numbers) + 1, _ARCHITECTURES[machine]),
        (_LOAD, 0, 0, 0),
        *((_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def refuse(kinds: Iterable[str]) -> None:
    """Let the system refuse these kinds of links, or connections, to this process, for good.

    Raises:
        OSError: where it permits no filter.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _NUMBERS:
        raise OSError(errno.ENOSYS, f"there is no filter for {sys.platform} on {machine}")
    code = instructions(machine, kinds)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    library = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_NO_NEW_PRIVS, 1, 0, 0, 0), (_SECCOMP, _FILTER, ctypes.byref(program))):
        if library.prctl(*arguments):
            raise OSError(ctypes.get_errno(), f"prctl({arguments[0]}): {os.strerror(ctypes.get_errno())}")


def reason(kinds: str = "symbolic") -> str:
    """Return why commands cannot be run so here; nothing where they can."""
    done = subprocess.run([*command(kinds), sys.executable, "-c", ""], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip()


def command(kinds: str) -> list[str]:
    """Return what to put before a command."""
    return [sys.executable, "-IS", __file__, kinds]


def main(words: Sequence[str]) -> None:
    """Become the command."""
    try:
        refuse(words[0].split(","))
    except OSError as error:
        print(f"{words[0]} cannot be refused here: {error.strerror}", file=sys.stderr)
        sys.exit(UNABLE)
    os.execvp(words[1], list(words[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
