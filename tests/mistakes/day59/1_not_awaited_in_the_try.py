import asyncio

from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    def ask():
        return asyncio.wait_for(call(), 2)

    @app.get("/rates")
    async def rates():
        try:
            answer = ask()
        except (TimeoutError, ConnectionError):
            answer = ask()
        except Exception:
            raise HTTPException(502, "failed")
        return await answer

    return app
