"""The checks of day 60. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grader.checks import (
    NOT_OBJECTS,
    Fault,
    Outage,
    Request,
    Rows,
    SampleData,
    Say,
    Scenario,
    Trace,
    WebSocket,
    answer_of,
    answers,
    arguments,
    as_text,
    aspect,
    assert_same,
    by_argument,
    closes,
    endings_of,
    event_ids,
    events,
    events_of,
    exercise,
    fails,
    get,
    in_turn,
    leave,
    lesson,
    listening,
    listens_in_time,
    media_types,
    message_texts,
    messages,
    messages_to,
    most_calls,
    never_silent_for,
    opens,
    post,
    postgres,
    put,
    readings,
    rows,
    say,
    scenario,
    statuses,
    tables,
    takes,
    timed_closes,
    websocket,
)

# Exercise 1: a stream of events


def _ticks(*values: Any, ends: bool = True) -> Rows:
    """An async generator function without parameters, and an item every second."""
    return rows(values, every=1, ends=ends, parameters=())


def _two_clients(sample: SampleData) -> Scenario:
    """Two clients of a stream that ends, and many items, of every kind that JSON has."""
    nested = [sample.number(), {sample.word(): None}, []]
    values = (sample.record(), sample.word(), sample.price(), None, nested, "two\nlines", "é ☕")
    many = (*values, *(sample.number() for _ in range(20)))
    return scenario(get("/ticks"), get("/ticks", at=2.5), ticks=_ticks(*many))


@exercise(1)
def test_each_item_is_an_event(sample: SampleData) -> None:
    """Each item is a server-sent event with its JSON as `data:`, sent when the item is there."""
    assert_same(events, of=_two_clients(sample.shared()))


@exercise(1)
def test_answer_is_an_event_stream(sample: SampleData) -> None:
    """The answer says that it is a stream of events: text/event-stream."""
    assert_same(media_types, of=_two_clients(sample.shared()))


@exercise(1)
def test_generator_ends_with_its_client(sample: SampleData) -> None:
    """A client that leaves ends its generator at once."""
    leaving = scenario(
        get("/ticks", hangs_up_at=2.5),
        get("/ticks", at=1, hangs_up_at=4.2),
        get("/ticks", at=2, hangs_up_at=0.5),
        ticks=_ticks(*sample.records(10), ends=False),
    )
    assert_same(endings_of("ticks"), of=leaving)


# Exercise 2: resuming, and keeping open


def _subscribed(ids: Iterable[int], sample: SampleData, every: float) -> Rows:
    """A subscription to these ids; it never ends by itself."""
    pairs = [(number, sample.record()) for number in ids]
    return rows(pairs, every=every, ends=False, after_argument=True, parameters=("after",))


def _resumed(after: int, **options: Any) -> Request:
    return get("/events", headers={"Last-Event-ID": str(after)}, **options)


def _news(sample: SampleData) -> Scenario:
    """A client that is new, two that come back, and one that has seen everything."""
    return scenario(
        get("/events", hangs_up_at=20),
        _resumed(7, at=1, hangs_up_at=14),
        _resumed(8, at=2, hangs_up_at=13),
        _resumed(1021, at=3, hangs_up_at=12),
        subscribe=_subscribed((3, 7, 12, 900, 1021), sample, every=2),
    )


@exercise(2)
def test_events_have_their_ids(sample: SampleData) -> None:
    """Each event is sent with its id, and its JSON as `data:`, when it is there."""
    assert_same(event_ids, events, of=_news(sample.shared()))


@exercise(2)
def test_last_event_id_resumes(sample: SampleData) -> None:
    """With Last-Event-ID the client gets what comes after that; without it, `subscribe(0)`."""
    assert_same(arguments, event_ids, of=_news(sample.shared()))


@exercise(2)
def test_events_are_an_event_stream(sample: SampleData) -> None:
    """The answer says that it is a stream of events: text/event-stream."""
    assert_same(media_types, of=_news(sample.shared()))


def _quiet(sample: SampleData) -> Scenario:
    """A client to whom nothing happens for 40 seconds, again and again."""
    subscribe = _subscribed((1, 2, 3), sample, every=40)
    return scenario(get("/events", hangs_up_at=140), subscribe=subscribe)


@exercise(2)
def test_quiet_connection_is_kept_open(sample: SampleData) -> None:
    """When there has been nothing to send for 15 seconds, a comment is sent."""
    assert_same(never_silent_for(15), of=_quiet(sample.shared()))


@exercise(2)
def test_nothing_is_lost_in_a_quiet_time(sample: SampleData) -> None:
    """What comes after a long silence still arrives: the comments don't end the subscription."""
    assert_same(event_ids, events, of=_quiet(sample.shared()))


