import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        tasks = [
            asyncio.create_task(fetch_user()),
            asyncio.create_task(fetch_orders()),
            asyncio.create_task(fetch_stats()),
        ]
        try:
            user, orders, stats = await asyncio.gather(*tasks)
        except Exception as e:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise HTTPException(status_code=502, detail=f"Failed to fetch data: {e}")
        return {"user": user, "orders": orders, "stats": stats}

    return app
