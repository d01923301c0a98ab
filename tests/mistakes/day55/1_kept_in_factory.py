from typing import Annotated

from fastapi import Depends, FastAPI


def exercise_1(load_settings):
    app = FastAPI()

    kept = {}

    async def settings():
        if not kept:
            kept.update(await load_settings())
        return kept

    async def theme(settings: Annotated[dict, Depends(settings)]):
        return settings["theme"]

    async def title(settings: Annotated[dict, Depends(settings)]):
        return settings["title"]

    async def footer(settings: Annotated[dict, Depends(settings)]):
        return settings["footer"]

    @app.get("/page")
    async def page(
        theme: Annotated[str, Depends(theme)],
        title: Annotated[str, Depends(title)],
        footer: Annotated[str, Depends(footer)],
    ):
        return {"theme": theme, "title": title, "footer": footer}

    @app.get("/plain")
    async def plain():
        return {"plain": True}

    return app
