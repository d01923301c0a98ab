import asyncio
import time

from fastapi import Depends, FastAPI


def exercise_1(load_settings):
    app = FastAPI()
    lock = asyncio.Lock()
    kept = {"until": 0.0, "settings": None}

    async def settings():
        async with lock:
            if time.monotonic() >= kept["until"]:
                kept["settings"] = await load_settings()
                kept["until"] = time.monotonic() + 5
        return kept["settings"]

    def setting(name):
        async def value(settings: dict = Depends(settings)):
            return settings[name]

        return Depends(value)

    @app.get("/page")
    async def page(theme=setting("theme"), title=setting("title"), footer=setting("footer")):
        return {"theme": theme, "title": title, "footer": footer}

    @app.get("/plain")
    async def plain():
        return {"plain": True}

    return app
