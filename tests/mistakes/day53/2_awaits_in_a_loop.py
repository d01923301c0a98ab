from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        fetchers = {"user": fetch_user, "orders": fetch_orders, "stats": fetch_stats}
        try:
            return {name: await fetch() for name, fetch in fetchers.items()}
        except Exception:
            raise HTTPException(502, "bad gateway") from None

    return app
