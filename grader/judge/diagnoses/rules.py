"""All rules, causes before symptoms."""

from __future__ import annotations

from ...model.report import Diagnosis
from . import (
    answers,
    bodies,
    connections,
    databases,
    errors,
    exhaustion,
    outcomes,
    resources,
    timing,
    upstreams,
    work,
)
from .case import Case, Rule

MOST = 3
"""Diagnoses given for one failed check. A learner mends one thing at a time."""

DIFFERENT = "What it does is not what is asked for: see what is expected, and what was got."

RULES: tuple[Rule, ...] = (
    databases.blocked_by_driver,
    exhaustion.no_connection_left,
    exhaustion.gave_up_waiting,
    connections.connected_too_early,
    upstreams.retry_without_limit,
    outcomes.ended_early,
    connections.pool_not_opened,
    work.lifespan_failed,
    databases.sql_injection,
    databases.table_emptied,
    databases.not_committed,
    databases.lost_update,
    databases.conflict_not_retried,
    connections.wrong_loop,
    connections.shared_connection,
    connections.pool_per_request,
    connections.pool_too_large,
    answers.missing_route,
    errors.memory_error,
    timing.loop_blocked,
    timing.thread_pool_exhausted,
    upstreams.retry_unsafe,
    upstreams.client_per_request,
    upstreams.unbounded_fan_out,
    work.never_awaited_then_used,
    answers.race,
    work.work_awaited_too_early,
    errors.raised,
    errors.error_hidden,
    errors.error_logged,
    work.never_awaited,
    work.task_reference_lost,
    timing.not_cancelled,
    timing.cancellation_swallowed,
    timing.no_timeout,
    timing.wrong_timeout,
    databases.not_stored,
    databases.query_per_row,
    databases.queries_in_turn,
    connections.connection_held_while_waiting,
    connections.pool_too_small,
    databases.needless_query,
    connections.pool_not_closed,
    upstreams.client_not_closed,
    resources.called_twice,
    timing.awaited_in_turn,
    timing.needless_timeout,
    errors.unhandled,
    answers.not_called,
    resources.stream_buffered,
    resources.cancellation_ignored,
    resources.generator_left_open,
    work.work_inline,
    work.work_before_response,
    work.work_lost,
    work.task_left_running,
    answers.error_leaked,
    timing.serialized,
    resources.cancelled_call_answers,
    resources.shared_connection,
    resources.closed_too_early,
    resources.closed_twice,
    resources.not_closed,
    answers.error_swallowed,
    work.not_logged,
    work.error_unretrieved,
    bodies.wrong_order,
    answers.wrong_status,
    bodies.wrong_body,
    answers.wrong_argument,
    work.any_task_reference_lost,
    answers.wrong_time,
)

GENERAL: tuple[Rule, ...] = (
    outcomes.ended_early,
    databases.needless_query,
    answers.race,
    timing.serialized,
    answers.wrong_status,
    bodies.wrong_body,
    answers.wrong_argument,
    work.any_task_reference_lost,
    answers.wrong_time,
)
"""Rules that speak only if no other has: they say that, and not why."""


def diagnose(case: Case) -> tuple[Diagnosis, ...]:
    """What is behind a failed check, most likely cause first; never empty."""
    found: dict[str, Diagnosis] = {}
    for rule in RULES:
        if len(found) >= MOST or (found and rule in GENERAL):
            continue
        for diagnosis in rule(case):
            found.setdefault(diagnosis.id, diagnosis)
    return tuple(found.values()) or (Diagnosis("different", None, DIFFERENT),)
