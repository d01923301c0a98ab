import asyncio

from fastapi import FastAPI, HTTPException


class Dashboard:
    def __init__(self, *fetchers):
        self.fetchers = fetchers
        self.tasks = set()

    async def load(self):
        mine = [asyncio.create_task(fetch()) for fetch in self.fetchers]
        self.tasks.update(mine)
        try:
            return await asyncio.gather(*mine)
        except BaseException:
            for task in self.tasks:
                task.cancel()
            await asyncio.wait(mine)
            raise
        finally:
            self.tasks.difference_update(mine)


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()
    board = Dashboard(fetch_user, fetch_orders, fetch_stats)

    @app.get("/dashboard")
    async def dashboard():
        try:
            user, orders, stats = await board.load()
        except Exception:
            raise HTTPException(502, "a fetch failed")
        return {"user": user, "orders": orders, "stats": stats}

    return app
