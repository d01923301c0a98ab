"""A forkserver in a container: its players have a file of a stranger's to themselves.

The forkserver that has paid for the imports forks one that enters the container. It takes a fork
to enter a namespace of processes, so there is a process in between, which waits for its end.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NoReturn

from ..processes.channel import Channel
from ..processes.container import Container
from ..processes.limits import adopt_orphans

if TYPE_CHECKING:
    from .world import World

NOT_ENTERED = 3
"""The exit status of the process in between where the kernel lets it not in."""


def serve_contained(container: Container, control: socket.socket, world: World) -> NoReturn:
    """What a forked process does with the rest of its life: be a forkserver in a container.

    Args:
        control: the socket to the judge.
        world: what a play must not replace.
    """
    from .forkserver import Forkserver

    try:
        container.enter()
        container.forget()
        if pid := os.fork():
            control.close()
            os.waitpid(pid, 0)
        else:
            adopt_orphans()
            Forkserver(control, Channel(control), world, is_contained=True).run()
    except OSError:
        os._exit(NOT_ENTERED)
    finally:
        os._exit(0)
