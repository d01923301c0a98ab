import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        tasks = [asyncio.create_task(f()) for f in (fetch_user, fetch_orders, fetch_stats)]
        waiting = True
        while waiting:
            print("still waiting for", [task for task in tasks if not task.done()] * 20)
            waiting = any(not task.done() for task in tasks)
        try:
            user, orders, stats = await asyncio.gather(*tasks)
        except Exception:
            raise HTTPException(502, "bad gateway")
        return {"user": user, "orders": orders, "stats": stats}

    return app
