"""Takes down what is logged during a play, and leaves `logging` as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..clock import current_clock
from ..clock.patching import replaced
from ..model.trace import LogRecord
from .recorder import Recorder, current_exchange, steady, text_of

MOST = 1000
"""Records that are taken down of one play."""
CHATTY = ("asyncio", "httpcore", "httpx", "urllib3")
"""Loggers of libraries that log each of their steps at level DEBUG."""


@contextmanager
def logs_noted(recorder: Recorder) -> Iterator[None]:
    """Take down what is logged, at any level, whatever handlers there are for it."""
    real = logging.Logger.callHandlers

    def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
        _note(recorder, record)
        real(logger, record)

    with _settings_kept(), replaced(logging.Logger, callHandlers=call_handlers):
        logging.root.addHandler(logging.NullHandler())  # else Python prints what nobody handles
        logging.root.setLevel(logging.DEBUG)
        logging.disable(logging.NOTSET)
        yield


def _note(recorder: Recorder, record: logging.LogRecord) -> None:
    if current_clock() is not recorder.clock or len(recorder.logs) >= MOST:
        return
    if recorder.is_over(recorder.clock.now):
        return
    if record.levelno <= logging.DEBUG and record.name.startswith(CHATTY):
        return
    error = record.exc_info[1] if record.exc_info else None
    recorder.logs.append(
        LogRecord(
            logger=record.name,
            level=record.levelname,
            message=_message_of(record),
            at=recorder.moment(),
            extra=_extra_of(record),
            error=type(error).__name__ if error is not None else None,
            error_text=text_of(error)[:1000] if error is not None else "",
            exchange=current_exchange.get(),
            line=recorder.lines.of_error(error) if error is not None else None,
        )
    )


def _message_of(record: logging.LogRecord) -> str:
    try:
        return steady(record.getMessage()[:1000])
    except Exception:  # the arguments do not fit; logging itself only prints that
        return steady(str(record.msg)[:1000])


def _extra_of(record: logging.LogRecord) -> dict[str, str]:
    """What was given as `extra`: the attributes that not every record has."""
    given = vars(record).keys() - _EVERY_RECORDS
    return {name: text_of(vars(record)[name])[:1000] for name in sorted(given)}


_EVERY_RECORDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}
"""Attributes of each record; the last two come from formatters."""


@contextmanager
def _settings_kept() -> Iterator[None]:
    """A play may configure logging as it likes: the next one in this process begins anew."""
    disabled = logging.root.manager.disable
    kept = {logger: _settings(logger) for logger in _loggers()}
    try:
        yield
    finally:
        logging.disable(disabled)
        for logger in _loggers():
            vars(logger).update(kept.get(logger) or _settings(logging.Logger(logger.name)))
        logging.root.manager._clear_cache()  # type: ignore[attr-defined]


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]


def _settings(logger: logging.Logger) -> dict[str, Any]:
    return {
        "level": logger.level,
        "disabled": logger.disabled,
        "propagate": logger.propagate,
        "handlers": [*logger.handlers],
        "filters": [*logger.filters],
    }
