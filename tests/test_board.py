"""The board's app, played on the virtual clock."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from grader import (
    Fault,
    Outage,
    assert_never_blocks,
    assert_nothing_left,
    get,
    play,
    post,
    postgres,
)
from grader.board.access import Tokens
from grader.board.app import CONNECTIONS, BoardSettings, board_app
from grader.board.messages import MOST_BYTES
from grader.board.reports import MOST_WAITING
from grader.course.catalog import Exercise, Lesson
from grader.model.scenarios import Request
from grader.model.trace import Exchange, Trace

LESSON = Lesson("toy", "Waiting", 5, (Exercise(1, "A nap"), Exercise(2, "Two")), Exercise(0, "Up"))
TOKENS = Tokens(join="join-us", instructor="mine-alone")
LEARNER = {"Authorization": f"Bearer {TOKENS.join}"}
INSTRUCTOR = {"Authorization": f"Bearer {TOKENS.instructor}"}
STORED = "SELECT count(*) AS n FROM board.report"
BEGAN = "2026-01-01T00:00:00Z"
"""When plays begin."""


def report(learner: int = 1, id: int | None = None, **changes: Any) -> dict[str, Any]:
    """What `grade` sends of a learner who fails exercise 2."""
    return {
        "id": str(uuid.UUID(int=id) if id else uuid.uuid4()),
        "learner": str(uuid.UUID(int=learner)),
        "lesson": "toy",
        "graded_at": BEGAN,
        "exercises": [exercise(2, "failed", "awaited-in-turn")],
        **changes,
    }


def exercise(number: int, status: str, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"number": number, "status": status, "reason": reason, **more}


def reported(at: float = 1, learner: int = 1, **changes: Any) -> Request:
    return post("/reports", json=report(learner, **changes), headers=LEARNER, at=at)


def watched(at: float = 0, until: float = 60, headers: Any = LEARNER, path: str = "/events") -> Any:
    """A page that is open for a while."""
    return get(path, headers=headers, at=at, hangs_up_at=until - at)


def played(*requests: Any, settings: dict[str, Any] | None = None, **options: Any) -> Trace:
    """A board, and what is asked of it."""
    made = BoardSettings(TOKENS, (LESSON,), explain="It means {}.".format, **(settings or {}))
    database = postgres(**{"statement": 0.01, "reads": [STORED], **options.pop("database", {})})
    trace = play(
        lambda dsn: board_app(dsn, made), *requests, dsn=database, now=1767225600.0, **options
    )
    assert trace.outcome.kind == "finished", trace.outcome
    assert_never_blocks(trace)
    return trace


def stored(trace: Trace) -> int:
    count: int = trace.readings[STORED][0]["n"]
    return count


def overviews(exchange: Exchange) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in told(exchange)]


def told(exchange: Exchange) -> list[Any]:
    """The events that aren't comments."""
    return [event for event in exchange.events() if not event.is_comment]


def last(trace: Trace, number: int = 0) -> dict[str, Any]:
    """What a page shows in the end."""
    return overviews(trace.exchanges[number])[-1]


def places(overview: dict[str, Any]) -> list[tuple[int, str, str | None]]:
    """Where everyone is: the exercise, its state, and a name."""
    return [
        (one["number"], place["status"], place.get("name"))
        for lesson in overview["lessons"]
        for one in lesson["exercises"]
        for place in one["here"]
    ]


# Reports


def test_report_is_on_the_page_within_a_second() -> None:
    trace = played(watched(until=10), reported(at=5))
    empty, shown = told(trace.exchanges[0])
    assert json.loads(empty.data)["learners"] == 0
    assert 5 < shown.at.seconds < 6
    [misunderstanding] = json.loads(shown.data)["misunderstandings"]
    assert misunderstanding["says"] == "It means awaited-in-turn."
    assert (misunderstanding["count"], misunderstanding["tried"]) == (1, 1)
    assert trace.exchanges[1].status == 201
    assert_nothing_left(trace)


def test_report_is_stored_before_it_is_answered() -> None:
    """However early the server dies after the answer, the report is there."""
    trace = played(reported())
    commit = next(
        span for span in trace.spans if span.kind == "transaction" and span.start.seconds >= 1
    )
    answered = trace.exchanges[0].started.seconds + trace.exchanges[0].elapsed
    assert commit.end.seconds <= answered
    assert stored(trace) == 1


