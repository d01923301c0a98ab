"""All rules, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.report import Diagnosis
from . import (
    answers,
    bodies,
    connections,
    databases,
    departures,
    dependencies,
    errors,
    events,
    exhaustion,
    finishing,
    listening,
    lives,
    outcomes,
    overload,
    pool_waits,
    pooled,
    refusals,
    resources,
    retries,
    sockets,
    statements,
    timeouts,
    timing,
    upstreams,
    values,
    work,
)
from .case import Case
from .registry import Rule

MOST = 3
"""Diagnoses given for one failed check, each of another line. A learner mends one at a time."""

RULES: tuple[Rule, ...] = (
    # A play that did not finish, or an app that did not start, has one cause. Those that know it
    # go before those that know no more than how it ended.
    connections.wrong_loop,
    connections.concurrent_operations,
    listening.listens_for_each,
    statements.statement_goes_on,
    statements.statement_without_limit,
    exhaustion.connection_leaked,
    connections.connection_held_while_waiting,
    exhaustion.two_connections,
    pool_waits.gave_up_waiting,
    pool_waits.gave_up_its_turn,
    upstreams.retry_without_limit,
    retries.tried_too_often,
    lives.task_cancelled_in_vain,
    lives.startup_waits,
    timing.wait_too_long,
    outcomes.syntax_error,
    outcomes.import_failed,
    outcomes.factory_missing,
    outcomes.factory_failed,
    outcomes.not_an_app,
    outcomes.stuck,
    outcomes.waits_by_the_clock,
    outcomes.endless_loop,
    outcomes.process_died,
    outcomes.process_out_of_memory,
    outcomes.output_flood,
    outcomes.too_much,
    connections.pool_not_opened,
    connections.other_database,
    lives.worker_died,
    listening.not_opened_anew,
    work.lifespan_failed,
    outcomes.startup_failed,
    # Before the errors that come of a session that is not the same any more.
    pooled.session_state_lost,
    # What became of the data explains wrong answers, and errors, that come of it.
    databases.sql_injection,
    databases.table_emptied,
    listening.not_one_transaction,
    databases.answered_before_commit,
    databases.given_back_late,
    databases.not_committed,
    statements.not_atomic,
    statements.refused_and_committed,
    statements.text_as_pattern,
    statements.several_snapshots,
    databases.lost_update,
    databases.conflict_not_retried,
    # An app that doesn't listen opens its connections for something else.
    listening.not_listening,
    # The kind of connection explains errors that drivers raise.
    connections.shared_connection,
    connections.pool_per_request,
    connections.pool_too_large,
    answers.missing_route,
    sockets.not_accepted,
    # An app that hears nothing has nothing to tell.
    listening.listens_in_vain,
    listening.listens_late,
    listening.wrong_reconnect_pauses,
    # What begins too late, or too often, explains what comes of it.
    lives.begun_by_request,
    lives.asked_by_request,
    lives.pool_opened_by_request,
    lives.shared_task_cancelled,
    errors.memory_error,
    # What blocks the loop makes everything late, time limits and other requests included.
    timing.loop_blocked,
    timing.thread_pool_exhausted,
    sockets.slow_client_delays,
    upstreams.retry_unsafe,
    upstreams.client_per_request,
    upstreams.unbounded_fan_out,
    upstreams.unbounded_calls,
    retries.repeated_unsafely,
    retries.tried_in_vain,
    overload.full_pool_retried,
    # Before the errors that come of a coroutine, a generator or a variable in the wrong place.
    work.never_awaited_then_used,
    resources.generator_shared,
    # What is kept, or shared while it is under way, is told as that.
    timing.kept_for_one_alone,
    timing.waits_for_the_call_of_another,
    overload.failure_kept,
    answers.race,
    work.work_awaited_too_early,
    answers.bad_request_accepted,
    work.failure_not_logged,
    refusals.done_before_refused,
    errors.left_to_the_server,
    retries.not_tried_again,
    errors.scenario_fault_unhandled,
    errors.dependency_swallows,
    errors.response_does_not_fit,
    events.generator_cancelled,
    errors.raised,
    answers.request_refused,
    answers.refused_by_own_code,
    errors.error_hidden,
    errors.error_logged,
    # Before the rules of time: what was never awaited, or dropped, takes none.
    lives.startup_error_swallowed,
    work.never_awaited,
    work.task_reference_lost,
    lives.shutdown_waits_too_long,
    retries.no_jitter,
    retries.wrong_range,
    timeouts.not_cancelled,
    statements.statement_given_up_early,
    statements.statement_given_up_late,
    pool_waits.pool_wait_without_limit,
    pool_waits.pool_wait_too_long,
    pool_waits.pool_wait_not_counted,
    timeouts.cancellation_swallowed,
    timeouts.no_timeout,
    timeouts.late_timeout,
    timeouts.early_timeout,
    retries.given_up_between_tries,
    databases.not_stored,
    statements.rows_read_at_once,
    databases.query_per_row,
    databases.queries_in_turn,
    connections.pool_too_small,
    databases.needless_query,
    connections.pool_not_closed,
    upstreams.client_not_closed,
    # The life of the app: what it refuses, shares, keeps going and ends.
    departures.place_not_freed,
    lives.not_refused,
    overload.place_lost,
    overload.too_few_places,
    overload.refused_needlessly,
    overload.refused_too_soon,
    overload.out_of_turn,
    lives.header_missing,
    lives.timeout_mistaken,
    lives.too_many_at_once,
    lives.too_few_at_once,
    lives.interval_drifts,
    overload.told_of_another,
    lives.asked_again,
    lives.kept_too_long,
    retries.pause_after_the_last,
    retries.wrong_pause,
    lives.task_outlives_app,
    lives.slow_shutdown,
    # A second call makes an answer late as well: it goes before the rules about waits.
    finishing.half_stored,
    finishing.finished_twice,
    finishing.ended_beside_another_end,
    finishing.left_unfinished,
    answers.called_with_nothing,
    resources.called_twice,
    resources.called_in_vain,
    timing.awaited_in_turn,
    timing.out_of_order,
    timeouts.needless_timeout,
    errors.unhandled,
    timing.answered_without_asking,
    answers.not_called,
    # Events and messages: how they are written, then which there are, and when they come.
    events.event_framing,
    events.event_not_json,
    events.event_encoded_twice,
    events.last_event_id_ignored,
    events.event_without_id,
    resources.generator_left_open,
    events.stream_silent,
    sockets.wrong_close_code,
    sockets.closed_early_or_late,
    sockets.socket_left_open,
    sockets.socket_closed,
    sockets.message_unasked,
    sockets.message_lost,
    events.event_unasked,
    events.event_lost,
    events.events_late,
    resources.stream_buffered,
    resources.stream_goes_on,
    resources.cancellation_ignored,
    work.work_inline,
    work.work_before_response,
    work.work_lost,
    lives.work_lost_at_shutdown,
    work.task_left_running,
    refusals.body_read_whole,
    refusals.pieces_kept,
    answers.error_leaked,
    refusals.input_repeated,
    refusals.data_leaked,
    answers.handled_error_leaked,
    timing.serialized,
    resources.cancelled_call_answers,
    resources.shared_connection,
    resources.closed_too_early,
    resources.closed_twice,
    resources.closed_too_late,
    resources.not_closed,
    lives.lifespan_order,
    overload.stale_fallback,
    overload.fallback_unsaid,
    answers.error_swallowed,
    answers.failure_unsaid,
    answers.cut_off_by_another,
    answers.wrong_error_name,
    work.error_unretrieved,
    work.error_not_logged,
    lives.failure_not_logged,
    work.logged_too_much,
    work.not_logged,
    work.misfit_not_logged,
    work.log_too_vague,
    # Bodies: what is wrong with all of it, then where it comes from, then one place in it.
    bodies.refused_change_found,
    bodies.wrong_media_type,
    bodies.nothing_returned,
    bodies.encoded_twice,
    bodies.not_json,
    bodies.tasks_returned,
    bodies.wrapped,
    bodies.bare,
    bodies.wrong_order,
    values.counted_from_start,
    values.digits_lost,
    values.time_changed,
    values.unsent_changed,
    bodies.change_lost,
    bodies.kept_between_requests,
    bodies.pages_overlap,
    bodies.counted_the_page,
    bodies.wrong_length,
    bodies.renamed_member,
    bodies.swapped_values,
    bodies.missing_member,
    bodies.extra_member,
    bodies.wrong_type,
    # What FastAPI does around an endpoint.
    dependencies.dependency_solved_again,
    dependencies.dependency_missing,
    dependencies.dependencies_out_of_order,
    dependencies.cleanup_at_wrong_time,
    dependencies.handled_elsewhere,
    dependencies.validated_otherwise,
    # What differs, if nothing says why.
    statements.database_not_asked,
    lives.asked_too_often,
    lives.wrong_moment,
    answers.wrong_status,
    bodies.wrong_body,
    values.stored_otherwise,
    answers.wrong_argument,
    sockets.wrong_message,
    answers.wrong_header,
    work.any_task_reference_lost,
    timing.wrong_time,
    answers.different,
)
"""Causes before what they bring about: the first that fits is what the learner reads first."""


def diagnose(case: Case, own: Iterable[Rule] = ()) -> tuple[Diagnosis, ...]:
    """What is behind a failed check, most likely cause first; never empty.

    Args:
        own: the lesson's own rules, which are asked before all others.
    """
    found: dict[str, Diagnosis] = {}
    for rule in (*own, *RULES):
        if len(found) >= MOST:
            break
        if found and rule.is_general:
            continue
        diagnosis = rule(case)
        if diagnosis is not None and diagnosis.line not in {one.line for one in found.values()}:
            found.setdefault(diagnosis.id, diagnosis)
    return tuple(found.values())


def documentation(id_: str) -> str:
    """What `grade explain` says of an id; empty if no rule has it."""
    texts = [rule.documentation for rule in RULES if rule.id == id_]
    return next((text for text in texts if INSTEAD in text), "")


INSTEAD = "Instead: "
"""How the last paragraph of a rule's documentation begins."""

IDS = tuple(sorted({rule.id for rule in RULES}))
"""The id of every misconception that is known."""

FALLBACKS = frozenset(
    {"different", "stored-otherwise", "wrong-argument", "wrong-body", "wrong-time"}
)
"""The ids that only say what differs. Where one of them comes first, nothing says why."""
