import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI


def exercise_1(load_settings):
    app = FastAPI()
    kept = []

    async def settings():
        now = asyncio.get_running_loop().time()
        if not kept or now - kept[0] > 1:
            value = await load_settings()
            kept[:] = [asyncio.get_running_loop().time(), value]
        return kept[1]

    Settings = Annotated[dict, Depends(settings)]

    async def theme(s: Settings):
        return s["theme"]

    async def title(s: Settings):
        return s["title"]

    async def footer(s: Settings):
        return s["footer"]

    @app.get("/page")
    async def page(theme=Depends(theme), title=Depends(title), footer=Depends(footer)):
        return {"theme": theme, "title": title, "footer": footer}

    @app.get("/plain")
    async def plain():
        return {"plain": True}

    return app
