"""The checks of day 55. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

from functools import partial
from typing import Any

from grader.checks import (
    Exchange,
    Fault,
    SampleData,
    Scenario,
    Trace,
    answers,
    arguments,
    arguments_of,
    as_text,
    aspect,
    assert_same,
    by_argument,
    call_counts,
    call_endings,
    closed_before,
    closings,
    committed_first,
    connects,
    elapsed,
    exercise,
    fails,
    get,
    good_answers,
    in_turn,
    left_running,
    left_unclosed,
    lesson,
    mentions,
    order_of_work,
    over_with_answer,
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

# What the factories of exercises 1 and 5 are handed takes no arguments.
fetches = partial(takes, parameters=())
breaks = partial(fails, parameters=())


# Exercise 1: once per request


def _settings(sample: SampleData) -> dict[str, Any]:
    names = ("language", "footer", "title", "theme")
    return {name: sample.word() for name in names}


def _pages_in_time(sample: SampleData) -> Scenario:
    """Two pages at once, one soon after, and one later; each time the settings are others."""
    shared, moments = sample.shared(), (0, 0.3, 1.4, 10)
    return scenario(
        *(get("/page", at=at) for at in moments),
        load_settings=in_turn(*(fetches(1, _settings(shared)) for _ in moments)),
    )


@exercise(1)
def test_page_holds_three_values(sample: SampleData) -> None:
    """/page holds the theme, the title and the footer of the settings, each under its name."""
    one = scenario(get("/page"), load_settings=fetches(0.5, _settings(sample)))
    assert_same(answers, of=one)


@exercise(1)
def test_settings_are_loaded_once_a_request(sample: SampleData) -> None:
    """The settings are loaded once for each request."""
    assert_same(call_counts, elapsed, of=_pages_in_time(sample))


@exercise(1)
def test_settings_are_loaded_anew(sample: SampleData) -> None:
    """The next request, or another one at the same time, loads them again."""
    assert_same(answers, of=_pages_in_time(sample))


@exercise(1)
def test_plain_loads_nothing(sample: SampleData) -> None:
    """/plain answers {"plain": true}, and loads nothing."""
    plain = scenario(get("/plain"), get("/page", at=5), load_settings=fetches(1, _settings(sample)))
    assert_same(answers, call_counts, of=plain)


# Exercise 2: a page of a list


def _lists(*requests: Any, users: Any = None, orders: Any = None) -> Scenario:
    nothing = takes(0.1, [], parameters=("offset", "limit", "search"))
    return scenario(*requests, find_users=users or nothing, find_orders=orders or nothing)


@exercise(2)
def test_defaults(sample: SampleData) -> None:
    """Without parameters it is the first page of 13 results, and every name is looked for."""
    users, orders = (
        takes(0.1, sample.records(3), parameters=("offset", "limit", "search")) for _ in range(2)
    )
    both = _lists(get("/users"), get("/orders", at=1), users=users, orders=orders)
    assert_same(answers, arguments, of=both)


@exercise(2)
def test_pages(sample: SampleData) -> None:
    """`page` and `results_per_page` say how many results are left out, and how many are wanted."""
    page, size = 2 + sample.number() % 50, 2 + sample.number() % 90
    wanted = [
        {"page": page, "results_per_page": size},
        {"page": page + 1},
        {"results_per_page": 1},
        {"results_per_page": 100},
    ]
    paths = ("/users", "/orders")
    asked = [get(path, query=query, at=at) for at, query in enumerate(wanted) for path in paths]
    assert_same(answers, arguments, of=_lists(*asked))


@exercise(2)
def test_search_is_stripped(sample: SampleData) -> None:
    """Blanks around `search` are taken off, what is inside of it stays, and then it is measured."""
    word = sample.word()
    searches = (word, f"  {word.upper()} 100% & more  ", "   ", "é" * 50, f"   {'x' * 50}   ")
    asked = [get("/users", query={"search": text}, at=at) for at, text in enumerate(searches)]
    asked += [get("/orders", query={"search": f" {word}  {word} "}, at=10)]
    assert_same(answers, arguments, of=_lists(*asked))


@exercise(2)
def test_what_does_not_fit_is_refused() -> None:
    """A page below 1, a size outside of 1 to 100 and a long search are 422, and not looked for."""
    wrong = ("page=0", "page=-1", "page=two", "results_per_page=0", "results_per_page=101")
    queries = (*wrong, "results_per_page=many", f"search={'x' * 51}", f"search=%20{'y' * 51}%20")
    asked = [
        get(f"{path}?{query}", at=at)
        for at, query in enumerate(queries)
        for path in ("/users", "/orders")
    ]
    assert_same(statuses, call_counts, of=_lists(*asked))


@exercise(2)
def test_pages_at_once_do_not_mix(sample: SampleData) -> None:
    """Requests at once, for users and for orders, get their own pages."""
    pages = {1: sample.records(1), 2: sample.records(2), 3: sample.records(3)}
    find = by_argument(
        {((page - 1) * 10, 10, ""): takes(3 - page / 2, found) for page, found in pages.items()},
        otherwise=takes(1, []),
        parameters=("offset", "limit", "search"),
    )
    asked = [
        get(path, query={"page": page, "results_per_page": 10}, at=page / 10)
        for page in pages
        for path in ("/users", "/orders")
    ]
    assert_same(answers, elapsed, of=_lists(*asked, users=find, orders=find))


# Exercise 3: a connection


def _report(
    *requests: Any, query: Any, connecting: float = 0.2, close: float = 0.1, notifying: float = 5
) -> Scenario:
    return scenario(
        *(requests or (get("/report", query={"sql": "select 1"}),)),
        connect=connects(connecting, query=query, close=close),
        notify=takes(notifying, parameters=("rows",)),
    )


def _reports_at_once(sample: SampleData, close: float) -> Scenario:
    """Two reports at once and one later, each of other rows; the last one finds nothing."""
    shared = sample.shared()
    found = {f"select {shared.word()}": shared.records(count) for count in (2, 1, 0)}
    query = by_argument(
        {sql: takes(0.5, rows) for sql, rows in found.items()}, otherwise=takes(0.5, None)
    )
    asked = zip(found, (0, 0.1, 20), strict=True)
    requests = [get("/report", query={"sql": sql}, at=at) for sql, at in asked]
    return _report(*requests, query=query, close=close)


@exercise(3)
def test_rows_are_answered(sample: SampleData) -> None:
    """The answer holds the rows that the connection gives for the SQL of the request."""
    assert_same(answers, arguments_of("connect.query"), of=_reports_at_once(sample, close=0.1))


@exercise(3)
def test_notified_after_the_answer(sample: SampleData) -> None:
    """`notify` is called after the answer, once for each request, with its rows."""
    at_once = _reports_at_once(sample, close=0)
    assert_same(order_of_work("notify"), arguments_of("notify"), of=at_once)


@exercise(3)
def test_each_connection_is_closed_once(sample: SampleData) -> None:
    """Each request opens one connection, and closes it once."""
    assert_same(closings, of=_reports_at_once(sample, close=0.1))


@exercise(3)
def test_closed_before_notify(sample: SampleData) -> None:
    """The connection is closed before `notify` begins."""
    assert_same(closed_before("notify"), of=_reports_at_once(sample, close=0.1))


def _failing_reports(sample: SampleData) -> tuple[Scenario, str]:
    """Queries that fail, each in another way, and the text of their errors."""
    shared = sample.shared()
    secret = shared.secret()
    kinds = ("ConnectionError", "ValueError", "TimeoutError", "KeyError")
    query = in_turn(*(fails(0.5, kind, secret) for kind in kinds))
    requests = spaced(10, *(get("/report", query={"sql": shared.word()}) for _ in kinds))
    return _report(*requests, query=query), secret


@exercise(3)
def test_failing_query_is_502(sample: SampleData) -> None:
    """A query that fails is answered 502, with none of its error's text."""
    failing, secret = _failing_reports(sample)
    assert_same(statuses, mentions(secret), of=failing, server_errors=[502])


