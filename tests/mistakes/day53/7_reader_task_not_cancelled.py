import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

END = object()


def exercise_7(read_rows):
    app = FastAPI()
    readers = set()

    async def read_into(queue):
        async for row in read_rows():
            await queue.put(row)
        await queue.put(END)

    @app.get("/stream")
    async def stream():
        async def lines():
            queue = asyncio.Queue()
            reader = asyncio.create_task(read_into(queue))
            readers.add(reader)
            reader.add_done_callback(readers.discard)
            while (row := await queue.get()) is not END:
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
