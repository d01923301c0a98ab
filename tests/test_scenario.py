"""Scenarios are plain data: how they are written, and that they survive a journey as JSON."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI

import grader
from grader import (
    Fault,
    Scenario,
    blocks,
    by_argument,
    client,
    connects,
    delete,
    fails,
    get,
    in_turn,
    mongo,
    opens,
    play,
    post,
    postgres,
    put,
    reply,
    request,
    rows,
    say,
    scenario,
    takes,
    times,
    upstream,
    value,
    websocket,
)
from grader.model.errors import UsageError
from grader.model.scenarios import (
    DRAIN,
    THREADS,
    TIME_LIMIT,
    Blocks,
    Error,
    InTurn,
    Named,
    Request,
    Rows,
    Takes,
)
from grader.model.trace import encode


def test_package_gives_every_name_that_it_lists() -> None:
    assert sorted(grader.__all__) == grader.__all__
    assert all(getattr(grader, name) is not None for name in grader.__all__)
    assert callable(grader.scenario)
    with pytest.raises(AttributeError, match="no attribute 'shape'"):
        _ = grader.shape


@pytest.mark.parametrize(
    ("make", "method"), [(get, "GET"), (post, "POST"), (put, "PUT"), (delete, "DELETE")]
)
def test_request_functions_set_their_method(make: object, method: str) -> None:
    assert callable(make)
    assert make("/a") == request(method.lower(), "/a")
    assert make("/a").method == method


def test_json_becomes_a_body_with_its_content_type() -> None:
    sent = post("/", json={"a": [1, None]})
    assert sent.body == b'{"a":[1,null]}'
    assert sent.headers == (("content-type", "application/json"),)


def test_json_null_is_a_body_and_no_json_is_none() -> None:
    assert post("/", json=None).body == b"null"
    assert post("/").body == b""
    assert post("/").headers == ()


def test_a_content_type_of_ones_own_stays() -> None:
    sent = post("/", json={}, headers={"Content-Type": "application/merge-patch+json"})
    assert sent.headers == (("content-type", "application/merge-patch+json"),)


def test_query_is_url_encoded_and_joins_the_one_in_the_path() -> None:
    assert get("/q?a=1", query={"b": "x y&z", "c": [1, 2]}).query == "a=1&b=x+y%26z&c=1&c=2"
    assert get("/q", query={"a": "ä"}).query == "a=%C3%A4"
    assert get("/q?a=1").path == "/q"
    assert get("/q").query == ""


def test_moments_of_a_request_are_kept() -> None:
    sent = get("/", at=1, hangs_up_at=2, hangs_up_after=3, cancelled_at=4)
    assert (sent.at, sent.hangs_up_at, sent.hangs_up_after, sent.cancelled_at) == (1, 2, 3, 4)


def test_requests_may_come_in_groups() -> None:
    one = get("/a")
    assert scenario(one, times(2, one), [one]).requests == (one,) * 4
    assert times(0, one) == ()


def test_defaults_of_a_scenario() -> None:
    made = scenario()
    assert made == Scenario(requests=())
    assert (made.drain, made.time_limit, made.threads) == (DRAIN, TIME_LIMIT, THREADS)
    assert made.order_seed is None


def test_collaborators_describe_what_they_do() -> None:
    assert takes(1, [2]) == Takes(1, [2])
    assert blocks(1, 2) == Blocks(1, 2)
    assert rows(range(2), every=0.5) == Rows(rows=(0, 1), every=0.5)
    assert in_turn(takes(1), takes(2)) == InTurn((Takes(1), Takes(2)))
    assert scenario(f={"a": takes(1)}).collaborators == {"f": Named({"a": Takes(1)})}


@pytest.mark.parametrize("given", ["a word", 3, None, [takes(1)], {"a": takes(1), "b": 2}])
def test_what_is_no_collaborator_is_refused_and_can_be_handed_over_as_it_is(given: Any) -> None:
    with pytest.raises(UsageError, match="isn't a collaborator") as caught:
        scenario(secret=given)
    assert "secret=value(...)" in caught.value.remedy


@pytest.mark.parametrize(
    ("make", "problem", "allowed"),
    [
        (lambda: in_turn("x"), "steps[0] can't be 'x'", "takes(...)"),
        (lambda: by_argument({"a": 1}, takes(1)), "behaves can't be 1", "in_turn(...)"),
        (lambda: by_argument({}, None), "otherwise can't be None", "takes(...) or in_turn(...)"),
        (lambda: by_argument([1], takes(1)), "cases can't be [1]", "a dict"),
        (lambda: opens(1, get="v"), "methods['get'] can't be 'v'", "by_argument(...)"),
        (lambda: opens("1"), "opening can't be '1'", "takes(...)"),
        (lambda: connects(query=1), "query can't be 1", "takes(...)"),
        (lambda: rows(5), "values can't be 5", "a list"),
        (lambda: Fault("drop"), "Fault can't be made of values", "Fault(does='drop')"),  # type: ignore[misc]
        (lambda: rows([], ends=1), "ends can't be 1", "True or False"),
        (lambda: takes(1, parameters="ab"), "parameters can't be 'ab'", "a list"),
        (lambda: fails(type=ValueError), "type can't be <class 'ValueError'>", "a text"),
        (lambda: fails(headers=["a"]), "headers can't be ['a']", "a dict"),
        (lambda: Fault(does="explode"), "does can't be 'explode'", "'refuse', 'too-many', 'drop'"),
        (lambda: Fault(does="drop", at=0), "at can't be 0", "a whole number, 1 or more"),
        (lambda: Fault(does="drop", times=0), "times can't be 0", "1 or more or None"),
        (lambda: Fault(does="drop", when="soon"), "when can't be 'soon'", "'always' or 'serving'"),
        (lambda: Fault(does="fail", sqlstate="no"), "sqlstate can't be 'no'", "five digits"),
        (lambda: postgres(faults=["drop"]), "faults[0] can't be 'drop'", "Fault(...)"),
        (lambda: postgres(faults=Fault(does="drop")), "faults can't be Fault(", "a list"),
        (lambda: postgres(outages=[(1, 2)]), "outages[0] can't be (1, 2)", "Outage(...)"),
        (lambda: postgres(meanwhile={"x": ""}), "meanwhile[0] can't be", "(a number, a text)"),
        (lambda: postgres(reads="select 1"), "reads can't be 'select 1'", "a list"),
        (lambda: postgres(seed_sql=["x"]), "seed_sql can't be ['x']", "a text"),
        (lambda: mongo(seed=[{}]), "seed can't be [{}]", "a dict"),
        (lambda: mongo(seed={"a": {}}), "seed['a'] can't be {}", "a list"),
        (lambda: mongo(seed={"a": ["x"]}), "seed['a'][0] can't be 'x'", "a dict"),
        (lambda: upstream({"/": 1}), "/ can't be 1", "a list"),
        (lambda: upstream({"/": [1]}), "routes['/'][0] can't be 1", "Reply(...)"),
        (lambda: upstream(5), "routes can't be 5", "a dict"),
        (lambda: reply(drops="late"), "drops can't be 'late'", "'instead', 'midway'"),
        (lambda: scenario("/"), "requests[0] can't be '/'", "request(...) or websocket(...)"),
        (lambda: scenario(threads=0), "threads can't be 0", "1 or more"),
        (lambda: scenario(lifespan_end="x"), "lifespan_end can't be 'x'", "'cancelled'"),
        (lambda: scenario(order_seed=0.5), "order_seed can't be 0.5", "a whole number or None"),
        (lambda: get("/", query=5), "query can't be 5", "a dict"),
        (lambda: get("/", headers=["a"]), "headers[0] can't be 'a'", "(a text, a text)"),
        (lambda: get("/", hangs_up_after="1"), "hangs_up_after can't be '1'", "a whole number"),
        (lambda: post("/", body="abcd"), "body can't be 'abcd'", "bytes"),
        (lambda: times(-1, get("/")), "count can't be -1", "0 or more"),
        (lambda: times(2, "x"), "one can't be 'x'", "request(...)"),
        (lambda: client("ada", "x"), "requests[0] can't be 'x'", "websocket(...)"),
        (lambda: websocket("/", subprotocols="x"), "subprotocols can't be 'x'", "a list"),
        (lambda: say(5), "text can't be 5", "a text or None"),
    ],
)
def test_nonsense_is_refused_where_it_is_written(make: Any, problem: str, allowed: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert problem in caught.value.problem
    assert allowed in caught.value.remedy


@pytest.mark.parametrize("given", ["a word", 3, None, [1, {"a": datetime.date(2026, 1, 2)}]])
def test_value_is_handed_over_as_it_is(given: Any) -> None:
    handed = []

    def factory(setting: Any) -> FastAPI:
        handed.append(setting)
        return FastAPI()

    played = msgspec.json.decode(msgspec.json.encode(scenario(setting=value(given))), type=Scenario)
    play(factory, played)
    assert handed == [given]


def test_a_failure_is_a_builtin_exception_or_an_http_exception_by_its_status() -> None:
    assert fails(1).raises == Error("ConnectionError")
    assert fails(1, "ValueError", "no").raises == Error("ValueError", "no")
    assert fails(1, status=404, text="gone").raises == Error("HTTPException", "gone", 404)


def test_scenario_survives_a_journey_as_json() -> None:
    made = scenario(
        post("/?q=1", json={"a": 1}, headers={"X-A": "ä"}, at=0.1, hangs_up_after=3),
        get("/", hangs_up_at=2, cancelled_at=1),
        order_seed=7,
        drain=3,
        time_limit=20,
        threads=2,
        fetch=takes(0.1, {"k": [1, None, True]}),
        fail=fails(1, status=404),
        compute=blocks(2, 3),
        read=rows([{"a": 1}], every=0.25),
        connect=connects(0.1, query=takes(1, [[1]]), close=0.2),
        source=in_turn(takes(1), fails(2)),
        sources={"a": takes(1), "b": in_turn(takes(1))},
    )
    assert msgspec.json.decode(encode(made), type=Scenario) == made


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"[]",
        b"{}",
        b'{"requests": 1}',
        b'{"requests": [{"method": "GET"}]}',
        b'{"requests": [], "collaborators": {"f": {"type": "runs"}}}',
        b'{"requests": [], "threads": "many"}',
    ],
)
def test_garbage_is_no_scenario(garbage: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(garbage, type=Scenario)


def test_scenarios_cannot_be_changed() -> None:
    made = scenario(get("/"))
    with pytest.raises(AttributeError):
        made.drain = 1  # type: ignore[misc]


@pytest.mark.parametrize("value", ["\u03b1", "a\r\nset-cookie: b", "\x00"])
@pytest.mark.parametrize(
    "make",
    [
        lambda value: get("/", headers={"x-name": value}),
        lambda value: get("/", headers=[("x-name", "a"), ("x-name", value)]),
        lambda value: Request(method="GET", path="/", headers=(("x-name", value),)),
        lambda value: reply(headers={"x-name": value}),
    ],
)
def test_a_header_that_no_server_could_be_sent_is_refused(make: Any, value: str) -> None:
    with pytest.raises(UsageError, match="the header x-name can't hold"):
        make(value)


@pytest.mark.parametrize("name", ["", "x name", "x:name", "n\u00e4me"])
def test_a_name_that_no_header_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="isn't a header's name"):
        get("/", headers={name: "value"})


def test_headers_are_kept_in_order_and_as_often_as_they_are_given() -> None:
    pairs = [("X-For", "1"), ("Content-Type", "text/plain"), ("x-for", "2")]
    assert post("/", json=1, headers=pairs).headers == (
        ("x-for", "1"),
        ("content-type", "text/plain"),
        ("x-for", "2"),
    )
    assert post("/", json=1).headers == (("content-type", "application/json"),)
