"""The checks of day 54. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from grader.checks import (
    JSON,
    NOT_OBJECTS,
    Aspect,
    Request,
    SampleData,
    Scenario,
    Takes,
    Trace,
    answers,
    arguments,
    arguments_of,
    as_text,
    aspect,
    assert_same,
    at_most_at_once,
    by_argument,
    call_counts,
    elapsed,
    exercise,
    fails,
    get,
    good_answers,
    header,
    in_order,
    in_turn,
    logged,
    mentions,
    moments,
    patch,
    post,
    says,
    scenario,
    spaced,
    statuses,
    takes,
    times,
)

# What the factories are handed, by the parameters that it takes.
stores = partial(takes, parameters=("item",))
loads = partial(takes, parameters=("key",))
breaks = partial(fails, parameters=("key",))
tells = partial(takes, parameters=("field", "value"))
creates = partial(takes, parameters=("user",))
finds = partial(takes, parameters=("id",))
finds_all = partial(takes, parameters=())


# Exercise 1: a path parameter


@exercise(1)
def test_number_is_squared(sample: SampleData) -> None:
    """The answer is {"square": number * number}, for integers from 0 to 1000."""
    numbers = (0, 1000, 2 + sample.number() % 998)
    assert_same(answers, of=scenario(*(get(f"/square/{number}") for number in numbers)))


@exercise(1)
def test_other_numbers_are_refused(sample: SampleData) -> None:
    """A number below 0 or above 1000, a fraction or a word is answered 422."""
    wrong = (-1, 1001, 1001 + sample.number(), "2.5", sample.word(), "12a")
    assert_same(statuses, of=scenario(*(get(f"/square/{number}") for number in wrong)))


# Exercise 2: a body


def _items(*bodies: Any) -> Scenario:
    return scenario(*(post("/items", json=body) for body in bodies))


@exercise(2)
def test_item_is_answered(sample: SampleData) -> None:
    """POST /items answers 201 with the name and the price."""
    cheap, whole = {"name": sample.word().title(), "price": 0.25}, {"name": "x", "price": 3}
    assert_same(answers, of=_items({"name": sample.word(), "price": sample.price()}, cheap, whole))


@exercise(2)
def test_blanks_are_taken_off(sample: SampleData) -> None:
    """Blanks around the name are taken off before its length is measured."""
    fit = (f"  {sample.word()} lamp ", f"   {'x' * 50}   ", "é" * 50)
    names = (*fit, " ", "", f" {'x' * 51}", "x" * 51)
    assert_same(good_answers, of=_items(*({"name": name, "price": 20} for name in names)))


@exercise(2)
def test_price_is_above_nothing(sample: SampleData) -> None:
    """A price that is 0, negative, missing or not a number is answered 422."""
    prices: tuple[Any, ...] = (0, -sample.price(), sample.word(), None, [1], {})
    bodies = [{"name": "lamp", "price": price} for price in prices]
    assert_same(statuses, of=_items(*bodies, {"name": "lamp"}))


@exercise(2)
def test_name_is_a_string() -> None:
    """A name that is missing or not a string is answered 422; so is what isn't a JSON object."""
    names: tuple[Any, ...] = (None, 7, ["lamp"])
    bodies = [{"name": name, "price": 20} for name in names]
    misfits = [post("/items", json=body) for body in (*bodies, {"price": 20}, [["lamp", 20]])]
    others = [post("/items", body=body, headers=JSON) for body in NOT_OBJECTS]
    assert_same(statuses, of=scenario(*misfits, *others))


@exercise(2)
def test_unknown_fields_are_refused(sample: SampleData) -> None:
    """A body with a field that nobody knows is answered 422."""
    known = {"name": sample.word(), "price": sample.price()}
    assert_same(good_answers, of=_items({**known, "prize": 7}, {**known, sample.word(): None}))


# Exercise 3: three bodies, one rule


def _store(*requests: Request, ids: Iterable[Any] = (), seconds: float = 0.5) -> Scenario:
    given = [stores(seconds, id_) for id_ in ids] or [stores(seconds, 1)]
    return scenario(*requests, store=in_turn(*given))


def _ids(sample: SampleData, count: int) -> list[int]:
    return [sample.number() for _ in range(count)]


@exercise(3)
def test_json_is_stored(sample: SampleData) -> None:
    """POST /items stores the item and answers 201 with its id."""
    items = [{"name": f" {sample.word()} ", "price": sample.price()} for _ in range(2)]
    two = _store(
        *spaced(10, *(post("/items", json=item) for item in items)), ids=(sample.number(), 0)
    )
    assert_same(answers, arguments, of=two)


