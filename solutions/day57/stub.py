"""Day 57: pools and transactions. Your answers go into this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it. Its
parameter `dsn` is the address of a PostgreSQL database. Use asyncpg or psycopg 3, as you
like. The tables are there already: `exercise_2.sql` and so on, next to this file, show them.
The grader has a PostgreSQL of its own, and `grade serve` gives the app one, to try it by hand.

In each app, one pool lives from the start to the end of the app. A *statement* is one
execution: `executemany` with ten rows is ten of them. BEGIN and COMMIT don't count.

    grade day57            grade everything
    grade day57 2          grade exercise 2
    grade serve day57 2    serve it, to try it by hand
"""

import asyncio

# Exercise 1: a pool (a warm-up)


def exercise_1(dsn="postgresql://postgres@localhost/day57"):
    """GET /time sends the database `SELECT 1`, and then answers {"ok": true}.

    The app has one pool of at most 5 connections. It is opened when the app starts, and closed
    when the app stops.
    """
    raise NotImplementedError("exercise 1")


# Exercise 2: a page of a table


def exercise_2(dsn="postgresql://postgres@localhost/day57"):
    """GET /users answers {"total": ..., "results": [{"id", "username", "email"}, ...]}.

    The query parameters are those of day 55: `page`, from 1, default 1; `results_per_page`,
    from 1 to 100, default 13; `search`, default empty, at most 50 characters once the blanks
    around it are taken off. What doesn't fit is answered 422.

    - Only active users count, in the order of their ids.
    - `search` is a part of the username, in upper or lower case. `%`, `_` and everything else
      in it are ordinary characters. (You may assume that it is ASCII.)
    - `total` is the number of users found on all pages together, also where the page is empty.
    - An answer takes at most two statements.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: a call between two statements


async def slow_price_of(item):
    await asyncio.sleep(3)
    return len(item) * 2.5


def exercise_3(dsn="postgresql://postgres@localhost/day57", price_of=slow_price_of):
    """POST /orders/{id}/price stores what an order costs, and answers {"id": ..., "total": ...}.

    Read the order's `item`, ask `await price_of(item)`, which gives a number and takes its
    time, and store that as `total`. An unknown order is 404, and `price_of` isn't called.

    - The pool has 5 connections.
    - No connection is held while `price_of` works.
    - Nobody waits for a connection for more than 1 s: then the answer is 503 with the header
      `Retry-After`.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: a transfer


def exercise_4(dsn="postgresql://postgres@localhost/day57"):
    """POST /transfers with {"from": ..., "to": ..., "amount": ...}, all integers, moves money.

    `from` and `to` are ids of `accounts`. The answer is 201 with the same three, when the money
    is moved for good.

    - If `from` and `to` are the same, or the amount isn't above 0: 422.
    - An unknown account: 404, whatever the other one holds.
    - Too little money: 409.
    - What is refused, or fails, changes nothing. The sum of all balances always stays the same.
    - Transfers that cross at the same moment never end in a deadlock error, and none of them is
      lost.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: one query in place of many


def exercise_5(dsn="postgresql://postgres@localhost/day57"):
    """GET /authors answers [{"id", "name", "books": [{"id", "title"}, ...]}, ...].

    Authors and their books are in the order of their ids. It takes at most two statements,
    however many there are.

    POST /books/import with a list of 1 to 10,000 {"author_id": ..., "title": ...} stores all of
    them or nothing, and answers 201 {"count": ...}. It takes at most three statements. If an
    author is unknown: 409. A list that is too short or too long, or holds anything else: 422.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: large answers, slow questions


def exercise_6(dsn="postgresql://postgres@localhost/day57"):
    """GET /export sends all `readings`, and GET /report asks for something slow.

    /export: each row as a line of JSON, {"id", "sensor", "value"}, in the order of the ids.

    - Rows come from the server in batches of at most 100: the first line is sent before the
      last row is read.
    - All lines show the table as it was at one moment, whatever others change meanwhile.
    - A client that leaves frees its connection at once.
    - At most three exports go on at a time. The next one is answered 503.

    /report answers {"total": ...}: `SELECT total FROM slow_report`. It has 2 s from the
    request's start, the wait for a connection included. Then the answer is 504, the server has
    cancelled the statement, and the connection can be used again.
    """
    raise NotImplementedError("exercise 6")
