import asyncio

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute


class Guarded(APIRoute):
    def get_route_handler(self):
        handler = super().get_route_handler()

        async def guarded(request: Request):
            try:
                return await asyncio.wait_for(handler(request), 2)
            except HTTPException:
                raise
            except TimeoutError:
                raise HTTPException(504) from None
            except Exception:
                raise HTTPException(502) from None

        return guarded


def exercise_4(fetch):
    router = APIRouter(route_class=Guarded)
    router.add_api_route("/external", fetch, methods=["GET"])
    app = FastAPI()
    app.include_router(router)
    return app
