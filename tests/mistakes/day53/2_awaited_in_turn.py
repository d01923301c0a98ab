from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            user = await fetch_user()
            orders = await fetch_orders()
            stats = await fetch_stats()
        except Exception:
            raise HTTPException(status_code=502, detail="upstream failed")
        return {"user": user, "orders": orders, "stats": stats}

    return app
