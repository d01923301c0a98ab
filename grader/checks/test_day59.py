"""The checks of day 59. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from grader.checks import (
    JSON,
    NOT_OBJECTS,
    Aspect,
    Behaviour,
    Exchange,
    Fault,
    InTurn,
    Request,
    SampleData,
    Scenario,
    Span,
    Takes,
    Trace,
    answer_of,
    answers,
    arguments,
    as_text,
    aspect,
    assert_same,
    at_most_open,
    by_argument,
    call_counts,
    calls,
    elapsed,
    exercise,
    fails,
    get,
    good_answers,
    has_header,
    in_turn,
    lesson,
    most_calls,
    post,
    postgres,
    readings,
    scenario,
    spaced,
    statuses,
    tables,
    takes,
    times,
)

# What the factories are handed takes no arguments, except where it is said.
answers_with = partial(takes, parameters=())
breaks = partial(fails, parameters=())
LATE = answers_with(30)
OTHER_ERRORS = ("ValueError", "KeyError", "RuntimeError", "OSError")


# Exercise 1: one more try


def _rates(*steps: Takes) -> Scenario:
    return scenario(get("/rates"), call=in_turn(*steps))


@exercise(1)
def test_rates_are_answered(sample: SampleData) -> None:
    """GET /rates answers with what the call gives; one call is enough if it is good."""
    for seconds in (0.5, 1.9):
        one = _rates(answers_with(seconds, sample.record()))
        assert_same(answers, elapsed, call_counts, of=one)


def _second_is_good(sample: SampleData) -> tuple[Scenario, ...]:
    good = answers_with(1.5, sample.shared().record())
    reset = breaks(0.5, "ConnectionResetError")
    return tuple(_rates(first, good) for first in (breaks(1), LATE, reset))


@exercise(1)
def test_one_more_try(sample: SampleData) -> None:
    """A ConnectionError, or a call that is late, is followed by one more try."""
    for each in _second_is_good(sample):
        assert_same(good_answers, call_counts, of=each)


@exercise(1)
def test_second_try_comes_at_once(sample: SampleData) -> None:
    """The second try begins at once, and each of them may take 2 s."""
    for each in _second_is_good(sample):
        assert_same(calls, elapsed, of=each)
    soon_broken = _rates(breaks(0.5), answers_with(3, sample.word()))
    for each in (_rates(LATE, LATE), soon_broken):
        assert_same(calls, elapsed, of=each, server_errors=[504])


@exercise(1)
def test_second_try_decides() -> None:
    """The second try decides: 504 if it is late, 502 if it fails. There is no third."""
    broken = breaks(0.5)
    pairs = [(LATE, LATE), (broken, LATE), (LATE, broken), (broken, broken)]
    for first, second in [*pairs, (broken, breaks(0.5, "ValueError"))]:
        assert_same(statuses, call_counts, of=_rates(first, second), server_errors=[502, 504])


@exercise(1)
def test_other_errors_are_not_tried_again(sample: SampleData) -> None:
    """Any other error is answered 502 at once, without another try."""
    for kind in OTHER_ERRORS:
        one = _rates(breaks(0.5, kind), answers_with(0.5, sample.word()))
        assert_same(statuses, call_counts, elapsed, of=one, server_errors=[502])


@exercise(1)
def test_each_request_is_on_its_own(sample: SampleData) -> None:
    """A request waits for no other, and a failure is over with its request; {} is an answer."""
    broken, good = breaks(0.5), answers_with(1, sample.record())
    steps = (broken, good, broken, answers_with(0.5, {}), answers_with(0.5, []))
    four = [get("/rates", at=at) for at in (0, 0.1, 10, 20)]
    several = scenario(*four, call=in_turn(*steps))
    assert_same(good_answers, elapsed, of=several, server_errors=[502])


# Exercise 2: backoff and jitter

CLIENTS = 20
MANY_CLIENTS = 60
LONGEST_PAUSES = 1, 2, 4
CALL_LIMIT, DEADLINE = 2, 10

gives = partial(takes, parameters=None)


def _shaky(
    *requests: Request | tuple[Request, ...], call: Any = None, charge: Any = None
) -> Scenario:
    return scenario(*requests, call=call or LATE, charge=charge or gives(0.5, "charged"))


def _one_client(*steps: Takes) -> Scenario:
    return _shaky(get("/rates"), call=in_turn(*steps))


def _crowd(call: Takes | InTurn, clients: int = CLIENTS) -> Scenario:
    """Clients that come at once, and whose calls all end in the same way."""
    return _shaky(times(clients, get("/rates")), call=call)


def _pay(key: str = "", **more: Any) -> Request:
    headers = {"idempotency-key": key} if key else None
    return post("/charges", headers=headers, **more)


def _tries(trace: Trace, name: str) -> list[tuple[Span, ...]]:
    """The calls of `name` for each exchange, in the order in which they began."""
    made = sorted(trace.calls(name), key=lambda span: span.start)
    return [
        tuple(span for span in made if span.exchange == exchange.number)
        for exchange in trace.exchanges
    ]


def _pauses(trace: Trace, name: str, number: int) -> list[float]:
    """The seconds from a call's end to the next one, for each exchange: `number` is its place."""
    return [
        (tries[number + 1].start.tick - tries[number].end.tick) / 1_000_000
        for tries in _tries(trace, name)
        if len(tries) > number + 1
    ]


