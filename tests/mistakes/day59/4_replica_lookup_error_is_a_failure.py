import asyncio
from collections import OrderedDict

from fastapi import FastAPI, HTTPException


def exercise_4(primary, replica):
    app = FastAPI()
    kept = OrderedDict()

    @app.get("/profile/{id}")
    async def profile(id: int):
        now = asyncio.get_running_loop().time
        try:
            try:
                found, name = await asyncio.wait_for(primary(id), 1), "primary"
            except LookupError:
                raise HTTPException(404)
            except Exception:
                found, name = await asyncio.wait_for(replica(id), 1), "replica"
            kept[id] = (found, now())
            if len(kept) > 1000:
                kept.popitem(last=False)
            return {"profile": found, "source": name, "age": 0}
        except HTTPException:
            raise
        except Exception:
            pass
        if id in kept and now() - kept[id][1] <= 60:
            return {"profile": kept[id][0], "source": "cache", "age": now() - kept[id][1]}
        raise HTTPException(503)

    return app
