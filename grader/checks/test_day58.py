"""The checks of day 58. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from grader.checks import (
    Request,
    SampleData,
    Scenario,
    Trace,
    WebSocket,
    all_of,
    as_text,
    aspect,
    assert_same,
    at_most_statements,
    client,
    delete,
    exercise,
    get,
    good_answers,
    ids,
    lesson,
    loop_is_free,
    moments,
    moments_in_utc,
    mongo,
    numbers_in,
    patch,
    post,
    postgres,
    readings,
    scenario,
    sorted_statuses,
    spaced,
    statuses,
    tables,
    times,
)

DAY58 = lesson("day58")


def _asked(
    number: int, *requests: Request, rows: Iterable[str] = (), reads: Iterable[str] = ()
) -> Scenario:
    """Requests to an app whose tables hold the exercise's rows, and `rows` after them."""
    seed = "\n".join((tables(DAY58, DAY58.exercise(number)), *rows))
    database = postgres(statement=0.05, round_trip=0.01, seed_sql=seed, reads=reads)
    return scenario(*requests, dsn=database)


def _inserted(table: str, columns: str, *rows: tuple[str, ...]) -> str:
    """A statement that inserts rows of SQL expressions."""
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    return f"insert into {table} ({columns}) values {values};"


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def _time(sample: SampleData) -> str:
    """A moment as SQL writes it, in some time zone."""
    day, hour, micros = sample.number() % 28 + 1, sample.number() % 24, sample.number() % 10**6
    offset = sample.number() % 12
    return f"'2026-02-{day:02} {hour:02}:15:30.{micros:06}+{offset:02}'"


USERS = "username, email, created_at, updated_at, is_active"
FIRST_NEW = 6
"""The id of the first user that a check of exercises 1 and 2 adds."""


def _user(
    sample: SampleData, email: bool = True, updated: bool = True, active: bool = True
) -> tuple[str, ...]:
    name = sample.word()
    return (
        _text(name),
        _text(f"{name}@example.org") if email else "null",
        _time(sample),
        _time(sample) if updated else "null",
        str(active).lower(),
    )


# Exercise 1: a row as a model


def _users_in_turn(sample: SampleData) -> Scenario:
    """Two users that are new in each run, one of the table's, and two that aren't there."""
    shared = sample.shared()
    rows = _inserted("users", USERS, _user(shared), _user(shared, updated=False))
    wanted = (FIRST_NEW, FIRST_NEW + 1, 2, 1000 + shared.number() % 1000, 0)
    return _asked(1, *spaced(5, *(get(f"/users/{number}") for number in wanted)), rows=[rows])


@exercise(1)
def test_row_is_answered(sample: SampleData) -> None:
    """/users/{id} answers id, username, email, created_at and updated_at of that user."""
    assert_same(good_answers, of=_users_in_turn(sample), alike=moments)


@exercise(1)
def test_unknown_user_is_404(sample: SampleData) -> None:
    """An unknown user is answered 404."""
    assert_same(statuses, of=_users_in_turn(sample))


@exercise(1)
def test_several_at_once(sample: SampleData) -> None:
    """Several requests at once each get their own user, and none blocks the others."""
    rows = _inserted("users", USERS, *(_user(sample, updated=n % 2 == 0) for n in range(3)))
    wanted = (FIRST_NEW, 1, FIRST_NEW + 2, 5, FIRST_NEW + 1, 2)
    at_once = _asked(1, *(get(f"/users/{number}") for number in wanted), rows=[rows])
    assert_same(good_answers, loop_is_free, of=at_once, alike=moments)


# Exercise 2: rows that don't fit


def _users_and_misfits(sample: SampleData) -> tuple[Scenario, tuple[int, ...], list[str]]:
    """The list, and then each of some users; the ids of the misfits; what must not get out.

    There are two misfits besides the table's own, the first of them with a higher id.
    """
    shared = sample.shared()
    far = 1000 + shared.number() % 8000
    people = [_user(shared, email=n not in (1, 3), active=n != 2) for n in range(5)]
    numbers = (FIRST_NEW, far, FIRST_NEW + 1, FIRST_NEW + 2, FIRST_NEW + 3)
    rows = [(str(number), *person) for number, person in zip(numbers, people, strict=True)]
    added = _inserted("users", f"id, {USERS}", *rows)
    misfits = (3, far, FIRST_NEW + 2)
    wanted = (FIRST_NEW, far, 2, 3, FIRST_NEW + 3, far + 1)
    asked = [get("/users"), *(get(f"/users/{number}") for number in wanted)]
    names = [people[1][0].strip("'"), "linus"]
    return _asked(2, *spaced(5, *asked), rows=[added]), misfits, names


