"""The checks of day 57. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

from typing import Any

from grader.checks import (
    Aspect,
    Exchange,
    Fault,
    SampleData,
    Scenario,
    Span,
    Trace,
    answer_of,
    answered_within,
    answers,
    arguments,
    as_text,
    aspect,
    assert_same,
    at_most_open,
    at_most_statements,
    by_argument,
    elapsed,
    exercise,
    get,
    good_answers,
    has_header,
    left_open,
    lesson,
    lines_as_json,
    loop_is_free,
    most_at_once,
    pool_opened_by_request,
    post,
    postgres,
    readings,
    scenario,
    sorted_statuses,
    spaced,
    statements_of,
    statuses,
    tables,
    takes,
    times,
)

DAY57 = lesson("day57")


def _values(*rows: tuple[Any, ...]) -> str:
    """Rows of words and numbers, as SQL has them."""
    return ", ".join(f"({', '.join(map(_value, row))})" for row in rows)


def _value(value: Any) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


# Exercise 1: a pool


def _clock(*requests: Any, **options: Any) -> Scenario:
    return scenario(*requests, dsn=postgres(0.25, **options))


def _crowd_and_three_apart() -> Scenario:
    return _clock(*times(20, get("/time")), *(get("/time", at=10 + n) for n in range(3)))


@exercise(1)
def test_time_asks_the_database() -> None:
    """/time answers {"ok": true} once the database has answered `SELECT 1`."""
    assert_same(answers, asked_first, of=_crowd_and_three_apart())


@aspect("calls", "elapsed")
def asked_first(trace: Trace) -> tuple[str, ...]:
    """Whether the database has answered a request when the client is answered."""
    return tuple(
        "the database is asked first"
        if any(span.how == "done" and _is_over(span, exchange) for span in _asked(trace, exchange))
        else "the database isn't asked"
        for exchange in trace.exchanges
    )


def _asked(trace: Trace, exchange: Exchange) -> list[Span]:
    return [s for s in statements_of(trace, exchange) if "select 1" in _words_of(s)]


def _words_of(statement: Span) -> str:
    return " ".join(str(statement.arguments[0]).lower().split())


def _is_over(span: Span, exchange: Exchange) -> bool:
    return exchange.responded is not None and span.end < exchange.responded


@exercise(1)
def test_loop_is_free() -> None:
    """While the database works, the app is free to serve others."""
    assert_same(loop_is_free, of=_crowd_and_three_apart())


@exercise(1)
def test_at_most_five_connections() -> None:
    """However many requests come at once, at most 5 connections are opened."""
    assert_same(at_most_open(5), of=_crowd_and_three_apart())


@exercise(1)
def test_connections_are_kept() -> None:
    """A connection is kept when a request is over, and serves the next one."""
    assert_same(kept_for_the_next, of=_crowd_and_three_apart())


@aspect("connections", nothing="no connection opened")
def kept_for_the_next(trace: Trace) -> tuple[str, ...]:
    """Whether the last requests, which come alone, found their connection open."""
    opened = {s.resource: s.start for s in trace.spans if s.kind == "connection"}
    return tuple(
        f"served over a connection that was {'open' if found else 'opened for it'}"
        for exchange in trace.exchanges[-2:]
        if (used := {s.resource for s in statements_of(trace, exchange)})
        for found in [all(n in opened and opened[n] < exchange.started for n in used)]
    )


@exercise(1)
def test_pool_is_opened_and_closed_with_the_app() -> None:
    """The pool is opened when the app starts, and closes its connections when the app stops."""
    assert_same(pool_opened_by_request, left_open, of=_crowd_and_three_apart())


@exercise(1)
def test_failures_cost_no_connection() -> None:
    """Statements that fail, and clients that leave, cost the pool no connection."""
    failing = Fault(does="fail", times=6, when="serving")
    trouble = _clock(
        *(get("/time", at=n) for n in range(6)),
        *(get("/time", at=10 + n, cancelled_at=0.1) for n in range(6)),
        get("/time", at=20),
        faults=[failing],
    )
    assert_same(answer_of(12), left_open, of=trouble, server_errors=[500])


@exercise(1)
def test_lost_connection_is_replaced() -> None:
    """If the server drops a connection, the pool has another one for the next requests."""
    lost = Fault(does="drop", when="serving")
    apart = _clock(*spaced(10, *times(3, get("/time"))), faults=[lost])
    assert_same(answer_of(2), of=apart, server_errors=[500])


# Exercise 2: a page of a table

USERS = tables(DAY57, DAY57.exercise(2))
NAMES = ("%", "_", "100%", "1000", "under_score", "underscore", "a\\b", "ab", "O'Hara")
"""Usernames in which something stands that means something elsewhere."""


def _user(id: int, name: str, is_active: bool = True) -> tuple[Any, ...]:
    return id, name, f"{id}@example.org", str(is_active).lower()


def _users(sample: SampleData) -> tuple[str, str]:
    """A table of some seventy users in no order, and a word that is in many of their names.

    One of them has it in the email alone.
    """
    shared = sample.shared()
    word = shared.word()
    some = [_user(9 * n % 61 + 100, f"{shared.word()}-{n}", n % 4 > 0) for n in range(61)]
    alike = [_user(90 - n, f"{n} Of {word.upper()}", n != 3) for n in range(7)]
    odd = [_user(200 + n, name) for n, name in enumerate(NAMES)]
    by_mail = (300, "elsewhere", f"{word}@example.org", "true")
    rows = _values(*some, *alike, *odd, by_mail)
    columns = "id, username, email, is_active"
    return f"{USERS}; delete from users; insert into users ({columns}) values {rows}", word


def _people(sample: SampleData, *queries: dict[str, Any]) -> Scenario:
    """A second between the requests, and a quarter of it for a statement."""
    seed, _ = _users(sample)
    asked = (get("/users", query=query) for query in queries)
    return scenario(*spaced(1, *asked), dsn=postgres(0.25, seed_sql=seed))


@exercise(2)
def test_first_page(sample: SampleData) -> None:
    """Without parameters it is the first 13 active users, by id, and the number of all of them."""
    assert_same(answers, of=_people(sample, {}))


def _pages(sample: SampleData) -> Scenario:
    size = 2 + sample.shared().number() % 30
    pages = [{"page": 2}, {"page": 3, "results_per_page": size}, {"results_per_page": 1}]
    last = {"page": 6, "results_per_page": 10}
    beyond = {"page": 100, "results_per_page": 100}
    return _people(sample, *pages, last, {"results_per_page": 100}, beyond)


@exercise(2)
def test_pages(sample: SampleData) -> None:
    """`page` and `results_per_page` choose the part of the list; past its end it is empty."""
    assert_same(answers, of=_pages(sample))


def _searches(sample: SampleData) -> Scenario:
    _, word = _users(sample)
    texts = (word, f"  {word[1:-1].swapcase()} ", f"of {word}", f"{word}?", "x" * 50)
    last = {"search": word, "page": 2, "results_per_page": 4}
    blanks = {"search": f"   {'y' * 50}   "}
    return _people(sample, *({"search": text} for text in texts), last, blanks)


@exercise(2)
def test_search(sample: SampleData) -> None:
    """`search` is a part of the username, in any case; blanks around it don't count."""
    assert_same(answers, of=_searches(sample))


