"""What a thread that is asleep in the kernel waits for, as the kernel reports it (Linux)."""

from __future__ import annotations

import platform
import re
import struct
from typing import Literal, NamedTuple

from .proc import part_of, text_of

WaitKind = Literal["lock", "sleep", "process", "read", "write", "unknown"]

_SYSTEM_CALLS: dict[str, dict[WaitKind, tuple[int, ...]]] = {
    "x86_64": {
        "lock": (202,),
        "sleep": (35, 230),
        "process": (61, 247),
        "read": (0, 7, 19, 23, 43, 45, 47, 232, 270, 271, 281, 288),
        "write": (1, 20, 42, 44, 46),
    },
    "aarch64": {
        "lock": (98,),
        "sleep": (101, 115),
        "process": (95, 260),
        "read": (22, 63, 65, 72, 73, 202, 207, 212, 242),
        "write": (64, 66, 203, 206, 211),
    },
}
_CALLS: dict[int, WaitKind] = {
    number: kind
    for kind, numbers in _SYSTEM_CALLS.get(platform.machine(), {}).items()
    for number in numbers
}
_MEMORY = "/proc/self/mem"
"""Memory of this process. What is not there any more is an error, not a crash."""
_POLL, _SELECT = {7, 271, 73}, {23, 270, 72}
_EPOLL = {232, 281, 22}


class Wait(NamedTuple):
    """What a thread waits for.

    Attributes:
        kind: a lock or another thread, a moment, a process, or something to read or write.
        files: the descriptors that it reads from; None where these cannot be known.
    """

    kind: WaitKind
    files: frozenset[int] | None = None


UNKNOWN = Wait("unknown")


def wait_of(thread: int, process: int | None = None) -> Wait:
    """What a thread waits for: of this process, or of a child process."""
    try:
        text = text_of(f"/proc/{process or 'self'}/task/{thread}/syscall")
        number, *arguments = (int(field, 0) for field in text.split())
    except (OSError, ValueError):  # it is running, gone, or not ours to look at
        return UNKNOWN
    kind = _CALLS.get(number, "unknown")
    if kind != "read" or process is not None:
        return Wait(kind)
    try:
        return Wait(kind, frozenset(_files(number, arguments)))
    except (OSError, struct.error):
        return Wait(kind)


def _files(number: int, arguments: list[int]) -> list[int]:
    if number in _POLL:
        raw = part_of(_MEMORY, arguments[0], 8 * min(arguments[1], 4096))
        return [file for file, _, _ in struct.iter_unpack("iHH", raw)]
    if number in _SELECT:
        count = min(arguments[0], 1024)
        raw = part_of(_MEMORY, arguments[1], (count + 7) // 8) if arguments[1] else b""
        return [bit for bit in range(count) if raw[bit // 8 : bit // 8 + 1] and _has(raw, bit)]
    if number in _EPOLL:
        text = text_of(f"/proc/self/fdinfo/{arguments[0]}")
        return [int(file) for file in re.findall(r"^tfd:\s*(\d+)", text, re.MULTILINE)]
    return arguments[:1]


def _has(bits: bytes, bit: int) -> bool:
    return bool(bits[bit // 8] >> bit % 8 & 1)
