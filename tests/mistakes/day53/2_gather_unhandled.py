import asyncio

from fastapi import FastAPI


async def fetch_user_slowly():
    await asyncio.sleep(1)
    return {"name": "Ada"}


async def fetch_orders_slowly():
    await asyncio.sleep(2)
    return [1, 2, 3]


async def fetch_stats_slowly():
    await asyncio.sleep(1.5)
    return {"visits": 7}


def exercise_2(
    fetch_user=fetch_user_slowly,
    fetch_orders=fetch_orders_slowly,
    fetch_stats=fetch_stats_slowly,
):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        user, orders, stats = await asyncio.gather(
            fetch_user(),
            fetch_orders(),
            fetch_stats(),
        )
        return {"user": user, "orders": orders, "stats": stats}

    return app
