from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            user = fetch_user()
            orders = fetch_orders()
            stats = fetch_stats()
            return {"user": user, "orders": orders, "stats": stats}
        except Exception:
            raise HTTPException(502, "something went wrong")

    return app
