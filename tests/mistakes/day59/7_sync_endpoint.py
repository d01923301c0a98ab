from fastapi import FastAPI


def exercise_7(render):
    app = FastAPI()

    @app.get("/render")
    def page():
        return render()

    return app