def _slow_and_fast(sample: SampleData) -> Scenario:
    """A client that reads nothing, one that reads slowly, and one that comes later."""
    return scenario(
        get("/events", reads=0, buffer=1, hangs_up_at=60),
        get("/events", at=1, reads=10, buffer=1, hangs_up_at=180),
        get("/events", at=4, hangs_up_at=20),
        subscribe=_subscribed(range(1, 13), sample, every=1),
    )


@exercise(2)
def test_slow_client_takes_nothing_from_a_new_one(sample: SampleData) -> None:
    """A new client beside a slow one gets every event, each as soon as it is there."""
    assert_same(events_of(2), of=_slow_and_fast(sample.shared()))


@exercise(2)
def test_slow_client_gets_everything(sample: SampleData) -> None:
    """A client that reads slowly gets every event, too, in order."""
    assert_same(ids_of_the_slow_one, of=_slow_and_fast(sample.shared()))


@aspect("events", say=event_ids.say, nothing=event_ids.nothing)
def ids_of_the_slow_one(trace: Trace) -> tuple[Any, ...]:
    """What the second client got, whenever that was."""
    return tuple(fact for fact in event_ids(trace) if fact[0] == 1)


SOON = 15_000_000
"""Ticks within which a subscription has to be over whose client has left."""


@aspect("call-endings", nothing="no subscription")
def over_with_its_client(trace: Trace) -> tuple[str, ...]:
    """Whether each subscription is over soon after its client has left."""
    gone = max((e.hung_up.tick for e in trace.exchanges if e.hung_up is not None), default=0)
    return tuple(
        "over" if call.how != "open" and call.end.tick <= gone + SOON else "still open"
        for call in trace.calls("subscribe")
    )


@exercise(2)
def test_subscription_ends_with_its_client(sample: SampleData) -> None:
    """When the client has left, its subscription ends."""
    assert_same(over_with_its_client, of=_news(sample.shared()))


# Exercise 3: a room


def _join(room: str, *steps: Any, at: float = 0, until: float = 60, **options: Any) -> WebSocket:
    """A client that joins a room, and leaves it `until` seconds after it has come."""
    return websocket(f"/rooms/{room}", *steps, leave(at=until), at=at, **options)


def _hello(sample: SampleData, at: float) -> Say:
    return say(json={"text": sample.word()}, at=at)


def _talk(sample: SampleData) -> Scenario:
    """Three in one room, and two in another; each says something, if only nothing."""
    one, other = sample.word(), sample.word()
    odd = say(json={"text": "naïve ☕\n"}, at=6), say(json={"text": ""}, at=7)
    return scenario(
        _join(one, _hello(sample, 3), _hello(sample, 5), until=20),
        _join(one, _hello(sample, 3.2), at=1, until=20),
        _join(other, _hello(sample, 3.4), at=1.5, until=20),
        _join(one, _hello(sample, 2.3), *odd, at=2, until=20),
        _join(other, _hello(sample, 3.1), at=2.5, until=20),
    )


@exercise(3)
def test_all_in_the_room_hear_it(sample: SampleData) -> None:
    """What a client says goes to all in its room, itself included, with its number, at once."""
    assert_same(messages, of=_talk(sample.shared()))


@exercise(3)
def test_numbers_are_not_used_again(sample: SampleData) -> None:
    """A number isn't used again as long as anyone is in the room."""
    room = sample.word()
    coming_and_going = scenario(
        _join(room, _hello(sample, 1), _hello(sample, 12), until=40),
        _join(room, _hello(sample, 1), at=2, until=4),
        _join(room, _hello(sample, 1), at=8, until=6),
        _join(room, _hello(sample, 1), at=16, until=20),
    )
    assert_same(messages, of=coming_and_going)


