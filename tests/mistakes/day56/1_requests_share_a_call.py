from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app):
        cache = await open_cache()
        try:
            yield {"cache": cache}
        finally:
            await cache.close()

    import asyncio

    from fastapi import Request

    flight = {}
    app = FastAPI(lifespan=lifespan)

    @app.get("/value")
    async def value(request: Request):
        if "get" not in flight:
            flight["get"] = asyncio.ensure_future(request.state.cache.get())
            flight["get"].add_done_callback(lambda _: flight.clear())
        return {"value": await flight["get"]}

    return app