@exercise(2)
def test_active_users_by_id(sample: SampleData) -> None:
    """/users lists the active users that fit, by id; /users/{id} answers one of them, or 404."""
    listed, _, _ = _users_and_misfits(sample)
    assert_same(good_answers, of=listed, alike=moments, server_errors=[500])


@exercise(2)
def test_misfits_are_logged(sample: SampleData) -> None:
    """Each row that is left out of the list is logged on "day58" with its id."""
    listed, misfits, _ = _users_and_misfits(sample)
    assert_same(logged_with_id(misfits), of=listed, server_errors=[500])


def logged_with_id(numbers: tuple[int, ...]) -> Any:
    """Whether the list's request has logged each of these ids on the logger of the lesson."""

    @aspect("log", say=lambda fact: f"row {fact[0]} {'is' if fact[1] else 'is not'} logged")
    def logged(trace: Trace) -> tuple[tuple[int, bool], ...]:
        said = [
            f"{log.message} {log.error_text} {' '.join(log.extra.values())}"
            for log in trace.logs
            if f"{log.logger}.".startswith("day58.") and log.exchange in (0, None)
        ]
        return tuple(
            (number, any(re.search(rf"(?<!\d){number}(?!\d)", text) for text in said))
            for number in numbers
        )

    return logged


@exercise(2)
def test_misfit_is_a_500(sample: SampleData) -> None:
    """/users/{id} of a row that doesn't fit is a 500."""
    listed, _, _ = _users_and_misfits(sample)
    assert_same(statuses, of=listed, server_errors=[500])


@exercise(2)
def test_500_tells_nothing(sample: SampleData) -> None:
    """That 500 has nothing of the row in it, and doesn't say what is wrong with it."""
    listed, _, names = _users_and_misfits(sample)
    assert_same(telling(*names), of=listed, server_errors=[500])


def telling(*names: str) -> Any:
    """What the answers of 500 tell of the row, or of its error."""

    @aspect(
        "secret",
        say=lambda told: f"a 500 with {told!r} in it" if told else "a 500 that says nothing of it",
    )
    def told(trace: Trace) -> tuple[str, ...]:
        return tuple(
            next((word for word in _TELLING + names if word in e.text.lower()), "")
            for e in trace.exchanges
            if e.status == 500
        )

    return told


_TELLING = ("email", "validation", "valid string", "none", "null")


# Exercise 3: rows within rows


