from asyncio import wait_for

from fastapi import FastAPI, HTTPException

LIMIT = timedelta(seconds=2)


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await wait_for(fetch(), LIMIT.total_seconds())
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