@exercise(3)
def test_empty_room_is_forgotten(sample: SampleData) -> None:
    """Once a room has been empty, its numbers begin at 1 again."""
    room = sample.word()
    twice = scenario(
        _join(room, _hello(sample, 1), until=5),
        websocket(f"/rooms/{room}", _hello(sample, 1), leave(None, at=5), at=2),
        websocket(f"/rooms/{room}", _hello(sample, 1), leave(1001, at=5), at=2.5),
        _join(room, _hello(sample, 1), at=10, until=5),
        _join(room, _hello(sample, 1), at=12, until=5),
    )
    assert_same(messages, of=twice)


def _not_messages() -> list[Say]:
    """What a client may send that isn't a message to its room."""
    wrong: list[Any] = [{"text": 5}, {"text": None}, {"text": ["a"]}, {}, {"say": "hello"}]
    texts = [*(body.decode() for body in NOT_OBJECTS), *map(as_text, wrong), ""]
    said = [say(text, at=2 + place) for place, text in enumerate(texts)]
    return [*said, say(b'{"text": "a"}', at=2 + len(said))]


@exercise(3)
def test_anything_else_is_invalid(sample: SampleData) -> None:
    """Anything else, bytes too, is answered with {"error": "invalid"}, to this client alone."""
    room = sample.word()
    bad = _not_messages()
    mistaken = scenario(
        _join(room, *bad, _hello(sample, 20), until=30),
        _join(room, _hello(sample, 21), at=1, until=30),
    )
    assert_same(messages, closes, of=mistaken)


def _asleep(sample: SampleData, count: int, every: float, **sleeper: Any) -> Scenario:
    """A client that reads little or nothing, in a room in which another one says much."""
    room = sample.word()
    much = [_hello(sample, 1 + place * every) for place in range(count)]
    return scenario(
        _join(room, until=35, buffer=1, **sleeper),
        _join(room, *much, at=1, until=36),
        _join(room, at=1.5, until=36),
    )


@exercise(3)
def test_sleeping_client_delays_nobody(sample: SampleData) -> None:
    """A client that doesn't read delays nobody: the others hear everything at once."""
    asleep = _asleep(sample.shared(), 20, every=0.5, reads=0)
    assert_same(messages_to(1), messages_to(2), of=asleep)


@exercise(3)
def test_client_with_some_unread_messages_is_kept(sample: SampleData) -> None:
    """A client that reads slowly is kept, and gets everything in order."""
    assert_same(message_texts, closes, of=_asleep(sample.shared(), 60, every=0.1, reads=100))


@exercise(3)
def test_client_with_too_many_unread_messages_is_closed(sample: SampleData) -> None:
    """A client with more than 100 messages unread is closed with 1013; the others stay."""
    asleep = _asleep(sample.shared(), 180, every=0.05, reads=0)
    assert_same(closes, messages_to(1), messages_to(2), of=asleep)


@exercise(3)
def test_who_leaves_is_forgotten(sample: SampleData) -> None:
    """A client that leaves, or is lost, is forgotten, and the others go on."""
    room = sample.word()
    leaving = scenario(
        _join(room, *(_hello(sample, 1 + place) for place in range(12)), until=30),
        _join(room, at=0.5, until=2),
        websocket(f"/rooms/{room}", leave(None, at=3), at=1.5),
        websocket(f"/rooms/{room}", leave(None, at=5), at=1.6, reads=0, buffer=1),
        websocket(f"/rooms/{room}", _hello(sample, 1), leave(), at=7),
        _join(room, at=2, until=20),
    )
    assert_same(messages_to(0), messages_to(5), closes, of=leaving)


# Exercise 4: who is there

PING = {"type": "ping"}


def _users(sample: SampleData) -> tuple[list[str], Any]:
    """Three tokens, of which the first two are one user's, and `find_user`."""
    tokens = [sample.word() for _ in range(3)]
    first, second = ({"name": sample.word(), "role": "user"} for _ in range(2))
    known = dict(zip(tokens, (first, first, second), strict=True))
    cases = {token: takes(0.2, user) for token, user in known.items()}
    return tokens, by_argument(cases, otherwise=takes(0.2, None), parameters=("token",))


