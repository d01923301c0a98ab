from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


def exercise_1(load_settings):
    @asynccontextmanager
    async def lifespan(app):
        app.state.settings = await load_settings()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/page")
    async def page(request: Request):
        settings = request.app.state.settings
        return {name: settings[name] for name in ("theme", "title", "footer")}

    @app.get("/plain")
    async def plain():
        return {"plain": True}

    return app
