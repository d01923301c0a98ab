"""The date and time at which a play begins."""

from __future__ import annotations

import datetime

from .errors import UsageError

_TOO_LATE = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC).timestamp()


def timestamp(now: datetime.datetime | float) -> float:
    """A date and time as `time.time()` tells it.

    Args:
        now: a datetime with a time zone, or seconds since 1970 in UTC.

    Raises:
        UsageError: it is neither, or no play can begin there.
    """
    if isinstance(now, datetime.datetime):
        if now.tzinfo is None:
            raise UsageError(f"now={now!r} has no time zone", "add one, such as tzinfo=UTC")
        now = now.timestamp()
    if isinstance(now, bool) or not isinstance(now, int | float):
        raise UsageError(f"now={now!r} isn't a date and time", "give a datetime or a timestamp")
    if not 0 <= now < _TOO_LATE:
        raise UsageError(f"now={now!r} isn't between 1970 and 9999", "give a timestamp in seconds")
    return float(now)
