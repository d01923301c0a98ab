import asyncio

from fastapi import APIRouter, FastAPI, HTTPException


async def named(name, fetch):
    return name, await fetch()


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    router = APIRouter()

    @router.get("/dashboard")
    async def dashboard():
        tasks = [
            asyncio.create_task(named("user", fetch_user)),
            asyncio.create_task(named("orders", fetch_orders)),
            asyncio.create_task(named("stats", fetch_stats)),
        ]
        found = {}
        try:
            for next_done in asyncio.as_completed(tasks):
                name, value = await next_done
                found[name] = value
        except Exception:
            raise HTTPException(502, "one of the sources failed") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return found

    app = FastAPI()
    app.include_router(router)
    return app
