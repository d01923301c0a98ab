"""Examples of files that can't be imported, and of factories that make no app."""

from __future__ import annotations

from ....model.scenarios import get, scenario
from .example import example

_PAGE = scenario(get("/page"))

_RIGHT = """
@app.get("/page")
async def page():
    return "done"
"""

EXAMPLES = (
    example(
        "syntax-error",
        _PAGE,
        """
        # the whole file
        from fastapi import FastAPI


        def make_app()
            app = FastAPI()
            return app
        """,
        _RIGHT,
    ),
    example(
        "import-failed",
        _PAGE,
        """
        # the whole file
        from fastapi import FastAPi


        def make_app():
            return FastAPi()
        """,
        _RIGHT,
    ),
    example(
        "factory-missing",
        _PAGE,
        """
        # the whole file
        from fastapi import FastAPI

        app = FastAPI()


        @app.get("/page")
        async def page():
            return "done"
        """,
        _RIGHT,
    ),
    example(
        "factory-failed",
        _PAGE,
        """
        # the whole file
        import asyncio

        from fastapi import FastAPI


        def make_app():
            app = FastAPI()
            asyncio.create_task(asyncio.sleep(1))
            return app
        """,
        """
        @asynccontextmanager
        async def lifespan(app):
            task = asyncio.create_task(asyncio.sleep(1))
            yield
            await task

        app = FastAPI(lifespan=lifespan)

        @app.get("/page")
        async def page():
            return "done"
        """,
    ),
    example(
        "not-an-app",
        _PAGE,
        """
        # the whole file
        from fastapi import FastAPI


        def make_app():
            app = FastAPI()

            @app.get("/page")
            async def page():
                return "done"
        """,
        _RIGHT,
    ),
    example(
        "process-died",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            asyncio.get_running_loop().stop()
        """,
        _RIGHT,
    ),
    example(
        "out-of-memory",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            numbers = [bytes(1_000_000) for _ in range(5_000)]
            return len(numbers)
        """,
        """
        @app.get("/page")
        async def page():
            return sum(1 for _ in range(5_000))
        """,
    ),
    example(
        "output-flood",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            for number in range(10_000_000):
                print("still waiting", number)
            return "done"
        """,
        _RIGHT,
    ),
    example(
        "too-much",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            return "done" * 5_000_000
        """,
        _RIGHT,
    ),
    example(
        "lifespan-failed",
        _PAGE,
        """
        @asynccontextmanager
        async def lifespan(app):
            app.state.pool = open_pool()
            yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/page")
        async def page():
            return "done"
        """,
        _RIGHT,
    ),
)