def _log_in(
    token: str, *steps: Any, at: float = 0, after: float = 0.5, **options: Any
) -> WebSocket:
    """A client that comes, logs in after a while, and does more."""
    return websocket("/me", say(json={"token": token}, at=after), *steps, at=at, **options)


def _ping(*moments: float) -> list[Say]:
    return [say(json=PING, at=at) for at in moments]


def _chatty(sample: SampleData) -> Scenario:
    """Two users that send pings, and other things in between."""
    (ada, _, bob), find_user = _users(sample)
    others = ['{"type": "pong"}', "ping", '{"type": "PING"}', "[]", "null", '{"token": "x"}', ""]
    noise = [say(text, at=3 + place) for place, text in enumerate(others)]
    return scenario(
        _log_in(
            ada, *_ping(1, 2), *noise, say(b'{"type": "ping"}', at=11), *_ping(12), leave(at=20)
        ),
        _log_in(bob, *_ping(5, 5.5), leave(at=18), at=1, after=4),
        find_user=find_user,
    )


@exercise(4)
def test_pings_are_answered(sample: SampleData) -> None:
    """Each {"type": "ping"} is answered with {"type": "pong"}, and other messages are ignored."""
    assert_same(messages, closes, of=_chatty(sample.shared()))


@exercise(4)
def test_user_is_found_by_the_token(sample: SampleData) -> None:
    """`find_user` is asked once for each connection, with the token."""
    assert_same(arguments, of=_chatty(sample.shared()))


@exercise(4)
def test_silent_client_has_five_seconds(sample: SampleData) -> None:
    """A connection whose client says nothing for 5 seconds is closed with 1008."""
    (ada, *_), find_user = _users(sample)
    late = scenario(
        websocket("/me", leave(at=20)),
        _log_in(ada, leave(at=20), after=8),
        _log_in(ada, *_ping(6), leave(at=20), after=4.9),
        find_user=find_user,
    )
    assert_same(timed_closes, messages, of=late)


@exercise(4)
def test_first_message_is_a_token(sample: SampleData) -> None:
    """An unknown token closes with 1008; so does any other first message, without `find_user`."""
    (ada, *_), find_user = _users(sample)
    texts = [*(body.decode() for body in NOT_OBJECTS), as_text(PING), '{"token": 5}', "{}", ""]
    texts += [as_text({"token": sample.word()})]
    first = [*(say(text, at=0.1) for text in texts), say(as_text({"token": ada}).encode(), at=0.1)]
    strangers = [
        websocket("/me", message, *_ping(2), leave(at=20), at=place)
        for place, message in enumerate(first)
    ]
    assert_same(
        closes_to_the_second, asked_without_a_token, of=scenario(strangers, find_user=find_user)
    )


@aspect(
    "arguments",
    say=lambda call: f"find_user({as_text(call)})",
    nothing="no find_user without a token",
    may_be_empty=True,
)
def asked_without_a_token(trace: Trace) -> tuple[object, ...]:
    """What users are looked up by that is no token at all."""
    given = [call.arguments for call in trace.calls("find_user")]
    return tuple(one[0] for one in given if one and one[0] is None)


@exercise(4)
def test_silence_is_closed(sample: SampleData) -> None:
    """A client that sends nothing for 30 seconds is closed with 1001; all it sends counts."""
    (ada, _, bob), find_user = _users(sample)
    silent = scenario(
        _log_in(ada, *_ping(10), say("hello", at=35), leave(at=100)),
        _log_in(bob, *_ping(20, 45, 70), leave(at=85)),
        find_user=find_user,
    )
    assert_same(closes_to_the_second, messages, of=silent)


@aspect("closes", say=timed_closes.say, nothing=timed_closes.nothing)
def closes_to_the_second(trace: Trace) -> tuple[Any, ...]:
    """How each connection ends, and when; how long `find_user` takes does not matter."""
    return tuple(
        (number, how, None if tick is None else round(tick, -6))
        for number, how, tick in timed_closes(trace)
    )


