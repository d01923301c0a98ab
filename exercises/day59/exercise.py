"""Day 59: late, failing, overloaded. Your answers go into this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it.
What the app needs from outside comes as a parameter. The defaults let you serve the app by
hand; the grader passes its own, with other values and other delays, so use the parameters
and not the functions below.

    grade day59            grade everything
    grade day59 2          grade exercise 2
    grade serve day59 2    serve it, to try it by hand
"""

import asyncio
import random


async def call_a_shaky_service():
    """Sometimes it answers soon, sometimes far too late, and sometimes not at all."""
    await asyncio.sleep(random.choice([0.3, 0.5, 30]))
    if random.random() < 0.4:
        raise ConnectionError("the service is not there")
    return {"EUR": 1, "USD": 1.17}


# Exercise 1: one more try


def exercise_1(call=call_a_shaky_service):
    """GET /rates answers with what `await call()` gives, which may take at most 2 seconds.

    If it is late, or raises a ConnectionError, try once more, at once. The second try may take
    2 seconds, too, and decides: 504 if it is late, 502 if it fails. Any other error is not tried
    again: 502.
    """
    raise NotImplementedError("exercise 1")


# Exercise 2: backoff and jitter


async def charge_slowly(data, key=None):
    await asyncio.sleep(random.choice([0.5, 30]))
    return {"charged": data, "key": key}


def exercise_2(call=call_a_shaky_service, charge=charge_slowly):
    """GET /rates answers with what `await call()` gives, after at most four calls.

    - A ConnectionError, and being late (a call may take 2 seconds), is tried again.
    - Before the second, third and fourth call there is a random pause: between 0 and 1, 0 and 2,
      0 and 4 seconds. Twenty clients that fail together don't come back together.
    - If the fourth call is late, too, the answer is 504; if it fails, 502.
    - All of it may take at most 10 seconds, else 504.
    - Any other error is 502, at once.

    POST /charges takes a JSON object and answers 200 with what `await charge(data)` gives. It
    may take 2 seconds, and is called once and never again: 504 if it is late, 502 if it fails. A
    body that isn't a JSON object is refused, with 422.

    With the header Idempotency-Key it is `await charge(data, key)` instead, and tried again like
    /rates, each time with the same key.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: lost, full or wrong


def exercise_3(dsn="postgresql://postgres@localhost/day59"):
    """A stock in a PostgreSQL database, with a pool of 5 connections.

    The table is there: stock (sku text primary key, quantity int). The grader has a PostgreSQL
    of its own, and `grade serve day59 3` gives the app one, to try it by hand.

    GET /stock/{sku} answers {"sku": ..., "quantity": ...}, or 404 if there is no such sku.

    - A connection that is lost: try again, three times in all, after pauses of 0.1 and 0.2
      seconds. Then 503.
    - No connection free: wait for one for at most 1 second. Then 503 with the header
      Retry-After, and no other try.
    - The database refuses the statement (any other error of the driver's): 500, no other try, and
      it is logged on the logger "day59".

    POST /stock/{sku} with {"change": an integer} adds that to the quantity, and answers like
    GET. It is never repeated: if the connection is lost, 503.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: a fallback that says so


async def find_in_primary(id):
    await asyncio.sleep(random.choice([0.2, 30]))
    if id > 1000:
        raise LookupError(id)
    return {"id": id, "name": f"user {id}"}


async def find_in_replica(id):
    await asyncio.sleep(0.5)
    if random.random() < 0.5:
        raise ConnectionError("the replica is not there")
    return {"id": id, "name": f"user {id}, some time ago"}


def exercise_4(primary=find_in_primary, replica=find_in_replica):
    """GET /profile/{id} answers {"profile": ..., "source": ..., "age": ...}; id is an integer.

    - `await primary(id)`, for at most 1 second: the source is "primary", the age 0.
    - If that fails or is late, `await replica(id)`, for at most 1 second: "replica", 0.
    - If that fails or is late, too, the last good answer for this id, if it is at most 60
      seconds old: "cache", and how many seconds ago it came.
    - Otherwise 503.

    A LookupError from either says that there is no such profile: 404, at once. What is kept never
    serves another id, and doesn't grow for ever: keep the newest 1,000 ids, or fewer.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: a circuit breaker


def exercise_5(call=call_a_shaky_service):
    """GET /quote answers with what `await call()` gives, which may take at most 1 second.

    If it fails, the answer is 502; if it is late, 504, which is a failure, too. After three
    failures in a row the breaker is open for 10 seconds: 503 with the header Retry-After, at once
    and without a call. A call that began before it opened changes nothing when it ends.

    When the 10 seconds are over, one request makes a call, alone: the probe. While it is under
    way the others are still refused. If it succeeds, the breaker is closed. If it fails, it is
    open for 10 seconds more. If its request is cancelled, the next request probes.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: one load for many


async def load_slowly(name):
    await asyncio.sleep(2)
    return [f"{name} {number}" for number in range(3)]


def exercise_6(load=load_slowly):
    """GET /feed/{name} answers with what `await load(name)` gives.

    - What was loaded is used for 10 seconds from the moment when it is there.
    - A hundred requests at once for one name make one call, and all get its result.
    - Names don't wait for each other.
    - If the call fails, those who wait for it get 502. The next request calls again.
    - If one of those who wait is cancelled, the others still get their answer.
    """
    raise NotImplementedError("exercise 6")


# Exercise 7: only so many


async def render_slowly():
    await asyncio.sleep(1)
    return {"page": "<p>Hello</p>"}


def exercise_7(render=render_slowly):
    """GET /render answers with what `await render()` gives.

    - At most five are at work at once.
    - At most ten more wait, and get their turn in the order in which they came. One more is
      refused at once: 503 with the header Retry-After.
    - Nobody waits for more than 2 seconds: then 503 with Retry-After. How long the work takes
      after that doesn't matter.
    - When a client is cancelled, waiting or at work, its place is free again.
    """
    raise NotImplementedError("exercise 7")
