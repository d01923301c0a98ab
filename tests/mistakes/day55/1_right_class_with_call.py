from fastapi import Depends, FastAPI


def exercise_1(load_settings):
    app = FastAPI()

    class Setting:
        def __init__(self, name):
            self.name = name

        async def __call__(self, settings: dict = Depends(load_settings)):
            return settings[self.name]

    @app.get("/page")
    async def page(
        theme=Depends(Setting("theme")),
        title=Depends(Setting("title")),
        footer=Depends(Setting("footer")),
    ):
        return dict(theme=theme, title=title, footer=footer)

    @app.get("/plain")
    async def plain():
        return {"plain": True}

    return app
