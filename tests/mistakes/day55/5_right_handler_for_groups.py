import asyncio

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse


def exercise_5(fetch_account, fetch_limits, fetch_flags):
    app = FastAPI()

    class NotAvailable(Exception):
        pass

    @app.exception_handler(NotAvailable)
    async def not_available(request, error):
        return JSONResponse({"detail": "not available"}, 503)

    def all_of(**fetches):
        async def fetched():
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = {name: group.create_task(fetch()) for name, fetch in fetches.items()}
            except* Exception as error:
                raise NotAvailable from error
            return {name: task.result() for name, task in tasks.items()}

        return Depends(fetched)

    @app.get("/checkout")
    async def checkout(
        parts=all_of(account=fetch_account, limits=fetch_limits, flags=fetch_flags),
    ):
        return parts

    @app.get("/account")
    async def account(parts=all_of(account=fetch_account)):
        return parts

    return app
