"""Examples of clients of other servers."""

from __future__ import annotations

from ....model.scenarios import get, post, reply, scenario, upstream
from ...aspects.connections import connections_opened, left_open, most_in_flight, requests_made
from .example import example

_GREETS = upstream({"GET /word": reply(1, "Hello")})
_THREE = scenario(*(get("/page", at=5 * n) for n in range(3)), server=_GREETS)
_DOWN = scenario(get("/page"), server=upstream({"GET /word": reply(1, status=503)}))
_ORDERS = scenario(post("/orders"), server=upstream({"POST /orders": reply(1, status=500)}))
_MANY = scenario(get("/page"), server=upstream({f"GET /{n}": reply(1, n) for n in range(6)}))

_CLIENT = """
@asynccontextmanager
async def lifespan(app):
    async with httpx.AsyncClient(base_url=server) as app.state.client:
        yield

app = FastAPI(lifespan=lifespan)
"""
_SHARED = f"""{_CLIENT}
@app.get("/page")
async def page():
    return (await app.state.client.get("/word")).json()
"""

EXAMPLES = (
    example(
        "client-per-request",
        _THREE,
        """
        @app.get("/page")
        async def page():
            async with httpx.AsyncClient(base_url=server) as client:
                return (await client.get("/word")).json()
        """,
        _SHARED,
        connections_opened,
    ),
    example(
        "client-not-closed",
        _THREE,
        """
        client = httpx.AsyncClient(base_url=server)

        @app.get("/page")
        async def page():
            return (await client.get("/word")).json()
        """,
        _SHARED,
        left_open,
    ),
    example(
        "unbounded-fan-out",
        _MANY,
        f"""{_CLIENT}
@app.get("/page")
async def page():
    calls = [app.state.client.get(f"/{{n}}") for n in range(6)]
    return [found.json() for found in await asyncio.gather(*calls)]
""",
        f"""{_CLIENT}
@app.get("/page")
async def page():
    limit = asyncio.Semaphore(2)

    async def fetch(n):
        async with limit:
            return (await app.state.client.get(f"/{{n}}")).json()

    return await asyncio.gather(*(fetch(n) for n in range(6)))
""",
        most_in_flight,
    ),
    example(
        "retry-without-limit",
        _DOWN,
        f"""{_CLIENT}
@app.get("/page")
async def page():
    for _ in range(20):
        found = await app.state.client.get("/word")
        if found.status_code == 200:
            return found.json()
    raise HTTPException(502, "no word")
""",
        f"""{_CLIENT}
@app.get("/page")
async def page():
    for _ in range(2):
        found = await app.state.client.get("/word")
        if found.status_code == 200:
            return found.json()
    raise HTTPException(502, "no word")
""",
        requests_made,
    ),
    example(
        "retry-unsafe",
        _ORDERS,
        f"""{_CLIENT}
@app.post("/orders")
async def order():
    for _ in range(2):
        found = await app.state.client.post("/orders")
        if found.status_code == 200:
            return found.json()
    raise HTTPException(502, "not ordered")
""",
        f"""{_CLIENT}
@app.post("/orders")
async def order():
    found = await app.state.client.post("/orders")
    if found.status_code != 200:
        raise HTTPException(502, "it is not known whether this was ordered")
    return found.json()
""",
        requests_made,
    ),
)
