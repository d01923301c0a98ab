"""The checks of day 56. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

from functools import partial
from typing import Any

from grader.checks import (
    JSON,
    NOT_OBJECTS,
    LifespanEnd,
    Linear,
    Opens,
    Request,
    SampleData,
    Scenario,
    Takes,
    Trace,
    answer_of,
    answers,
    arguments,
    as_text,
    aspect,
    assert_same,
    blocks,
    call_counts,
    calls,
    closings,
    elapsed,
    endings_of,
    exercise,
    fails,
    failures_logged,
    get,
    has_header,
    in_turn,
    lifespan_order,
    most_calls,
    opens,
    post,
    scenario,
    spaced,
    startup_time,
    statuses,
    stops_when_done,
    takes,
    times,
)

# What the factories are handed takes no arguments; the work of exercise 4 takes the job.
asks = partial(takes, parameters=())
breaks = partial(fails, parameters=())
computes = partial(blocks, parameters=())
works = partial(takes, parameters=("job",))
breaks_down = partial(fails, parameters=("job",))


# Exercise 1: a resource


def _cache(sample: SampleData) -> Scenario:
    """Two requests at once, and two later; each time the cache has another value."""
    moments = (0, 0.1, 1, 5)
    values = in_turn(*(asks(0.3, sample.word()) for _ in moments))
    cache = opens(asks(2), get=values, close=asks(1))
    return scenario(*(get("/value", at=at) for at in moments), open_cache=cache)


@exercise(1)
def test_value_comes_from_the_cache(sample: SampleData) -> None:
    """GET /value answers with what the cache has then."""
    assert_same(answers, elapsed, of=_cache(sample.shared()))


@exercise(1)
def test_cache_is_opened_at_the_start(sample: SampleData) -> None:
    """The cache is opened once, before the app takes requests, and closed once, at the end."""
    assert_same(lifespan_order, closings, of=_cache(sample.shared()))


# Exercise 2: several resources


def _three(
    *requests: Request,
    config: Opens | None = None,
    database: Opens | None = None,
    cache: Opens | None = None,
    end: LifespanEnd = "asked",
) -> Scenario:
    """An app with three resources, each of which takes another time to open and to close."""
    return scenario(
        *requests,
        open_config=config or opens(asks(1), close=asks(0.5)),
        open_database=database or opens(asks(3), close=asks(2)),
        open_cache=cache or opens(asks(2), close=asks(1)),
        lifespan_end=end,
    )


@exercise(2)
def test_app_is_healthy() -> None:
    """GET /health answers {"status": "ok"}."""
    assert_same(answers, of=_three(get("/health"), get("/health", at=1)))


@exercise(2)
def test_opened_in_order_and_closed_in_reverse() -> None:
    """The three are opened one after the other, and closed in the reverse order, each once."""
    assert_same(lifespan_order, of=_three(get("/health"), get("/health", at=1)))


@exercise(2)
def test_what_was_opened_is_closed_if_the_next_does_not_open() -> None:
    """If one of them doesn't open, those before it are closed, and the app doesn't start."""
    refuses = opens(breaks(after=1, text="refused"))
    for each in (_three(cache=refuses), _three(database=refuses)):
        assert_same(lifespan_order, of=each, failing="startup")


@exercise(2)
def test_a_close_that_fails_keeps_no_other_open() -> None:
    """If closing one of them fails, the others are closed all the same."""
    stays = opens(asks(1), close=breaks(after=0.5, type="OSError", text="it does not close"))
    asked = get("/health")
    for each in (
        _three(asked, cache=stays),
        _three(asked, database=stays),
        _three(asked, cache=stays, database=stays),
    ):
        assert_same(lifespan_order, of=each, failing="shutdown")


@exercise(2)
def test_all_are_closed_however_the_app_ends() -> None:
    """An exception or a cancellation that comes out of the `yield` keeps none of them open."""
    ends: tuple[LifespanEnd, ...] = ("cancelled", "broken")
    for end in ends:
        assert_same(lifespan_order, of=_three(get("/health"), end=end), failing="shutdown")


# Exercise 3: a task that lives as long as the app


def _polled(*polls: Takes, asked: tuple[float, ...], stops: float) -> Scenario:
    """An app that is asked for its latest at some moments, and told to stop at the last."""
    moments = (*asked, stops)
    return scenario(*(get("/latest", at=at) for at in moments), poll=in_turn(*polls), drain=0)


def _usual(sample: SampleData) -> Scenario:
    words = [sample.word() for _ in range(4)]
    polls = [asks(seconds, word) for seconds, word in zip((2, 1, 7.5, 1), words, strict=True)]
    return _polled(*polls, asked=(0.5, 1.5, 3, 5.5, 8, 17, 18), stops=23)


def _failing(sample: SampleData) -> Scenario:
    first, last = asks(1, sample.word()), asks(2, sample.word())
    kinds = ("ConnectionError", "ValueError", "TimeoutError")
    failures = [breaks(after=1.5, type=kind, text=sample.secret()) for kind in kinds]
    return _polled(first, *failures, last, asked=(6, 9, 18.5, 23), stops=24)


@exercise(3)
def test_start_does_not_wait_for_a_poll(sample: SampleData) -> None:
    """The app takes requests at once; it doesn't wait for the first poll."""
    assert_same(startup_time, of=_usual(sample.shared()), server_errors=[503])