@exercise(2)
def test_everything_in_a_search_is_ordinary(sample: SampleData) -> None:
    """`%`, `_`, a backslash and a quote in a search are ordinary characters."""
    texts = ("%", "_", "0%", "r_s", "\\", "A\\b", "o'h", "a%a", "'; drop table users; --")
    assert_same(answers, of=_people(sample, *({"search": text} for text in texts)))


@exercise(2)
def test_what_does_not_fit_is_refused(sample: SampleData) -> None:
    """A page below 1, a size outside of 1 to 100 and a long search are answered 422."""
    pages = ({"page": page} for page in (0, -1, "two", "1.5"))
    sizes = ({"results_per_page": size} for size in (0, 101, -13, "many"))
    long = ({"search": text} for text in ("x" * 51, f" {'y' * 51} "))
    assert_same(statuses, of=_people(sample, *pages, *sizes, *long))


@exercise(2)
def test_at_most_two_statements(sample: SampleData) -> None:
    """An answer takes at most two statements."""
    assert_same(at_most_statements(2), of=_pages(sample))
    assert_same(at_most_statements(2), of=_searches(sample))


@exercise(2)
def test_pool_lives_as_long_as_the_app(sample: SampleData) -> None:
    """A connection is kept when a request is over, and serves the next one."""
    assert_same(kept_for_the_next, of=_pages(sample))


