"""The routes of the board, who may use them, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from .access import Role
from .audience import Mailbox, News, NoSeat
from .messages import MOST_BYTES, LearnerReport, in_words
from .page import POLICY, page
from .reports import UNAVAILABLE, BoardFull, Busy

if TYPE_CHECKING:
    from .app import Board

BODY_WITHIN = 10.0
"""Seconds in which a report has to arrive."""
COME_BACK_IN = {"Retry-After": "1"}

router = APIRouter()


def board_of(request: Request) -> Board:
    """The board of this app."""
    board: Board = request.app.state.board
    return board


async def role(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> Role:
    """Whose token came with the request. No token, and a wrong one, are answered alike.

    Raises:
        HTTPException: 401, if it is nobody's.
    """
    found = board_of(request).tokens.role_of(given.credentials) if given else None
    if found is None:
        problem = (
            "this isn't the board's token: copy the address again, with all that follows the #"
        )
        raise HTTPException(401, problem, {"WWW-Authenticate": "Bearer"})
    return found


KnownRole = Annotated[Role, Depends(role)]


# Reports


async def body_of(request: Request, _: KnownRole) -> bytes:
    """The body, which is neither large nor slow. It isn't read from strangers.

    Raises:
        HTTPException: 413 if it is too large, 408 if too slow, 400 if the client has left.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BYTES:
                    raise HTTPException(413, f"a report has at most {MOST_BYTES} bytes")
    except TimeoutError as error:
        raise HTTPException(408, "the report did not arrive in time") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the client has left") from error
    return bytes(body)


async def report_of(request: Request, body: Annotated[bytes, Depends(body_of)]) -> LearnerReport:
    """The report, on exercises that there are.

    Raises:
        HTTPException: 422, and what is wrong with it.
    """
    try:
        report = LearnerReport.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422, in_words(error)) from error
    known = board_of(request).exercises
    numbers = [one.number for one in report.exercises]
    if report.lesson not in known:
        raise HTTPException(422, f"this board has no such lesson, but {', '.join(known)}")
    if strange := set(numbers) - known[report.lesson]:
        which = ", ".join(map(str, sorted(strange)))
        raise HTTPException(422, f"{report.lesson} has no exercise {which} on this board")
    if len(set(numbers)) < len(numbers):
        raise HTTPException(422, "an exercise is in the report twice")
    return report


@router.post("/reports", status_code=201)
async def take_report(
    request: Request, response: Response, report: Annotated[LearnerReport, Depends(report_of)]
) -> dict[str, bool]:
    """Store a report. The answer comes after the commit, so what is answered is never lost."""
    is_new = await board_of(request).store(report)
    if not is_new:
        response.status_code = 200
    return {"new": is_new}


# The page


@router.get("/", response_class=HTMLResponse)
async def show_page() -> HTMLResponse:
    """The page. It is the same for everyone: what it shows comes as events."""
    return HTMLResponse(
        page(),
        headers={
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
        },
    )


async def seat(request: Request, _: KnownRole) -> AsyncIterator[Mailbox]:
    """A place among the readers, until this one leaves."""
    with board_of(request).audience.seat() as mailbox:
        yield mailbox


async def chosen(request: Request, role: KnownRole, names: bool = False) -> Callable[[News], str]:
    """Which of the news this reader is told.

    Raises:
        HTTPException: 403, if names are asked for that this reader may not see.
    """
    if names and not (role is Role.INSTRUCTOR and board_of(request).may_name):
        raise HTTPException(403, "names are for the instructor, of a board started with --names")
    if role is Role.LEARNER:
        return attrgetter("room")
    return attrgetter("names" if names else "instructor")


@router.get("/events", response_class=EventSourceResponse)
async def tell(
    mailbox: Annotated[Mailbox, Depends(seat)],
    choose: Annotated[Callable[[News], str], Depends(chosen)],
) -> AsyncIterator[ServerSentEvent]:
    """Overviews, as long as the reader stays. Each is whole, so they need no ids, and a reader who
    comes back has missed nothing."""
    while (news := await mailbox.get()) is not None:
        yield ServerSentEvent(raw_data=choose(news))


# What goes wrong


def handle_errors(app: FastAPI) -> None:
    """Answers to errors that any route may meet. What is asked to come again is stored nowhere."""

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> JSONResponse:
        return JSONResponse({"detail": "the board is busy"}, 503, COME_BACK_IN)

    @app.exception_handler(NoSeat)
    async def no_seat(request: Request, error: NoSeat) -> JSONResponse:
        return JSONResponse({"detail": "no seat is left"}, 503, COME_BACK_IN)

    @app.exception_handler(BoardFull)
    async def full(request: Request, error: BoardFull) -> JSONResponse:
        most = board_of(request).most_learners
        return JSONResponse({"detail": f"the board is full: it has {most} learners"}, 403)

    async def unavailable(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": "the board's database doesn't answer"}, 503, COME_BACK_IN)

    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, unavailable)