@exercise(3)
def test_polls_at_multiples_of_five(sample: SampleData) -> None:
    """It polls at 0, 5, 10 ... s, never twice at a time, and leaves out what a long poll takes."""
    assert_same(calls, of=_usual(sample.shared()), server_errors=[503])


@aspect("status", "body", say=answers.say)
def latest(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer: value and age, to a thousandth of a second; what a 503 says does not matter."""
    return tuple(
        (e.status, as_text(_rounded(e.json()))) if e.status == 200 else (e.status, "")
        for e in trace.exchanges
    )


def _rounded(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {
        key: round(value, 3) if isinstance(value, float) else value for key, value in body.items()
    }


@exercise(3)
def test_latest_value_has_its_age(sample: SampleData) -> None:
    """GET /latest answers with the last value and the seconds since it was got; 503 before."""
    assert_same(latest, elapsed, of=_usual(sample.shared()), server_errors=[503])
    for value in (0, None, ""):
        assert_same(latest, of=_polled(asks(1, value), asked=(2, 4.5), stops=4.8))


@exercise(3)
def test_a_poll_that_fails_changes_nothing(sample: SampleData) -> None:
    """A poll that fails leaves the value and its age as they are, and the next one comes."""
    assert_same(calls, latest, of=_failing(sample.shared()))


@exercise(3)
def test_a_poll_that_fails_is_logged(sample: SampleData) -> None:
    """A poll that fails is logged on "day56"."""
    assert_same(failures_logged("day56", of="poll"), of=_failing(sample.shared()))


@exercise(3)
def test_first_poll_may_fail(sample: SampleData) -> None:
    """If the first poll fails, /latest stays 503 until there is a value."""
    value = asks(1, sample.word())
    late = _polled(breaks(after=1), value, asked=(2, 5.5), stops=7)
    assert_same(latest, of=late, server_errors=[503])


@exercise(3)
def test_poll_is_cancelled_at_shutdown(sample: SampleData) -> None:
    """At shutdown a poll under way is cancelled, and waited for."""
    slow = asks(4, sample.word(), cleanup=1.5)
    assert_same(endings_of("poll"), of=_polled(slow, asked=(4.5,), stops=6))


# Exercise 4: work that is accepted


def _jobs(*requests: Request | tuple[Request, ...], work: Any, drain: float = 60) -> Scenario:
    return scenario(*requests, work=work, drain=drain)


def _apart(count: int, sample: SampleData, every: float = 0.01) -> tuple[Request, ...]:
    """So many jobs, a moment apart."""
    return tuple(post("/jobs", json=sample.record(), at=place * every) for place in range(count))


def _stages(sample: SampleData) -> Scenario:
    """Five jobs of 4 s, and what is said of the first, the fourth and the fifth meanwhile."""
    results = in_turn(*(works(4, sample.record()) for _ in range(5)))
    asked = [(1, 1), (4, 1.5), (1, 5), (4, 5.5), (5, 6), (4, 9), (5, 9.5), (2, 10)]
    questions = [get(f"/jobs/{number}", at=at) for number, at in asked]
    return _jobs(*_apart(5, sample), *questions, work=results)


@exercise(4)
def test_jobs_are_accepted_at_once(sample: SampleData) -> None:
    """A job is accepted at once, with 202 and an id; ids count from 1."""
    assert_same(answers, elapsed, of=_jobs(*_apart(5, sample), work=works(4)))


@exercise(4)
def test_jobs_tell_their_state(sample: SampleData) -> None:
    """GET /jobs/{id} says whether a job is waiting, running or done, and what came of it."""
    assert_same(answers, of=_stages(sample.shared()))


@exercise(4)
def test_work_gets_the_job(sample: SampleData) -> None:
    """The work is given the object that came, once for each job; an empty one is a job, too."""
    nested = {sample.word(): [1, {sample.word(): None}]}
    jobs = [post("/jobs", json=job, at=at) for at, job in enumerate((nested, {}, sample.record()))]
    assert_same(statuses, arguments, of=_jobs(*jobs, work=works(1)))


@exercise(4)
def test_three_are_at_work(sample: SampleData) -> None:
    """Three jobs are at work at once, never more, and the next begins when one of them ends."""
    uneven = in_turn(*(works(seconds) for seconds in sample.delays(7, 1, 4)))
    assert_same(most_calls("work"), calls, of=_jobs(*_apart(7, sample), work=uneven))


def _full(sample: SampleData) -> Scenario:
    """Sixteen jobs where thirteen have room, and one more when there is room again."""
    later = post("/jobs", json=sample.record(), at=12)
    return _jobs(*_apart(16, sample), later, work=works(10, "done"))


@exercise(4)
def test_what_is_too_much_is_refused(sample: SampleData) -> None:
    """Three at work and ten waiting: the next is refused at once with 503 and Retry-After."""
    full = _full(sample.shared())
    assert_same(statuses, has_header("Retry-After", 503), elapsed, of=full, server_errors=[503])


@exercise(4)
def test_what_is_refused_takes_no_id(sample: SampleData) -> None:
    """What is refused takes no id, and isn't done: the next job that is accepted is number 14."""
    full = _full(sample.shared())
    assert_same(answer_of(16), call_counts, of=full, server_errors=[503])


@aspect("status", "body", "calls")
def accepted_of_a_burst(trace: Trace) -> tuple[str, ...]:
    """Of jobs that come in one moment: how many are accepted, under which ids, and done."""
    taken = [e.json() for e in trace.exchanges if e.status == 202]
    ids = sorted(as_text(body.get("id")) if isinstance(body, dict) else "" for body in taken)
    others = {exchange.status for exchange in trace.exchanges} - {202}
    count = len(taken)
    done = sum(call.how == "done" for call in trace.calls("work"))
    return (
        "10 to 13 accepted" if 10 <= count <= 13 else f"{count} accepted",
        "with ids from 1" if ids == sorted(map(str, range(1, count + 1))) else f"with ids {ids}",
        "all of them done" if done == count else f"{done} of {count} done",
        f"the others {others or 'none'}",
    )


@exercise(4)
def test_a_burst_is_taken_as_far_as_there_is_room(sample: SampleData) -> None:
    """Of thirty in one moment at least ten are accepted, and never more than thirteen."""
    burst = _jobs(times(30, post("/jobs", json=sample.record())), work=works(2))
    assert_same(accepted_of_a_burst, of=burst, server_errors=[503])


@exercise(4)
def test_only_objects_are_jobs(sample: SampleData) -> None:
    """Anything but a JSON object is answered 422: it takes no id, and no work is done for it."""
    bad = spaced(1, *(post("/jobs", body=body, headers=JSON) for body in NOT_OBJECTS))
    good = post("/jobs", json=sample.record(), at=10)
    assert_same(statuses, answer_of(5), call_counts, of=_jobs(*bad, good, work=works(1)))


@exercise(4)
def test_unknown_jobs_are_not_found(sample: SampleData) -> None:
    """An id that no job has is answered 404."""
    one = post("/jobs", json=sample.record())
    asked = get("/jobs/2", at=1), get("/jobs/0", at=2), get("/jobs/1", at=3)
    assert_same(statuses, of=_jobs(one, *asked, work=works(1, sample.word())))


def _some_fail(sample: SampleData) -> Scenario:
    """Four jobs that fail, and two that don't."""
    kinds = ("ConnectionError", "ValueError", "TimeoutError", "KeyError")
    failing = [breaks_down(after=1, type=kind, text=sample.secret()) for kind in kinds]
    work = in_turn(*failing, works(2, sample.word()))
    questions = [get(f"/jobs/{number}", at=10 + number) for number in (1, 4, 5, 6)]
    return _jobs(*_apart(6, sample), *questions, work=work)


@exercise(4)
def test_a_failing_job_stops_no_worker(sample: SampleData) -> None:
    """A job that fails is "failed", without a result, and the others are done all the same."""
    assert_same(answers, calls, of=_some_fail(sample.shared()))


@exercise(4)
def test_a_failing_job_is_logged(sample: SampleData) -> None:
    """A job that fails is logged on "day56"."""
    assert_same(failures_logged("day56", of="work"), of=_some_fail(sample.shared()))


@exercise(4)
def test_what_was_accepted_is_finished(sample: SampleData) -> None:
    """At shutdown, what was accepted is finished: what is at work, and what is still waiting."""
    assert_same(calls, of=_jobs(*_apart(7, sample), work=works(8), drain=0))


@exercise(4)
def test_app_stops_when_its_work_is_done(sample: SampleData) -> None:
    """The app is down when its work is done, and that is well before the 30 s are over."""
    work = in_turn(works(3), breaks_down(after=1, text=sample.secret()), works(2))
    assert_same(stops_when_done, of=_jobs(*_apart(3, sample), work=work, drain=0))


@exercise(4)
def test_shutdown_waits_no_longer_than_thirty_seconds(sample: SampleData) -> None:
    """After 30 s the rest is cancelled, and nothing new is begun."""
    work = in_turn(works(45), works(12), works(50), works(12), works(40))
    assert_same(calls, of=_jobs(*_apart(8, sample), work=work, drain=0))


# Exercise 5: alive and ready


def _probes(*requests: Request | tuple[Request, ...], database: Any, cache: Any) -> Scenario:
    return scenario(*requests, check_database=database, check_cache=cache)


def _each_way() -> Scenario:
    """Probes far apart, each of which finds the two otherwise."""
    broken = [breaks(after=0.2, type=kind) for kind in ("ConnectionError", "TimeoutError")]
    database = in_turn(asks(0.5), broken[0], asks(0.4), asks(5), asks(0.5), broken[1], asks(30))
    cache = in_turn(asks(0.8), asks(0.6), broken[0], asks(0.3), asks(8), asks(7), breaks(after=0.5))
    return _probes(*spaced(10, *times(7, get("/ready"))), database=database, cache=cache)


@exercise(5)
def test_ready_says_what_is_wrong() -> None:
    """GET /ready answers 200 if both are "ok", else 503, with "failed" or "late" for what is."""
    assert_same(answers, of=_each_way(), server_errors=[503])


@exercise(5)
def test_both_are_checked_together() -> None:
    """Both checks go on together, each for at most 1 s; one that is late is cancelled."""
    both = _each_way()
    assert_same(elapsed, calls, of=both, server_errors=[503])


@exercise(5)
def test_alive_asks_nobody() -> None:
    """GET /live answers 200 at once, whatever the database and the cache do, and asks neither."""
    hanging = _probes(
        get("/live"),
        get("/ready", at=1),
        get("/live", at=1.5),
        get("/live", at=5),
        database=asks(30),
        cache=breaks(after=0.1),
    )
    assert_same(call_counts, statuses, elapsed, of=hanging, server_errors=[503])


@exercise(5)
def test_hundred_probes_make_one_check() -> None:
    """A hundred probes at once, and those that come meanwhile, make one check of each."""
    crowd = _probes(
        times(100, get("/ready")),
        times(5, get("/ready", at=0.3)),
        database=asks(0.6),
        cache=asks(0.7),
    )
    assert_same(statuses, elapsed, call_counts, of=crowd)


@exercise(5)
def test_result_is_good_for_two_seconds() -> None:
    """A result, good or bad, is used for 2 s from when it is there; then comes another check."""
    good, bad = (0, 1, 2.5, 3, 4), (10, 11, 12.1, 13, 14)
    database = in_turn(asks(0.7), asks(0.7), breaks(after=0.3), asks(0.4))
    cache = in_turn(asks(0.8), asks(0.8), asks(0.4), asks(0.5))
    moments = [get("/ready", at=at) for at in (*good, *bad)]
    kept = _probes(*moments, database=database, cache=cache)
    assert_same(answers, elapsed, calls, of=kept, server_errors=[503])


@exercise(5)
def test_a_prober_that_leaves_takes_nothing_from_others() -> None:
    """When one probe is cancelled, the others still get their answer."""
    leaves = _probes(
        get("/ready", cancelled_at=0.2),
        *(get("/ready", at=at) for at in (0.1, 0.3)),
        database=asks(0.6),
        cache=asks(0.7),
    )
    assert_same(answer_of(1), answer_of(2), of=leaves)


# Exercise 6: a slow start


def _model(*requests: Request, **options: Any) -> Scenario:
    given = options or {"returns": Linear(2, 1)}
    return scenario(*requests, load_model=computes(20, **given))


def _asked(sample: SampleData) -> Scenario:
    """Predictions before the model is there and after; the app is asked if it lives meanwhile."""
    numbers = [sample.number() % 1000 for _ in range(5)]
    moments = (1, 5, 19, 20.5, 30)
    predictions = [
        post("/predict", json={"x": x}, at=at) for x, at in zip(numbers, moments, strict=True)
    ]
    half = post("/predict", json={"x": 0.5}, at=31)
    probes = [get("/live", at=at) for at in (0.5, 10, 20.2)]
    return _model(
        *predictions, half, *probes, returns=Linear(sample.number() % 50 + 2, sample.number() % 9)
    )


def _broken() -> Scenario:
    requests = [post("/predict", json={"x": 1}, at=at) for at in (1, 21, 60)]
    return _model(*requests, get("/live", at=22), raises="OSError", text="no such file")


@exercise(6)
def test_app_starts_at_once(sample: SampleData) -> None:
    """The app takes requests at once; it doesn't wait for the model."""
    assert_same(startup_time, of=_asked(sample.shared()), server_errors=[503])


@aspect("status", "body", say=answers.say)
def predictions(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer; what a 503 says does not matter, nor what a probe is told."""
    return tuple(
        answer if answer[0] == 200 and exchange.method == "POST" else (answer[0], "")
        for exchange, answer in zip(trace.exchanges, answers(trace), strict=True)
    )


@exercise(6)
def test_predictions_come_when_the_model_is_there(sample: SampleData) -> None:
    """POST /predict answers 503 until the model is loaded, then {"y": model(x)}."""
    assert_same(predictions, of=_asked(sample.shared()), server_errors=[503])


@exercise(6)
def test_nobody_waits_for_the_model(sample: SampleData) -> None:
    """/live is answered at once while the model is being loaded, and so is /predict."""
    assert_same(elapsed, of=_asked(sample.shared()), server_errors=[503])


@exercise(6)
def test_model_is_loaded_once(sample: SampleData) -> None:
    """The model is loaded once, whatever requests come."""
    assert_same(call_counts, of=_asked(sample.shared()), server_errors=[503])


@exercise(6)
def test_app_lives_without_the_model() -> None:
    """If loading fails, that is logged on "day56", /predict stays 503, and the app goes on."""
    logs = failures_logged("day56", of="load_model")
    assert_same(statuses, call_counts, logs, of=_broken(), server_errors=[503])


@exercise(6)
def test_each_503_says_when_to_come_again(sample: SampleData) -> None:
    """Every 503 has a Retry-After: while the model is being loaded, and if that has failed."""
    for each in (_asked(sample.shared()), _broken()):
        assert_same(has_header("Retry-After", 503), of=each, server_errors=[503])
