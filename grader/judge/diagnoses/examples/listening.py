"""Examples of LISTEN and NOTIFY."""

from __future__ import annotations

import textwrap

from ....model.scenarios import Fault, Outage, get, post, postgres, scenario
from ...aspects.connections import readings
from ...aspects.messages import events, listening, listens_in_time
from .databases import _READS, _TABLE
from .example import example

_TOLD = {3.0: "select pg_notify('news', '1')", 8.0: "select pg_notify('news', '2')"}
_WATCHES = get("/news", hangs_up_at=20)
_HEARS = scenario(_WATCHES, database=postgres(meanwhile=_TOLD))
_TWO = scenario(_WATCHES, get("/news", at=1, hangs_up_at=20), database=postgres(meanwhile=_TOLD))
_EARLY = scenario(_WATCHES, database=postgres(round_trip=0.5, meanwhile=_TOLD))
_LOST = scenario(
    get("/news", hangs_up_at=20),
    database=postgres(meanwhile=_TOLD, outages=[Outage(at=5, seconds=0.5)]),
)
_STORED = scenario(
    post("/items"),
    database=postgres(
        seed_sql=_TABLE, reads=_READS, faults=[Fault(does="fail", matching="pg_notify")]
    ),
)


def _app(listens: str, starts: str = "await listen()", streams: str = "queue = heard") -> str:
    """An app that listens in this way, and hands on what it hears."""
    body = textwrap.indent(textwrap.dedent(listens).strip(), "    ")
    return f"""
heard = asyncio.Queue()

def hear(*told):
    heard.put_nowait(told[-1])

async def listen():
{body}

@asynccontextmanager
async def lifespan(app):
    app.state.pool = await asyncpg.create_pool(database, min_size=1)
    task = {starts}
    yield

app = FastAPI(lifespan=lifespan)

@app.get("/news", response_class=EventSourceResponse)
async def news():
    {streams}
    while True:
        yield ServerSentEvent(raw_data=await queue.get())
"""


_ONCE = """
connection = await asyncpg.connect(database)
await connection.add_listener("news", hear)
app.state.connection = connection
"""
_AGAIN = """
connection = await asyncpg.connect(database)
await connection.add_listener("news", hear)
app.state.connection = connection

def lost(connection):
    app.state.task = asyncio.create_task(again())

async def again():
    await asyncio.sleep({pause})
    await listen()

connection.add_termination_listener(lost)
"""
_EACH = """queue = asyncio.Queue()
    connection = await asyncpg.connect(database)
    await connection.add_listener("news", lambda *told: queue.put_nowait(told[-1]))"""
_SHARED = """queue = asyncio.Queue()
    await app.state.connection.add_listener("news", lambda *told: queue.put_nowait(told[-1]))"""


def _stores(body: str) -> str:
    text = textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
    return f"""
@app.post("/items")
async def store():
    connection = await asyncpg.connect(database)
    try:
{text}
    except asyncpg.PostgresError:
        return "not stored"
    finally:
        await connection.close()
"""


_BOTH = """
await connection.execute("insert into items values (3, 0, 'new')")
await connection.execute("select pg_notify('news', '3')")
"""

EXAMPLES = (
    example("not-listening", _HEARS, _app("pass"), _app(_ONCE), events),
    example(
        "listens-for-each",
        _TWO,
        _app(_ONCE, streams=_EACH),
        _app(_ONCE, streams=_SHARED),
        listening,
    ),
    example(
        "listens-in-vain",
        _HEARS,
        _app("""
            async with app.state.pool.acquire() as connection:
                await connection.execute("listen news")
            """),
        _app(_ONCE),
        events,
    ),
    example(
        "listens-late",
        _EARLY,
        _app(_ONCE, starts="asyncio.create_task(listen())"),
        _app(_ONCE),
        listens_in_time,
    ),
    example("not-opened-anew", _LOST, _app(_ONCE), _app(_AGAIN.format(pause=1)), events),
    example(
        "wrong-reconnect-pauses",
        _LOST,
        _app(_AGAIN.format(pause=10)),
        _app(_AGAIN.format(pause=1)),
        events,
    ),
    example(
        "not-one-transaction",
        _STORED,
        _stores(_BOTH),
        _stores("async with connection.transaction():" + textwrap.indent(_BOTH, "    ")),
        readings,
    ),
)
