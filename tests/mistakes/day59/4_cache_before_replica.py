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
            found = await asyncio.wait_for(primary(id), 1)
            kept[id] = (found, now())
            if len(kept) > 1000:
                kept.popitem(last=False)
            return {"profile": found, "source": "primary", "age": 0}
        except LookupError:
            raise HTTPException(404)
        except Exception:
            pass
        if id in kept and now() - kept[id][1] <= 60:
            return {"profile": kept[id][0], "source": "cache", "age": now() - kept[id][1]}
        try:
            found = await asyncio.wait_for(replica(id), 1)
            return {"profile": found, "source": "replica", "age": 0}
        except LookupError:
            raise HTTPException(404)
        except Exception:
            raise HTTPException(503)

    return app