def _orders(sample: SampleData) -> Scenario:
    """Three users with orders, and without; an order without lines; prices of all kinds."""
    shared = sample.shared()
    names = [shared.word() for _ in range(2)]
    people = [(_text(name), _text(f"{name}@example.org")) for name in names]
    orders = [
        ("4", _time(shared)),
        ("2", _time(shared)),
        ("4", _time(shared)),
        ("4", _time(shared)),
    ]
    prices = ("12.50", "0.10", "99999999.99", "1249.00", str(shared.price() // 1) + "0", "0.05")
    lines = [
        (order, _text(shared.word()), str(1 + shared.number() % 90), price)
        for order, price in zip(("5", "7", "5", "6", "7", "5"), prices, strict=True)
    ]
    rows = (
        _inserted("users", "username, email", *people),
        _inserted("orders", "user_id, placed_at", *orders),
        _inserted("order_lines", "order_id, sku, quantity, price", *lines),
        "update orders set user_id = 4 where id = 5;",
        "update order_lines set quantity = 3 where id = 5;",
    )
    wanted = (4, 1, 2, 3, 5, 1000 + shared.number() % 1000)
    return _asked(3, *spaced(5, *(get(f"/users/{number}/orders") for number in wanted)), rows=rows)


@exercise(3)
def test_orders_with_their_lines(sample: SampleData) -> None:
    """The answer holds the user, all their orders and each order's lines, all by id."""
    assert_same(without("price"), of=_orders(sample), alike=moments)


def without(*open: str) -> Any:
    """The good answers, whatever stands under these keys."""

    @aspect("status", "body", say=lambda fact: f"{fact[0]} {fact[1]}".strip())
    def answered(trace: Trace) -> tuple[tuple[int | None, str], ...]:
        return tuple(
            (e.status, as_text(_without(e.json(), open)) if (e.status or 500) < 400 else "")
            for e in trace.exchanges
        )

    return answered


def _without(value: Any, open: tuple[str, ...]) -> Any:
    """A value of JSON with dots in the place of what stands under some keys."""
    if isinstance(value, list):
        return [_without(element, open) for element in value]
    if isinstance(value, dict):
        return {
            key: "..." if key in open else _without(member, open) for key, member in value.items()
        }
    return value


@exercise(3)
def test_prices_are_exact(sample: SampleData) -> None:
    """Prices are strings with two decimals, as exact as the table has them."""
    assert_same(good_answers, of=_orders(sample), alike=moments)


@exercise(3)
def test_unknown_user_has_no_orders(sample: SampleData) -> None:
    """An unknown user is 404; a user without orders has an empty list."""
    assert_same(statuses, of=_orders(sample))


@exercise(3)
def test_three_statements(sample: SampleData) -> None:
    """An answer takes at most three statements, however many orders there are."""
    assert_same(at_most_statements(3), of=_orders(sample))


# Exercise 4: a repository

STORED = "select id, username, email, is_active from users order by id"
VERSIONS = "select id, version from users where is_active order by id"


def _people(*requests: Request) -> Scenario:
    return _asked(4, *requests, reads=[STORED, VERSIONS])


def _named(sample: SampleData) -> dict[str, Any]:
    name = f"O'{sample.word()}"
    return {"username": name, "email": f"{name}@example.org"}


def _email(sample: SampleData) -> str:
    return f"{sample.word()}@example.org"


def _life_of_users(sample: SampleData) -> Scenario:
    """Users are made, read, changed, changed again from an old version, and removed."""
    shared = sample.shared()
    one, other, change = _named(shared), _named(shared), _named(shared)
    username, email = {"username": change["username"]}, {"email": change["email"]}
    return _people(
        *spaced(
            5,
            post("/users", json=one),
            post("/users", json=other),
            get("/users/4"),
            patch("/users/4", json=username | {"version": 1}),
            get("/users/4"),
            patch("/users/4", json=email | {"version": 1}),
            patch("/users/4", json={"email": _email(shared), "version": 1}),
            patch("/users/4", json=email | {"version": 2}),
            patch("/users/5", json=_named(shared) | {"version": 1}),
            get("/users/4"),
            get("/users/5"),
            get("/users/1"),
        )
    )


@exercise(4)
def test_users_are_made_read_and_changed(sample: SampleData) -> None:
    """POST is 201 with version 1; GET answers the user; PATCH changes it, and counts it up."""
    one, change = _named(sample), _named(sample)
    made = _people(
        *spaced(
            5,
            post("/users", json=one),
            get("/users/4"),
            patch("/users/4", json=change | {"version": 1}),
            get("/users/4"),
            get("/users/1"),
        )
    )
    assert_same(good_answers, of=made)


@exercise(4)
def test_only_what_was_sent_changes(sample: SampleData) -> None:
    """PATCH changes only what was sent, also in the table; a stale version changes nothing."""
    assert_same(good_answers, readings, of=_life_of_users(sample))


@exercise(4)
def test_stale_version_is_409(sample: SampleData) -> None:
    """A PATCH with a version that isn't the row's any more is 409."""
    assert_same(statuses, of=_life_of_users(sample))


@exercise(4)
def test_taken_is_told(sample: SampleData) -> None:
    """A username or email that another user has is 409; POST says which: {"taken": ...}."""
    new = _named(sample)
    taken = _people(
        *spaced(
            5,
            post("/users", json=new | {"username": "ada"}),
            post("/users", json=new | {"email": "grace@example.org"}),
            post("/users", json=new | {"username": "edsger"}),
            patch("/users/1", json={"version": 1, "username": "grace"}),
            patch("/users/1", json={"version": 1, "email": "grace@example.org"}),
            get("/users/1"),
        )
    )
    assert_same(who_is_taken, readings, of=taken)


@aspect("status", "body", say=lambda fact: f"{fact[0]} {fact[1]}".strip())
def who_is_taken(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Statuses and bodies; what a PATCH says that is refused is open."""
    return tuple(
        (e.status, "" if e.method == "PATCH" and e.status == 409 else as_text(e.json()))
        for e in trace.exchanges
    )


@exercise(4)
def test_one_of_two_gets_the_name(sample: SampleData) -> None:
    """If two ask for the same username at the same moment, one gets it; the other is 409."""
    name, first, second = sample.word(), _named(sample), _named(sample)
    asked = [post("/users", json=each | {"username": name}) for each in (first, second)]
    assert_same(sorted_statuses, of=_people(*asked))


@exercise(4)
def test_one_of_twenty_changes_succeeds(sample: SampleData) -> None:
    """Of twenty changes of the same version at once exactly one succeeds, and is stored."""
    asked = [patch("/users/2", json={"version": 1, "email": _email(sample)}) for _ in range(20)]
    assert_same(one_change, of=_people(*asked))


@aspect("readings", "status", "body")
def one_change(trace: Trace) -> tuple[str, ...]:
    """The statuses, sorted, whether the row is as the good answer says, and its version."""
    told = [e.json() for e in trace.exchanges if e.status == 200]
    rows = _rows(trace, STORED)
    emails = [row["email"] for row in rows if row["id"] == 2]
    versions = [row["version"] for row in _rows(trace, VERSIONS) if row["id"] == 2]
    is_told = [one["email"] for one in told if isinstance(one, dict) and "email" in one] == emails
    stored = "stored as it was answered" if is_told else "not stored as it was answered"
    return (*sorted_statuses(trace), stored, f"version {versions}")


def _rows(trace: Trace, query: str) -> list[Any]:
    found = trace.readings.get(query)
    return found if isinstance(found, list) else []


def _removed(sample: SampleData) -> Scenario:
    """A user is removed, and asked for in every way; so are two that aren't there."""
    shared = sample.shared()
    change = {"version": 1, "email": _email(shared)}
    numbers = (1, 3, 1000 + shared.number() % 1000)
    paths = [f"/users/{number}" for number in numbers]
    gone = [one for path in paths for one in (get(path), patch(path, json=change), delete(path))]
    return _people(*spaced(5, delete("/users/1"), *gone, get("/users/2")))


@exercise(4)
def test_removed_is_404(sample: SampleData) -> None:
    """DELETE is 204, and from then on the user is 404, like one who was never there."""
    assert_same(statuses, of=_removed(sample))


@exercise(4)
def test_removed_row_stays(sample: SampleData) -> None:
    """DELETE leaves the row in the table, with `is_active` false."""
    assert_same(readings, of=_removed(sample))


@exercise(4)
def test_null_is_422(sample: SampleData) -> None:
    """`null` for a field is 422, and changes nothing."""
    new = _named(sample)
    nulls = _people(
        *spaced(
            5,
            post("/users", json=new | {"username": None}),
            post("/users", json=new | {"email": None}),
            patch("/users/1", json={"version": 1, "email": None}),
            patch("/users/1", json={"version": 1, "username": None, "email": new["email"]}),
            patch("/users/1", json={"version": None, "email": new["email"]}),
        )
    )
    assert_same(statuses, readings, of=nulls)


# Exercise 5: documents


def _product(sample: SampleData) -> dict[str, Any]:
    return {"sku": sample.word(), "name": sample.word(), "price": sample.price()}


def _shop(
    *requests: Request | WebSocket | Iterable[Request | WebSocket],
    products: Iterable[dict[str, Any]] = (),
    unknown: Mapping[str, int] = MappingProxyType({"stock": 3}),
) -> Scenario:
    """Requests to an app whose collection holds these products, with fields unknown to the app.

    Where those would be seen in answers there are none: a document may be answered as it is.
    """
    seed = {"products": [{**product, **unknown} for product in products]}
    database = mongo(command=0.05, round_trip=0.01, seed=seed, reads=["products"])
    return scenario(*requests, url=database)


def _path(made: Request) -> str:
    """The path of a product, by the answer to the request that has made it."""
    return f"/products/{made.json['id']}"


@exercise(5)
def test_product_is_made_and_found(sample: SampleData) -> None:
    """POST is 201 with the product and its id, by which GET finds it."""
    one, other = (post("/products", json=_product(sample)) for _ in range(2))
    asked = client("ada", one, other, get(_path(other)), get(_path(one)))
    assert_same(good_answers, stored, of=_shop(*asked), alike=ids)


@aspect("readings", say=lambda document: f"stored {document}", nothing="nothing stored")
def stored(trace: Trace) -> tuple[str, ...]:
    """The products in the collection, whatever their ids are."""
    documents = [dict(document) for document in _rows(trace, "products")]
    return tuple(sorted(as_text(document | {"_id": "..."}) for document in documents))


@exercise(5)
def test_sku_is_unique(sample: SampleData) -> None:
    """A sku that is there already is 409, even if two come at the same moment."""
    known, new = _product(sample), _product(sample)
    asked = [
        post("/products", json=_product(sample) | {"sku": known["sku"]}),
        *(post("/products", json=new, at=5) for _ in range(2)),
    ]
    assert_same(sorted_statuses, stored, of=_shop(*asked, products=[known]))


@exercise(5)
def test_index_is_made_at_the_start(sample: SampleData) -> None:
    """The unique index is made when the app starts, before it takes requests."""
    assert_same(index_made, of=_shop(post("/products", json=_product(sample))))


@aspect("lifespan-order", nothing="no index made")
def index_made(trace: Trace) -> tuple[str, ...]:
    """When an index of the collection is made first."""
    made = [
        span.end.tick <= trace.opened
        for span in trace.spans
        if span.kind == "statement" and span.arguments[0] == "createIndexes products"
    ]
    when = "when the app starts" if any(made) else "when it takes requests already"
    return (f"the index is made {when}",) if made else ()


def _pages(sample: SampleData) -> Scenario:
    """A collection of 23 products, page by page, in six sizes; each page asks for the next.

    Those with the lowest ids were added last.
    """
    shared = sample.shared()
    products = [{"_id": _object_id(n), **_product(shared)} for n in (*range(9, 23), *range(9))]
    return _shop(
        *client("many", *_linked("/products?limit=50", 1)),
        *client("default", *_linked("/products", 3)),
        *client("eight", *_linked("/products?limit=8", 3)),
        *client("whole", *_linked("/products?limit=23", 1)),
        *client("last", *_linked("/products?limit=22", 2)),
        *client("one", *_linked("/products?limit=1", 2)),
        products=products,
        unknown={},
    )


def _object_id(number: int) -> dict[str, str]:
    """The `_id` of a document of the seed, in the order of the numbers."""
    return {"$oid": f"6955b900{number:016x}"}


def _linked(path: str, count: int) -> Iterator[Request]:
    """Requests for that many pages, each after the last id of the one before."""
    page = get(path)
    yield page
    for _ in range(count - 1):
        page = get(f"{path}{'&' if '?' in path else '?'}after={page.json['next']}")
        yield page


@exercise(5)
def test_pages(sample: SampleData) -> None:
    """/products answers a page of products by id, ten unless `limit` says otherwise."""
    assert_same(pages, of=_pages(sample))


@aspect("status", "body", say=lambda page: f"{page[0]} with {page[1]}")
def pages(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """The status and the results of each answer."""
    return tuple((e.status, as_text(_member(e.json(), "results"))) for e in trace.exchanges)


def _member(body: Any, key: str) -> Any:
    return body.get(key) if isinstance(body, dict) else body


@exercise(5)
def test_next_is_null_at_the_end(sample: SampleData) -> None:
    """`next` is the last id of the page if more products follow, and else null."""
    assert_same(good_answers, of=_pages(sample))


@exercise(5)
def test_limit_has_bounds() -> None:
    """A `limit` outside of 1 to 50 is 422."""
    limits = ("0", "51", "-1", "many", "50")
    asked = spaced(5, *(get(f"/products?limit={limit}") for limit in limits))
    assert_same(statuses, of=_shop(*asked))


def _unknown(sample: SampleData) -> str:
    """An ObjectId that no document has."""
    return f"{sample.number():08x}0123456789abcdef"


@exercise(5)
def test_unknown_product_is_404(sample: SampleData) -> None:
    """An unknown id is 404, for GET and PATCH, and so is a string that isn't an id."""
    paths = [f"/products/{text}" for text in (_unknown(sample), "nope", "1", "z" * 24)]
    asked = [one for path in paths for one in (get(path), patch(path, json={"price": 2.5}))]
    assert_same(statuses, stored, of=_shop(*spaced(5, *asked), products=[_product(sample)]))


def _changes(sample: SampleData, **options: Any) -> Scenario:
    """A product is changed, one member after another, and another one in vain."""
    shared = sample.shared()
    known, new = _product(shared), _product(shared)
    made, page = post("/products", json=new), get("/products?limit=1")
    first = f"/products/{page.json['results'][0]['id']}"
    asked = client(
        "ada",
        made,
        page,
        patch(first, json={"price": shared.price()}),
        patch(first, json={"name": shared.word()}),
        patch(first, json={"sku": shared.word(), "price": shared.price()}),
        get(first),
        patch(_path(made), json={"sku": new["sku"], "name": shared.word()}),
        get(_path(made)),
    )
    return _shop(*asked, products=[known], **options)


@exercise(5)
def test_patch_answers_the_product(sample: SampleData) -> None:
    """PATCH sets what was sent, and answers the product as it is then."""
    assert_same(good_answers, of=_changes(sample, unknown={}), alike=ids)


@exercise(5)
def test_patch_sets_nothing_else(sample: SampleData) -> None:
    """PATCH leaves alone what wasn't sent, even fields that the app doesn't know."""
    assert_same(stored, of=_changes(sample), alike=ids)


@exercise(5)
def test_two_patches_at_once(sample: SampleData) -> None:
    """Two PATCHes of one product at once, of different fields, both take effect."""
    changes: dict[str, dict[str, Any]] = {
        "ada": {"name": sample.word()},
        "bob": {"price": sample.price()},
    }
    asked = [client(name, *_first_changed(change)) for name, change in changes.items()]
    assert_same(statuses, stored, of=_shop(*asked, products=[_product(sample)]))


def _first_changed(change: dict[str, Any]) -> Iterator[Request]:
    """Asks for the first product, and changes it."""
    page = get("/products")
    yield page
    yield patch(f"/products/{page.json['results'][0]['id']}", json=change)


@exercise(5)
def test_requests_do_not_wait_for_each_other(sample: SampleData) -> None:
    """Several requests at the same moment don't wait for each other."""
    alone = [get("/products?limit=1", at=at) for at in (0, 10)]
    at_once = times(6, get("/products?limit=1", at=20))
    assert_same(under_way_together, of=_shop(*alone, *at_once, products=[_product(sample)]))


@aspect("elapsed")
def under_way_together(trace: Trace) -> tuple[str, ...]:
    """Whether six requests at once take about as long as one, or as six."""
    took = [exchange.elapsed or 0 for exchange in trace.exchanges]
    is_quick = max(took[2:]) < 3 * took[1]
    return ("together they take as long as one" if is_quick else "one waits for the other",)


@exercise(5)
def test_what_cannot_be_is_refused(sample: SampleData) -> None:
    """`null` is 422, and a sku that another product has is 409; neither changes anything."""
    known, new = _product(sample), _product(sample)
    made = post("/products", json=new)
    asked = client(
        "ada",
        made,
        patch(_path(made), json={"sku": known["sku"], "price": 1}),
        patch(_path(made), json={"price": None}),
        patch(_path(made), json={"name": None, "price": 1}),
        post("/products", json=_product(sample) | {"name": None}),
        get(_path(made)),
    )
    assert_same(good_answers, stored, of=_shop(*asked, products=[known]), alike=ids)


# Exercise 6: types both ways

KEPT = """select value::text, taken_at at time zone 'utc' as taken_at, tags::text,
jsonb_typeof(payload) as payload_is, payload::text from measurements order by id"""


def _measurement(sample: SampleData, **other: Any) -> dict[str, Any]:
    """A measurement whose value has twenty digits."""
    digits = f"{sample.number():010}"
    day, minute = sample.number() % 28 + 1, sample.number() % 60
    return {
        "taken_at": f"2026-03-{day:02}T08:{minute:02}:07.000123+05:30",
        "value": f"{1 + sample.number() % 9}{digits[:9]}.{digits[1:]}{1 + sample.number() % 9}",
        "tags": [sample.word(), sample.word()],
        "payload": {"sensor": {"id": sample.number() % 1000, "name": sample.word()}},
        **other,
    }


def _measured(*requests: Request) -> Scenario:
    return _asked(6, *requests, reads=[KEPT])


def _kept(sample: SampleData) -> Scenario:
    """Measurements of all kinds, each stored and read."""
    shared = sample.shared()
    nested: dict[str, Any] = {
        "empty": {},
        "list": [1, 2.5, None, True, "é"],
        "text": 'a "quoted" one',
        "none": None,
    }
    measured = [
        _measurement(shared),
        _measurement(shared, value="-0.0000000001", tags=[]),
        _measurement(shared, value="0", tags=["a, b", '"c"', "{d}", "NULL", "", "é"]),
        _measurement(shared, value="12.50", payload=nested, taken_at="2026-01-01T00:30:00Z"),
        _measurement(shared, payload={}, taken_at="2026-01-01T00:30:00+02:00"),
    ]
    asked = [
        one
        for number, each in enumerate(measured, 2)
        for one in (post("/measurements", json=each), get(f"/measurements/{number}"))
    ]
    return _measured(*spaced(5, get("/measurements/1"), *asked))


@exercise(6)
def test_measurement_comes_back(sample: SampleData) -> None:
    """POST answers 201 and GET 200 with the measurement and its id, as it was sent."""
    alike = all_of(moments, numbers_in("value"))
    assert_same(without("taken_at", "value"), of=_kept(sample), alike=alike)


@exercise(6)
def test_time_is_in_utc(sample: SampleData) -> None:
    """`taken_at` comes back as the same moment in UTC."""
    alike = all_of(moments_in_utc, numbers_in("value"))
    assert_same(without("value"), of=_kept(sample), alike=alike)


@exercise(6)
def test_no_digit_is_lost(sample: SampleData) -> None:
    """`value` comes back as a string, with the number that was sent, to its last digit."""
    alike = all_of(moments_in_utc, numbers_in("value"))
    assert_same(good_answers, of=_kept(sample), alike=alike)


@exercise(6)
def test_stored_as_what_it_is(sample: SampleData) -> None:
    """Each value is stored as what it is: a number, a moment, a list, and a JSON object."""
    assert_same(readings, of=_kept(sample))


@exercise(6)
def test_several_measurements_at_once(sample: SampleData) -> None:
    """Several measurements at the same moment are all stored."""
    asked = [post("/measurements", json=_measurement(sample)) for _ in range(8)]
    later = [get(f"/measurements/{number}", at=10) for number in range(2, 10)]
    assert_same(statuses, of=_measured(*asked, *later))


@exercise(6)
def test_what_does_not_fit_is_422(sample: SampleData) -> None:
    """Too many digits, a payload or tags of another kind, and a time without offset are 422."""
    wrong: list[dict[str, Any]] = [
        *({"value": value} for value in ("12345678901", "0.12345678901", "many", "", None)),
        *({"payload": payload} for payload in ([1], "text", 3, None)),
        *({"tags": tags} for tags in ("one", ["a", None], [["a"]], [3], None)),
        *({"taken_at": time} for time in ("2026-03-01T12:00:00", "yesterday", None)),
    ]
    asked = [post("/measurements", json=_measurement(sample, **each)) for each in wrong]
    last = post("/measurements", json=_measurement(sample))
    assert_same(statuses, readings, of=_measured(*spaced(5, *asked, last)))


@exercise(6)
def test_unknown_measurement_is_404(sample: SampleData) -> None:
    """An unknown measurement is 404."""
    number = 1000 + sample.number() % 1000
    assert_same(
        statuses, of=_measured(get(f"/measurements/{number}"), get("/measurements/1", at=5))
    )
