"""The process that judges. It serves one request after another, and stays warm.

It is a process of its own so that in watch mode the keys answer at any time, so that a class is
graded on all cores, and so that a grading that isn't wanted any more can be ended like any process.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from ..processes import spawn

if TYPE_CHECKING:
    from ..judge.grading import Grading
    from ..processes.channel import Channel
    from .messages import GradeReply, GradeRequest


def main() -> None:
    """Serve the socket given as file descriptor, until it closes or SIGTERM arrives."""
    signal.signal(signal.SIGTERM, _exit)
    spawn.start_worker_ahead()  # the worker imports while we do
    gc.disable()
    from ..judge import plugin  # noqa: F401  as long as there is nothing to tidy up
    from ..judge.grading import Grading
    from ..processes.channel import Channel
    from ..processes.handshake import Hello

    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    channel.send(Hello())
    with contextlib.suppress(KeyboardInterrupt), Grading() as grading:
        signal.signal(signal.SIGTERM, _interrupt)
        gc.freeze()
        _serve(channel, grading)
    os._exit(0)  # nothing is left to tidy up, and the parent may wait for the end


def _exit(*_: object) -> None:
    spawn.end_unused_worker()
    os._exit(0)


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # tidying up is not to be interrupted
    raise KeyboardInterrupt


def _serve(channel: Channel, grading: Grading) -> None:
    from ..processes.channel import ChannelClosed
    from .messages import GradeRequest

    with contextlib.suppress(ChannelClosed):
        while True:
            channel.send(_answer(channel.receive(GradeRequest), grading))
            gc.collect()  # while the learner reads


def _answer(request: GradeRequest, grading: Grading) -> GradeReply:
    from ..course.catalog import lesson
    from ..model.errors import CourseError
    from ..processes.container import lacks_for_containers
    from .messages import GradeReply

    try:
        if request.is_one_of_many:
            grading.processes = 1
        grading.is_contained = request.is_strangers and not lacks_for_containers()
        report = grading.grade(
            lesson(request.lesson),
            Path(request.file),
            request.numbers,
            request.seed,
            request.shown_as,
            request.source,
        )
        return GradeReply(report)
    except CourseError as error:
        return GradeReply(None, error.problem, error.remedy)
    except Exception:
        return GradeReply(None, traceback.format_exc(), "please report the text above")
