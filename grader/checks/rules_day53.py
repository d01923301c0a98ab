"""What goes wrong in the exercises of day 53, and in no other lesson."""

from __future__ import annotations

from grader.checks import Case, Finding, rule


@rule("success-logged-as-error", "log")
def success_logged_as_error(case: Case) -> Finding | None:
    """Work that is done is logged as an error.

    Errors in a log raise alarms. If success raises them too, nobody looks any more.

    Instead: `log.info(...)` for what went well, `log.exception(...)` for what failed.
    """
    failed = {call.exchange for call in case.got.calls() if call.how != "done"}
    for log in case.got.logs:
        if log.level in ("ERROR", "CRITICAL") and log.error is None and log.exchange not in failed:
            said = f'"{log.message}" is logged as {log.level}, and nothing has failed.'
            return Finding(None, f"{said} At which level does your code log success?")
    return None
