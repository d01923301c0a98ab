from fastapi import BackgroundTasks, FastAPI, HTTPException


def exercise_3(connect, notify):
    app = FastAPI()
    kept = []

    @app.get("/report")
    async def report(sql: str, tasks: BackgroundTasks):
        if not kept:
            kept.append(await connect())
        try:
            rows = await kept[0].query(sql)
        except Exception as error:
            raise HTTPException(502) from error
        tasks.add_task(notify, rows)
        return {"rows": rows}

    return app