@exercise(3)
def test_nobody_is_notified_of_a_failure(sample: SampleData) -> None:
    """When the query fails, `notify` isn't called."""
    assert_same(call_counts, of=_failing_reports(sample)[0], server_errors=[502])


@exercise(3)
def test_closed_when_the_query_fails(sample: SampleData) -> None:
    """When the query fails, the connection is closed once, too."""
    assert_same(closings, of=_failing_reports(sample)[0], server_errors=[502])


@exercise(3)
def test_without_sql_nothing_is_opened() -> None:
    """A request without `sql` is answered 422, and opens no connection."""
    assert_same(statuses, call_counts, of=_report(get("/report"), query=takes(0.5, [])))


@exercise(3)
def test_cancelled_report_leaves_nothing_open(sample: SampleData) -> None:
    """A request that is cancelled while it connects, or queries, leaves no connection open."""
    sql = {"sql": sample.word()}
    moments = (0.1, 0.5, 1.2, 1.9)
    requests = [
        get("/report", query=sql, at=10 * n, cancelled_at=at) for n, at in enumerate(moments)
    ]
    cancelled = _report(*requests, query=takes(1, sample.records(2)), connecting=1)
    assert_same(left_unclosed, of=cancelled)


# Exercise 4: who may do what


def _access(sample: SampleData, *requests: Any, **users: Any) -> Scenario:
    """Requests of users with tokens of three words, who are found by their tokens alone."""
    found = {token: takes(0.2, user) for token, user in users.items()}
    return scenario(
        *requests,
        find_user=by_argument(found, otherwise=takes(0.2, None), parameters=("token",)),
        list_secrets=takes(0.3, sample.shared().records(2), parameters=()),
    )


