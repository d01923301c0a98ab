import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    async def all_or_nothing(**coros):
        tasks = {name: asyncio.create_task(coro) for name, coro in coros.items()}
        done, pending = await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
        if pending:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending)
        for task in done:
            task.result()
        return {name: task.result() for name, task in tasks.items()}

    @app.get("/dashboard")
    async def dashboard():
        try:
            return await all_or_nothing(
                user=fetch_user(), orders=fetch_orders(), stats=fetch_stats()
            )
        except Exception:
            raise HTTPException(502, "some data could not be fetched") from None

    return app