@exercise(4)
def test_second_connection_closes_the_first(sample: SampleData) -> None:
    """When a user connects again, the older connection is closed with 4000, and the newer stays."""
    (ada, same, bob), find_user = _users(sample)
    again = scenario(
        _log_in(ada, *_ping(1), leave(at=25)),
        _log_in(bob, *_ping(6, 12), leave(at=25)),
        _log_in(same, *_ping(3, 9), leave(at=20), at=4),
        find_user=find_user,
    )
    assert_same(timed_closes, messages, of=again)


@exercise(4)
def test_each_connection_forgets_only_itself(sample: SampleData) -> None:
    """A third connection closes the second, whatever has become of the first."""
    (ada, same, _), find_user = _users(sample)
    three = scenario(
        _log_in(ada, leave(at=40)),
        _log_in(same, leave(at=40), at=4),
        _log_in(ada, *_ping(3), leave(at=40), at=8),
        find_user=find_user,
    )
    assert_same(timed_closes, of=three)


@exercise(4)
def test_user_may_come_back(sample: SampleData) -> None:
    """A user that has left, or was lost, may come back."""
    (ada, same, _), find_user = _users(sample)
    back = scenario(
        _log_in(ada, *_ping(1), leave(at=3)),
        _log_in(same, *_ping(1), leave(None, at=3), at=5),
        _log_in(ada, *_ping(1), leave(at=3), at=10),
        find_user=find_user,
    )
    assert_same(messages, closes, of=back)


@exercise(4)
def test_client_that_does_not_read_keeps_nobody_out(sample: SampleData) -> None:
    """The newer connection doesn't wait for the older one, even if that has stopped reading."""
    (ada, same, _), find_user = _users(sample)
    stuck = scenario(
        _log_in(ada, *_ping(1, 1.1, 1.2, 1.3), leave(at=30), reads=0, buffer=1),
        _log_in(same, *_ping(1, 2), leave(at=20), at=4),
        find_user=find_user,
    )
    assert_same(messages_to(1), closing_of_the_newer, of=stuck)


@aspect("closes", say=closes.say, nothing=closes.nothing)
def closing_of_the_newer(trace: Trace) -> tuple[Any, ...]:
    """How the newer connection ends: what the older one is sent lies in a buffer, unread."""
    return tuple(fact for fact in closes(trace) if fact[0] == 1)


# Exercise 5: an upload

LIMIT = 1_000_000


def _uploads(*requests: Request, opening: Any = 0.0, **methods: Any) -> Scenario:
    """Uploads whose writes take half a second."""
    does = {
        "write": takes(0.5, parameters=("data",)),
        "commit": takes(0.3, parameters=()),
        "abort": takes(0, parameters=()),
        **methods,
    }
    return scenario(*requests, open_upload=opens(opening, close=None, **does))


def _file(name: str, *pieces: bytes, **options: Any) -> Request:
    """A body that comes piece by piece, one each second."""
    return put(f"/files/{name}", pieces=pieces, every=1, **options)


def _some_files(sample: SampleData) -> Scenario:
    names = [sample.word() for _ in range(3)]
    text = [sample.word().encode() for _ in range(4)]
    return _uploads(
        _file(names[0], *text),
        _file(names[1], text[2], b"\0\xff", text[0], at=10),
        put(f"/files/{names[2]}", body=b"", at=20),
    )


@exercise(5)
def test_upload_is_stored(sample: SampleData) -> None:
    """The body is written and committed: 201 with its size and its hash."""
    assert_same(answers, stored, of=_some_files(sample.shared()))


@aspect("arguments", "calls")
def stored(trace: Trace) -> tuple[str, ...]:
    """Of each upload: under which name, what was written, and how it was ended."""
    return tuple(_story(trace, opening) for opening in trace.calls("open_upload"))


def _story(trace: Trace, opening: Any) -> str:
    own = [call for call in trace.calls() if call.resource == opening.resource and call != opening]
    written = [str(call.arguments[0]) for call in own if call.name.endswith(".write")]
    ends = [call.name.partition(".")[2] for call in own if not call.name.endswith(".write")]
    text = "".join(written)
    return f"{opening.arguments[0]}: {text[:60]!r}, then {' and '.join(ends) or 'nothing'}"