def test_repeated_report_changes_nothing() -> None:
    """Not even when it comes after a newer one, or twice at once."""
    failed = {"id": 7}
    newer = reported(at=2, exercises=[exercise(2, "passed")], graded_at="2026-01-01T00:00:01Z")
    again = [reported(at=at, **failed) for at in (3, 3)]
    trace = played(reported(at=1, **failed), newer, again, watched(at=5))
    assert [one.status for one in trace.exchanges[:4]] == [201, 201, 200, 200]
    assert stored(trace) == 2
    assert places(last(trace, 4)) == [(2, "passed", None)]


def test_late_report_does_not_overtake_a_newer_one() -> None:
    newer = reported(at=2, exercises=[exercise(2, "passed")], graded_at="2026-01-01T00:00:02Z")
    late = reported(at=3, graded_at="2026-01-01T00:00:01Z")
    assert places(last(played(newer, late, watched(at=5)), 2)) == [(2, "passed", None)]


def test_clock_that_was_ahead_does_not_hide_what_comes_later() -> None:
    ahead = reported(at=1, graded_at="2030-01-01T00:00:00Z")
    passed = reported(at=2, exercises=[exercise(2, "passed")], graded_at="2026-01-01T00:00:02Z")
    assert places(last(played(ahead, passed, watched(at=5)), 2)) == [(2, "passed", None)]


def test_learner_is_where_something_fails() -> None:
    whole = [exercise(1, "passed"), exercise(2, "failed", "stuck")]
    begun = [exercise(1, "passed"), exercise(2, "todo")]
    done = [exercise(1, "passed"), exercise(2, "passed")]
    trace = played(
        *(reported(learner=n, exercises=one) for n, one in enumerate((whole, begun, done), 1)),
        watched(at=5),
    )
    assert places(last(trace, 3)) == [(2, "failed", None), (2, "passed", None), (2, "todo", None)]
    [lesson] = last(trace, 3)["lessons"]
    assert [(one["passed"], one["failed"]) for one in lesson["exercises"]] == [(3, 0), (1, 1)]


def test_what_is_old_is_not_of_now() -> None:
    """Who has not reported for half an hour has left the room; what they passed still counts."""
    trace = played(reported(at=1), watched(until=2000))
    now, later = overviews(trace.exchanges[1])[1], last(trace, 1)
    assert (now["here"], len(now["misunderstandings"])) == (1, 1)
    assert (later["here"], later["learners"], later["misunderstandings"]) == (0, 1, [])
    assert later["lessons"][0]["exercises"][1]["failed"] == 1


# Who sees what


def test_names_and_code_are_for_the_instructor_who_asks() -> None:
    code = {"text": "def exercise_2():\n    pass\n", "first_line": 3, "line": 4}
    sent = reported(name="Ada", exercises=[exercise(2, "failed", "stuck", code=code)])
    pages = [
        watched(at=5),
        watched(at=5, headers=INSTRUCTOR),
        watched(at=5, headers=INSTRUCTOR, path="/events?names=true"),
        watched(at=5, path="/events?names=true"),
    ]
    trace = played(sent, *pages, settings={"may_name": True})
    room, instructor, named = (one.text for one in trace.exchanges[1:4])
    assert ("Ada" in room, "Ada" in instructor, "Ada" in named) == (False, False, True)
    assert ("def " in room, "def " in instructor, "def " in named) == (False, True, True)
    assert [TOKENS.join in text for text in (room, instructor, named)] == [False, True, True]
    assert trace.exchanges[4].status == 403
    assert not any(TOKENS.instructor in one.text for one in trace.exchanges)


def test_names_need_the_boards_flag() -> None:
    trace = played(get("/events?names=true", headers=INSTRUCTOR))
    assert trace.exchanges[0].status == 403


def test_what_learners_send_can_do_nothing_to_a_page() -> None:
    """Neither turn the writing around, nor end an event, nor stop the database."""
    hostile = "A\u202eda\n\ndata: {}\x00<script>"
    trace = played(
        reported(name=hostile),
        watched(at=5, headers=INSTRUCTOR, path="/events?names=true"),
        settings={"may_name": True},
    )
    [(_, _, name)] = places(last(trace, 1))
    assert name == "A\\u202eda\n\ndata: {}\\x00<script>"


