"""Day 54: from request to response. Your answers go into this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it.
What the app needs from outside (a store, a database) comes as a parameter. The defaults
let you serve the app by hand; the grader passes its own, with other values and other
delays, so use the parameters and not the functions below.

    grade day54            grade everything
    grade day54 2          grade exercise 2
    grade serve day54 2    serve it, to try it by hand
"""

import asyncio
import datetime

# Exercise 1: a path parameter (warm-up)


def exercise_1():
    """GET /square/{number} answers {"square": number * number}.

    The number is an integer from 0 to 1000. Anything else is answered 422.
    """
    raise NotImplementedError("exercise 1")


# Exercise 2: a body (warm-up)


def exercise_2():
    """POST /items takes JSON {"name", "price"} and answers 201 with the same.

    The name has 1 to 50 characters after the blanks around it are taken off. The price is a
    number above 0. Anything else is answered 422, and so is a body with unknown fields.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: three bodies, one rule


async def store_slowly(item):
    await asyncio.sleep(0.5)
    return hash(item["name"]) % 1000


def exercise_3(store=store_slowly):
    """The items of exercise 2 come in three ways. `await store({"name", "price"})` gives an id.

    - POST /items takes JSON, by the rules of exercise 2, and answers 201 {"id": id}.
    - POST /items/form takes an HTML form with the same two fields, urlencoded or multipart, and
      answers the same. A form may have other fields, too.
    - POST /items/csv takes lines `name,price` as a raw body in UTF-8, which comes in pieces. It
      stores every line, one after the other, and answers 201 {"ids": [...]}.

    For the CSV:

    - More than 1,000 bytes are answered 413 as soon as the limit is passed, not when the client
      is done.
    - If one line is bad, the answer is 422 with the number of the line in its text (the first
      is 1), and nothing is stored.
    - A blank line is bad, too. A newline at the end of the last line is fine.
    - Lines may end with "\\r\\n". Quotes are ordinary characters.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: bookings


def exercise_4():
    """Bookings, which are kept in memory.

    POST /bookings takes {"room", "start", "end", "guests", "payment"}:

    - `room` is a capital letter, a dash and three digits: "A-101".
    - `start` and `end` are datetimes with an offset. `end` is later than `start`, and at most 14
      days later.
    - `guests` is an integer from 1 to 8.
    - `payment` is {"method": "card", "last4": four digits, as a string}, or
      {"method": "invoice", "vat": a string of at least 5 characters}.
    - Unknown fields are refused, in the booking and in the payment.

    It answers 201 {"id", "room", "start", "end", "guests", "payment"}. Ids count from 1, and a
    booking that is refused (422) uses none. Times are in UTC and end in "Z".

    GET /bookings/{id} answers with the booking, or 404.

    PATCH /bookings/{id} changes the fields that were sent; `payment` is replaced as a whole. A
    null counts as a value, and is refused. If the booking is valid with the changes, the answer
    is 200 with the booking. If it isn't, the answer is 422, and nothing has changed. {} changes
    nothing.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: errors


async def load_slowly(key):
    await asyncio.sleep(0.5)
    return {"lamp": {"watts": 40}}[key]


def exercise_5(load=load_slowly):
    """GET /documents/{key} answers with what `await load(key)` gives. If that raises

    - a LookupError: 404 {"error": "not-found"}
    - a PermissionError: 403 {"error": "forbidden"}
    - a TimeoutError: 504 {"error": "timeout"}
    - an HTTPException: its own status and headers, and {"error": "http", "detail": its detail}
    - anything else: 500 {"error": "internal"}, and the error is logged with its traceback on the
      logger "day54".

    No text of an error gets out, except the detail of an HTTPException. Unknown paths and
    methods are answered in the same form: {"error": "http", "detail": ...}.

    POST /documents takes {"key": 3 to 20 characters, "secret": at least 8} and answers 201
    {"key": key}. What is invalid is answered 422 {"error": "invalid", "fields": [["body",
    "secret"], ...]}: the places of what is wrong. No value that was sent appears in it.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: names that are taken


async def exists_slowly(field, value):
    await asyncio.sleep(0.5)
    return value in ("ada", "ada@example.org")


async def create_slowly(user):
    await asyncio.sleep(0.5)
    return hash(user["username"]) % 1000


def exercise_6(exists=exists_slowly, create=create_slowly):
    """POST /users takes {"username": 3 to 20 of a-z 0-9 _, "email": one @ with something on
    both sides}.

    - Invalid: 422, and nothing is asked.
    - Ask `await exists("username", value)` and `await exists("email", value)`, both together.
    - Taken: 409 {"taken": ["username", "email"]}: the fields that are taken, in this order.
    - Otherwise `await create({"username", "email"})` gives an id: 201 {"id": id}. If it raises a
      KeyError, someone else was quicker: 409.

    POST /users/batch takes a list of 1 to 100 such users.

    - A batch makes ten calls of `exists` at a time, and never more.
    - A value that an earlier user in the list has is taken: don't ask for it again.
    - If anything is taken: 409 {"errors": [{"index": 0, "taken": ["email"]}, ...]}, with the
      place in the list, from 0. Nothing is created.
    - Otherwise all are created, one after the other: 201 {"ids": [...]}. A KeyError is a 409 here
      as well; what was created before it stays.
    """
    raise NotImplementedError("exercise 6")


# Exercise 7: what goes out


def record_of(number):
    return {
        "id": number,
        "name": "Ada",
        "email": "ada@example.org",
        "joined": datetime.date(2024, 5, 1),
        "password_hash": "$argon2id$...",
    }


async def find_slowly(id):
    await asyncio.sleep(0.5)
    return record_of(id) if id < 100 else None


async def find_all_slowly():
    await asyncio.sleep(0.5)
    return [record_of(1), {"id": 2, "name": None}]


def exercise_7(find=find_slowly, find_all=find_all_slowly):
    """A record has an `id` (int), a `name` (str), an `email` (with one @) and `joined`
    (datetime.date), and much more that may not go out. If one of the four is missing, or
    isn't what it should be, the record doesn't fit.

    GET /users/{id}: `await find(id)` gives a record, or None (404). The answer is {"id", "name",
    "email_hint", "joined"}, the hint of ada@example.org being "a***@example.org". A record that
    doesn't fit is answered 500 and logged with its traceback on the logger "day54"; nothing of
    the record is in the answer.

    GET /users: `await find_all()` gives a list of records. The answer is a list of the same
    objects. Records that don't fit are left out. The header X-Skipped says how many, and is
    always there.
    """
    raise NotImplementedError("exercise 7")
