import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


class UpstreamError(Exception):
    pass


async def upstream_error_handler(request: Request, error: UpstreamError):
    return JSONResponse(status_code=502, content={"detail": "An upstream service failed."})


class DashboardService:
    def __init__(self, fetch_user, fetch_orders, fetch_stats):
        self.fetch_user = fetch_user
        self.fetch_orders = fetch_orders
        self.fetch_stats = fetch_stats

    async def get(self):
        try:
            async with asyncio.TaskGroup() as tg:
                user = tg.create_task(self.fetch_user())
                orders = tg.create_task(self.fetch_orders())
                stats = tg.create_task(self.fetch_stats())
        except* Exception as errors:
            raise UpstreamError("dashboard") from errors
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI(exception_handlers={UpstreamError: upstream_error_handler})
    service = DashboardService(fetch_user, fetch_orders, fetch_stats)
    app.add_api_route("/dashboard", service.get, methods=["GET"])
    return app