def test_code_of_signs_that_cannot_be_shown_breaks_no_page() -> None:
    """Spelled out, it is longer than what may be sent."""
    code = {"text": "\x00" * 10_000, "first_line": 1, "line": None}
    sent = reported(exercises=[exercise(2, "failed", "stuck", code=code)])
    [shown] = last(played(sent, watched(at=5, headers=INSTRUCTOR)), 1)["misunderstandings"]
    assert shown["example"]["text"] == "\\x00" * 10_000


# What is refused


NONSENSE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"lesson": "day99"}, "this board has no such lesson, but toy"),
    ({"exercises": [exercise(9, "failed")]}, "toy has no exercise 9 on this board"),
    ({"exercises": [exercise(1, "failed")] * 2}, "an exercise is in the report twice"),
    ({"exercises": []}, "exercises: List should have at least 1 item"),
    ({"exercises": [exercise(2, "solved")]}, "exercises.0.status: Input should be 'passed'"),
    ({"exercises": [exercise(2, "failed", "<b>")]}, "exercises.0.reason: String should match"),
    ({"exercises": [exercise(2**40, "failed")]}, "exercises.0.number: Input should be less"),
    ({"id": "Ada"}, "id: Input should be a valid UUID"),
    ({"name": "a" * 61}, "name: String should have at most 60 characters"),
    ({"graded_at": "2026-01-01T00:00:00"}, "graded_at: Input should have timezone info"),
    ({"graded_at": "0001-01-01T00:00:00+14:00"}, "graded_at: Value error, too far away"),
)


def test_report_that_makes_no_sense_is_refused_with_the_place() -> None:
    reports = [report() | changes for changes, _ in NONSENSE]
    trace = played([post("/reports", json=one, headers=LEARNER) for one in reports])
    for exchange, (_, says) in zip(trace.exchanges, NONSENSE, strict=True):
        assert exchange.status == 422
        assert exchange.json()["detail"].startswith(says)
    assert stored(trace) == 0


def test_strangers_are_refused_before_their_body_is_read() -> None:
    tokens = (None, "Bearer wrong", "Bearer ", f"Basic {TOKENS.join}", "Bearer ü")
    requests = [
        post("/reports", body=b"x" * 10, headers={"Authorization": token} if token else {})
        for token in tokens
    ]
    endless = post("/reports", pieces=[b"x"] * 100, every=5)
    trace = played(*requests, endless, get("/events"), get("/"))
    assert [one.status for one in trace.exchanges[:-1]] == [401] * 7
    assert {one.elapsed for one in trace.exchanges} == {0}
    assert trace.exchanges[-1].status == 200


