"""Day 59: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import asyncio
import logging
import random
from collections import OrderedDict
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

log = logging.getLogger("day59")


class Late(Exception):
    """A call has not answered in time."""


async def within(seconds, call, *arguments):
    """What a call returns, if it does so in time.

    `expired` tells our own limit from a `TimeoutError` that the call raises by itself, and from a
    limit further out.

    Raises:
        Late: it has not; the call was cancelled.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            return await call(*arguments)
    except TimeoutError as error:
        if limit.expired():
            raise Late from error
        raise


def answer_to(error: Exception) -> HTTPException:
    """504 for a call that was late, 502 for one that failed."""
    if isinstance(error, Late):
        return HTTPException(504, "no answer in time")
    return HTTPException(502, "the service failed")


def exercise_1(call):
    """Each try has two seconds of its own, so the limit is around each call, not around both.
    Only what another try may fix is tried again: a lost connection or a late answer, not a
    `ValueError`. And the last try decides, by its own error and not by the first one's.

    Read: [A limit for each try](../../lessons/day59.md#a-limit-for-each-try).
    """
    app = FastAPI()

    @app.get("/rates")
    async def rates():
        try:
            try:
                return await within(2, call)
            except (Late, ConnectionError):
                return await within(2, call)
        except Exception as error:
            raise answer_to(error) from error

    return app


CALL_LIMIT, DEADLINE = 2, 10
LONGEST_PAUSES = (1, 2, 4)


async def retried(call, *arguments):
    """What a call returns, within four tries and ten seconds.

    Raises:
        HTTPException: 502 or 504.
    """

    async def tries():
        for longest in LONGEST_PAUSES:
            try:
                return await within(CALL_LIMIT, call, *arguments)
            except (Late, ConnectionError):
                await asyncio.sleep(random.uniform(0, longest))
        return await within(CALL_LIMIT, call, *arguments)

    try:
        return await within(DEADLINE, tries)
    except Exception as error:
        raise answer_to(error) from error


def exercise_2(call, charge):
    """Pauses grow, so that a service in trouble gets room, and they are drawn from the whole
    range between nothing and the longest: twenty clients that failed together come back one by
    one. The deadline around all tries is what the client feels; four tries of two seconds and
    their pauses could take fifteen.

    A charge may have happened although its answer was lost. Only a key by which the other side
    recognizes it makes it safe to repeat. Without one it is one call, and no more.

    Read: [Again, but not together](../../lessons/day59.md#again-but-not-together).
    """
    app = FastAPI()

    @app.get("/rates")
    async def rates():
        return await retried(call)

    @app.post("/charges")
    async def charges(
        data: dict[str, Any], idempotency_key: Annotated[str | None, Header()] = None
    ):
        if idempotency_key is not None:
            return await retried(charge, data, idempotency_key)
        try:
            return await within(CALL_LIMIT, charge, data)
        except Exception as error:
            raise answer_to(error) from error

    return app


PAUSES = (0.1, 0.2)
LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)


class Change(BaseModel):
    change: int


