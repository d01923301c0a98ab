"""Day 60: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import asyncio
import hashlib
import json
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Annotated, Any, Literal

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, ValidationError


def exercise_1(ticks):
    """With `EventSourceResponse` as its response class, an endpoint that yields sends events, and
    is cancelled when its client leaves. That ends *your* generator. The one that it reads from is
    ended by `aclosing`; without that, it stays suspended at its `yield` until Python collects it.

    `raw_data` is sent as it is, so the JSON is made here. `data=tick` would make it, too, but
    sends nothing at all for `None`.

    Read: [Server-sent events](../../lessons/day60.md#server-sent-events).
    """
    app = FastAPI()

    @app.get("/ticks", response_class=EventSourceResponse)
    async def stream():
        async with aclosing(ticks()) as source:
            async for tick in source:
                yield ServerSentEvent(raw_data=json.dumps(tick))

    return app


def exercise_2(subscribe):
    """A browser that loses the connection comes back by itself, and sends the last `id:` that it
    has seen as `Last-Event-ID`. So each event carries its id, and the subscription begins after
    the one that the client names. Each client has a subscription of its own: one that reads
    slowly holds up nobody. The comment every fifteen seconds is FastAPI's doing.

    If you write it yourself, don't put a time limit around `anext(source)`: when the limit
    cancels it, that ends the generator, and with it the subscription.

    Read: [Resuming, and keeping open](../../lessons/day60.md#resuming-and-keeping-open).
    """
    app = FastAPI()

    @app.get("/events", response_class=EventSourceResponse)
    async def events(last_event_id: Annotated[int, Header(ge=0)] = 0):
        async with aclosing(subscribe(last_event_id)) as source:
            async for number, event in source:
                yield ServerSentEvent(id=str(number), raw_data=json.dumps(event))

    return app


async def first_of(*coroutines):
    """The result of the first of these to end. The others are cancelled, and waited for."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return done.pop().result()


class Said(BaseModel):
    """What a client says to its room."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: str


MOST_UNREAD, TRY_AGAIN_LATER = 100, 1013


class Member:
    """One client of a room, with what it has not read yet.

    Attributes:
        number: by which the others know it.
        fell_behind: set when it has more unread messages than it may have.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.unread: asyncio.Queue[Any] = asyncio.Queue(MOST_UNREAD)
        self.fell_behind = asyncio.Event()

    def tell(self, message: Any) -> None:
        try:
            self.unread.put_nowait(message)
        except asyncio.QueueFull:
            self.fell_behind.set()


class Room:
    """The clients that talk to each other, each with a number that is never used again."""

    def __init__(self) -> None:
        self.members: set[Member] = set()
        self._joined = 0

    def join(self) -> Member:
        self._joined += 1
        member = Member(self._joined)
        self.members.add(member)
        return member

    def tell_all(self, message: Any) -> None:
        for member in self.members:
            member.tell(message)


def exercise_3():
    """To tell a room something, don't wait for any client: put the message into a queue for
    each member, and go on. For each member a task writes what is in its queue, as fast as that
    client reads. A full queue means that the client doesn't read: it is closed, with the code for
    "try again later". `await socket.send_json(...)` in a loop over the members would stop the
    whole room at the first client that sleeps.

    Read: [A room](../../lessons/day60.md#a-room).
    """
    app = FastAPI()
    rooms: dict[str, Room] = {}

    @app.websocket("/rooms/{name}")
    async def connect(socket: WebSocket, name: str):
        await socket.accept()
        room = rooms.setdefault(name, Room())
        member = room.join()
        try:
            await first_of(
                read(socket, room, member), write(socket, member), member.fell_behind.wait()
            )
        finally:
            room.members.discard(member)
            if not room.members:
                del rooms[name]
        if member.fell_behind.is_set():
            await socket.close(TRY_AGAIN_LATER)

    async def read(socket: WebSocket, room: Room, member: Member):
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            try:
                said = Said.model_validate_json(message.get("text") or "")
            except ValidationError:
                member.tell({"error": "invalid"})
            else:
                room.tell_all({"from": member.number, "text": said.text})

    async def write(socket: WebSocket, member: Member):
        while True:
            await socket.send_json(await member.unread.get())

    return app


class Login(BaseModel):
    token: str


class Ping(BaseModel):
    type: Literal["ping"]


LOGIN_WITHIN, SILENT_FOR = 5, 30
POLICY, GOING_AWAY, REPLACED = 1008, 1001, 4000


async def message_from(socket: WebSocket, seconds: float) -> str:
    """The next message of a client; empty if it isn't text.

    Raises:
        TimeoutError: there is none in time.
        WebSocketDisconnect: the client has gone.
    """
    async with asyncio.timeout(seconds):
        message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    return message.get("text") or ""


def exercise_4(find_user):
    """A browser can't set headers on a WebSocket, so the first message says who it is, and a
    client that says nothing isn't kept. Each wait for a message has a limit of its own.

    A connection is closed by its own task. The newer one sets an event, and doesn't wait: the
    older one may be stuck in a `send`. And each forgets only *itself*: when the older one ends,
    its place in the dict is the newer one's.

    Read: [Who is there, and still there](../../lessons/day60.md#who-is-there-and-still-there).
    """
    app = FastAPI()
    connected: dict[str, asyncio.Event] = {}

    @app.websocket("/me")
    async def connect(socket: WebSocket):
        await socket.accept()
        with suppress(WebSocketDisconnect):
            await socket.close(await serve(socket))

    async def serve(socket: WebSocket) -> int:
        """Serve a client; the code to close its connection with."""
        user = await log_in(socket)
        if user is None:
            return POLICY
        name, replaced = user["name"], asyncio.Event()
        if name in connected:
            connected[name].set()
        connected[name] = replaced
        try:
            return await first_of(answer_pings(socket), close_when(replaced))
        finally:
            if connected[name] is replaced:
                del connected[name]

    async def log_in(socket: WebSocket):
        try:
            login = Login.model_validate_json(await message_from(socket, LOGIN_WITHIN))
        except (TimeoutError, ValidationError):
            return None
        return await find_user(login.token)

    async def answer_pings(socket: WebSocket) -> int:
        while True:
            try:
                Ping.model_validate_json(await message_from(socket, SILENT_FOR))
            except TimeoutError:
                return GOING_AWAY
            except ValidationError:
                continue
            await socket.send_json({"type": "pong"})

    async def close_when(replaced: asyncio.Event) -> int:
        await replaced.wait()
        return REPLACED

    return app


MOST_BYTES = 1_000_000


def exercise_5(open_upload):
    """`request.stream()` gives the body as it arrives, and asks for the next piece when the last
    one is written: the upload goes as fast as its slower end. `UploadFile` and
    `await request.body()` take in all of it first. What ends too early is aborted, whatever ended
    it: a client that leaves, an error of the storage, or a cancellation, which isn't an
    `Exception`. The commit is the last statement of the `try`, so nothing can abort after it.

    Read: [Uploads](../../lessons/day60.md#uploads).
    """
    app = FastAPI()

    @app.put("/files/{name}", status_code=201)
    async def put(name: str, request: Request):
        size, digest = 0, hashlib.sha256()
        upload = await open_upload(name)
        try:
            async for piece in request.stream():
                size += len(piece)
                if size > MOST_BYTES:
                    raise HTTPException(413, f"at most {MOST_BYTES} bytes")
                if piece:
                    digest.update(piece)
                    await upload.write(piece)
            await upload.commit()
        except BaseException:
            await upload.abort()
            raise
        return {"size": size, "sha256": digest.hexdigest()}

    return app


class Price(BaseModel):
    sku: Annotated[str, Field(max_length=500)]
    price: Annotated[float, Field(allow_inf_nan=False)]


FIRST_PAUSE, LONGEST_PAUSE, MOST_UNSEEN = 1, 30, 1000
NOT_CONNECTED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Listeners:
    """Those who watch the prices, each with a queue of what it has not seen yet."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str]] = set()

    @asynccontextmanager
    async def joined(self):
        queue: asyncio.Queue[str] = asyncio.Queue(MOST_UNSEEN)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def tell(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()  # the newest prices matter most
            queue.put_nowait(payload)


def exercise_6(dsn):
    """One connection listens for as long as the app lives, and puts each notification into the
    queues of all clients. A pool takes back what it lends, and resets it, so that connection is
    not one of the pool's. One for each client would be a connection for each open page.
    PostgreSQL sends a notification when the transaction commits: store and notify in one
    transaction, and nobody hears of a price that isn't there.

    A task watches the connection and opens it again. Its pauses double, and begin with one second
    again once it has worked. The clients notice nothing but the gap.

    Read: [What the database tells](../../lessons/day60.md#what-the-database-tells).
    """
    listeners = Listeners()

    async def listen() -> asyncio.Event:
        """Listen, on a connection that only does that; the event is set when it is lost."""
        lost = asyncio.Event()
        app.state.listener = conn = await asyncpg.connect(dsn)
        conn.add_termination_listener(lambda _: lost.set())
        await conn.add_listener("prices", listeners.tell)
        return lost

    async def keep_listening(lost: asyncio.Event) -> None:
        while True:
            await lost.wait()
            pause = FIRST_PAUSE
            while lost.is_set():
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                with suppress(*NOT_CONNECTED):
                    lost = await listen()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            listening = asyncio.create_task(keep_listening(await listen()))
            try:
                yield
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                await app.state.listener.close()

    app = FastAPI(lifespan=lifespan)

    async def unseen():
        async with listeners.joined() as queue:
            yield queue

    @app.get("/prices/stream", response_class=EventSourceResponse)
    async def stream(queue: Annotated[Any, Depends(unseen)]):
        while True:
            yield ServerSentEvent(raw_data=await queue.get())

    @app.post("/prices", status_code=201)
    async def store(price: Price) -> Price:
        async with app.state.pool.acquire() as conn, conn.transaction():
            await conn.execute(
                "INSERT INTO prices (sku, price) VALUES ($1, $2)"
                " ON CONFLICT (sku) DO UPDATE SET price = excluded.price",
                price.sku,
                price.price,
            )
            await conn.execute("SELECT pg_notify('prices', $1)", price.model_dump_json())
        return price

    return app