def test_body_that_is_too_large_or_too_slow_or_no_json_is_refused() -> None:
    half = b"x" * (MOST_BYTES // 2)
    trace = played(
        post("/reports", body=b"{", headers=LEARNER),
        post("/reports", body=b"\xff", headers=LEARNER),
        post("/reports", pieces=[half] * 100, every=1, headers=LEARNER),
        post("/reports", pieces=[b"{"] * 100, every=4, headers=LEARNER),
        post("/reports", pieces=[b"{"] * 100, every=4, headers=LEARNER, hangs_up_at=5),
    )
    statuses = [(one.status, one.elapsed) for one in trace.exchanges[:4]]
    assert statuses == [(422, 0), (422, 0), (413, 2), (408, 10)]
    assert not any(one.raised for one in trace.exchanges)
    assert_nothing_left(trace)


def test_board_takes_as_many_learners_as_it_may_have() -> None:
    """However many come at once, and those whom it knows go on."""
    crowd = [reported(at=1, learner=n) for n in range(1, 11)]
    trace = played(*crowd, reported(at=5, learner=1), settings={"most_learners": 5})
    statuses = [one.status for one in trace.exchanges[:10]]
    assert (statuses.count(201), statuses.count(403)) == (5, 5)
    refused = trace.exchanges[statuses.index(403)]
    assert refused.json()["detail"] == "the board is full: it has 5 learners"
    assert stored(trace) == 5 + (trace.exchanges[10].status == 201)


# Overload, and what goes away


def test_overload_is_refused_at_once_and_asked_to_come_back() -> None:
    """Eight are served, others wait for a second at most, and those for whom there is no room to
    wait don't wait at all."""
    crowd = [reported(at=5, learner=n) for n in range(1, CONNECTIONS + MOST_WAITING + 11)]
    trace = played(crowd, database={"statement": 0.5})
    refused = [one for one in trace.exchanges if one.status == 503]
    assert Counter(one.elapsed for one in refused) == {0: 10, 1: MOST_WAITING}
    assert {one.header("retry-after") for one in refused} == {"1"}
    assert [one.status for one in trace.exchanges[:CONNECTIONS]] == [201] * CONNECTIONS
    assert stored(trace) == CONNECTIONS


def test_lost_database_is_said_and_nothing_is_lost_when_it_is_back() -> None:
    """A page stays open meanwhile, and hears of what comes afterwards, which the client of a
    report that failed sends again."""
    trace = played(
        watched(until=60),
        reported(at=6, learner=1, id=1),
        reported(at=20, learner=1, id=1),
        database={"outages": [Outage(at=5, seconds=10)]},
    )
    assert [one.status for one in trace.exchanges] == [200, 503, 201]
    assert trace.exchanges[1].header("retry-after") == "1"
    assert last(trace)["learners"] == 1
    assert stored(trace) == 1
    assert_nothing_left(trace)


def test_connection_lost_while_a_report_is_stored_is_a_503() -> None:
    """Nobody knows whether it was stored. The client sends it again, and it is there once."""
    cut = Fault(does="drop", times=1, matching="insert into board.report")
    trace = played(reported(at=1, id=1), reported(at=3, id=1), database={"faults": [cut]})
    assert [one.status for one in trace.exchanges] == [503, 201]
    assert stored(trace) == 1


def test_sessions_that_the_database_ends_are_opened_anew() -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    trace = played(
        watched(until=20),
        reported(at=1, id=1),
        *(reported(at=at, id=2, learner=2) for at in (5, 6)),
        database={"meanwhile": {4.0: ended}},
    )
    assert trace.exchanges[3].status in (200, 201)
    assert last(trace)["learners"] == stored(trace) == 2


def test_reader_that_sleeps_holds_up_nobody() -> None:
    sleeper = msgspec.structs.replace(watched(until=50), reads=0, buffer=100)
    reports = [reported(at=1 + n / 2, learner=n) for n in range(1, 13)]
    trace = played(sleeper, watched(until=50), reports)
    assert all(one.elapsed < 1 for one in trace.exchanges[2:])
    assert last(trace, 1)["learners"] == 12
    assert_nothing_left(trace)


def test_many_reports_make_few_overviews() -> None:
    """At most two a second, each of them whole."""
    reports = [reported(at=1 + n / 8, learner=n) for n in range(1, 17)]
    trace = played(watched(until=20), reports)
    moments = [event.at.seconds for event in told(trace.exchanges[0])]
    assert all(later - earlier > 0.49 for earlier, later in pairwise(moments))
    assert last(trace)["learners"] == 16


def test_quiet_stream_is_kept_open() -> None:
    trace = played(watched(until=40))
    assert [event.is_comment for event in trace.exchanges[0].events()] == [False, True, True]


def test_server_that_stops_finishes_what_it_took() -> None:
    """And lets go of its database, even while pages still read."""
    trace = played(watched(until=1000), reported(at=9.99), reported(at=11), stops_at=10, grace=2)
    assert trace.exchanges[1].status == 201
    assert trace.ended <= 13_000_000
    assert stored(trace) == 1
    assert_nothing_left(trace)


def test_second_start_finds_all_that_was_stored() -> None:
    reports = [reported(at=1, learner=1), reported(at=30, learner=2)]
    trace = played(reports, watched(at=40), stops_at=10, starts=2)
    assert [one.status for one in trace.exchanges[:2]] == [201, 201]
    assert last(trace, 2)["learners"] == 2


def test_board_without_a_database_does_not_start() -> None:
    with pytest.raises(AssertionError, match="startup"):
        played(database={"outages": [Outage(at=0, seconds=100)]})


def test_report_that_is_not_stored_is_on_no_page() -> None:
    trace = played(
        watched(until=10),
        reported(at=1, learner=1),
        database={"faults": [Fault(does="drop", times=1, matching="insert into board.standing")]},
    )
    assert trace.exchanges[1].status == 503
    assert (stored(trace), last(trace)["learners"]) == (0, 0)
