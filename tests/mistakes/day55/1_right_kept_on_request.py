from fastapi import APIRouter, Depends, FastAPI, Request


def exercise_1(load_settings):
    router = APIRouter()

    async def settings(request: Request):
        if not hasattr(request.state, "settings"):
            request.state.settings = await load_settings()
        return request.state.settings

    def theme(settings=Depends(settings, use_cache=False)):
        return settings["theme"]

    def title(settings=Depends(settings, use_cache=False)):
        return settings["title"]

    def footer(settings=Depends(settings, use_cache=False)):
        return settings["footer"]

    @router.get("/page")
    def page(theme=Depends(theme), title=Depends(title), footer=Depends(footer)):
        return {"footer": footer, "title": title, "theme": theme}

    @router.get("/plain")
    def plain():
        return {"plain": True}

    app = FastAPI()
    app.include_router(router)
    return app
