"""When a play begins, how far it may go, and what it sees of its caller."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import json
import threading
import time
from typing import Any

import freezegun
import pytest
import time_machine

from grader import get, play, scenario
from grader.clock import EPOCH
from grader.model.errors import UsageError
from grader.model.trace import Trace

NOON = datetime.datetime(2031, 5, 6, 12, tzinfo=datetime.UTC)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Says the date, then waits as long as the path says, and says it again."""
    assert scope["type"] == "http"
    dates = [datetime.datetime.now(datetime.UTC)]
    await asyncio.sleep(float(scope["path"][1:] or 0))
    dates.append(datetime.datetime.fromtimestamp(time.time(), datetime.UTC))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(dates, default=str).encode()})


def dates(trace: Trace) -> list[datetime.datetime]:
    return [datetime.datetime.fromisoformat(text) for text in trace.exchanges[0].json()]


def test_a_play_begins_at_the_real_date_and_time() -> None:
    before = datetime.datetime.now(datetime.UTC)
    first, second = dates(play(app, get("/300")))
    assert before <= first <= datetime.datetime.now(datetime.UTC)
    assert second - first == datetime.timedelta(seconds=300)


def test_what_a_fixture_has_dated_is_not_of_the_future() -> None:
    for _ in range(50):
        issued = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
        assert dates(play(app, get("/")))[0] >= issued


@pytest.mark.parametrize("now", [NOON, NOON.timestamp(), int(NOON.timestamp())])
def test_a_play_begins_at_the_date_that_is_given(now: Any) -> None:
    five_past, ten_past = (NOON + datetime.timedelta(minutes=late) for late in (5, 10))
    assert dates(play(app, get("/300", at=300), now=now)) == [five_past, ten_past]
    assert dates(play(app, scenario(get("/300"), now=now))) == [NOON, five_past]


def test_a_play_in_a_play_begins_at_the_date_of_that() -> None:
    async def outer(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await asyncio.sleep(60)
        inner = play(app, get("/"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": inner.exchanges[0].body})

    assert dates(play(outer, get("/"), now=NOON))[0] == NOON + datetime.timedelta(minutes=1)


def test_a_play_begins_where_its_caller_has_set_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON.timestamp())
    assert dates(play(app, get("/")))[0] == NOON


def test_a_play_begins_at_what_freezegun_has_frozen_and_goes_on() -> None:
    with freezegun.freeze_time(NOON):
        frozen = datetime.datetime.now(datetime.UTC)
        assert dates(play(app, get("/90"))) == [NOON, NOON + datetime.timedelta(seconds=90)]
        assert datetime.datetime.now(datetime.UTC) == frozen == NOON


def test_a_play_begins_where_time_machine_has_travelled_and_goes_on() -> None:
    with time_machine.travel(NOON, tick=False):
        assert dates(play(app, get("/90"))) == [NOON, NOON + datetime.timedelta(seconds=90)]
        assert datetime.datetime.now(datetime.UTC) == NOON


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (datetime.datetime(2031, 5, 6), "has no time zone"),
        (datetime.date(2031, 5, 6), "isn't a date and time"),
        ("2031-05-06", "isn't a date and time"),
        (True, "isn't a date and time"),
        (-1, "isn't between 1970 and 9999"),
        (float("nan"), "isn't between 1970 and 9999"),
        (float("inf"), "isn't between 1970 and 9999"),
        (NOON.timestamp() * 1000, "isn't between 1970 and 9999"),
    ],
)
def test_a_date_that_is_none_is_refused_when_the_scenario_is_made(now: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        scenario(get("/"), now=now)
    with pytest.raises(UsageError, match=says):
        play(app, get("/"), now=now)


def test_a_scenario_without_a_date_leaves_it_to_the_player() -> None:
    assert scenario(get("/")).now is None
    assert datetime.datetime.fromtimestamp(EPOCH, datetime.UTC).isoformat()[:10] == "2026-01-01"


# How far


@pytest.mark.parametrize("at", [600, 601, 3600, 86_400.5])
def test_a_request_is_sent_however_late_it_is(at: float) -> None:
    trace = play(app, get("/"), get("/2", at=at))
    assert (trace.outcome.kind, trace.exchanges[1].elapsed) == ("finished", 2.0)
    assert trace.exchanges[1].started.seconds == at


def test_a_client_stays_as_long_as_it_is_said_to() -> None:
    trace = play(app, get("/5000", hangs_up_at=2000, cancelled_at=2001), drain=0)
    hung_up = trace.exchanges[0].hung_up
    assert trace.outcome.kind == "finished"
    assert hung_up is not None
    assert hung_up.seconds == 2000.0


def test_the_time_limit_counts_from_the_last_request() -> None:
    def outcome(time_limit: float) -> str:
        requests = get("/"), get("/50", at=1000)
        return play(app, scenario(*requests, time_limit=time_limit)).outcome.kind

    assert (outcome(49), outcome(51)) == ("ran-away", "finished")


# The caller


def test_an_app_sees_the_context_variables_of_the_caller() -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")
    seen: list[str] = []

    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        seen.append(tenant.get())
        seen.append(await asyncio.to_thread(tenant.get))
        tenant.set("changed")
        await app(scope, receive, send)

    token = tenant.set("ada")
    play(endpoint, get("/"))
    assert set(seen) == {"ada"}
    assert tenant.get() == "ada"
    tenant.reset(token)


def test_threads_of_the_caller_keep_their_time_while_plays_run() -> None:
    told: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0):
            told.append(time.time())

    thread = threading.Thread(target=watch)
    thread.start()
    for _ in range(20):
        play(app, get("/500"), now=NOON)
    over.set()
    thread.join()
    assert told == sorted(told)
    assert max(told) < NOON.timestamp() - 500
