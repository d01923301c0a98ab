import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        tasks = [asyncio.create_task(f()) for f in (fetch_user, fetch_orders, fetch_stats)]
        try:
            user, orders, stats = await asyncio.gather(*tasks)
        except Exception as e:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise HTTPException(502, detail=f"Upstream error: {str(e)[:40]}...")
        return {"user": user, "orders": orders, "stats": stats}

    return app