@exercise(3)
def test_forms_are_stored(sample: SampleData) -> None:
    """POST /items/form does the same with a form, urlencoded or multipart."""
    urlencoded, multipart = (
        {"name": f" {sample.word()} & söhne", "price": str(sample.price())} for _ in range(2)
    )
    two = _store(
        *spaced(10, post("/items/form", data=urlencoded), _multipart("/items/form", multipart)),
        ids=_ids(sample, 2),
    )
    assert_same(answers, arguments, of=two)


def _multipart(path: str, fields: dict[str, str]) -> Request:
    parts = "".join(
        f'--line\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    media_type = "multipart/form-data; boundary=line"
    return post(path, body=f"{parts}--line--\r\n".encode(), headers={"content-type": media_type})


@exercise(3)
def test_forms_may_have_other_fields(sample: SampleData) -> None:
    """A form may have other fields, of which the store is told nothing."""
    fields = {"name": sample.word(), "price": "20", "submit": "Send"}
    assert_same(answers, arguments, of=_store(post("/items/form", data=fields)))


@exercise(3)
def test_bad_items_are_not_stored(sample: SampleData) -> None:
    """JSON or a form that breaks the rules is answered 422, and nothing is stored."""
    bad = [{"name": "lamp", "price": price} for price in ("0", "-3", sample.word())]
    bad += [{"name": " ", "price": "20"}, {"name": "x" * 51, "price": "20"}, {"name": "lamp"}]
    refused = _store(
        *(post("/items/form", data=fields) for fields in bad),
        *(post("/items", json=fields) for fields in bad),
        post("/items", json={"name": "lamp", "price": 20, "size": 3}),
    )
    assert_same(statuses, call_counts, of=refused)


def _csv(body: str | bytes, *, size: int = 0, every: float = 0, at: float = 0) -> Request:
    """A CSV body, whole or in pieces of `size` bytes."""
    raw = body.encode() if isinstance(body, str) else body
    pieces = [raw[place : place + size] for place in range(0, len(raw), size)] if size else [raw]
    return post(
        "/items/csv", pieces=pieces, every=every, at=at, headers={"content-type": "text/csv"}
    )


def _apart_csv(bodies: Iterable[str]) -> tuple[Request, ...]:
    return spaced(10, *map(_csv, bodies))


def _lines(sample: SampleData, count: int) -> list[str]:
    return [f"{sample.word()},{sample.price()}" for _ in range(count)]


@exercise(3)
def test_csv_is_stored_in_order(sample: SampleData) -> None:
    """POST /items/csv stores every line, one after the other, and answers 201 with the ids."""
    slow_first = [stores(seconds, sample.number()) for seconds in (2, 1, 0.5, 0.2)]
    body = "\n".join(_lines(sample, 4))
    assert_same(
        answers,
        arguments_of("store"),
        in_order("store"),
        of=scenario(_csv(body), store=in_turn(*slow_first)),
    )


@exercise(3)
def test_csv_may_be_cut_anywhere(sample: SampleData) -> None:
    """The pieces of a CSV body may end anywhere, in the middle of a line or of a letter."""
    body = "\n".join([f"Käse-{sample.word()},2.5", *_lines(sample, 2), "Öl,7"])
    in_pieces = _store(
        *(_csv(body, size=size, every=0.1, at=100 * size) for size in (1, 7)), ids=_ids(sample, 8)
    )
    assert_same(answers, arguments_of("store"), in_order("store"), of=in_pieces)


@exercise(3)
def test_lines_may_end_as_they_do_elsewhere(sample: SampleData) -> None:
    """Lines may end with CRLF, and the last one with or without a newline."""
    one, two, three = _lines(sample, 3)
    bodies = (f"{one}\r\n{two}\r\n{three}\r\n", f"{one}\n{two}\n", f"{one}\r\n{two}", one)
    each = _store(*_apart_csv(bodies), ids=_ids(sample, 8))
    assert_same(answers, arguments_of("store"), in_order("store"), of=each)


@exercise(3)
def test_quotes_are_ordinary(sample: SampleData) -> None:
    """Quotes are ordinary characters, and blanks around a name are taken off."""
    body = f'"{sample.word()}",20\n {sample.word()} "big" ,2.5\n"x,3'
    assert_same(
        answers,
        arguments_of("store"),
        in_order("store"),
        of=_store(_csv(body), ids=_ids(sample, 3)),
    )


WORDS = ("lamp", "chair", "table", "mirror", "carpet")


@exercise(3)
def test_bad_line_is_named(sample: SampleData) -> None:
    """One bad line: 422 with its number in the text, and nothing is stored."""
    bad = (
        "",
        "lamp",
        "lamp,",
        "lamp,dear",
        "lamp,0",
        "lamp,-3",
        ",20",
        " ,20",
        "lamp,20,30",
        "a,b,20",
        '"a,b",20',
    )
    number = 4 + sample.number() % 5
    good = [f"{WORDS[place % 5]},{sample.pick('10', '20', '30')}" for place in range(9)]
    bodies = ["\n".join([*good[: number - 1], line, *good[number:]]) for line in bad]
    refused = _store(*_apart_csv(bodies))
    assert_same(tells_line(number), call_counts, of=refused)


@exercise(3)
def test_first_and_last_line_are_counted_right() -> None:
    """The first line is number 1; a blank line at the end is bad, too."""
    first = _store(_csv("lamp;20\nchair,20\ntable,20"), _csv("\r\nchair,20\n"))
    assert_same(tells_line(1), call_counts, of=first)
    assert_same(tells_line(3), call_counts, of=_store(_csv("lamp,20\nchair,20\n\n")))


def tells_line(number: int) -> Aspect:
    """Whether each 422 has this number in its text; what else it says does not matter."""
    return says(f"the number {number}", lambda text: str(number) in re.findall(r"\d+", text))


@exercise(3)
def test_limit_is_a_thousand_bytes() -> None:
    """1,000 bytes are accepted, and 1,001 are answered 413. Nothing of them is stored."""
    line = f"{'x' * 45},1.5\n"
    thousand = line * 20
    wider = thousand.replace("xx,", "éx,", 1)  # 1,001 bytes, and no more letters than before
    bodies = [
        _csv(body, size=300, at=100 * place)
        for place, body in enumerate((thousand, f"y{thousand}", wider))
    ]
    assert_same(good_answers, call_counts, of=_store(*bodies, seconds=0))


@exercise(3)
def test_too_much_is_refused_at_once(sample: SampleData) -> None:
    """More than 1,000 bytes are answered 413 as soon as the limit is passed."""
    line, size = f"{'x' * 44},20.0\n", 200 + 50 * (sample.number() % 4)
    endless = _csv(line * 100, size=size, every=2 if sample.pick(*"123") == "1" else 1)
    assert_same(statuses, elapsed, call_counts, of=_store(endless))


# Exercise 4: bookings

Fields = dict[str, Any]


def _booking(sample: SampleData, **changes: Any) -> Fields:
    start = datetime.datetime(2026, 5, 1 + sample.number() % 9, 14, tzinfo=_hours(2))
    return {
        "room": f"{sample.pick(*'ABCXYZ')}-{sample.number() % 900 + 100}",
        "start": start.isoformat(),
        "end": (start + datetime.timedelta(days=2, minutes=sample.number() % 999)).isoformat(),
        "guests": 2 + sample.number() % 6,
        "payment": _card(sample),
        **changes,
    }


def _hours(hours: float) -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(hours=hours))


