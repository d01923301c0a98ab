"""Day 60: live. Your answers go into this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it.
What the app needs from outside comes as a parameter. The defaults let you serve the app by
hand; the grader passes its own, with other values and other delays, so use the parameters
and not the functions below.

    grade day60            grade everything
    grade day60 2          grade exercise 2
    grade serve day60 2    serve it, to try it by hand
"""

import asyncio

# Exercise 1: a stream of events


async def tick_slowly():
    for count in range(1, 61):
        await asyncio.sleep(1)
        yield {"tick": count}


def exercise_1(ticks=tick_slowly):
    """GET /ticks answers with server-sent events, one for each item of `ticks()`.

    `ticks` is an async generator function. The `data:` of each event is the item as JSON, and
    it is sent as soon as the item is there. Each client has a generator of its own. When a
    client leaves, its generator ends at once.
    """
    raise NotImplementedError("exercise 1")


# Exercise 2: resuming, and keeping open


async def subscribe_slowly(after):
    for id in range(after + 1, after + 61):
        await asyncio.sleep(2 if id % 5 else 40)
        yield id, {"news": f"number {id}"}


def exercise_2(subscribe=subscribe_slowly):
    """GET /events answers with server-sent events, from `subscribe(after)`.

    `subscribe` is an async generator function. It yields pairs `(id, event)`: those after the id
    that it is given, and then each new one. Ids are positive integers.

    - Each event has its `id:`, and `data:` with the event as JSON.
    - The header Last-Event-ID says which event the client has seen last: go on after that. Without
      it, `subscribe(0)`.
    - When there has been nothing to send for 15 seconds, send a comment, so that proxies keep the
      connection open.
    - A client that reads slowly doesn't hold up the others.
    - When a client leaves, its subscription ends.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: a room


def exercise_3():
    """A WebSocket at /rooms/{name}. What a client says goes to all clients in its room.

    - When it joins, a client gets a number: 1, 2, ... in each room. A number is never used again,
      but once a room has been empty its numbers begin at 1 again.
    - A client sends JSON: {"text": "hello"}. All in the room, itself included, get
      {"from": its number, "text": "hello"}. Anything else, bytes too, is answered with
      {"error": "invalid"}, to this client alone.
    - A client that doesn't read delays nobody. When it has more than 100 messages unread, close
      its connection with 1013.
    - A client that leaves is forgotten, and so is a room that is empty.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: who is there


async def find_some_user(token):
    await asyncio.sleep(0.1)
    return {"ada-1": {"name": "Ada", "role": "admin"}, "bob-1": {"name": "Bob", "role": "user"}}.get(
        token
    )


def exercise_4(find_user=find_some_user):
    """A WebSocket at /me.

    - The first message is {"token": ...}. `await find_user(token)` gives {"name": ..., "role": ...},
      or None for an unknown token. If the token is unknown, or no message comes within 5 seconds,
      close the connection with 1008. Do the same for any other first message, without calling
      `find_user`.
    - Then each {"type": "ping"} is answered with {"type": "pong"}. Other messages are ignored.
    - A client that sends nothing for 30 seconds: close with 1001.
    - Each user has one connection, and the same `name` is the same user. When the user connects
      again, close the older connection with 4000.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: an upload


class SlowUpload:
    def __init__(self, name):
        self.name = name

    async def write(self, data):
        await asyncio.sleep(0.01)
        print(f"{self.name}: {len(data)} bytes")

    async def commit(self):
        print(f"{self.name}: committed")

    async def abort(self):
        print(f"{self.name}: aborted")


async def open_slow_upload(name):
    return SlowUpload(name)


def exercise_5(open_upload=open_slow_upload):
    """PUT /files/{name} stores its body: `upload = await open_upload(name)`, then
    `await upload.write(bytes)` for each piece as it comes, then `await upload.commit()`.

    - 201 {"size": ..., "sha256": ...}: the number of bytes, and their hash in hexadecimal.
    - Never keep more than one piece in memory.
    - More than 1,000,000 bytes: 413, as soon as the limit is passed.
    - If the client leaves, or anything fails: `await upload.abort()`. Never after a commit that
      has succeeded.
    - A write that fails is answered with 500.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: what the database tells


def exercise_6(dsn="postgresql://postgres@localhost/day60"):
    """Prices, live, from a PostgreSQL database.

    The table is there: prices (sku text primary key, price double precision not null). The grader
    has a PostgreSQL of its own, and `grade serve day60 6` gives the app one, to try it by hand.

    - POST /prices with {"sku": ..., "price": ...} stores the price, or replaces it, and notifies the
      channel `prices`, in one transaction. It answers 201 with the same JSON, which is also the
      payload of the notification.
    - GET /prices/stream answers with server-sent events: the payload of each notification on
      `prices`, no matter who sent it.
    - However many clients there are, one connection of the app listens. It does so before the app
      takes requests.
    - If that connection is lost, open another: after 1 second, and if that fails after 2 more,
      then 4, and so on, at most 30. The clients stay.
    """
    raise NotImplementedError("exercise 6")
