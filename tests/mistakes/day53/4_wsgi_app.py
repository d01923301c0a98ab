import asyncio
import json


class Flask:
    def __init__(self, name):
        self.name = name
        self.routes = {}

    def route(self, path):
        def register(view):
            self.routes[path] = view
            return view

        return register

    def __call__(self, environ, start_response):
        view = self.routes.get(environ["PATH_INFO"])
        if view is None:
            start_response("404 Not Found", [])
            return [b""]
        body = json.dumps(asyncio.run(view())).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]


def exercise_4(fetch):
    app = Flask(__name__)

    @app.route("/external")
    async def external():
        return await asyncio.wait_for(fetch(), 2)

    return app
