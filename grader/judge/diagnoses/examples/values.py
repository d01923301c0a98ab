"""Examples of values that are changed on their way, and of what is stored and logged of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from ....model.scenarios import delete, get, patch, postgres, scenario, takes
from ....model.trace import Trace
from ...aspects.aspect import aspect
from ...aspects.connections import readings
from .example import example

_PRICE = scenario(get("/price"), price=takes(1, Decimal("12.50")))
_JOINED = scenario(get("/joined"), joined=takes(1, datetime(2026, 3, 1, 10, tzinfo=UTC)))
_ITEMS = postgres(
    seed_sql="create table items (id int, is_there bool); insert into items values (1, true)",
    reads=["select id, is_there from items"],
)

_CHANGING = """
class Change(BaseModel):
    name: str = ""
    email: str = ""

user = {{"name": "Ada", "email": "ada@example.org"}}

@app.get("/user")
async def read():
    return user

@app.patch("/user")
async def change(change: Change):
    user.update(change.model_dump({how}))
    return user
"""
_REMOVING = """
@asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(database, min_size=1, max_size=2) as app.state.pool:
        yield

app = FastAPI(lifespan=lifespan)

@app.delete("/item")
async def remove():
    await app.state.pool.execute("{statement}")
"""
_LOGGING = """
logger = logging.getLogger("shop")

@app.get("/page")
async def page():
    for row in ({{"id": 3}}, {{"id": 4}}):
        logger.warning({words})
    return []
"""
_PAGING = """
@app.get("/page")
async def page(after: int):
    return [number for number in range(1, 9) if number {compared} after][:2]
"""


@aspect("log")
def messages(trace: Trace) -> tuple[str, ...]:
    """What is logged, word for word."""
    return tuple(log.message for log in trace.logs)


EXAMPLES = (
    example(
        "digits-lost",
        _PRICE,
        """
        @app.get("/price")
        async def read():
            return {"price": str(float(await price()))}
        """,
        """
        @app.get("/price")
        async def read():
            return {"price": str(await price())}
        """,
    ),
    example(
        "time-changed",
        _JOINED,
        """
        @app.get("/joined")
        async def read():
            return {"joined": (await joined()).replace(tzinfo=None)}
        """,
        """
        @app.get("/joined")
        async def read():
            return {"joined": (await joined()).isoformat()}
        """,
    ),
    example(
        "unsent-changed",
        scenario(get("/user"), patch("/user", json={"email": "ada@example.com"}, at=1)),
        _CHANGING.format(how=""),
        _CHANGING.format(how="exclude_unset=True"),
    ),
    example(
        "stored-otherwise",
        scenario(delete("/item"), database=_ITEMS),
        _REMOVING.format(statement="delete from items where id = 1"),
        _REMOVING.format(statement="update items set is_there = false where id = 1"),
        readings,
    ),
    example(
        "log-too-vague",
        scenario(get("/page")),
        _LOGGING.format(words='"a row doesn\'t fit"'),
        _LOGGING.format(words='"row %s doesn\'t fit", row["id"]'),
        messages,
    ),
    example(
        "pages-overlap",
        scenario(get("/page?after=0"), get("/page?after=2", at=1)),
        _PAGING.format(compared=">="),
        _PAGING.format(compared=">"),
    ),
)
