"""Loggers that a play does not listen to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Keep a driver from logging every step that it takes, unless the app has set its level.

    A play records all that is logged, and each step of a driver is of no interest.
    """
    log = logging.getLogger(name)
    before = log.level
    if before == logging.NOTSET:
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(before)