@exercise(5)
def test_each_piece_is_written_as_it_comes(sample: SampleData) -> None:
    """Each piece is written when it comes, so that there is never more than one in memory."""
    assert_same(pieces_written, of=_some_files(sample.shared()))


@exercise(5)
def test_one_piece_at_a_time(sample: SampleData) -> None:
    """A piece isn't taken before the one before it is written, however slow the storage is."""
    pieces = [sample.word().encode() for _ in range(5)]
    slow = _uploads(_file("slow", *pieces), write=takes(2.5, parameters=("data",)))
    assert_same(most_calls("open_upload.write"), stored, of=slow)


@aspect("calls", say=lambda fact: f"{fact[0]!r} written from {fact[1] / 1_000_000:g} s on")
def pieces_written(trace: Trace) -> tuple[tuple[str, int], ...]:
    """What was written, and when that began. To write nothing does not matter."""
    return tuple(
        (str(call.arguments[0])[:60], call.start.tick - trace.opened)
        for call in trace.calls("open_upload.write")
        if call.arguments and call.arguments[0]
    )


def _large(sample: SampleData) -> Scenario:
    """Bodies of exactly the limit, of a byte more, and of much more."""
    quarter = sample.word().encode().ljust(LIMIT // 4, b"x")
    return _uploads(
        _file("fits", *[quarter] * 4),
        _file("one-more", *[quarter] * 4, b"x", b"y", b"z", at=20),
        _file("too-large", *[quarter * 2] * 2, quarter, quarter, quarter, at=40),
    )


@exercise(5)
def test_too_much_is_refused_at_once(sample: SampleData) -> None:
    """More than 1,000,000 bytes: 413 as soon as the limit is passed, not when all has come."""
    assert_same(statuses, refused_in_time, of=_large(sample.shared()))


@aspect("status", "elapsed", say=lambda on_time: "in time" if on_time else "too late")
def refused_in_time(trace: Trace) -> tuple[bool, ...]:
    """Whether each 413 comes when the limit is passed, or even before."""
    moments = {1: 4.5, 2: 2.5}
    return tuple(
        (exchange.elapsed or 1000) <= moments[exchange.number]
        for exchange in trace.exchanges
        if exchange.number in moments
    )


@exercise(5)
def test_too_much_is_aborted(sample: SampleData) -> None:
    """What is refused is aborted, and not committed."""
    assert_same(kept, of=_large(sample.shared()))


@aspect("resources")
def kept(trace: Trace) -> tuple[str, ...]:
    """Whether each request's upload is kept, and only that."""
    return tuple(_fate(trace, exchange.number) for exchange in trace.exchanges)


def _fate(trace: Trace, number: int) -> str:
    own = [call for call in trace.calls() if call.exchange == number]
    aborts = [call for call in own if call.name.endswith(".abort")]
    is_open = any(call.name == "open_upload" and call.how == "done" for call in own)
    if any(call.name.endswith(".commit") and call.how == "done" for call in own):
        return "committed and aborted" if aborts else "committed"
    if len(aborts) > 1:
        return "aborted more than once"
    return "neither committed nor aborted" if is_open and not aborts else "not kept"


def _pieces(sample: SampleData, count: int = 3) -> list[bytes]:
    return [sample.word().encode() for _ in range(count)]


@exercise(5)
def test_upload_of_a_client_that_leaves_is_aborted(sample: SampleData) -> None:
    """If the client leaves, the upload is aborted: between two pieces, or while one is written."""
    leaving = _uploads(
        _file("between", *_pieces(sample), hangs_up_at=1.8),
        _file("in-a-write", *_pieces(sample), at=10, hangs_up_at=1.2),
        _file("at-the-start", *_pieces(sample), at=20, hangs_up_at=0.1),
    )
    assert_same(kept, of=leaving)


@exercise(5)
def test_cancelled_upload_is_aborted(sample: SampleData) -> None:
    """If the server cancels the request, the upload is aborted."""
    cancelled = _uploads(
        _file("between", *_pieces(sample), cancelled_at=1.8),
        _file("in-a-write", *_pieces(sample), at=10, cancelled_at=1.2),
    )
    assert_same(kept, of=cancelled)
    in_the_commit = _uploads(
        _file("in-the-commit", *_pieces(sample), cancelled_at=3.6),
        _file("later", *_pieces(sample), at=10),
        commit=takes(2, parameters=()),
    )
    assert_same(ended_once, of=in_the_commit)


@aspect("resources")
def ended_once(trace: Trace) -> tuple[str, ...]:
    """Whether each upload is either committed or aborted; which of them doesn't matter."""
    fates = [_fate(trace, exchange.number) for exchange in trace.exchanges]
    return tuple("ended once" if fate in ("committed", "not kept") else fate for fate in fates)


def _failing(sample: SampleData, method: str) -> Scenario:
    """Uploads of which one method fails, each time in another way."""
    kinds = ("OSError", "ValueError", "TimeoutError")
    errors = [
        fails(after=0.2, type=kind, text=sample.secret(), parameters=PARAMETERS[method])
        for kind in kinds
    ]
    files = [_file(kind, *_pieces(sample), at=10 * place) for place, kind in enumerate(kinds)]
    return _uploads(*files, **{method: in_turn(*errors)})


PARAMETERS = {"write": ("data",), "commit": ()}


@exercise(5)
def test_failing_write_is_a_500(sample: SampleData) -> None:
    """A write that fails is answered with 500, and the upload is aborted."""
    failing = _failing(sample, "write")
    assert_same(statuses, kept, of=failing, server_errors=[500])


@exercise(5)
def test_failing_commit_is_aborted(sample: SampleData) -> None:
    """A commit that fails has not succeeded: the upload is aborted."""
    assert_same(kept, of=_failing(sample, "commit"), server_errors=[500])


# Exercise 6: what the database tells

DAY60 = lesson("day60")
TABLE = tables(DAY60, DAY60.exercise(6))
PRICES = "select sku, price from prices order by sku"


def _prices(*requests: Any, sql: str = "", **options: Any) -> Scenario:
    """Requests to an app on a table with two prices."""
    return scenario(*requests, dsn=postgres(seed_sql=TABLE + sql, reads=[PRICES], **options))


def _watch(**options: Any) -> Request:
    return get("/prices/stream", **options)


def _price(sku: str, price: float, **when: float) -> Request:
    return post("/prices", json={"sku": sku, "price": price}, **when)


def _told(sample: SampleData) -> str:
    """SQL with which another program tells of a price."""
    payload = as_text({"sku": sample.word(), "price": sample.price() + 0.125})
    return f"select pg_notify('prices', '{payload}')"


def _posted(sample: SampleData) -> Scenario:
    """Prices that are new, and one that is replaced; two clients watch."""
    new, odd = sample.word(), f"O'{sample.word()}\"; é"
    return _prices(
        _watch(hangs_up_at=12),
        _watch(at=2.5, hangs_up_at=10),
        _price(new, sample.price() + 0.125, at=1),
        _price("lamp", sample.price() + 0.125, at=2),
        _price(odd, sample.price() + 0.125, at=3),
        _price(new, sample.price() + 0.125, at=4),
        meanwhile={5: _told(sample), 6: _told(sample)},
    )


@exercise(6)
def test_price_is_stored(sample: SampleData) -> None:
    """A price is stored, or replaces the old one: 201 with the same JSON."""
    posted = _posted(sample.shared())
    assert_same(*(answer_of(number) for number in range(2, 6)), readings, of=posted)


@exercise(6)
def test_clients_hear_of_each_price(sample: SampleData) -> None:
    """Each notification is an event for each client, at once, no matter who sent it."""
    assert_same(events, media_types, of=_posted(sample.shared()))


def _many_clients(sample: SampleData) -> Scenario:
    """Twenty clients, one of which doesn't read, and prices from here and from elsewhere."""
    return _prices(
        _watch(reads=0, buffer=1, hangs_up_at=30),
        *(_watch(at=1 + place / 10, hangs_up_at=20) for place in range(19)),
        *(_price(sample.word(), sample.price() + 0.125, at=4 + place) for place in range(4)),
        meanwhile={8 + place / 4: _told(sample) for place in range(20)},
    )


@exercise(6)
def test_one_connection_listens(sample: SampleData) -> None:
    """However many clients there are, one connection listens."""
    assert_same(listening, of=_many_clients(sample.shared()))


@exercise(6)
def test_each_client_hears_everything(sample: SampleData) -> None:
    """Each client hears of everything at once, also beside one that doesn't read."""
    assert_same(events_of_the_others, of=_many_clients(sample.shared()))


@aspect("events", say=events.say, nothing=events.nothing)
def events_of_the_others(trace: Trace) -> tuple[Any, ...]:
    """What all clients but the first are told, and when."""
    return tuple(fact for fact in events(trace) if fact[0] > 0)


@exercise(6)
def test_listens_before_requests(sample: SampleData) -> None:
    """The app listens before it takes requests."""
    slow_to_connect = _prices(_watch(hangs_up_at=3), round_trip=0.25, meanwhile={30: _told(sample)})
    assert_same(listens_in_time, of=slow_to_connect)


REFUSES = """
    alter table prices add check (price < 5000);
    create function refuse() returns trigger language plpgsql as
        $$ begin if new.price > 3000 then raise 'too expensive'; end if; return new; end $$;
    create constraint trigger expensive after insert or update on prices
        deferrable initially deferred for each row execute function refuse();
"""
"""A price of 5000 is refused when it is stored, and one of 3000 when the transaction commits."""


@exercise(6)
def test_stored_and_told_in_one_transaction(sample: SampleData) -> None:
    """What fails is neither stored nor told, wherever it fails: it is one transaction."""
    posts = [
        _price(sample.word(), price, at=1 + place)
        for place, price in enumerate((2.5, 6000.5, 4000.5, 3.5, 4.5))
    ]
    fault = Fault(does="fail", matching="notify", at=2, when="serving")
    refused = _prices(_watch(hangs_up_at=10), *posts, sql=REFUSES)
    assert_same(stored_or_told, of=refused, server_errors=[500])
    untold = _prices(_watch(hangs_up_at=10), posts[0], posts[3], posts[4], faults=[fault])
    assert_same(stored_as_told, of=untold, server_errors=[500])


def _skus(trace: Trace) -> tuple[set[str], set[str]]:
    """What is stored that wasn't there before, and what has been told."""
    rows = trace.readings.get(PRICES)
    there = {row["sku"] for row in rows} - {"lamp", "chair"} if isinstance(rows, list) else set()
    told = [event.json() for exchange in trace.exchanges for event in exchange.events()]
    return there, {str(price.get("sku")) for price in told if isinstance(price, dict)}


@aspect("readings", "events")
def stored_or_told(trace: Trace) -> tuple[str, ...]:
    """Of each price that is sent, whether it is stored, and whether it is told."""
    there, told = _skus(trace)
    return tuple(
        f"{sku} is {'stored' if sku in there else 'not stored'}, "
        f"and {'told' if sku in told else 'not told'}"
        for sku in sorted(there | told)
    )


@aspect("readings", "events")
def stored_as_told(trace: Trace) -> tuple[str, ...]:
    """What is stored and not told, or told and not stored."""
    there, told = _skus(trace)
    odd = [f"{sku} is {'stored' if sku in there else 'told'} only" for sku in there ^ told]
    return tuple(sorted(odd)) or ("all that is stored is told",)


def _outages(sample: SampleData, *outages: Outage, until: float, first: int = 1) -> Scenario:
    """A client that stays, while another program tells of a price each second."""
    told = {moment + 0.5: _told(sample) for moment in range(first, int(until))}
    return _prices(_watch(hangs_up_at=until), meanwhile=told, outages=outages)


@exercise(6)
def test_lost_connection_is_opened_anew(sample: SampleData) -> None:
    """A lost connection is opened again after 1, 2, 4 ... seconds, and the clients stay."""
    twice = (Outage(at=5, seconds=4), Outage(at=16, seconds=0.5))
    assert_same(events, of=_outages(sample, *twice, until=24))


@exercise(6)
def test_pauses_are_at_most_thirty_seconds(sample: SampleData) -> None:
    """However long the database is away, it is tried again every 30 seconds."""
    away = Outage(at=5, seconds=100)
    assert_same(events, of=_outages(sample, away, until=140, first=110))