# Exercise 3: a call between two statements

ORDERS = tables(DAY57, DAY57.exercise(3))
TOTALS = "select id, item, total from orders order by id"


def _orders(
    sample: SampleData,
    *requests: Any,
    items: int = 10,
    statement: float = 0.1,
    prices: tuple[float, ...] = (3,),
    **options: Any,
) -> Scenario:
    """Orders of items whose prices take so long, the first item's the first of `prices`."""
    words = [sample.word() for _ in range(items)]
    rows = _values(*((100 + n, word) for n, word in enumerate(words)))
    priced = {word: takes(prices[n % len(prices)], sample.price()) for n, word in enumerate(words)}
    options = {"seed_sql": f"{ORDERS}; insert into orders (id, item) values {rows}", **options}
    return scenario(
        *requests,
        dsn=postgres(statement, reads=[TOTALS], **options),
        price_of=by_argument(priced, otherwise=takes(1, -1.5), parameters=("item",)),
    )


def _price(order: int, **when: Any) -> Any:
    return post(f"/orders/{order}/price", **when)


def _some_orders(sample: SampleData) -> Scenario:
    wanted = [_price(103), _price(108), _price(999), _price(103, at=0.5)]
    return _orders(sample.shared(), *wanted, _price(101, at=9), _price(0, at=10))


@exercise(3)
def test_total_is_answered_and_stored(sample: SampleData) -> None:
    """The price of the order's item is answered as `total`, and stored."""
    assert_same(good_answers, readings, of=_some_orders(sample))


@exercise(3)
def test_price_is_asked_for_the_item(sample: SampleData) -> None:
    """`price_of` is given the order's item, once; for an unknown order it isn't called."""
    assert_same(arguments, of=_some_orders(sample))


@exercise(3)
def test_unknown_orders_are_not_found(sample: SampleData) -> None:
    """An unknown order is answered 404."""
    assert_same(statuses, of=_some_orders(sample))


@exercise(3)
def test_no_connection_is_held_while_price_of_works(sample: SampleData) -> None:
    """No connection is held while `price_of` works: ten requests at once go on together."""
    ten = _orders(sample, *(_price(100 + n) for n in range(10)))
    assert_same(statuses, answered_within(4), of=ten)


