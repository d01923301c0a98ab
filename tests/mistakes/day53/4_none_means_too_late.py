import anyio
from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        result = None
        try:
            with anyio.move_on_after(2):
                result = await fetch()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")
        if not result:
            raise HTTPException(504, "gateway timeout")
        return result

    return app
