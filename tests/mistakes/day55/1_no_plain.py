from typing import Annotated

from fastapi import Depends, FastAPI


def exercise_1(load_settings):
    app = FastAPI()

    async def theme(settings: Annotated[dict, Depends(load_settings)]):
        return settings["theme"]

    async def title(settings: Annotated[dict, Depends(load_settings)]):
        return settings["title"]

    async def footer(settings: Annotated[dict, Depends(load_settings)]):
        return settings["footer"]

    @app.get("/page")
    async def page(
        theme: Annotated[str, Depends(theme)],
        title: Annotated[str, Depends(title)],
        footer: Annotated[str, Depends(footer)],
    ):
        return {"theme": theme, "title": title, "footer": footer}

    return app
