"""Examples of requests that are refused, and of what an answer says."""

from __future__ import annotations

from ....model.scenarios import get, in_turn, post, scenario, takes
from ...aspects.answers import answers, elapsed, mentions
from ...aspects.aspect import together
from ...aspects.calls import call_counts, in_order
from .example import example

_UPLOAD = scenario(post("/files", pieces=[b"x" * 400] * 10, every=1))
_ROWS = scenario(post("/rows", json=["lamp", "chair", ""]), store=takes(0.1))
_LOGIN = scenario(post("/login", json={"password": 12345678}))
_USER = scenario(get("/user"), find=takes(0.1, {"name": "Ada", "hash": "argon2id-8412"}))
_THREE = scenario(
    post("/rows", json=["lamp", "chair", "table"]), store=in_turn(takes(3), takes(2), takes(1))
)

EXAMPLES = (
    example(
        "body-read-whole",
        _UPLOAD,
        """
        @app.post("/files")
        async def upload(request: Request):
            if len(await request.body()) > 1000:
                raise HTTPException(413)
        """,
        """
        @app.post("/files")
        async def upload(request: Request):
            size = 0
            async for piece in request.stream():
                size += len(piece)
                if size > 1000:
                    raise HTTPException(413)
        """,
        elapsed,
    ),
    example(
        "done-before-refused",
        _ROWS,
        """
        @app.post("/rows")
        async def save(rows: list[str]):
            for row in rows:
                if not row:
                    raise HTTPException(422)
                await store(row)
        """,
        """
        @app.post("/rows")
        async def save(rows: list[str]):
            if not all(rows):
                raise HTTPException(422)
            for row in rows:
                await store(row)
        """,
        together(answers, call_counts),
    ),
    example(
        "input-repeated",
        _LOGIN,
        """
        class Login(BaseModel):
            password: str

        @app.post("/login")
        async def login(login: Login):
            return "welcome"
        """,
        """
        class Login(BaseModel):
            password: str

        @app.exception_handler(RequestValidationError)
        async def invalid(request: Request, error: RequestValidationError):
            return Response(status_code=422)

        @app.post("/login")
        async def login(login: Login):
            return "welcome"
        """,
        mentions("12345678", "what was sent"),
    ),
    example(
        "data-leaked",
        _USER,
        """
        @app.get("/user")
        async def user():
            return await find()
        """,
        """
        class Public(BaseModel):
            name: str

        @app.get("/user")
        async def user() -> Public:
            return await find()
        """,
        mentions("argon2id-8412", "the hash"),
    ),
    example(
        "out-of-order",
        _THREE,
        """
        @app.post("/rows")
        async def save(rows: list[str]):
            await asyncio.gather(*(store(row) for row in rows))
        """,
        """
        @app.post("/rows")
        async def save(rows: list[str]):
            for row in rows:
                await store(row)
        """,
        in_order("store"),
    ),
)
