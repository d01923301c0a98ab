"""Examples of what FastAPI does around an endpoint: dependencies, validation, handlers."""

from __future__ import annotations

from ....model.scenarios import get, scenario, takes
from ...aspects.dependencies import (
    cleanups,
    dependencies,
    dependency_order,
    handled,
    validation_errors,
)
from .example import example

_ITEMS = scenario(get("/items"))
_LOADING = scenario(get("/items"), load=takes(1))

_TWO = """
        async def get_session():
            return await load()

        async def get_user(session=Depends(get_session)):
            return session
        """
_GUARDED = """
        async def check_token():
            pass

        async def get_session():
            pass
        """
_FAILING = """
        @app.exception_handler(LookupError)
        async def not_found(request, error):
            return PlainTextResponse("not found", 404)
        """


def _session(declared: str) -> str:
    return f"""
        async def get_session():
            yield "a session"
            await load()

        @app.get("/items")
        async def items(session=Depends({declared})):
            return session
        """


EXAMPLES = (
    example(
        "dependency-solved-again",
        _LOADING,
        f"""{_TWO}
        @app.get("/items")
        async def items(user=Depends(get_user), session=Depends(get_session, use_cache=False)):
            return [user, session]
        """,
        f"""{_TWO}
        @app.get("/items")
        async def items(user=Depends(get_user), session=Depends(get_session)):
            return [user, session]
        """,
        dependencies,
    ),
    example(
        "dependency-missing",
        _ITEMS,
        f"""{_GUARDED}
        @app.get("/items")
        async def items(session=Depends(get_session)):
            return []
        """,
        f"""{_GUARDED}
        @app.get("/items", dependencies=[Depends(check_token)])
        async def items(session=Depends(get_session)):
            return []
        """,
        dependency_order,
    ),
    example(
        "dependencies-out-of-order",
        _ITEMS,
        f"""{_GUARDED}
        @app.get("/items")
        async def items(session=Depends(get_session), token=Depends(check_token)):
            return []
        """,
        f"""{_GUARDED}
        @app.get("/items", dependencies=[Depends(check_token)])
        async def items(session=Depends(get_session)):
            return []
        """,
        dependency_order,
    ),
    example(
        "cleanup-at-wrong-time",
        _LOADING,
        _session("get_session"),
        _session('get_session, scope="function"'),
        cleanups,
    ),
    example(
        "handled-elsewhere",
        _ITEMS,
        f"""{_FAILING}
        @app.get("/items")
        async def items():
            try:
                return {{}}["ada"]
            except KeyError:
                raise HTTPException(404) from None
        """,
        f"""{_FAILING}
        @app.get("/items")
        async def items():
            return {{}}["ada"]
        """,
        handled,
    ),
    example(
        "validated-otherwise",
        scenario(get("/items?page=two")),
        """
        @app.get("/items")
        async def items(page="1"):
            return page
        """,
        """
        @app.get("/items")
        async def items(page: int = 1):
            return page
        """,
        validation_errors,
    ),
)
