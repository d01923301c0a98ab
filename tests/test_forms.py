"""Forms: what a check takes for the same, though it's written in several ways."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from grader import get, play
from grader.judge.forms import Form, all_of, as_it_is, ids, moments, moments_in_utc, numbers_in


def told(form: Form, *bodies: Any) -> list[Any]:
    """What an app's answers are in a form, if it gives these one after another."""
    app, waiting = FastAPI(), iter(bodies)

    @app.get("/")
    async def answer() -> Any:
        return next(waiting)

    trace = form(play(app, *(get("/", at=at) for at in range(len(bodies)))))
    return [exchange.json() for exchange in trace.exchanges]


NOON, TWO = "2026-03-01T12:00:00.5+00:00", "2026-03-01T14:00:00.5+02:00"


def test_moments_are_the_same_in_every_zone_and_notation() -> None:
    written = [NOON, TWO, "2026-03-01T12:00:00.500000Z"]
    assert told(moments, {"times": written}) == [{"times": ["2026-03-01T12:00:00.500000Z"] * 3}]


def test_utc_may_be_written_in_two_ways_and_no_other_zone_is_utc() -> None:
    zulu = "2026-03-01T12:00:00.5Z"
    first, second, other = told(moments_in_utc, NOON, zulu, TWO)
    assert first == second
    assert other == TWO


@pytest.mark.parametrize(
    "text", ["2026-03-01T12:00:00", "2026-03-01", "a text", "9999-99-99T00:00:00+00:00", ""]
)
def test_what_is_no_moment_stays(text: str) -> None:
    assert told(moments, {"text": text}) == [{"text": text}]


def test_a_moment_at_the_edge_of_the_calendar_stays() -> None:
    edges = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
    assert told(moments, edges) == [edges]


def test_ids_are_numbered_as_they_are_told_wherever_they_stand() -> None:
    first = {"results": [{"id": "b7"}, {"id": "a3"}], "next": "a3"}
    bodies = told(ids, first, {"id": "a3", "name": "b7"}, {"id": "c1"})
    assert bodies == [
        {"results": [{"id": "id 1"}, {"id": "id 2"}], "next": "id 2"},
        {"id": "id 2", "name": "id 1"},
        {"id": "id 3"},
    ]


def test_numbers_in_texts_are_what_they_name() -> None:
    values = ["1.50", "1.5", "-1E-10", "many", 1.5, None]
    assert told(numbers_in("value"), [{"value": value, "name": "1.50"} for value in values]) == [
        [
            {"value": value, "name": "1.50"}
            for value in ("1.5", "1.5", "-0.0000000001", "many", 1.5, None)
        ]
    ]


def test_forms_are_put_together() -> None:
    body = {"value": "1.50", "at": TWO}
    both = all_of(moments, numbers_in("value"))
    assert told(both, body) == [{"value": "1.5", "at": "2026-03-01T12:00:00.500000Z"}]
    assert told(as_it_is, body) == [body]


def test_an_answer_that_is_no_json_stays() -> None:
    app = FastAPI()
    app.get("/", response_class=PlainTextResponse)(lambda: TWO)
    trace = play(app, get("/"))
    assert moments(trace) == trace
