"""What a process may do because of who it is, and how it gives that up (Linux)."""

from __future__ import annotations

import ctypes
import struct
import sys

_PR_SET_NO_NEW_PRIVS = 38
_VERSION_3 = 0x20080522
_DAC_OVERRIDE = 1 << 1
"""The one capability that root keeps: to reach a server's socket that is another user's."""


def give_up_privileges() -> None:
    """Keep nothing that root may do, but for files; what is started gets no more than that."""
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack("Ii", _VERSION_3, 0)
    held = ctypes.create_string_buffer(24)
    library.capget(header, held)
    permitted = struct.unpack("6I", held.raw)[1] & _DAC_OVERRIDE
    library.capset(header, struct.pack("6I", permitted, permitted, 0, 0, 0, 0))