def exercise_3(dsn):
    """Three kinds of trouble, and each wants something else. A lost connection may be gone in a
    moment: try again. A full pool means too much work: another try would add to it, so say no,
    and when to come back. An SQL error is ours, and will be the same the next time.

    `TimeoutError` is an `OSError`: it is caught around `acquire` alone, before it can be taken
    for a lost connection. The change is sent once: if the connection is lost, nobody knows
    whether the server has carried it out.

    Read: [Lost, full, wrong](../../lessons/day59.md#lost-full-wrong).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @asynccontextmanager
    async def connection():
        try:
            conn = await app.state.pool.acquire(timeout=1)
        except TimeoutError as error:
            raise HTTPException(503, "busy", {"Retry-After": "1"}) from error
        try:
            yield conn
        finally:
            await app.state.pool.release(conn)

    async def row_of(sql, *values):
        """One row as an answer; a lost connection comes through as it is."""
        try:
            async with connection() as conn:
                row = await conn.fetchrow(sql, *values)
        except LOST:
            raise
        except asyncpg.PostgresError as error:
            log.exception("the statement failed")
            raise HTTPException(500, "the database refused") from error
        if row is None:
            raise HTTPException(404, "no such sku")
        return dict(row)

    async def read_again(sku: str):
        query = "SELECT sku, quantity FROM stock WHERE sku = $1"
        for pause in PAUSES:
            try:
                return await row_of(query, sku)
            except LOST:
                await asyncio.sleep(pause)
        return await row_of(query, sku)

    @app.get("/stock/{sku}")
    async def read(sku: str):
        try:
            return await read_again(sku)
        except LOST as error:
            raise HTTPException(503, "the database is not there") from error

    @app.post("/stock/{sku}")
    async def change(sku: str, change: Change):
        update = "UPDATE stock SET quantity = quantity + $2 WHERE sku = $1 RETURNING sku, quantity"
        try:
            return await row_of(update, sku, change.change)
        except LOST as error:
            raise HTTPException(503, "nobody knows whether it was changed") from error

    return app


GOOD_FOR, MOST_KEPT = 60, 1000


def exercise_4(primary, replica):
    """A fallback that doesn't say so is a lie: each answer names its source, and the age of
    what is old. Only answers that came from a call are kept; a fallback that was kept would get
    younger each time. "Not there" is an answer, not a failure: asking the replica about it would
    only make the 404 slower. What is kept has an end, in time and in number.

    Read: [A fallback that says so](../../lessons/day59.md#a-fallback-that-says-so).
    """
    app = FastAPI()
    kept: OrderedDict[int, tuple[Any, float]] = OrderedDict()

    def now() -> float:
        return asyncio.get_running_loop().time()

    def keep(id: int, profile: Any) -> None:
        kept[id] = profile, now()
        kept.move_to_end(id)
        if len(kept) > MOST_KEPT:
            kept.popitem(last=False)

    @app.get("/profile/{id}")
    async def profile(id: int):
        for source, ask in (("primary", primary), ("replica", replica)):
            try:
                found = await within(1, ask, id)
            except LookupError as error:
                raise HTTPException(404, "no such profile") from error
            except Exception:
                log.warning("the %s does not give profile %s", source, id, exc_info=True)
            else:
                keep(id, found)
                return {"profile": found, "source": source, "age": 0}
        if id in kept and now() - kept[id][1] <= GOOD_FOR:
            found, since = kept[id]
            return {"profile": found, "source": "cache", "age": now() - since}
        raise HTTPException(503, "no profile at the moment")

    return app


FAILURES, OPEN_FOR = 3, 10


class Breaker:
    """Closed, it lets calls through and counts failures in a row. Open, it refuses for a while,
    and then lets one call through to see.

    Attributes:
        period: counts how often it has opened or closed. What began in an earlier one has no say.
    """

    def __init__(self) -> None:
        self.period = 0
        self._failures = 0
        self._opened_at: float | None = None
        self._is_probing = False

    def refuses(self, now: float) -> bool:
        if self._opened_at is None:
            return False
        return self._is_probing or now < self._opened_at + OPEN_FOR

    def begin(self) -> int:
        self._is_probing = self._opened_at is not None
        return self.period

    def succeeded(self, period: int) -> None:
        if period == self.period:
            self._failures = 0
            if self._opened_at is not None:
                self._turn(opened_at=None)

    def failed(self, period: int, now: float) -> None:
        if period == self.period:
            self._failures += 1
            if self._is_probing or self._failures >= FAILURES:
                self._turn(opened_at=now)

    def cancelled(self, period: int) -> None:
        if period == self.period:
            self._is_probing = False

    def _turn(self, opened_at: float | None) -> None:
        self.period += 1
        self._opened_at = opened_at
        self._failures = 0
        self._is_probing = False


def exercise_5(call):
    """The breaker decides before the call, and hears of its end, whatever that is. What began
    before it opened is of another period, and changes nothing: without that, a slow success from
    before would close it again. The probe is one call, alone; if its request is cancelled, nobody
    has learned anything, and the next one probes.

    Read: [A circuit breaker](../../lessons/day59.md#a-circuit-breaker).
    """
    app = FastAPI()
    breaker = Breaker()

    def now() -> float:
        return asyncio.get_running_loop().time()

    @app.get("/quote")
    async def quote():
        if breaker.refuses(now()):
            raise HTTPException(503, "not asking at the moment", {"Retry-After": str(OPEN_FOR)})
        period = breaker.begin()
        try:
            answer = await within(1, call)
        except Exception as error:
            breaker.failed(period, now())
            raise answer_to(error) from error
        except BaseException:
            breaker.cancelled(period)
            raise
        breaker.succeeded(period)
        return answer

    return app


KEPT_FOR = 10


def exercise_6(load):
    """All that ask for a name while it is loaded wait for one task, each behind a `shield`: a
    client that is cancelled stops waiting, and the load goes on for the others. The task belongs
    to the app, not to the request that came first. A failure is told to all that wait, and
    forgotten. Names share nothing, so none waits for another; and what is too old is thrown
    away, or the dict would grow with each name that anyone ever asked for.

    Read: [One load for many](../../lessons/day59.md#one-load-for-many).
    """
    loads: dict[str, asyncio.Task[Any]] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield
        left = list(loads.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    def start(name: str) -> None:
        loads[name] = asyncio.create_task(load(name))
        loads[name].add_done_callback(lambda task: keep_for_a_while(name, task))

    def keep_for_a_while(name: str, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or task.exception() is not None:
            del loads[name]
        else:
            asyncio.get_running_loop().call_later(KEPT_FOR, loads.pop, name)

    @app.get("/feed/{name}")
    async def feed(name: str):
        if name not in loads:
            start(name)
        try:
            return await asyncio.shield(loads[name])
        except Exception as error:
            raise HTTPException(502, "the feed failed") from error

    return app


AT_WORK, IN_LINE, LONGEST_WAIT = 5, 10, 2


def exercise_7(render):
    """A semaphore lets five work and keeps the order of coming. It would let a thousand wait, so
    those in line are counted, and the eleventh hears at once what it would otherwise hear after
    waiting. The limit of two seconds is around the waiting alone: work that has begun is not
    thrown away. The `finally` gives the place back also when the client is cancelled.

    Read: [Refuse early](../../lessons/day59.md#refuse-early).
    """
    app = FastAPI()
    places = asyncio.Semaphore(AT_WORK)
    in_line = 0

    def refusal(why: str) -> HTTPException:
        return HTTPException(503, why, {"Retry-After": "2"})

    async def wait_for_a_place() -> None:
        nonlocal in_line
        if places.locked() and in_line >= IN_LINE:
            raise refusal("the line is full")
        in_line += 1
        try:
            await within(LONGEST_WAIT, places.acquire)
        except Late as error:
            raise refusal("waited too long") from error
        finally:
            in_line -= 1

    @app.get("/render")
    async def answer():
        await wait_for_a_place()
        try:
            return await render()
        finally:
            places.release()

    return app