UNLIKELY = 1e-7
"""How often random pauses may leave so much of their range empty that they look wrong."""


def pauses_before(name: str) -> Aspect:
    """Between which seconds the pauses before each try are, and how many clients made it."""

    @aspect("pauses", nothing=f"no second call of {name}")
    def bounds(trace: Trace) -> tuple[str, ...]:
        found = ((n, longest, _pauses(trace, name, n)) for n, longest in enumerate(LONGEST_PAUSES))
        return tuple(_in_words(n, longest, pauses) for n, longest, pauses in found if pauses)

    return bounds


def _in_words(number: int, longest: float, pauses: list[float]) -> str:
    nth = ("second", "third", "fourth")[number]
    if max(pauses) > longest + 0.001:
        return f"up to {max(pauses):.2f} s before the {nth} call"
    most = UNLIKELY ** (1 / len(pauses))  # of the range, which so many pauses leave empty
    if min(pauses) > longest * (1 - most) or max(pauses) < longest * most:
        return f"{min(pauses):.2f} to {max(pauses):.2f} s before the {nth} call"
    return f"between 0 and {longest} s before the {nth} call"


def together_again(name: str) -> Aspect:
    """Whether clients that failed in one moment come back in one moment, too."""

    @aspect("pauses", nothing=f"no second call of {name}")
    def crowds(trace: Trace) -> tuple[str, ...]:
        seconds = [tries[1].start.tick for tries in _tries(trace, name) if len(tries) > 1]
        most = max(Counter(seconds).values(), default=0)
        if not most:
            return ()
        return ("one by one" if most <= CLIENTS // 4 else f"{most} in the same moment",)

    return crowds


@exercise(2)
def test_pauses_are_random_and_grow() -> None:
    """The pauses are anywhere between 0 and 1 s, 0 and 2 s, 0 and 4 s."""
    assert_same(pauses_before("call"), of=_crowd(breaks(0.1), MANY_CLIENTS), server_errors=[502])
    late = in_turn(*[LATE] * MANY_CLIENTS, answers_with(0.1))
    assert_same(pauses_before("call"), of=_crowd(late, MANY_CLIENTS))


@exercise(2)
def test_clients_do_not_come_back_together() -> None:
    """Twenty clients that fail together don't come back together."""
    assert_same(together_again("call"), of=_crowd(breaks(0.1)), server_errors=[502])


@exercise(2)
def test_good_call_is_answered(sample: SampleData) -> None:
    """GET /rates answers with what the call gives, as soon as one is good."""
    good = answers_with(0.5, sample.record())
    assert_same(answers, elapsed, call_counts, of=_one_client(good))
    broken = breaks(0.1)
    for before in ([broken], [broken, broken], [broken, broken, broken], [LATE, broken]):
        assert_same(good_answers, call_counts, of=_one_client(*before, good))


@exercise(2)
def test_four_calls_at_most() -> None:
    """There are four calls at most. The last one decides, at once: 504 if it is late, else 502."""
    broken = breaks(0.1)
    aspects = statuses, call_counts, after_the_last("call")
    for steps in ([broken], [broken, broken, broken, LATE], [LATE, broken]):
        assert_same(*aspects, of=_one_client(*steps), server_errors=[502, 504])


def after_the_last(name: str) -> Aspect:
    """How long after the end of its last call each answer was there."""

    @aspect("pauses", say=lambda seconds: f"the answer {seconds:g} s after the last {name}")
    def waited(trace: Trace) -> tuple[float, ...]:
        return tuple(
            (exchange.completed.tick - tries[-1].end.tick) / 1_000_000
            for exchange, tries in zip(trace.exchanges, _tries(trace, name), strict=True)
            if exchange.completed is not None and tries
        )

    return waited


def lengths(name: str) -> Aspect:
    """How long each call of `name` took, and how it ended; when it began does not matter."""

    @aspect("call-endings", say=lambda call: f"{name} {call[1]} after {call[0]:g} s")
    def took(trace: Trace) -> tuple[tuple[float, str], ...]:
        made = sorted(trace.calls(name), key=lambda span: span.start)
        return tuple((span.seconds, span.how) for span in made)

    return took


@exercise(2)
def test_each_call_may_take_two_seconds(sample: SampleData) -> None:
    """Each call may take 2 s: then it is cancelled, and there is another try."""
    late = _one_client(LATE, answers_with(1.9, sample.word()))
    assert_same(good_answers, lengths("call"), of=late)


def in_time(name: str) -> Aspect:
    """Whether each answer is there in time, with the status that its calls lead to."""

    @aspect("status", "elapsed")
    def facts(trace: Trace) -> tuple[str, ...]:
        pairs = zip(trace.exchanges, _tries(trace, name), strict=True)
        told = {_late_or_not(exchange, tries) for exchange, tries in pairs}
        return tuple(sorted(told))

    return facts


def _late_or_not(exchange: Exchange, tries: tuple[Span, ...]) -> str:
    took = exchange.elapsed
    if took is None or took > DEADLINE:
        return f"{took or 'no end'} s until the answer"
    is_last = len(tries) > len(LONGEST_PAUSES)
    if not (is_last or took == DEADLINE or _gives_up_for_lack_of_time(exchange, tries)):
        return f"given up after {took:g} s and {len(tries)} calls"
    right = 502 if is_last and tries[-1].how == "failed" else 504
    if exchange.status == right:
        return f"at most {DEADLINE} s until the answer"
    return f"{exchange.status} after {len(tries)} calls"


def _gives_up_for_lack_of_time(exchange: Exchange, tries: tuple[Span, ...]) -> bool:
    """Whether an answer comes at the end of a try, so late that a pause might last too long."""
    if not tries or exchange.completed is None or exchange.elapsed is None:
        return False
    last = tries[-1]
    is_whole = last.how == "failed" or last.seconds == CALL_LIMIT
    at_once = last.end.tick == exchange.completed.tick
    return is_whole and at_once and exchange.elapsed > DEADLINE - max(LONGEST_PAUSES)


@exercise(2)
def test_ten_seconds_for_all_of_it() -> None:
    """All of it takes at most 10 s: 504 then, however many calls there have been."""
    for call in (LATE, breaks(1.9)):
        assert_same(in_time("call"), of=_crowd(call), server_errors=[502, 504])


@exercise(2)
def test_only_what_may_get_better_is_tried_again(sample: SampleData) -> None:
    """Any other error is answered 502 at once, and not tried again."""
    for kind in OTHER_ERRORS:
        one = _one_client(breaks(0.5, kind), answers_with(0.5, sample.word()))
        assert_same(statuses, call_counts, elapsed, of=one, server_errors=[502])
    after_all = _one_client(breaks(0.1), breaks(0.1, "ValueError"))
    assert_same(statuses, call_counts, of=after_all, server_errors=[502])


@exercise(2)
def test_charges_are_answered(sample: SampleData) -> None:
    """POST /charges answers 200 with what `charge(data)` gives; with a key, `charge(data, key)`."""
    first, second = gives(0.5, sample.record()), gives(1.9, sample.record())
    both = _shaky(
        _pay(json=sample.record()),
        _pay(sample.word(), json=sample.record(), at=10),
        charge=in_turn(first, second),
    )
    assert_same(answers, arguments, elapsed, of=both)


@aspect("status", say=lambda is_refused: "refused" if is_refused else "not refused")
def refused(trace: Trace) -> tuple[bool, ...]:
    """Whether each answer says that the request is at fault."""
    return tuple(400 <= (exchange.status or 0) < 500 for exchange in trace.exchanges)


@exercise(2)
def test_only_objects_are_charged() -> None:
    """Anything but a JSON object is refused, and not charged."""
    bad = (post("/charges", body=body, headers=JSON) for body in NOT_OBJECTS)
    assert_same(refused, call_counts, of=_shaky(*spaced(5, *bad)))


@exercise(2)
def test_without_a_key_it_is_charged_once(sample: SampleData) -> None:
    """Without a key `charge` is called once and never again: 504 if it is late, 502 if it fails."""
    for bad in (gives(30), fails(0.5), fails(0.5, "ValueError")):
        one = _shaky(_pay(json=sample.record()), charge=in_turn(bad, gives(0.5, sample.word())))
        assert_same(statuses, call_counts, elapsed, of=one, server_errors=[502, 504])


@exercise(2)
def test_with_a_key_it_is_tried_again(sample: SampleData) -> None:
    """With a key it is tried again as /rates is, each time with the same data and key."""
    good, broken = gives(0.5, sample.record()), fails(0.1)
    for steps in ([broken, gives(30), good], [broken], [fails(0.1, "ValueError"), good]):
        one = _shaky(_pay(sample.word(), json=sample.record()), charge=in_turn(*steps))
        assert_same(good_answers, arguments, of=one, server_errors=[502])


@exercise(2)
def test_charges_have_the_same_pauses(sample: SampleData) -> None:
    """With a key the pauses, and the 10 s, are those of /rates."""
    crowd = times(CLIENTS, _pay(sample.word(), json=sample.record()))
    broken, late = _shaky(crowd, charge=fails(0.1)), _shaky(crowd, charge=gives(30))
    assert_same(pauses_before("charge"), of=broken, server_errors=[502])
    assert_same(in_time("charge"), of=late, server_errors=[504])


# Exercise 3: lost, full or wrong

DAY59 = lesson("day59")
TABLE = tables(DAY59, DAY59.exercise(3))
STOCK = "select sku, quantity from stock order by sku"


def _stock(
    *requests: Request | tuple[Request, ...], faults: Any = (), statement: float = 0.2
) -> Scenario:
    database = postgres(statement, seed_sql=TABLE, reads=[STOCK], faults=faults)
    return scenario(*requests, dsn=database)


def _lost(number: int) -> list[Fault]:
    """The first so many statements lose their connection."""
    return [Fault(does="drop", times=number, matching="stock", when="serving")]


@exercise(3)
def test_stock_is_read_and_changed() -> None:
    """GET answers the sku and its quantity, POST adds the change to it; unknown is 404."""
    usual = _stock(
        *spaced(
            10,
            get("/stock/lamp"),
            post("/stock/lamp", json={"change": -3}),
            get("/stock/lamp"),
            post("/stock/rug", json={"change": 7}),
            get("/stock/sofa"),
            post("/stock/sofa", json={"change": 1}),
        )
    )
    assert_same(good_answers, readings, of=usual)


@exercise(3)
def test_no_change_is_lost() -> None:
    """Of several changes at once none is lost."""
    changes = [post("/stock/desk", json={"change": change}) for change in (10, 20, 30, -40)]
    assert_same(statuses, readings, of=_stock(*changes))


@exercise(3)
def test_lost_connection_is_tried_again() -> None:
    """A read whose connection is lost is tried again, after 0.1 s, and again after 0.2 s."""
    for number in (1, 2):
        lost = _stock(get("/stock/lamp"), faults=_lost(number))
        assert_same(good_answers, elapsed, of=lost)


@exercise(3)
def test_three_tries_at_most() -> None:
    """When the third try loses its connection, too, the answer is 503, at once."""
    lost = _stock(get("/stock/lamp"), get("/stock/desk", at=10), faults=_lost(3))
    assert_same(good_answers, elapsed, of=lost, server_errors=[503])


@exercise(3)
def test_change_is_never_repeated() -> None:
    """A change whose connection is lost is 503 at once, and never sent again."""
    lost = _stock(post("/stock/lamp", json={"change": 5}), faults=_lost(1))
    assert_same(statuses, elapsed, readings, of=lost, server_errors=[503])


def _full() -> Scenario:
    """Seven clients, where five get a connection, and keep it for more than a second."""
    return _stock(*spaced(0.01, *times(7, get("/stock/lamp"))), statement=1.5)


@exercise(3)
def test_full_pool_is_refused() -> None:
    """A request that waits 1 s for a connection is 503, with Retry-After, and not tried again."""
    aspects = statuses, elapsed, has_header("Retry-After", 503)
    assert_same(*aspects, of=_full(), server_errors=[503])


@exercise(3)
def test_pool_has_five_connections() -> None:
    """The pool has 5 connections."""
    assert_same(at_most_open(5), of=_full(), server_errors=[503])


@exercise(3)
def test_waiting_is_no_fault() -> None:
    """A request that gets a connection within 1 s is answered."""
    crowd = spaced(0.01, *times(8, get("/stock/lamp")))
    assert_same(good_answers, elapsed, of=_stock(*crowd, statement=0.8))


def _refused_by_the_database() -> Scenario:
    fault = Fault(does="fail", matching="stock", sqlstate="42501", when="serving")
    return _stock(get("/stock/lamp"), get("/stock/desk", at=5), faults=[fault])


@exercise(3)
def test_sql_error_is_not_tried_again() -> None:
    """An SQL error is answered 500, without another try."""
    assert_same(good_answers, elapsed, of=_refused_by_the_database(), server_errors=[500])


@aspect("log", say=lambda told: f"an SQL error is {'' if told else 'not '}logged on 'day59'")
def sql_error_logged(trace: Trace) -> tuple[bool, ...]:
    """Whether anything is logged on "day59" of each request that is answered 500."""
    told = {log.exchange for log in trace.logs if f"{log.logger}.".startswith("day59.")}
    return tuple(bool(told & {e.number, None}) for e in trace.exchanges if e.status == 500)


@exercise(3)
def test_sql_error_is_logged() -> None:
    """An SQL error is logged on "day59"."""
    assert_same(sql_error_logged, of=_refused_by_the_database(), server_errors=[500])


# Exercise 4: a fallback that says so

finds = partial(takes, parameters=("id",))
misses = partial(fails, parameters=("id",))
TOO_LATE = finds(30)


@aspect("status", "body", say=good_answers.say)
def profiles(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """The status of each answer, and its body if it is good; the age in milliseconds."""
    return tuple(
        (e.status, as_text(_rounded(e.json())) if e.status == 200 else "") for e in trace.exchanges
    )


def _rounded(body: Any) -> Any:
    age = body.get("age") if isinstance(body, dict) else None
    return {**body, "age": round(age, 3)} if isinstance(age, float) else body


def _asked(id: object, *moments: float) -> list[Request]:
    return [get(f"/profile/{id}", at=at) for at in moments]


def _profiles(*requests: Request, primary: Behaviour, replica: Behaviour) -> Scenario:
    return scenario(*requests, primary=primary, replica=replica)


@exercise(4)
def test_profile_comes_from_the_primary(sample: SampleData) -> None:
    """What the primary gives is answered, with the source "primary" and the age 0."""
    primary = in_turn(finds(0.5, sample.record()), finds(0.9, {}))
    two = _profiles(*_asked(sample.number() % 1000, 0, 5), primary=primary, replica=TOO_LATE)
    assert_same(profiles, arguments, elapsed, of=two)


def _without_primary(sample: SampleData) -> Scenario:
    first = in_turn(misses(0.3), TOO_LATE, misses(0.2, "ValueError"), misses(0, "TimeoutError"))
    shared = sample.shared()
    replica = in_turn(*(finds(0.4, shared.record()) for _ in range(4)))
    return _profiles(*_asked(7, 0, 40, 80, 120), primary=first, replica=replica)


@exercise(4)
def test_replica_follows(sample: SampleData) -> None:
    """If the primary fails, or isn't there after 1 s, the replica is asked: source "replica"."""
    assert_same(profiles, arguments, of=_without_primary(sample))


@exercise(4)
def test_replica_is_asked_at_once(sample: SampleData) -> None:
    """The replica is asked when the primary has failed, and not before."""
    assert_same(calls, elapsed, of=_without_primary(sample))


def _without_both(sample: SampleData, *moments: float, id: object = 7) -> Scenario:
    """Profile 7 is there at 0 s, and both fail from then on."""
    primary = in_turn(finds(0, sample.shared().record()), misses(0))
    asked = [*_asked(7, 0), *_asked(id, *moments)]
    return _profiles(*asked, primary=primary, replica=misses(0, "OSError"))


@exercise(4)
def test_kept_for_a_minute(sample: SampleData) -> None:
    """A kept answer is good for 60 s from when it came, even if it is used; then it is 503."""
    assert_same(profiles, of=_without_both(sample, 40, 59, 61, 90), server_errors=[503])


@exercise(4)
def test_last_good_answer_is_kept(sample: SampleData) -> None:
    """If both fail, the last good answer is given, with the source "cache" and its age."""
    assert_same(profiles, of=_without_both(sample, 5, 30, 58))


@exercise(4)
def test_each_has_one_second(sample: SampleData) -> None:
    """If both are late, the kept answer comes after 2 s."""
    primary = in_turn(finds(0.5, sample.record()), TOO_LATE)
    late = _profiles(*_asked(7, 0, 10), primary=primary, replica=TOO_LATE)
    assert_same(statuses, elapsed, of=late)


@exercise(4)
def test_newer_answer_replaces_the_kept_one(sample: SampleData) -> None:
    """A newer answer of the primary replaces the kept one, and the 60 s begin again."""
    primary = in_turn(*(finds(0, sample.record()) for _ in range(2)), misses(0))
    newer = _profiles(*_asked(7, 0, 50, 70, 105), primary=primary, replica=misses(0))
    assert_same(profiles, of=newer)


@exercise(4)
def test_no_profile_of_another(sample: SampleData) -> None:
    """If nothing good is there for an id, the answer is 503, whatever is kept for others."""
    assert_same(profiles, of=_without_both(sample, 5, id=8), server_errors=[503])


@exercise(4)
def test_not_there_is_an_answer(sample: SampleData) -> None:
    """A LookupError, from either, is 404 at once; after the primary's, the replica isn't asked."""
    kinds = [misses(0.2, kind) for kind in ("LookupError", "KeyError", "IndexError")]
    primary = in_turn(*kinds, misses(0.1), finds(0, sample.record()), misses(0.1, "KeyError"))
    gone = _profiles(
        *_asked(7, 0, 10, 20, 30, 40, 50), primary=primary, replica=misses(0.3, "LookupError")
    )
    assert_same(statuses, calls, elapsed, of=gone)


@exercise(4)
def test_keeps_a_thousand_at_most(sample: SampleData) -> None:
    """The newest 1,000 ids are kept, or fewer: of 1,001 the first is gone, the last is there."""
    many = [get(f"/profile/{number}", at=number // 100) for number in range(1001)]
    then = [get("/profile/0", at=30), get("/profile/1000", at=31)]
    good = finds(0, {"name": sample.word()})
    once = {number: in_turn(good, misses(0)) for number in (0, 1000)}
    primary = by_argument(once, otherwise=good, parameters=("id",))
    kept = _profiles(*many, *then, primary=primary, replica=misses(0))
    assert_same(answer_status(1001), answer_status(1002), of=kept, server_errors=[503])


def answer_status(number: int) -> Aspect:
    """The status of one answer; what became of the others does not matter."""

    @aspect("status", say=statuses.say)
    def status(trace: Trace) -> tuple[int | None, ...]:
        return statuses(trace)[number:][:1]

    return status


@exercise(4)
def test_ids_are_integers() -> None:
    """An id that isn't an integer is 422, and nobody is asked."""
    odd = _profiles(*_asked("ada", 0), *_asked("1.5", 1), primary=finds(0.1), replica=finds(0.1))
    assert_same(statuses, call_counts, of=odd)


# Exercise 5: a circuit breaker

OPEN = 503
BROKEN = breaks(0.1)


def _quotes(*moments: float | Request, call: Takes | InTurn) -> Scenario:
    asked = [get("/quote", at=one) if isinstance(one, int | float) else one for one in moments]
    return scenario(*asked, call=call)


def _assert_breaks(each: Scenario, *aspects: Aspect) -> None:
    assert_same(*aspects, of=each, server_errors=[502, 503, 504])


@exercise(5)
def test_quote_is_answered(sample: SampleData) -> None:
    """GET /quote answers with what the call gives; a failure is 502, and late, after 1 s, 504."""
    steps = in_turn(answers_with(0.9, sample.record()), breaks(0.2), answers_with(0.1, 5), LATE)
    _assert_breaks(_quotes(0, 5, 10, 15, call=steps), good_answers, elapsed)


def _opened(sample: SampleData) -> Scenario:
    """Three failures, of which the last ends at 3.3 s; then requests until after 13.3 s."""
    steps = BROKEN, LATE, breaks(0.3, "ValueError"), answers_with(0.2, sample.shared().word())
    return _quotes(0, 1.5, 3, 3.5, 8, 13.2, 13.4, 14, call=in_turn(*steps))


@exercise(5)
def test_three_failures_open_it(sample: SampleData) -> None:
    """After three failures in a row, late ones too, requests are refused at once, for 10 s."""
    _assert_breaks(_opened(sample), statuses, elapsed)


@exercise(5)
def test_open_makes_no_call(sample: SampleData) -> None:
    """While it is open, no call is made, and each 503 has Retry-After."""
    _assert_breaks(_opened(sample), calls, has_header("Retry-After", OPEN))


@exercise(5)
def test_a_success_begins_the_count_anew(sample: SampleData) -> None:
    """Only failures in a row count: after a success it takes three new ones."""
    good = answers_with(0.1, sample.word())
    steps = in_turn(BROKEN, BROKEN, good, BROKEN, BROKEN, good)
    _assert_breaks(_quotes(0, 1, 2, 3, 4, 5, call=steps), statuses, call_counts)


@exercise(5)
def test_what_began_before_changes_nothing(sample: SampleData) -> None:
    """A call that began before it opened changes nothing, whether it succeeds or fails."""
    first = [breaks(0.1), breaks(0.2), breaks(0.3)]
    good = answers_with(0.7, sample.word())
    for last in ([good], [breaks(0.7)], [breaks(0.6), breaks(0.7), breaks(0.8)]):
        steps = in_turn(*first, *last, answers_with(0.1, 1))
        together = [0] * (len(first) + len(last))
        began = _quotes(*together, 1, 10.2, 10.5, 11, call=steps)
        _assert_breaks(began, statuses, elapsed)


def _probing(*moments: float | Request, probes: list[Takes]) -> Scenario:
    """Open from 2.1 s to 12.1 s; `probes` is how the calls behave after that."""
    return _quotes(0, 1, 2, *moments, call=in_turn(BROKEN, BROKEN, BROKEN, *probes))


@exercise(5)
def test_probe_is_alone(sample: SampleData) -> None:
    """Then one request probes, alone; the others are refused, with Retry-After, until it ends."""
    good = answers_with(0.8, sample.word())
    crowd = [get("/quote", at=13) for _ in range(5)]
    alone = _probing(*crowd, 13.2, 13.7, 13.9, 14, probes=[good])
    _assert_breaks(alone, statuses, calls, has_header("Retry-After", OPEN))


@exercise(5)
def test_success_closes_it(sample: SampleData) -> None:
    """If the probe succeeds it is closed, and takes three new failures to open."""
    good = answers_with(0.1, sample.word())
    closed = _probing(13, 14, 15, 16, 17, probes=[good, BROKEN, BROKEN, good])
    _assert_breaks(closed, statuses, call_counts)


@exercise(5)
def test_failing_probe_opens_it_again(sample: SampleData) -> None:
    """If the probe fails, or is late, it is open for 10 s more; then the next one probes."""
    probes = [breaks(0.5), LATE, answers_with(0.1, sample.word())]
    again = _probing(13, 14, 23.3, 23.7, 25, 34.6, 34.8, 36, probes=probes)
    _assert_breaks(again, statuses, elapsed, call_counts)


@exercise(5)
def test_cancelled_probe_lets_the_next_one_probe(sample: SampleData) -> None:
    """If the probe's request is cancelled, the next one probes."""
    leaves = get("/quote", at=13, cancelled_at=0.3)
    steps = [answers_with(0.8, sample.word())]
    next_one = _probing(leaves, 13.1, 13.5, 13.8, 15, probes=steps)
    _assert_breaks(next_one, statuses, calls)


@exercise(5)
def test_a_client_that_leaves_is_no_failure(sample: SampleData) -> None:
    """A request that is cancelled doesn't count as a failure of the call."""
    gone = [get("/quote", at=at, cancelled_at=0.2) for at in (0, 1, 2)]
    _assert_breaks(_quotes(*gone, 3, call=answers_with(0.5, sample.word())), answer_of(3))


# Exercise 6: one load for many

loads = partial(takes, parameters=("name",))
breaks_down = partial(fails, parameters=("name",))


def _feeds(*requests: Request | tuple[Request, ...], load: Any) -> Scenario:
    return scenario(*requests, load=load)


@exercise(6)
def test_feed_is_loaded(sample: SampleData) -> None:
    """GET /feed/{name} answers with what is loaded for that name."""
    names = [sample.word() for _ in range(3)]
    found = by_argument(
        {name: loads(0.5, sample.record()) for name in names[:2]},
        otherwise=loads(0.3, []),
        parameters=("name",),
    )
    three = _feeds(*(get(f"/feed/{name}", at=at) for at, name in enumerate(names)), load=found)
    assert_same(answers, arguments, elapsed, of=three)


@exercise(6)
def test_hundred_requests_make_one_call(sample: SampleData) -> None:
    """A hundred requests at once, and those that come meanwhile, make one call."""
    name = sample.word()
    crowd = times(100, get(f"/feed/{name}")), times(5, get(f"/feed/{name}", at=0.4))
    one = _feeds(*crowd, load=loads(0.6, sample.record()))
    assert_same(answers, elapsed, call_counts, of=one)


@exercise(6)
def test_kept_for_ten_seconds(sample: SampleData) -> None:
    """What was loaded is used for 10 s from the load's end; then it is loaded again."""
    name = sample.word()
    feeds: list[object] = [sample.record(), [], sample.record()]
    steps = in_turn(*(loads(2, feed) for feed in feeds))
    moments = (0, 3, 11.8, 12.2, 15, 24, 24.4)
    kept = _feeds(*(get(f"/feed/{name}", at=at) for at in moments), load=steps)
    assert_same(answers, calls, elapsed, of=kept)


@exercise(6)
def test_each_name_is_kept_by_itself(sample: SampleData) -> None:
    """Each name, as it is written, has what was loaded for it, and keeps that for 10 s."""
    name, feeds = sample.word(), sample.records(2)
    steps = in_turn(*(loads(0.5, feed) for feed in feeds))
    names = (name, name.upper(), name, name.upper())
    two = _feeds(*(get(f"/feed/{each}", at=at) for at, each in enumerate(names)), load=steps)
    assert_same(answers, arguments, call_counts, of=two)


@exercise(6)
def test_names_do_not_wait_for_each_other(sample: SampleData) -> None:
    """A name that takes long doesn't keep others waiting."""
    slow, quick = sample.word(), sample.word()
    load = by_argument({slow: loads(5, 1)}, otherwise=loads(0.5, 2), parameters=("name",))
    both = _feeds(
        get(f"/feed/{slow}"), get(f"/feed/{quick}", at=0.1), get("/feed/x", at=0.2), load=load
    )
    assert_same(answers, elapsed, of=both)


@exercise(6)
def test_failure_is_for_those_who_wait(sample: SampleData) -> None:
    """If the call fails, those who wait for it get 502, and it is one call for all of them."""
    for kind in ("ConnectionError", "ValueError", "TimeoutError"):
        crowd = times(3, get("/feed/a")), get("/feed/a", at=0.2)
        failing = _feeds(*crowd, load=breaks_down(0.5, kind, sample.secret()))
        assert_same(statuses, elapsed, call_counts, of=failing, server_errors=[502])


@exercise(6)
def test_failure_is_not_kept(sample: SampleData) -> None:
    """A failure isn't kept: the next request calls again."""
    steps = in_turn(breaks_down(0.5), breaks_down(0.5), loads(0.5, sample.record()))
    failing = _feeds(*(get("/feed/a", at=at) for at in (0, 0.6, 2, 3)), load=steps)
    assert_same(good_answers, calls, of=failing, server_errors=[502])


@exercise(6)
def test_who_leaves_takes_nothing_from_others(sample: SampleData) -> None:
    """When a client is cancelled, the first or another, the others still get their answer."""
    for leaver in (0, 1):
        three: list[Request] = [get("/feed/a", at=at / 10) for at in range(3)]
        three[leaver] = get("/feed/a", at=leaver / 10, cancelled_at=0.25)
        others = [answer_of(number) for number in range(3) if number != leaver]
        one = _feeds(*three, load=loads(0.6, sample.record()))
        assert_same(*others, call_counts, of=one)


# Exercise 7: only so many


def _renders(*requests: Request | tuple[Request, ...], render: Takes | InTurn) -> Scenario:
    return scenario(*requests, render=render)


def _one_by_one(count: int, start: float = 0, **more: Any) -> tuple[Request, ...]:
    """So many requests, a moment apart."""
    return tuple(get("/render", at=start + place / 100, **more) for place in range(count))


@exercise(7)
def test_page_is_rendered(sample: SampleData) -> None:
    """GET /render answers with what is rendered, however long that takes."""
    steps = in_turn(answers_with(0.5, sample.record()), answers_with(9, sample.record()))
    two = _renders(get("/render"), get("/render", at=1), render=steps)
    assert_same(answers, elapsed, of=two)


def _uneven(sample: SampleData) -> Scenario:
    seconds = sample.shared().shuffled(*(tenths / 10 for tenths in range(3, 14)))
    steps = in_turn(*(answers_with(one) for one in seconds))
    return _renders(_one_by_one(11), render=steps)


@exercise(7)
def test_five_at_work(sample: SampleData) -> None:
    """Five are at work at once, never more, and the next begins when one of them ends."""
    assert_same(most_calls("render"), calls, of=_uneven(sample))


@exercise(7)
def test_in_the_order_of_coming(sample: SampleData) -> None:
    """Clients get their places in the order in which they came."""
    assert_same(statuses, elapsed, of=_uneven(sample))


def _overrun(sample: SampleData) -> Scenario:
    """Eighteen requests, one after the other: some get in, some wait in vain, some are refused."""
    return _renders(_one_by_one(18), render=answers_with(1.5, sample.shared().word()))


@exercise(7)
def test_ten_wait(sample: SampleData) -> None:
    """Ten wait; the next is refused at once. A client that has waited for 2 s is refused then."""
    assert_same(statuses, elapsed, of=_overrun(sample), server_errors=[503])


@exercise(7)
def test_refusals_say_when_to_come_back(sample: SampleData) -> None:
    """Each 503 has Retry-After, and no work is done for it."""
    aspects = has_header("Retry-After", 503), call_counts
    assert_same(*aspects, of=_overrun(sample), server_errors=[503])


@exercise(7)
def test_waiting_has_a_limit_and_work_has_none(sample: SampleData) -> None:
    """The 2 s are for the waiting: work that began after it may take its time."""
    steps = [answers_with(1.5)] * 5 + [answers_with(6, sample.word())]
    assert_same(statuses, elapsed, of=_renders(_one_by_one(6), render=in_turn(*steps)))


@exercise(7)
def test_who_gave_up_makes_room(sample: SampleData) -> None:
    """A client that has waited in vain is no longer in anyone's way."""
    first, then = _one_by_one(15), _one_by_one(10, start=2.5)
    crowd = _renders(first, then, render=answers_with(3, sample.word()))
    assert_same(statuses, elapsed, of=crowd, server_errors=[503])


@aspect("status", "calls")
def taken_of_a_burst(trace: Trace) -> tuple[str, ...]:
    """Of requests that come in one moment: how many are answered, and how the others are."""
    taken = sum(exchange.status == 200 for exchange in trace.exchanges)
    others = {str(exchange.status) for exchange in trace.exchanges} - {"200"}
    count = "10 to 15" if 10 <= taken <= 15 else taken
    return (f"{count} answered", f"the others {', '.join(sorted(others)) or 'none'}")


@exercise(7)
def test_a_burst_is_taken_as_far_as_there_is_room(sample: SampleData) -> None:
    """Of thirty in one moment at least ten get in, never more than fifteen, five at a time."""
    burst = _renders(times(30, get("/render")), render=answers_with(0.5, sample.word()))
    assert_same(taken_of_a_burst, most_calls("render"), of=burst, server_errors=[503])


@exercise(7)
def test_client_who_leaves_work_gives_its_place() -> None:
    """When a client is cancelled while its page is rendered, the next one in line begins."""
    leaves = get("/render", at=0.005, cancelled_at=0.5)
    crowd = _renders(_one_by_one(4), leaves, _one_by_one(2, start=0.1), render=answers_with(4))
    assert_same(
        answer_status(5), answer_status(6), most_calls("render"), of=crowd, server_errors=[503]
    )


@exercise(7)
def test_client_who_leaves_the_line_gives_its_place() -> None:
    """When a client in line is cancelled, its place is free, and nothing is rendered for it."""
    leaves = get("/render", at=0.2, cancelled_at=0.5)
    crowd = _renders(
        _one_by_one(5),
        _one_by_one(9, start=0.1),
        leaves,
        get("/render", at=0.3),
        get("/render", at=0.8),
        render=answers_with(1),
    )
    aspects = answer_status(15), answer_status(16), call_counts
    assert_same(*aspects, of=crowd, server_errors=[503])


@exercise(7)
def test_failing_work_gives_its_place(sample: SampleData) -> None:
    """When work fails, its place is free again, too."""
    steps = [breaks(0.5, text=sample.secret())] * 5 + [answers_with(0.5, sample.word())]
    failing = _renders(_one_by_one(5), _one_by_one(5, start=1), render=in_turn(*steps))
    assert_same(*map(answer_status, range(5, 10)), of=failing, server_errors=[500])