def _two_crowds(sample: SampleData) -> Scenario:
    """Five and twenty that all have their price at 10.4 s, and later twenty that come at once.

    A statement takes 0.4 s. So in the second that they may wait fifteen get a connection.
    """
    prices = tuple(10.0 - 2 * (n // 5) for n in range(25))
    waves = (_price(100 + n, at=2 * (n // 5)) for n in range(25))
    crowd = (_price(100 + n, at=30) for n in range(20))
    shared = sample.shared()
    return _orders(shared, *waves, *crowd, items=25, statement=0.4, prices=prices)


@exercise(3)
def test_nobody_waits_for_more_than_a_second(sample: SampleData) -> None:
    """Nobody waits more than 1 s for either of the two connections: then the answer is 503."""
    assert_same(waiting, of=_two_crowds(sample), server_errors=[503])


@aspect("elapsed", "status")
def waiting(trace: Trace) -> tuple[str, ...]:
    """How long requests wait for a connection, and when those are refused that get none."""
    return tuple(sorted({_waiting(trace, exchange) for exchange in trace.exchanges}))


def _waiting(trace: Trace, exchange: Exchange) -> str:
    """The longest time in which a request does nothing."""
    done = [*statements_of(trace, exchange), *_calls(trace, exchange)]
    ends = [exchange.started.tick, *sorted(span.end.tick for span in done)]
    if exchange.completed is None:
        return "no answer"
    if exchange.status == 503:
        cut = " of its statement's time" if any(s.how != "done" for s in done) else ""
        return f"503 after {_seconds(exchange.completed.tick - ends[-1])}{cut}"
    starts = sorted(span.start.tick for span in done)
    late = max((start - end for start, end in zip(starts, ends, strict=False)), default=0)
    longest = f"after {_seconds(late)}" if late > 1_000_000 else "within 1 s"
    return f"{exchange.status} with a connection {longest}"


def _calls(trace: Trace, exchange: Exchange) -> list[Span]:
    return [call for call in trace.calls() if call.exchange == exchange.number]


def _seconds(ticks: int) -> str:
    return f"{ticks / 1_000_000:.2f} s"


@exercise(3)
def test_refused_are_told_to_come_again(sample: SampleData) -> None:
    """Each 503 has the header `Retry-After`."""
    assert_same(told_to_come_again, of=_two_crowds(sample), server_errors=[503])


has_retry_after = has_header("Retry-After", 503)


@aspect("status", "header-presence", nothing="no 503", say=has_retry_after.say)
def told_to_come_again(trace: Trace) -> tuple[Any, ...]:
    """Whether the refused are told when to come again; how many they are doesn't matter."""
    return tuple(sorted(set(has_retry_after(trace))))


@exercise(3)
def test_five_connections_work_together(sample: SampleData) -> None:
    """The pool has 5 connections: of many requests at once, five are served at a time."""
    many = _orders(sample, *(_price(100 + n) for n in range(10)))
    assert_same(at_most_open(5), at_work_together, of=many)


@aspect("connections", say=lambda count: f"{count} statements under way at once")
def at_work_together(trace: Trace) -> tuple[int, ...]:
    """How many statements were under way at once, at the most."""
    spans = [span for span in trace.spans if span.kind == "statement"]
    return (most_at_once(spans),) if spans else ()


@exercise(3)
def test_those_who_leave_cost_no_connection(sample: SampleData) -> None:
    """Clients that leave while they wait, or while `price_of` works, cost no connection."""
    moments = (0.05, 0.1, 1.5, 3.15)
    gone = [_price(100, at=10 * n, cancelled_at=moments[n % 4]) for n in range(12)]
    assert_same(answer_of(12), left_open, of=_orders(sample, *gone, _price(101, at=200)))


# Exercise 4: a transfer

BALANCES = "select id, balance from accounts order by id"
ACCOUNTS = tables(DAY57, DAY57.exercise(4))


def _held(sample: SampleData) -> list[int]:
    """What is on the accounts 1 to 4: some hundreds, and nothing on the last."""
    shared = sample.shared()
    return [*(120 + 3 * (shared.number() % 200) for _ in range(3)), 0]


def _bank(held: list[int], *requests: Any, **options: Any) -> Scenario:
    rows = _values(*enumerate(held, 1))
    seed = f"{ACCOUNTS}; delete from accounts; insert into accounts (id, balance) values {rows}"
    options = {"statement": 0.25, "seed_sql": seed, "reads": [BALANCES], **options}
    return scenario(*requests, dsn=postgres(**options))


def _transfer(source: Any, target: Any, amount: Any, **when: Any) -> Any:
    return post("/transfers", json={"from": source, "to": target, "amount": amount}, **when)


@exercise(4)
def test_money_is_moved(sample: SampleData) -> None:
    """A transfer is answered 201 with what was sent, and the money is moved, even all of it."""
    held = _held(sample)
    amount = 1 + sample.number() % 100
    three = [(1, 4, amount), (1, 2, held[0] - amount), (4, 3, amount)]
    transfers = spaced(5, *(_transfer(*each) for each in three))
    assert_same(answers, readings, of=_bank(held, *transfers))


def _refused(sample: SampleData) -> Scenario:
    """What is not moved, one after the other; and something that is, in the end."""
    unknown = [(1, 99, 10), (99, 1, 10), (98, 99, 1), (1, 99, 10_000), (4, 99, 1)]
    short = [(4, 1, 1), (1, 2, 1_000), (2, 3, 5_000)]
    wanted = [_transfer(*each) for each in (*unknown, *short, (1, 2, 100))]
    return _bank(_held(sample), *spaced(5, *wanted))


@exercise(4)
def test_unknown_or_too_little(sample: SampleData) -> None:
    """An unknown account is 404, whatever the other one holds; too little money is 409."""
    assert_same(good_answers, of=_refused(sample))


@exercise(4)
def test_what_does_not_fit_is_422(sample: SampleData) -> None:
    """The same account twice, an amount that isn't above 0, or anything but integers is 422."""
    same = [(1, 1, 10), (4, 4, 10), (99, 99, 1)]
    amounts = [(1, 2, amount) for amount in (0, -5, "ten", 1.5, None)]
    ids = [("first", 2, 10), (1, None, 10)]
    bodies: list[Any] = [{"from": 1, "to": 2}, {"to": 2, "amount": 1}, [1, 2, 10]]
    sent = [_transfer(*each) for each in (*same, *amounts, *ids)]
    sent += [post("/transfers", json=body) for body in bodies]
    assert_same(statuses, readings, of=_bank(_held(sample), *spaced(5, *sent)))


@exercise(4)
def test_what_is_refused_changes_nothing(sample: SampleData) -> None:
    """A transfer that is refused changes no balance."""
    assert_same(readings, of=_refused(sample))


@exercise(4)
def test_a_failure_on_the_way_moves_nothing(sample: SampleData) -> None:
    """Whatever fails on the way, no money is lost, and the answer is 201 only if it was moved."""
    held, amount = _held(sample), 1 + sample.shared().number() % 100
    for at in (1, 2, 3):
        fault = Fault(does="fail", at=at, when="serving")
        one = _bank(held, _transfer(1, 2, amount), faults=[fault])
        assert_same(moved_as_answered(held, amount), of=one, server_errors=[500])


def moved_as_answered(held: list[int], amount: int) -> Aspect:
    """Whether the amount went from the first account to the second if the answer says so."""
    before, after = as_text(held), as_text([held[0] - amount, held[1] + amount, *held[2:]])
    words = {
        (True, after): "the balances are as the answer says",
        (True, before): "answered 201, and not moved",
        (False, after): "moved, and not answered 201",
        (False, before): "the balances are as the answer says",
    }

    @aspect("readings", "status")
    def as_answered(trace: Trace) -> tuple[str, ...]:
        balances = as_text([row["balance"] for row in trace.readings[BALANCES]])
        is_made = trace.exchanges[0].status == 201
        return (words.get((is_made, balances), "the sum of the balances has changed"),)

    return as_answered


@exercise(4)
def test_crossing_transfers_end_well(sample: SampleData) -> None:
    """Transfers that cross at the same moment are all made and answered 201; none is lost."""
    at_once = {0: [(1, 2), (2, 1)], 20: [(1, 2), (2, 3), (3, 1)]}
    crossing = [
        _transfer(*pair, 1 + sample.number() % 20, at=at)
        for at, pairs in at_once.items()
        for pair in pairs
    ]
    assert_same(statuses, readings, of=_bank(_held(sample), *crossing))


@exercise(4)
def test_nobody_spends_what_is_spent(sample: SampleData) -> None:
    """Of three transfers at once from an account that has the money for two, two are made."""
    held = _held(sample)
    three = times(3, _transfer(1, 4, held[0] // 2))
    assert_same(sorted_statuses, readings, of=_bank(held, *three))


@exercise(4)
def test_those_who_leave_lose_no_money(sample: SampleData) -> None:
    """Requests that are cancelled on the way lose no money, and cost the pool no connection."""
    gone = [_transfer(1, 2, 1, at=10 * n, cancelled_at=0.1 + n % 3 / 4) for n in range(12)]
    leaving = _bank(_held(sample), *gone, _transfer(1, 2, 5, at=200))
    assert_same(answer_of(12), sum_of_balances, of=leaving)


@aspect("readings")
def sum_of_balances(trace: Trace) -> tuple[str, ...]:
    """What is on all accounts together."""
    return (f"{sum(row['balance'] for row in trace.readings[BALANCES])} on all accounts",)


# Exercise 5: one query in place of many

LIBRARY = tables(DAY57, DAY57.exercise(5))
BOOKS = "select author_id, title from books order by author_id, title"
COUNTED = "select author_id, count(*) from books group by author_id order by author_id"


def _library(authors: list[tuple[Any, ...]], books: list[tuple[Any, ...]]) -> str:
    """Authors (id, name) and books (id, author, title), in this order."""
    return (
        f"{LIBRARY}; delete from books; delete from authors;"
        f"insert into authors (id, name) values {_values(*authors)};"
        f"insert into books (id, author_id, title) values {_values(*books)}"
    )


def _shelves(sample: SampleData, authors: int) -> str:
    """Some authors in no order, with two books each; every third has none, and three a namesake."""
    shared = sample.shared()
    namesake = shared.word()
    ids = [7 * n % authors + 1 for n in range(authors)]
    of_books = [author for author in (*ids, *ids[::-1]) if author % 3]
    return _library(
        [(author, shared.word() if n > 2 else namesake) for n, author in enumerate(ids)],
        [(1000 - 3 * n, author, shared.word()) for n, author in enumerate(of_books)],
    )


@exercise(5)
def test_authors_have_their_books(sample: SampleData) -> None:
    """Each author has the list of the books, which may be empty; both are in order of their ids."""
    few = postgres(0.25, seed_sql=_shelves(sample, 5))
    assert_same(answers, of=scenario(get("/authors"), dsn=few))


@exercise(5)
def test_authors_take_two_statements(sample: SampleData) -> None:
    """However many authors there are, /authors takes at most two statements."""
    many = postgres(0.25, seed_sql=_shelves(sample, 40))
    assert_same(answers, at_most_statements(2), of=scenario(get("/authors"), dsn=many))


def _import(*bodies: Any, **options: Any) -> Scenario:
    """Lists of books that are sent one after the other, to authors 1, 2 and 3."""
    seed = _library([(1, "Ada"), (2, "Grace"), (3, "Barbara")], [(10**6, 2, "Compilers")])
    options = {"statement": 0.25, "reads": [BOOKS], "seed_sql": seed, **options}
    sent = spaced(100, *(post("/books/import", json=body) for body in bodies))
    return scenario(*sent, dsn=postgres(**options))


def _books(sample: SampleData, count: int) -> list[dict[str, Any]]:
    shared = sample.shared()
    return [{"author_id": 1 + n % 3, "title": f"{shared.word()} {n}"} for n in range(count)]


@exercise(5)
def test_books_are_imported(sample: SampleData) -> None:
    """All books of a list are stored, equal ones too, and the answer is 201 with their number."""
    titles = ("O'Hara", "a\tb\\N\nc", "", "%s $1", "ü, 'x'", "O'Hara")
    odd = [{"author_id": 2, "title": title} for title in titles]
    assert_same(answers, readings, of=_import(_books(sample, 7), _books(sample, 1), odd))


@exercise(5)
def test_import_takes_three_statements(sample: SampleData) -> None:
    """An import takes at most three statements, however many books there are."""
    many = _import(_books(sample, 200))
    assert_same(answers, at_most_statements(3), readings, of=many)


@exercise(5)
def test_unknown_author_is_409(sample: SampleData) -> None:
    """If an author is unknown, the answer is 409, and none of the books is stored."""
    first, last = ([*_books(sample, 5)] for _ in range(2))
    first[0] = {"author_id": 99, "title": "first"}
    last[-1] = {"author_id": 0, "title": "last"}
    assert_same(good_answers, readings, of=_import(last, first, _books(sample, 2)))


@exercise(5)
def test_bad_lists_are_422(sample: SampleData) -> None:
    """A body that isn't a list, an empty list, and a list with a book that doesn't fit are 422."""
    good = _books(sample, 1)
    unfit: list[Any] = [{"title": "x"}, {"author_id": 1}, {"author_id": "Ada", "title": "x"}, 7]
    bodies = [[], {}, good[0], *([*good, one] for one in unfit), [{"author_id": 1, "title": None}]]
    assert_same(statuses, readings, of=_import(*bodies, good))


@exercise(5)
def test_ten_thousand_are_the_most() -> None:
    """10,000 books are imported; 10,001 are 422."""
    most = [{"author_id": 1 + n % 3, "title": f"{n}"} for n in range(10_000)]
    limits = _import(most, [*most, most[0]], statement=0.0, reads=[COUNTED])
    assert_same(good_answers, at_most_statements(3), readings, of=limits)


@exercise(5)
def test_all_or_nothing(sample: SampleData) -> None:
    """Whatever fails on the way: either all books are stored and it is 201, or none are."""
    for at in (1, 2, 3):
        fault = Fault(does="fail", at=at, when="serving")
        one = _import(_books(sample, 4), faults=[fault])
        assert_same(stored_as_answered, of=one, server_errors=[500])


@aspect("readings", "status")
def stored_as_answered(trace: Trace) -> tuple[str, ...]:
    """Whether the four books are stored if the answer says so."""
    stored = len(trace.readings[BOOKS]) - 1
    if stored == (4 if trace.exchanges[0].status == 201 else 0):
        return ("the books are as the answer says",)
    return (f"{trace.exchanges[0].status}, with {stored} of 4 books stored",)


# Exercise 6: large answers, slow questions

READINGS = tables(DAY57, DAY57.exercise(6))


def _exports(sample: SampleData, *requests: Any, rows: int = 350, **options: Any) -> Scenario:
    """Readings in no order, and a report that is ready. A statement takes 0.25 s."""
    shared = sample.shared()
    word = shared.word()
    total = shared.number() % 10_000
    seed = (
        f"{READINGS}; delete from readings; insert into readings (id, sensor, value)"
        f" select 1009 * n % 100003, '{word}-' || n % 5, n / 4.0 from generate_series(1, {rows}) n;"
        f"create or replace view slow_report as select {total} as total"
    )
    options = {"statement": 0.25, "seed_sql": seed, **options}
    return scenario(*requests, dsn=postgres(**options))


def _two_exports(sample: SampleData) -> Scenario:
    return _exports(sample, get("/export"), get("/export", at=0.1))


@exercise(6)
def test_every_reading_is_a_line(sample: SampleData) -> None:
    """/export sends each reading as a line of JSON, in the order of the ids."""
    assert_same(statuses, lines_as_json, of=_two_exports(sample))


@exercise(6)
def test_rows_come_in_batches(sample: SampleData) -> None:
    """At most 100 rows are read at a time; the first line is sent before the last row is read."""
    assert_same(batches, of=_two_exports(sample))


@aspect("lines")
def batches(trace: Trace) -> tuple[str, ...]:
    """Whether each export reads little by little, and sends as it reads."""
    return tuple(_batches(trace, exchange) for exchange in trace.exchanges)


def _batches(trace: Trace, exchange: Exchange) -> str:
    read = [span for span in statements_of(trace, exchange) if span.count]
    largest = max((span.count for span in read), default=0)
    if _streams(trace, exchange):
        return IN_BATCHES
    if largest > 100:
        return f"{largest} rows are read at once"
    if not read or not exchange.chunks or exchange.chunks[0].at > max(s.end for s in read):
        return "the first line is sent when the last row is read"
    return IN_BATCHES


IN_BATCHES = "at most 100 rows at a time, and lines as they are read"


def _streams(trace: Trace, exchange: Exchange) -> bool:
    """Whether psycopg hands out the rows of one statement as they arrive, and keeps none."""
    waits = (span for span in trace.spans if span.kind == "wait")
    return any((s.exchange, s.name) == (exchange.number, "AsyncCursor.stream") for s in waits)


@exercise(6)
def test_export_is_of_one_moment(sample: SampleData) -> None:
    """All lines show the table as it was at one moment, whatever others change meanwhile."""
    others = (
        "update readings set value = -1 where id % 2 = 0; delete from readings where id % 3 = 0;"
        "insert into readings select -n, 'new', 0 from generate_series(1, 90) n"
    )
    changes = {0.3: others, 0.55: "delete from readings"}
    changed = _exports(sample, get("/export"), meanwhile=changes)
    assert_same(lines_as_json, of=changed)


@exercise(6)
def test_three_exports_at_a_time(sample: SampleData) -> None:
    """Three exports go on at a time; the next is 503, and when one is over another may begin."""
    # Their clients read for seconds, so that no export is over before the fourth is asked for.
    slowly = {"reads": 5000, "buffer": 4000}
    apart = [get("/export", at=n / 10, **slowly) for n in range(5)]
    later = [get("/export", at=200 + n / 10, **slowly) for n in range(4)]
    assert_same(statuses, of=_exports(sample, *apart, *later), server_errors=[503])
    at_once = _exports(sample, *times(5, get("/export")))
    assert_same(sorted_statuses, of=at_once, server_errors=[503])


LEAVING = 15


def _leaving(sample: SampleData) -> Scenario:
    """Clients that leave after a line, in a batch, before the first, and while they don't read.

    After each three others export at once.
    """
    leaves: list[dict[str, Any]] = [
        {"hangs_up_after": 1},
        {"hangs_up_at": 0.35},
        {"hangs_up_at": 0.0},
        {"hangs_up_at": 3, "reads": 10, "buffer": 100},
        {"hangs_up_at": 0.1},
    ]
    exports = [get("/export", at=40 * n, **how) for n, how in enumerate(leaves) for _ in range(3)]
    assert len(exports) == LEAVING
    others = [get("/export", at=40 * n + 3.1) for n in range(5) for _ in range(3)]
    return _exports(sample, *exports, *others, rows=120)


@exercise(6)
def test_those_who_leave_free_their_place(sample: SampleData) -> None:
    """A client that leaves, whenever it does, frees its place: three others may export then."""
    assert_same(statuses_of_those_who_stay, of=_leaving(sample))


@aspect("status")
def statuses_of_those_who_stay(trace: Trace) -> tuple[str, ...]:
    """The statuses of those who aren't meant to leave, whether the others have their rows by then
    or not."""
    return tuple(f"{e.status}" for e in trace.exchanges[LEAVING:])


@exercise(6)
def test_those_who_leave_free_their_connection(sample: SampleData) -> None:
    """A client that leaves frees its connection at once."""
    assert_same(freed, left_open, of=_leaving(sample))


@aspect("connections")
def freed(trace: Trace) -> tuple[str, ...]:
    """How long the transactions of those who leave go on after that."""
    return tuple(sorted({_freed(trace, e) for e in trace.exchanges if e.hung_up is not None}))


def _freed(trace: Trace, exchange: Exchange) -> str:
    spans = [s for s in trace.spans if s.kind == "transaction" and s.exchange == exchange.number]
    gone = exchange.hung_up.tick if exchange.hung_up else 0
    late = max((span.end.tick - gone for span in spans), default=0)
    return f"held for another {_seconds(late)}" if late > 0 else "freed at once"


@exercise(6)
def test_report(sample: SampleData) -> None:
    """/report answers the total, even if it takes almost 2 s."""
    slow = _exports(sample, get("/report"), get("/report", at=5), statement=1.8)
    assert_same(answers, of=slow)


def _late_reports(sample: SampleData) -> Scenario:
    """Twelve reports that are never ready, and then one that is."""
    never = Fault(does="stall", times=12, matching="slow_report")
    late = [get("/report", at=5 * n) for n in range(12)]
    return _exports(sample, *late, get("/report", at=100), faults=[never])


@exercise(6)
def test_late_report_is_504(sample: SampleData) -> None:
    """A report that isn't ready after 2 s is answered 504, exactly then."""
    assert_same(statuses, elapsed, of=_late_reports(sample), server_errors=[504])


@exercise(6)
def test_late_report_is_cancelled(sample: SampleData) -> None:
    """By the time of the 504, the server has cancelled the statement."""
    assert_same(cancelled_at_the_server, of=_late_reports(sample), server_errors=[504])


@aspect("calls")
def cancelled_at_the_server(trace: Trace) -> tuple[str, ...]:
    """How the statements of those who are told 504 ended, and whether by then."""
    return tuple(
        f"{span.how} {'by' if span.end.tick <= exchange.completed.tick else 'after'} the answer"
        for exchange in trace.exchanges
        for span in statements_of(trace, exchange)
        if exchange.status == 504 and exchange.completed is not None
    )


@exercise(6)
def test_connection_is_good_again(sample: SampleData) -> None:
    """After twelve late reports the connections can be used again."""
    assert_same(answer_of(12), left_open, of=_late_reports(sample), server_errors=[504])


@exercise(6)
def test_waiting_for_a_connection_counts(sample: SampleData) -> None:
    """The 2 s include the wait for a connection: thirty at once all have their answers by then."""
    thirty = _exports(sample, *times(30, get("/report")), statement=1.5)
    assert_same(in_two_seconds, of=thirty, server_errors=[504])


@aspect("elapsed", "status")
def in_two_seconds(trace: Trace) -> tuple[str, ...]:
    """Whether each answer is a good one within 2 s, or a 504 after 2 s; how many are is open."""
    return tuple(sorted({_in_two_seconds(exchange) for exchange in trace.exchanges}))


def _in_two_seconds(exchange: Exchange) -> str:
    seconds = exchange.elapsed
    good = seconds is not None and (
        (exchange.status == 200 and seconds <= 2) or (exchange.status == 504 and seconds == 2)
    )
    return "200 within 2 s, or 504 after 2 s" if good else f"{exchange.status} after {seconds} s"
