from anyio import move_on_after
from fastapi import FastAPI, HTTPException

LIMIT = 2


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        result = None
        with move_on_after(LIMIT) as scope:
            try:
                result = await fetch()
            except HTTPException:
                raise
            except Exception:
                raise HTTPException(502, "The external service failed.") from None
        if scope.cancelled_caught:
            raise HTTPException(504, "The external service did not answer in time.")
        return result

    return app
