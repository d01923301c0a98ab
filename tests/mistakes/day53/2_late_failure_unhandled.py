import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        tasks = [asyncio.create_task(f()) for f in (fetch_user, fetch_orders, fetch_stats)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        if pending:
            for task in pending:
                task.cancel()
            raise HTTPException(502, "bad gateway")
        user, orders, stats = (task.result() for task in tasks)
        return {"user": user, "orders": orders, "stats": stats}

    return app
