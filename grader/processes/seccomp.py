"""A filter of system calls, by which a process gives them up for good (Linux).

The kernel takes a program of its classic packet filter, which sees the number of a call and its
arguments, but nothing that these point to. See
https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterable
from typing import NamedTuple

from .privileges import give_up_privileges

_PR_SET_SECCOMP, _FILTER = 22, 2


class Architecture(NamedTuple):
    """What the kernel calls things on one kind of processor.

    Attributes:
        audit: the architecture itself.
        setpriority: a call whose first two arguments say whose priority it sets.
        on_itself: calls whose first argument is a process; 0 is the one that calls.
        refused: the calls that a player has no use for.
    """

    audit: int
    clone: int
    socket: int
    setpriority: int
    on_itself: tuple[int, ...]
    refused: tuple[int, ...]


_EVERYWHERE = (
    *(425, 426, 427),  # io_uring_*: does what other calls do, unseen by filters
    *(428, 429, 430, 431, 432, 433, 442),  # open_tree, move_mount, fs*, mount_setattr
    *(438, 440, 447, 448),  # pidfd_getfd, process_madvise, memfd_secret, process_mrelease
    *(452, 463, 466, 469),  # fchmodat2, setxattrat, removexattrat, file_setattr
)
"""Calls whose numbers are the same on every architecture."""

_ARCHITECTURES = {
    "x86_64": Architecture(
        0xC000003E,
        clone=56,
        socket=41,
        setpriority=141,
        on_itself=(302, 203, 144, 142, 314),  # prlimit64, sched_set*
        refused=(
            *(101, 310, 311, 312),  # ptrace, process_vm_readv and _writev, kcmp
            *(165, 166, 155, 161, 272, 308),  # mount, umount2, pivot_root, chroot, unshare, setns
            *(321, 298, 323, 319),  # bpf, perf_event_open, userfaultfd, memfd_create
            *(248, 249, 250),  # add_key, request_key, keyctl
            *(29, 30, 31, 64, 65, 66, 68, 69, 70, 71),  # System V: shm*, sem*, msg*
            *(240, 241, 242, 243, 244, 245),  # POSIX message queues, which stay
            *(246, 320, 175, 313, 176, 169),  # kexec_*, *_module, reboot
            *(163, 167, 168, 103, 179),  # acct, swap*, syslog, quotactl
            *(164, 227, 159, 305, 170, 171),  # clocks and names of the machine
            *(300, 303, 304),  # fanotify_init, name_to_handle_at, open_by_handle_at
            *(251, 256, 279),  # ioprio_set, migrate_pages, move_pages
            # What Landlock lets everyone do to files that can't be opened:
            *(90, 91, 268, 92, 93, 94, 260),  # chmod, chown and the like
            *(132, 235, 261, 280),  # utime and the like
            *(188, 189, 190, 197, 198, 199),  # *setxattr, *removexattr
        ),
    ),
    "aarch64": Architecture(
        0xC00000B7,
        clone=220,
        socket=198,
        setpriority=140,
        on_itself=(261, 122, 119, 118, 274),
        refused=(
            *(117, 270, 271, 272),
            *(40, 39, 41, 51, 97, 268),
            *(280, 241, 282, 279),
            *(217, 218, 219),
            *(194, 195, 196, 190, 191, 193, 186, 187, 188, 189),
            *(180, 181, 182, 183, 184, 185),
            *(104, 294, 105, 273, 106, 142),
            *(89, 224, 225, 116, 60),
            *(170, 112, 171, 266, 161, 162),
            *(262, 264, 265),
            *(30, 238, 239),
            *(52, 53, 54, 55),
            *(88,),
            *(5, 6, 7, 14, 15, 16),
        ),
    ),
}
_CLONE3 = 435
_X32 = 0x40000000
"""Numbers from here on are those of another set of calls that x86-64 has."""
_NEW_NAMESPACES = 0x7E020000
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)
"""The kinds of sockets that there may be; 16 is netlink, by which addresses are looked up."""

Instruction = tuple[int, int, int, int]
"""Code, how far to jump if it holds and if it doesn't, and a number."""

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW = (_RETURN, 0, 0, 0x7FFF0000)


def is_available() -> bool:
    """Whether the kernel takes filters, and we know its numbers."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return False
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_SECCOMP, _FILTER, None, 0, 0)  # that it can't read None shows that it is
    return ctypes.get_errno() == errno.EFAULT


def refuse_calls() -> None:
    """Give up the calls by which a process reaches into others, into the kernel, or out of limits.

    Raises:
        OSError: the kernel refuses.
    """
    install(_program(_ARCHITECTURES[platform.machine()]))


def install(program: Iterable[Instruction]) -> None:
    """Put a filter on this thread, and on all that it starts.

    Raises:
        OSError: the kernel refuses.
    """
    give_up_privileges()  # the kernel wants to see that before
    instructions = [struct.pack("=HBBI", *instruction) for instruction in program]
    code = ctypes.create_string_buffer(b"".join(instructions))
    described = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.c_char_p(described), 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _program(architecture: Architecture) -> list[Instruction]:
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, architecture.audit),
        _refuse(errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, _X32),
        _refuse(errno.ENOSYS),
        *refusal(_CLONE3, errno.ENOSYS),  # whose flags can't be seen; clone comes in its place
        *(part for number in architecture.refused for part in refusal(number, errno.EPERM)),
        *(part for number in _EVERYWHERE for part in refusal(number, errno.EPERM)),
        *(part for number in architecture.on_itself for part in _on_itself(number, 1)),
        *_on_itself(architecture.setpriority, 2),
        (_IF_EQUAL, 0, 4, architecture.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        _refuse(errno.EPERM),
        _ALLOW,
        (_IF_EQUAL, 0, 2 + len(_FAMILIES), architecture.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *((_IF_EQUAL, len(_FAMILIES) - at, 0, family) for at, family in enumerate(_FAMILIES)),
        _refuse(errno.EAFNOSUPPORT),
        _ALLOW,
    ]


def refusal(number: int, error: int) -> list[Instruction]:
    """The instructions that let a call fail, where its number is loaded."""
    return [(_IF_EQUAL, 0, 1, number), _refuse(error)]


def _on_itself(number: int, arguments: int) -> list[Instruction]:
    """The instructions that let a call fail unless its first arguments are 0."""
    checks: list[Instruction] = []
    for left in range(arguments, 0, -1):
        checks += [(_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * (arguments - left))]
        checks += [(_IF_EQUAL, 0, 2 * left - 1, 0)]
    return [(_IF_EQUAL, 0, len(checks) + 2, number), *checks, _ALLOW, _refuse(errno.EPERM)]


def _refuse(error: int) -> Instruction:
    return (_RETURN, 0, 0, 0x00050000 | error)
