from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException


def exercise_3(connect, notify):
    app = FastAPI()

    class Lease:
        def __init__(self, conn):
            self.conn = conn

        async def close(self):
            conn, self.conn = self.conn, None
            if conn is not None:
                await conn.close()

    async def lease(sql: str):
        held = Lease(await connect())
        try:
            yield held
        finally:
            await held.close()

    @app.get("/report")
    async def report(sql: str, tasks: BackgroundTasks, held: Lease = Depends(lease)):
        try:
            rows = await held.conn.query(sql)
        except Exception as error:
            await held.close()
            raise HTTPException(502) from error
        tasks.add_task(held.close)
        tasks.add_task(notify, rows)
        return {"rows": rows}

    return app
