"""What tests say of a trace. What fails shows the picture of time."""

from __future__ import annotations

from itertools import combinations

from ..model.trace import Incident, Span, Trace


def assert_overlaps(trace: Trace, *names: str) -> None:
    """The calls of these collaborators were under way at the same time, each pair of them.

    Args:
        names: of collaborators; without any, all calls of the play.

    Raises:
        AssertionError: one call ended before another began, or one was never made.
    """
    calls = trace.calls()
    for name in names:
        if not any(call.name == name for call in calls):
            raise AssertionError(_with_picture(f"{name} was never called", trace))
    chosen = [call for call in calls if not names or call.name in names]
    for first, second in combinations(chosen, 2):
        if not _overlap(first, second):
            raise AssertionError(_with_picture(_apart(first, second), trace))


def _overlap(first: Span, second: Span) -> bool:
    return first.start < second.end and second.start < first.end


def _apart(first: Span, second: Span) -> str:
    return (
        f"{first.name}{_line(first.line)} was over at {first.end.seconds:g} s, before "
        f"{second.name}{_line(second.line)} began at {second.start.seconds:g} s"
    )


def assert_never_blocks(trace: Trace) -> None:
    """The event loop was never blocked.

    Raises:
        AssertionError: it was, at a line that the error names.
    """
    blocked = [incident for incident in trace.incidents if incident.kind == "loop-blocked"]
    if blocked:
        lines = "\n".join(f"  {_blocked(incident)}" for incident in blocked[:5])
        raise AssertionError(_with_picture(f"the event loop was blocked:\n{lines}", trace))


def _blocked(incident: Incident) -> str:
    return f"for {incident.seconds:g} s by {incident.detail or 'a call'}{_line(incident.line)}"


def assert_nothing_left(trace: Trace) -> None:
    """Nothing that the app began was still going on when it was down, or got lost.

    Raises:
        AssertionError: a call, a task, a connection or a coroutine was left behind.
    """
    left = [_left(span) for span in trace.spans if span.how == "open"]
    left += [
        f"{incident.kind}: {incident.detail}{_line(incident.line)}"
        for incident in trace.incidents
        if incident.kind in _LOST
    ]
    if left:
        lines = "\n".join(f"  {what}" for what in left[:5])
        raise AssertionError(_with_picture(f"something was left behind:\n{lines}", trace))


_LOST = frozenset({"never-awaited", "task-unreferenced", "exception-unretrieved"})


def _left(span: Span) -> str:
    return f"{span.kind} {span.name or span.task}{_line(span.line)}, since {span.start.seconds:g} s"


def _line(line: int | None) -> str:
    return f" (line {line})" if line else ""


def _with_picture(words: str, trace: Trace) -> str:
    from ..render.timeline import timeline

    return f"{words}\n\n{timeline(trace)!s}"