def _user(sample: SampleData, role: str) -> dict[str, Any]:
    return {"name": sample.word(), "role": role, "password": sample.secret()}


def _with(authorization: str, path: str = "/me", at: float = 0) -> Any:
    return get(path, headers={"authorization": authorization}, at=at)


@exercise(4)
def test_me_is_who_has_the_token(sample: SampleData) -> None:
    """/me answers the name of the user whose token it is, and no more; also of several at once."""
    several = _access(
        sample,
        _with("Bearer Tok-1"),
        _with("Bearer tok-2", at=0.1),
        _with("Bearer Tok-1", at=5),
        **{"Tok-1": _user(sample, "guest"), "tok-2": _user(sample, "admin")},
    )
    assert_same(arguments_of("find_user"), answers, of=several)


@exercise(4)
def test_scheme_in_any_case(sample: SampleData) -> None:
    """The word Bearer may be in upper or lower case."""
    spelt = [
        _with(f"{scheme} Token-1", at=at)
        for at, scheme in enumerate(("bearer", "BEARER", "beaRer"))
    ]
    assert_same(answers, of=_access(sample, *spelt, **{"Token-1": _user(sample, "guest")}))


@exercise(4)
def test_secrets_are_for_administrators(sample: SampleData) -> None:
    """/secrets lists the secrets for the role "admin"; for any other it is 403, and lists none."""
    roles = ("admin", "guest", "Admin", "superadmin", "")
    users = {f"Token-{place}": _user(sample, role) for place, role in enumerate(roles)}
    asked = [_with(f"Bearer {token}", "/secrets", at) for at, token in enumerate(users)]
    assert_same(good_answers, call_counts, of=_access(sample, *asked, **users))


def _strangers(sample: SampleData) -> Scenario:
    """Nobody of these says who they are; the last two have a token that is unknown."""
    paths = ("/me", "/secrets")
    headers = ("Bearer", "Bearer ", "", "Basic Token-1", "Bearer-2 Token-1", "Token-1")
    return _access(
        sample,
        *(get(path, at=at) for at, path in enumerate(paths)),
        *(_with(text, path, at=10 + at) for at, text in enumerate(headers) for path in paths),
        *(_with("Bearer Token-2", path, at=20 + at) for at, path in enumerate(paths)),
        **{"Token-1": _user(sample.shared(), "admin")},
    )


@exercise(4)
def test_strangers_are_401(sample: SampleData) -> None:
    """No header, no token, another scheme and an unknown token are answered 401."""
    assert_same(statuses, of=_strangers(sample))


@exercise(4)
def test_strangers_learn_how_to_tell(sample: SampleData) -> None:
    """Each 401 has the header `WWW-Authenticate: Bearer`."""
    assert_same(challenges, of=_strangers(sample))