def _card(sample: SampleData) -> Fields:
    return {"method": "card", "last4": f"{sample.number() % 10_000:04}"}


def _invoice(sample: SampleData) -> Fields:
    return {"method": "invoice", "vat": f"DE{sample.number() % 10**9:09}"}


def _in_a_row(*requests: Request) -> Scenario:
    return scenario(*spaced(1, *requests))


@aspect("status", "body", say=answers.say)
def bookings(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer below 400; how many decimals the seconds of a UTC time have is open."""
    return tuple((status, _UTC.sub("Z", body)) for status, body in good_answers(trace))


_UTC = re.compile(r"(?<=:\d\d)\.0+Z")


def _assert_bookings(of: Scenario) -> None:
    """Compare the answers below 400; how times are written is a check of its own."""
    assert_same(good_answers, of=of, alike=moments)


@exercise(4)
def test_bookings_are_made(sample: SampleData) -> None:
    """POST answers 201 with the booking and its id, which counts from 1."""
    _assert_bookings(of=_in_a_row(*_two_bookings(sample)))


@exercise(4)
def test_bookings_are_read(sample: SampleData) -> None:
    """GET answers with the booking of that id, or 404."""
    read = (get(f"/bookings/{id_}") for id_ in (1, 2, 3))
    _assert_bookings(of=_in_a_row(*_two_bookings(sample), *read))


def _two_bookings(sample: SampleData) -> list[Request]:
    payments = (_card(sample), _invoice(sample))
    return [post("/bookings", json=_booking(sample, payment=payment)) for payment in payments]


@exercise(4)
def test_times_are_in_utc(sample: SampleData) -> None:
    """Times of any offset are answered in UTC, with a Z."""
    offsets = (("+02:00", "-05:30"), ("Z", "+00:00"), ("-11:00", "+13:45"))
    assert_same(
        bookings,
        of=_in_a_row(
            *(
                post(
                    "/bookings",
                    json=_booking(
                        sample, start=f"2026-12-30T23:30:00{one}", end=f"2027-01-02T01:10:09{other}"
                    ),
                )
                for one, other in offsets
            )
        ),
    )


def _one_of(sample: SampleData, **wrong: Iterable[Any]) -> Scenario:
    """A booking for each wrong value, then a right one, which gets the id 1."""
    bad = [
        post("/bookings", json=_booking(sample, **{name: value}))
        for name, values in wrong.items()
        for value in values
    ]
    return _in_a_row(*bad, post("/bookings", json=_booking(sample)))


@exercise(4)
def test_rooms_and_guests_have_their_form(sample: SampleData) -> None:
    """A room is a capital, a dash and three digits; guests are 1 to 8. If not: 422, no id."""
    rooms = ("a-101", "A101", "A-10", "A-1011", "AB-101", "A-10x", "A-101\n", " A-101", "", None)
    _assert_bookings(of=_one_of(sample, room=rooms, guests=(0, 9, -1, 2.5, None, [2])))
    edges = (post("/bookings", json=_booking(sample, guests=guests)) for guests in (1, 8))
    _assert_bookings(of=_in_a_row(*edges))


@exercise(4)
def test_fields_must_be_there(sample: SampleData) -> None:
    """A field that is missing is answered 422."""
    whole = _booking(sample)
    parts = ({key: whole[key] for key in whole if key != missing} for missing in whole)
    _assert_bookings(
        of=_in_a_row(
            *(post("/bookings", json=part) for part in parts),
            post("/bookings", json=[whole]),
            post("/bookings", json=whole),
        ),
    )


@exercise(4)
def test_end_is_later(sample: SampleData) -> None:
    """The end is later than the start, and at most 14 days later, whatever the offsets."""
    start = "2026-05-01T10:00:00+02:00"
    ends = (
        "2026-05-01T10:00:00+02:00",
        "2026-05-01T09:59:59+02:00",
        "2026-05-01T10:30:00+03:00",
        "2026-05-15T10:00:01+02:00",
        "2026-05-15T09:00:00-07:00",
        "2026-05-15T10:00:00+02:00",
        "2026-05-15T17:30:00+09:30",
        "2026-05-01T09:00:00+00:00",
    )
    each = (post("/bookings", json=_booking(sample, start=start, end=end)) for end in ends)
    _assert_bookings(of=_in_a_row(*each))


@exercise(4)
def test_times_have_an_offset(sample: SampleData) -> None:
    """A time without an offset is answered 422, and so is what isn't a time."""
    naive = _booking(sample, start="2026-05-01T10:00:00", end="2026-05-02T10:00:00")
    half = _booking(sample, start="2026-05-01T10:00:00+02:00", end="2026-05-02T10:00:00")
    word = _booking(sample, start=sample.word())
    none = _booking(sample, end=None)
    bad = (post("/bookings", json=body) for body in (naive, half, word, none))
    _assert_bookings(of=_in_a_row(*bad, post("/bookings", json=_booking(sample))))


@exercise(4)
def test_payments_are_of_two_kinds(sample: SampleData) -> None:
    """A payment is by card, with four digits, or by invoice, with a vat of 5 characters or more."""
    payments: tuple[Any, ...] = (
        {"method": "card", "last4": "123"},
        {"method": "card", "last4": "12345"},
        {"method": "card", "last4": "12x4"},
        {"method": "card", "vat": "DE123"},
        {"method": "card"},
        {"method": "invoice", "vat": "DE12"},
        {"method": "invoice", "last4": "1234"},
        {"method": "cash", "last4": "1234"},
        {"last4": "1234"},
        None,
        "card",
    )
    _assert_bookings(of=_one_of(sample, payment=payments))
    shortest = _booking(sample, payment={"method": "invoice", "vat": "DE123"})
    _assert_bookings(of=_in_a_row(post("/bookings", json=shortest)))


@exercise(4)
def test_unknown_fields_are_refused_everywhere(sample: SampleData) -> None:
    """What is unknown is refused, in the booking and in the payment."""
    card, invoice = _card(sample), _invoice(sample)
    payments = ({**card, "vat": "DE12345"}, {**invoice, "last4": "1234"}, {**card, "cvc": "123"})
    _assert_bookings(of=_one_of(sample, payment=payments, floor=(3, None)))


def _changes(sample: SampleData, *changes: Any) -> Scenario:
    """A booking, then each change, and what the booking is after it."""
    start, end = "2026-05-01T10:00:00+02:00", "2026-05-05T10:00:00+02:00"
    return _in_a_row(
        post("/bookings", json=_booking(sample, start=start, end=end)),
        *(
            each
            for change in changes
            for each in (patch("/bookings/1", json=change), get("/bookings/1"))
        ),
    )


@exercise(4)
def test_changes_are_made(sample: SampleData) -> None:
    """PATCH changes the fields that were sent and answers 200 with the booking."""
    _assert_bookings(
        of=_changes(
            sample,
            {"guests": 1},
            {"room": "Q-007", "guests": 8},
            {"end": "2026-05-01T11:00:00+02:00"},
            {"payment": _invoice(sample)},
            {"payment": _card(sample)},
            {},
        ),
    )


@exercise(4)
def test_both_times_may_change(sample: SampleData) -> None:
    """A booking may be moved by months, its start and its end together."""
    moved = {"start": "2026-08-01T10:00:00-03:00", "end": "2026-08-02T10:00:00-03:00"}
    back = {"end": "2026-02-09T10:00:00Z", "start": "2026-02-08T10:00:00Z"}
    _assert_bookings(of=_changes(sample, moved, back))


@exercise(4)
def test_bad_changes_change_nothing(sample: SampleData) -> None:
    """A change that isn't valid is answered 422, and the booking stays as it was."""
    _assert_bookings(
        of=_changes(
            sample,
            {"guests": 9, "room": "Q-007"},
            {"room": "Q-007", "guests": 0},
            {"room": "q-007"},
            {"floor": 3},
            {"guests": 3, "payment": {"method": "card", "last4": "12"}},
            {"payment": {**_card(sample), "cvc": "123"}},
            [{"guests": 3}],
        ),
    )


@exercise(4)
def test_changed_booking_is_valid_as_a_whole(sample: SampleData) -> None:
    """The rules for both times hold for the changed booking, though one of them is sent."""
    _assert_bookings(
        of=_changes(
            sample,
            {"start": "2026-05-06T10:00:00+02:00"},
            {"end": "2026-05-01T08:00:00Z"},
            {"end": "2026-05-20T10:00:00+02:00"},
            {"start": "2026-04-20T10:00:00+02:00"},
            {"end": "2026-05-02T10:00:00"},
        ),
    )


@exercise(4)
def test_null_is_refused(sample: SampleData) -> None:
    """A null is a value that was sent, and it is refused."""
    names = ("room", "start", "end", "guests", "payment")
    _assert_bookings(of=_changes(sample, *({name: None} for name in names)))


@exercise(4)
def test_payment_is_replaced_as_a_whole(sample: SampleData) -> None:
    """A changed payment must be a whole one: nothing of the old one is left."""
    _assert_bookings(
        of=_changes(
            sample,
            {"payment": {"last4": "9999"}},
            {"payment": {"method": "invoice"}},
            {"payment": _invoice(sample)},
        ),
    )


@exercise(4)
def test_unknown_booking_cannot_be_changed(sample: SampleData) -> None:
    """PATCH of a booking that isn't there is answered 404, and each changes its own."""
    _assert_bookings(
        of=_in_a_row(
            patch("/bookings/1", json={"guests": 3}),
            post("/bookings", json=_booking(sample)),
            post("/bookings", json=_booking(sample)),
            patch("/bookings/2", json={"guests": 1}),
            patch("/bookings/3", json={"guests": 1}),
            get("/bookings/1"),
            get("/bookings/2"),
        ),
    )


# Exercise 5: errors


def _load(*steps: Takes, key: str = "lamp") -> Scenario:
    apart = spaced(10, *times(len(steps), get(f"/documents/{key}")))
    return scenario(*apart, load=in_turn(*steps))


@exercise(5)
def test_document_is_passed_on(sample: SampleData) -> None:
    """What load(key) gives is the answer, also when it is null or empty."""
    given: tuple[Any, ...] = (sample.record(), None, [], 0, "")
    loaded = _load(*(loads(0.5, value) for value in given), key=sample.word())
    assert_same(answers, arguments, elapsed, of=loaded)


@exercise(5)
def test_errors_have_their_statuses(sample: SampleData) -> None:
    """LookupError is 404, PermissionError 403, TimeoutError 504, each with its own body."""
    kinds = ("KeyError", "PermissionError", "TimeoutError", "IndexError", "LookupError")
    secret = sample.secret()
    failing = _load(*(breaks(0.5, kind, secret) for kind in kinds))
    assert_same(answers, mentions(secret), of=failing, server_errors=[504])


@exercise(5)
def test_http_exception_is_kept(sample: SampleData) -> None:
    """An HTTPException keeps its status, its detail and its headers."""
    details = (sample.word(), sample.word(), sample.word())
    kept = _load(
        *(
            breaks(0.5, status=status, text=detail, headers={"Retry-After": f"{status}"})
            for status, detail in zip((404, 429, 503), details, strict=True)
        )
    )
    assert_same(answers, header("retry-after"), of=kept, server_errors=[503])


def _unexpected(sample: SampleData) -> tuple[Scenario, str]:
    shared = sample.shared()
    kinds, secret = ("ValueError", "ConnectionError", "RuntimeError", "OSError"), shared.secret()
    failing = _load(*(breaks(0.5, kind, secret) for kind in kinds), loads(0.5, shared.record()))
    return failing, secret


@exercise(5)
def test_anything_else_is_internal(sample: SampleData) -> None:
    """Any other error is 500 {"error": "internal"}, without its text. The app lives on."""
    failing, secret = _unexpected(sample)
    assert_same(answers, mentions(secret), of=failing, server_errors=[500])


@exercise(5)
def test_internal_errors_are_logged(sample: SampleData) -> None:
    """Any other error is logged with its traceback on the logger "day54"."""
    assert_same(errors_logged, of=_unexpected(sample)[0], server_errors=[500])


def _only_errors(trace: Trace) -> tuple[Any, ...]:
    """What `logged` says of each answer of 500: what is logged of others is open."""
    facts = zip(trace.exchanges, _LOGGED(trace), strict=True)
    return tuple(fact for exchange, fact in facts if exchange.status == 500)


_LOGGED = logged("day54", after="load")
errors_logged = Aspect(_LOGGED.tags, _only_errors, _LOGGED.say, "no answer of 500")


@exercise(5)
def test_unknown_paths_have_the_shape(sample: SampleData) -> None:
    """Unknown paths and methods are answered {"error": "http", "detail": ...}, 404 and 405."""
    lost = scenario(
        get(f"/{sample.word()}"),
        get("/documents"),
        post("/documents/lamp", json={}),
        get("/documents/a/b"),
        load=loads(0.5),
    )
    assert_same(http_errors, of=lost)


@aspect("status", "body", say=answers.say)
def http_errors(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer; how the detail is worded does not matter."""

    def told(body: Any) -> Any:
        known = isinstance(body, dict) and body.get("detail") not in (None, "")
        return {**body, "detail": "..."} if known else body

    return tuple((e.status, as_text(told(e.json()))) for e in trace.exchanges)


@exercise(5)
def test_documents_are_accepted(sample: SampleData) -> None:
    """POST /documents answers 201 with the key, and not with the secret."""
    keys = (sample.word()[:20], "abc", "k" * 20)
    secrets = (sample.secret(), "12345678", "s" * 60)
    accepted = scenario(
        *(
            post("/documents", json={"key": key, "secret": secret})
            for key, secret in zip(keys, secrets, strict=True)
        ),
        load=loads(0.5),
    )
    assert_same(answers, mentions(secrets[0], "the secret"), of=accepted)


@exercise(5)
def test_what_was_sent_is_not_repeated(sample: SampleData) -> None:
    """No value that was sent appears in a 422."""
    word, number = sample.word(), 10**7 + sample.number() % 10**7
    bodies: list[Any] = [
        {"key": "lamp", "secret": number},
        {"key": "ab", "secret": [word]},
        {"key": f"{word}{'k' * 20}", "secret": word},
        word,
    ]
    sent = scenario(
        *(post("/documents", json=body) for body in bodies),
        post("/documents", body=f'{{"secret": "{word}", {number}'.encode(), headers=JSON),
        load=loads(0.5),
    )
    repeated = (mentions(text, "what was sent") for text in (word, str(number)))
    assert_same(statuses, *repeated, of=sent)


@exercise(5)
def test_invalid_fields_are_named() -> None:
    """What is invalid is answered 422 with the places of what is wrong."""
    bodies = [
        {"key": "lamp", "secret": "1234567"},
        {"key": "ab", "secret": "12345678"},
        {"key": "k" * 21, "secret": ""},
        {"key": "lamp"},
        {"secret": "12345678"},
        {},
        {"key": 1234, "secret": "12345678"},
        {"key": "lamp", "secret": None},
    ]
    invalid = scenario(*(post("/documents", json=body) for body in bodies), load=loads(0.5))
    assert_same(invalid_fields, of=invalid)


@aspect("status", "body", say=answers.say)
def invalid_fields(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer; the order of the fields does not matter."""

    return _unordered(trace, "fields")


def _unordered(trace: Trace, name: str) -> tuple[tuple[int | None, str], ...]:
    """Each answer; the list of that name in its body says the same in whatever order it is."""

    def told(body: Any) -> Any:
        items = body.get(name) if isinstance(body, dict) else None
        return {**body, name: sorted(items, key=as_text)} if isinstance(items, list) else body

    return tuple((e.status, as_text(told(e.json()))) for e in trace.exchanges)


# Exercise 6: names that are taken


def _user(sample: SampleData) -> dict[str, str]:
    name = f"{sample.pick('ada', 'bo_', 'grace')}_{sample.number() % 10**6}"
    return {"username": name, "email": f"{name}@{sample.word()}.org"}


def _users(
    *requests: Request,
    taken: Iterable[tuple[str, str]] = (),
    ids: Iterable[Any] = (1,),
    create: Any = None,
) -> Scenario:
    """Requests to an app whose questions and creations take a second each."""
    known = {question: tells(1, True) for question in taken}
    return scenario(
        *requests,
        exists=by_argument(known, otherwise=tells(1, False), parameters=("field", "value")),
        create=create or in_turn(*(creates(1, id_) for id_ in ids)),
    )


@exercise(6)
def test_user_is_created(sample: SampleData) -> None:
    """A user who is free is created: 201 with the id. All that is asked for is asked for once."""
    edges = ({"username": "a_0", "email": "a@b"}, {"username": "z" * 20, "email": "a b@c"})
    users = (_user(sample), *edges)
    made = _users(
        *spaced(10, *(post("/users", json=user) for user in users)), ids=(sample.number(), 0, "x")
    )
    assert_same(answers, arguments, of=made)


@exercise(6)
def test_both_are_asked_together(sample: SampleData) -> None:
    """Both questions are asked together, and the user is created after them."""
    assert_same(elapsed, statuses, of=_users(post("/users", json=_user(sample))))


@exercise(6)
def test_taken_fields_are_named(sample: SampleData) -> None:
    """What is taken is answered 409, in the order username, email. Nothing is created."""
    one, two, three = (_user(sample) for _ in range(3))
    taken = [("username", one["username"]), ("email", two["email"]), *three.items()]
    refused = _users(
        *spaced(10, *(post("/users", json=user) for user in (one, two, three))), taken=taken
    )
    assert_same(answers, arguments, of=refused)


@exercise(6)
def test_invalid_users_are_refused_first(sample: SampleData) -> None:
    """A user who isn't valid is answered 422, and nothing is asked."""
    names = ("ab", "a" * 21, "Ada", "ada-b", "ada b", "ada\n", "", None, 1234, "ädä")
    emails = ("ada", "@b.org", "ada@", "a@b@c.org", "", "@", None)
    good = _user(sample)
    bad: list[Any] = [{**good, "username": name} for name in names]
    bad += [{**good, "email": email} for email in emails]
    bad += [{"email": good["email"]}, {"username": good["username"]}, [good]]
    assert_same(statuses, call_counts, of=_users(*(post("/users", json=user) for user in bad)))


@exercise(6)
def test_key_error_is_a_conflict(sample: SampleData) -> None:
    """If create raises a KeyError, someone else was quicker: 409, in both routes."""
    gone = fails(1, "KeyError", sample.word(), parameters=("user",))
    lost = _users(
        post("/users", json=_user(sample)),
        post("/users/batch", json=[_user(sample), _user(sample)], at=20),
        create=in_turn(gone, creates(1, 1), gone),
    )
    assert_same(statuses, of=lost)


def _batch(*users: Any, **options: Any) -> Scenario:
    return _users(post("/users/batch", json=list(users)), **options)


@exercise(6)
def test_batch_is_created_in_order(sample: SampleData) -> None:
    """A batch is created one after the other, in its order: 201 with the ids."""
    users = [_user(sample) for _ in range(4)]
    slow_first = in_turn(*(creates(seconds, sample.number()) for seconds in (2, 1, 0.5, 0.2)))
    made = _batch(*users, create=slow_first)
    assert_same(
        answers, arguments_of("exists"), arguments_of("create"), in_order("create"), of=made
    )


@exercise(6)
def test_batch_asks_ten_at_a_time(sample: SampleData) -> None:
    """A batch asks ten questions at a time: never more, and not fewer while there are more."""
    users = [_user(sample) for _ in range(20)]
    many = _batch(*users, taken=[("email", users[7]["email"])])
    assert_same(at_most_at_once("exists", 10), elapsed, of=many)


@exercise(6)
def test_batch_may_have_a_hundred(sample: SampleData) -> None:
    """A batch has 1 to 100 users; 0 and 101 are answered 422, as is one with an invalid user."""
    users = [_user(sample) for _ in range(101)]
    wrong = _users(
        *(
            post("/users/batch", json=body)
            for body in ([], users, [users[0], {**users[1], "username": "X"}], users[0])
        )
    )
    assert_same(statuses, call_counts, of=wrong)
    hundred = _batch(*users[:100], taken=[("username", users[99]["username"])])
    assert_same(answers, at_most_at_once("exists", 10), elapsed, of=hundred)


@exercise(6)
def test_taken_users_of_a_batch_are_named(sample: SampleData) -> None:
    """If anything is taken, the answer is 409 with the index of each, and nothing is created."""
    users = [_user(sample) for _ in range(6)]
    taken = [("email", users[1]["email"]), *users[4].items()]
    assert_same(batch_errors, arguments, of=_batch(*users, taken=taken))


@exercise(6)
def test_what_stands_twice_is_taken(sample: SampleData) -> None:
    """What is twice in a batch is taken without asking, except for the first."""
    one, two, three, four = (_user(sample) for _ in range(4))
    users = (
        one,
        two,
        {**three, "username": one["username"]},
        {**four, "email": two["email"]},
        one,
    )
    assert_same(batch_errors, arguments, of=_batch(*users))
    assert_same(batch_errors, arguments, of=_batch(*users, taken=[("email", two["email"])]))


@aspect("status", "body", say=answers.say)
def batch_errors(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer; the order of the errors does not matter."""

    return _unordered(trace, "errors")


# Exercise 7: what goes out


def _record(sample: SampleData, **changes: Any) -> dict[str, Any]:
    local = sample.word()
    return {
        "id": sample.number(),
        "name": sample.word().title(),
        "email": f"{local}@{sample.word()}.example.org",
        "joined": datetime.date(2000 + sample.number() % 25, 5, 1 + sample.number() % 28),
        "password_hash": sample.secret(),
        "address": {"street": sample.word(), "zip": sample.number()},
        "born": datetime.date(1990, 1, 1 + sample.number() % 28),
        "balance": sample.price(),
        **changes,
    }


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def _find(*records: Any, number: int = 7, find_all: Takes | None = None) -> Scenario:
    apart = spaced(10, *times(len(records), get(f"/users/{number}")))
    find = in_turn(*(finds(0.5, record) for record in records))
    return scenario(*apart, find=find, find_all=find_all or finds_all(0.5, []))


@exercise(7)
def test_user_is_shown(sample: SampleData) -> None:
    """GET /users/{id} shows id, name, joined and a hint of the email, and nothing else."""
    found = _find(_record(sample), _record(sample, email="x@y.example.org"), number=sample.number())
    assert_same(answers, arguments, of=found)


@exercise(7)
def test_missing_user_is_not_found(sample: SampleData) -> None:
    """If there is no user of that id, the answer is 404. A user with the id 0 is one."""
    assert_same(good_answers, of=_find(None, _record(sample, id=0, name=""), None))


def _misfits(sample: SampleData) -> list[dict[str, Any]]:
    """Records that don't fit, each for another reason."""
    good = _record(sample)
    return [
        *(_without(_record(sample), name) for name in ("id", "name", "email", "joined")),
        {**good, "id": sample.word()},
        {**good, "id": None},
        {**good, "name": None},
        {**good, "name": 12345},
        {**good, "email": sample.word()},
        {**good, "email": f"{sample.word()}@b@c.org"},
        {**good, "email": None},
        {**good, "joined": sample.word()},
        {**good, "joined": None},
        {"password_hash": sample.secret()},
    ]


@exercise(7)
def test_misfit_is_a_500(sample: SampleData) -> None:
    """A record that doesn't fit is answered 500, and nothing of it gets out."""
    misfits = _misfits(sample.shared())
    told = (mentions(text, "the record") for text in _texts(misfits))
    assert_same(good_answers, *told, of=_find(*misfits), server_errors=[500])


def _texts(records: list[dict[str, Any]]) -> list[str]:
    """The texts of records that are like nothing else."""
    words = {value for record in records for value in record.values() if isinstance(value, str)}
    return sorted(words)


@exercise(7)
def test_misfit_is_logged(sample: SampleData) -> None:
    """A record that doesn't fit is logged with its traceback on the logger "day54"."""
    misfits = _find(*_misfits(sample.shared()))
    assert_same(logged("day54", after="find"), of=misfits, server_errors=[500])


def _list(*lists: list[Any]) -> Scenario:
    apart = spaced(10, *times(len(lists), get("/users")))
    find_all = in_turn(*(finds_all(0.5, records) for records in lists))
    return scenario(*apart, find=finds(0.5), find_all=find_all)


@exercise(7)
def test_users_are_listed(sample: SampleData) -> None:
    """GET /users lists the users in the order in which they come; X-Skipped is 0."""
    three = [_record(sample) for _ in range(3)]
    assert_same(answers, header("x-skipped"), of=_list(three, [], three[:1]))


@exercise(7)
def test_misfits_are_skipped_and_counted(sample: SampleData) -> None:
    """Records that don't fit are left out, and X-Skipped says how many."""
    misfits = _misfits(sample)
    good = [_record(sample) for _ in range(3)]
    mixed = [misfits[1], good[0], *misfits[2:5], good[1], good[2], misfits[-1]]
    lists = _list(mixed, misfits, [*good, misfits[3]])
    assert_same(answers, header("x-skipped"), of=lists)
