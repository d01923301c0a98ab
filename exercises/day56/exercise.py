"""Day 56: lifespan, workers, shutdown. Your answers go into this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it.
What the app needs from outside comes as a parameter. The defaults let you serve the app by
hand; the grader passes its own, with other values and other delays, so use the parameters
and not the functions below.

    grade day56            grade everything
    grade day56 2          grade exercise 2
    grade serve day56 2    serve it, to try it by hand
"""

import asyncio
import time


class SlowResource:
    def __init__(self, name):
        self.name = name

    async def get(self):
        await asyncio.sleep(0.1)
        return f"a value of the {self.name}"

    async def close(self):
        await asyncio.sleep(0.5)
        print("closed", self.name)


def slow(name):
    """A coroutine function that opens a resource."""

    async def open_resource():
        await asyncio.sleep(1)
        print("opened", name)
        return SlowResource(name)

    return open_resource


# Exercise 1: a resource


def exercise_1(open_cache=slow("cache")):
    """GET /value answers {"value": ...} with what `await cache.get()` gives.

    Open the cache when the app starts (`cache = await open_cache()`), before it takes requests,
    and close it when the app stops (`await cache.close()`). All requests use the same one, and
    each asks it again.
    """
    raise NotImplementedError("exercise 1")


# Exercise 2: several resources


def exercise_2(
    open_config=slow("config"), open_database=slow("database"), open_cache=slow("cache")
):
    """GET /health answers {"status": "ok"}.

    When the app starts, open the three, one after the other, in this order. When it stops, close
    them (`await resource.close()`), one after the other, in the reverse order. Whatever is open
    is closed once, also if

    - one of them doesn't open: then the app doesn't start;
    - closing one of them fails;
    - an exception or a cancellation comes out of the lifespan's `yield`.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: a task that lives as long as the app


async def poll_slowly():
    await asyncio.sleep(2)
    return round(time.time())


def exercise_3(poll=poll_slowly):
    """From the start on, `await poll()` at 0, 5, 10 ... seconds, as long as the app lives.

    - Never two polls at a time: after a long poll, the next one begins at the first of these
      moments after it has ended.
    - The app takes requests at once, and doesn't wait for the first poll.
    - GET /latest answers {"value": ..., "age": ...}: what the last poll gave, and how many
      seconds ago that was. Until there is a value, 503.
    - A poll that fails is logged on the logger "day56", and changes nothing.
    - At shutdown, cancel a poll that is under way, and wait until it has ended.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: work that is accepted


async def work_slowly(job):
    await asyncio.sleep(5)
    return len(job)


def exercise_4(work=work_slowly):
    """POST /jobs takes a JSON object and answers 202 {"id": ...} at once; ids count from 1.

    Then `await work(job)`: at most three jobs are at work, and at most ten more wait, in the
    order in which they came. A job beyond that is answered 503 with the header Retry-After, and
    takes no id. A body that isn't a JSON object is answered 422.

    GET /jobs/{id} answers {"state": ..., "result": ...}. The state is "waiting", "running",
    "done" or "failed", and the result null until there is one. Unknown: 404.

    A job that fails is logged on the logger "day56", and stops no other. At shutdown, what
    was accepted is finished; what isn't done after 30 seconds is cancelled.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: alive and ready


async def check_slowly():
    await asyncio.sleep(0.5)


def exercise_5(check_database=check_slowly, check_cache=check_slowly):
    """GET /live answers 200 at once, always.

    GET /ready checks both, together, each for at most 1 second, and answers
    {"database": ..., "cache": ...}: "ok", "failed" for a check that raises, "late" for one that
    takes too long (cancel it). 200 if both are "ok", else 503.

    A result, good or bad, is used for 2 seconds from the moment it is there. A hundred probes at
    once make one check of each. If one of them is cancelled, the others still get their answer.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: a slow start


def load_slowly():
    """A plain function that computes for 20 seconds: there is nothing to await in it."""
    time.sleep(20)
    return lambda x: 2 * x + 1


def exercise_6(load_model=load_slowly):
    """POST /predict takes {"x": a number} and answers {"y": model(x)}. GET /live answers 200.

    `model = load_model()` takes 20 seconds. Load it once, from the start on. The app takes
    requests at once all the same: /predict answers 503 with the header Retry-After until the
    model is there, and nothing delays /live.

    If loading fails, log that on the logger "day56": /predict stays 503, and the app goes on.
    Shutdown need not wait for the model.
    """
    raise NotImplementedError("exercise 6")