@aspect("headers", say=lambda answer: f"{answer[0]} with {answer[1] or 'no WWW-Authenticate'}")
def challenges(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """The scheme that each answer asks for, with its status; what follows the scheme is open."""
    return tuple((exchange.status, _challenge(exchange)) for exchange in trace.exchanges)


def _challenge(exchange: Exchange) -> str:
    scheme = exchange.header("www-authenticate").partition(" ")[0].rstrip(",")
    return "Bearer" if scheme.lower() == "bearer" else scheme


@exercise(4)
def test_nobody_is_looked_for_without_a_token(sample: SampleData) -> None:
    """`find_user` is never called without a token, and `list_secrets` never for strangers."""
    assert_same(arguments, of=_strangers(sample))


@exercise(4)
def test_user_is_found_once_a_request(sample: SampleData) -> None:
    """`find_user` is called once for each request: who is an administrator may change."""
    roles = in_turn(*(takes(0.2, _user(sample, role)) for role in ("admin", "guest", "admin")))
    asked = [_with("Bearer Token-1", "/secrets", at) for at in (0, 5, 10)]
    changing = scenario(
        *asked,
        find_user=by_argument(
            {"Token-1": roles}, otherwise=takes(0.2, None), parameters=("token",)
        ),
        list_secrets=takes(0.3, sample.records(2), parameters=()),
    )
    assert_same(statuses, call_counts, of=changing)


# Exercise 5: together


def _checkouts(
    sample: SampleData, *requests: Any, account: Any = None, limits: Any = None, flags: Any = None
) -> Scenario:
    return scenario(
        *(requests or (get("/checkout"),)),
        fetch_account=account or fetches(2, sample.record()),
        fetch_limits=limits or fetches(1, sample.record()),
        fetch_flags=flags or fetches(1.5, [sample.word()]),
    )


@exercise(5)
def test_checkout_holds_all_three(sample: SampleData) -> None:
    """/checkout holds the account, the limits and the flags, each under its name."""
    shared = sample.shared()
    first, second = (fetches(1, shared.record()) for _ in range(2))
    two = _checkouts(
        shared,
        get("/checkout"),
        get("/checkout", at=0.3),
        account=in_turn(first, second),
        flags=in_turn(fetches(1.5, [shared.word()]), fetches(2, [])),
    )
    assert_same(answers, call_counts, of=two)


@exercise(5)
def test_checkout_fetches_together(sample: SampleData) -> None:
    """/checkout takes as long as its slowest fetch, whichever that is."""
    slow, quick, other = fetches(2.5, 1), fetches(0.5, 2), fetches(1, 3)
    in_three_ways = _checkouts(
        sample,
        *(get("/checkout", at=at) for at in (0, 10, 20)),
        account=in_turn(slow, quick, other),
        limits=in_turn(quick, other, slow),
        flags=in_turn(other, slow, quick),
    )
    assert_same(elapsed, call_counts, of=in_three_ways)


@exercise(5)
def test_account_is_fetched_alone(sample: SampleData) -> None:
    """/account answers the account, and asks for nothing else."""
    assert_same(answers, call_counts, elapsed, of=_checkouts(sample, get("/account")))


def _failing_checkouts(sample: SampleData) -> Scenario:
    """Checkouts far apart, of which each has another fetch that fails, or two; and an account."""
    shared = sample.shared()
    long, last = fetches(3, shared.record()), "RuntimeError"
    broken = [breaks(0.5, kind, shared.secret()) for kind in ("ValueError", "KeyError", last)]
    late = breaks(3.5, "TimeoutError", shared.secret())
    return _checkouts(
        shared,
        *spaced(10, *times(5, get("/checkout"))),
        get("/account", at=50),
        account=in_turn(broken[0], long, long, long, broken[1], broken[2]),
        limits=in_turn(long, broken[1], long, late, broken[2]),
        flags=in_turn(long, long, broken[2], long, long),
    )


@exercise(5)
def test_failure_is_503_at_once(sample: SampleData) -> None:
    """When a fetch fails, the answer is 503 at once, at /account, too."""
    assert_same(statuses, elapsed, of=_failing_checkouts(sample), server_errors=[503])


@exercise(5)
def test_others_are_cancelled_by_then(sample: SampleData) -> None:
    """The other fetches have been cancelled when the 503 is there."""
    failing = _failing_checkouts(sample)
    assert_same(left_running, call_endings, of=failing, server_errors=[503])


@exercise(5)
def test_failure_harms_no_other_checkout(sample: SampleData) -> None:
    """A checkout that fails harms no other that is under way."""
    good = fetches(2, sample.record())
    two = _checkouts(
        sample,
        get("/checkout"),
        get("/checkout", at=0.2),
        account=in_turn(breaks(0.5, text=sample.secret()), good),
    )
    assert_same(statuses, elapsed, of=two, server_errors=[503])


# Exercise 6: a unit of work

DAY55 = lesson("day55")
TABLE = tables(DAY55, DAY55.exercise(6))
SEATS = "select id, taken_by from seats order by id"


def _seats(*requests: Any, **options: Any) -> Scenario:
    """Requests to an app whose table holds four seats, and whose statements take 0.25 s."""
    options = {"statement": 0.25, "round_trip": 0.05, **options}
    return scenario(*requests, dsn=postgres(seed_sql=TABLE, reads=[SEATS], **options))


def _take(seat: int, name: str, **when: float) -> Any:
    return post(f"/seats/{seat}", json={"name": name}, **when)


def _clients_in_turn(sample: SampleData) -> Scenario:
    """A free seat is taken, and again by the same name; then what is refused, and one more."""
    shared = sample.shared()
    name, other, third = shared.word(), shared.word(), f"O'{shared.word()}'); drop table seats; --"
    wanted = [(1, name), (1, name), (1, other), (99, other), (3, other), (2, name), (4, third)]
    return _seats(*spaced(10, *(_take(seat, who) for seat, who in wanted)))


@exercise(6)
def test_seat_is_taken(sample: SampleData) -> None:
    """A free seat is taken: 201 with the seat. By the same name that is 201 again."""
    twice = sample.word()
    two = _seats(_take(1, twice), _take(1, twice, at=10), _take(2, sample.word(), at=20))
    assert_same(answers, readings, of=two)


@exercise(6)
def test_seat_may_be_missing_or_taken(sample: SampleData) -> None:
    """No such seat is 404, another's is 409. A second seat for a name is 409, at the commit."""
    assert_same(good_answers, of=_clients_in_turn(sample))


@exercise(6)
def test_what_is_refused_changes_nothing(sample: SampleData) -> None:
    """What is refused leaves the rows as they were."""
    assert_same(readings, of=_clients_in_turn(sample))


@exercise(6)
def test_answered_when_committed(sample: SampleData) -> None:
    """The 201 is sent when the seat is committed, and never before."""
    assert_same(committed_first, of=_clients_in_turn(sample))


@exercise(6)
def test_connection_is_back_with_the_answer(sample: SampleData) -> None:
    """When the answer is complete, the connection is back in the pool."""
    assert_same(over_with_answer, of=_clients_in_turn(sample))


@exercise(6)
def test_one_of_many_gets_the_seat(sample: SampleData) -> None:
    """Of several clients that take one seat at once exactly one gets it, and 201."""
    names = [sample.word() for _ in range(4)]
    assert_same(who_got_it, of=_seats(*(_take(1, name) for name in names)))


@aspect("status", "body", "readings")
def who_got_it(trace: Trace) -> tuple[str, ...]:
    """The statuses, sorted, and whether those who were told that they have a seat have it."""
    told = sorted(str(exchange.status) for exchange in trace.exchanges)
    return (*told, *truths(trace))


@exercise(6)
def test_a_failure_on_the_way_leaves_the_row(sample: SampleData) -> None:
    """Whatever fails before the commit, the row is as it was; 201 is for what is stored."""
    for at in (1, 2):
        fault = Fault(does="fail", at=at, when="serving")
        one = _seats(_take(1, sample.shared().word()), faults=[fault])
        assert_same(truths, of=one, server_errors=[500])


@aspect("readings", "status")
def truths(trace: Trace) -> tuple[str, ...]:
    """Whether the seats are as the answers say."""
    found = trace.readings.get(SEATS)
    rows = found if isinstance(found, list) else []
    held = {as_text(row) for row in rows}
    said = {as_text(e.json()) for e in trace.exchanges if e.status == 201}
    taken = {as_text(row) for row in rows if row["taken_by"]}
    if not said <= held:
        return ("a seat that was answered with 201 isn't stored",)
    new = taken - said - {as_text({"id": 3, "taken_by": "Grace"})}
    return ("a seat is stored that was not answered with 201" if new else "as it was answered",)


@exercise(6)
def test_a_cancelled_request_takes_no_seat(sample: SampleData) -> None:
    """A request that is cancelled before the commit takes no seat, and costs the pool nothing."""
    word = sample.word()
    gone = [_take(1, sample.word(), at=10 * n, cancelled_at=0.2) for n in range(11)]
    assert_same(readings, of=_seats(*gone, _take(2, word, at=200)))
