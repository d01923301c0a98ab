import asyncio
import hashlib

from fastapi import FastAPI, HTTPException, Request


def exercise_5(open_upload):
    app = FastAPI()
    commits = set()

    @app.put("/files/{name}", status_code=201)
    async def put(name: str, request: Request):
        upload = await open_upload(name)
        size, digest = 0, hashlib.sha256()
        try:
            async for piece in request.stream():
                size += len(piece)
                if size > 1_000_000:
                    raise HTTPException(413)
                digest.update(piece)
                await upload.write(piece)
            committing = asyncio.create_task(upload.commit())
            commits.add(committing)
            await asyncio.shield(committing)
        except BaseException:
            await upload.abort()
            raise
        return {"size": size, "sha256": digest.hexdigest()}

    return app
